"""Mask R-CNN by torchvision: COCO weights of its own, no other package."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtmc.detect.detector import ClipDetector
from mtmc.detect.detectron2_compat import require_torchvision
from mtmc.detect.labels import COCO_ID_COUNT, COCO_IDS, label_table
from mtmc.detect.model_files import OTHERWISE, Unreachable
from mtmc.detect.params import RANDOM, DetectParams
from mtmc.detect.postprocess import make_detections
from mtmc.detect.torch_network import UNREADABLE, Precision, autocast, on_device, read_checkpoint
from mtmc.devices import choose_device
from mtmc.errors import WeightsError
from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.video import Clip, Frames

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)


def make(params: DetectParams, device: str) -> TorchvisionDetector:
    """Mask R-CNN R50-FPN. Raises InstallError where torch and torchvision do not match, WeightsError for a wrong
    file."""
    require_torchvision()
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    options = {"min_size": params.short_side_px} if params.short_side_px else {}
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=params.min_score, **options)
    _load(model, params.weights)
    return TorchvisionDetector(model.eval(), choose_device(device), params.precision)


def _load(model: Any, weights: Path | None) -> None:
    if str(weights) == RANDOM:
        logger.warning("Detection runs on random weights: its boxes mean nothing.")
        return
    state = published_weights() if weights is None else read_checkpoint(weights)
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        found = str(error).splitlines()[0]
        raise WeightsError(str(weights), "torchvision's Mask R-CNN R50-FPN", found, "Give its .pth file.") from error


def published_weights() -> Any:
    """torchvision's COCO weights, from torch's cache or the network. Raises Unreachable."""
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

    weights = MaskRCNN_ResNet50_FPN_Weights.COCO_V1
    try:
        return weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except UNREADABLE as error:
        fix = "Delete it from torch's cache (TORCH_HOME or ~/.cache/torch), and it is fetched again."
        raise WeightsError(
            weights.url, "torchvision's weights", "another or a damaged file in the cache", fix
        ) from error
    except OSError as error:
        fix = f"Fetch it where there is a network and give it with --weights. {OTHERWISE}"
        raise Unreachable(weights.url, "a model that can be fetched", str(error), fix) from error


class TorchvisionDetector:
    """torchvision's detection model; its category ids are COCO's own, with gaps."""

    def __init__(self, model: Any, device: torch.device, precision: Precision) -> None:
        self._model, self._device, self._precision = model.to(device), device, precision
        self._labels = label_table(COCO_IDS, COCO_ID_COUNT)

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Frames are looked at one by one: nothing to remember."""
        return self._detect

    def _detect(self, clip: Clip) -> Detections:
        import torch

        with torch.inference_mode():
            found = self._forward(list(on_device(clip.images, self._device)))
        return Detections.concatenate([self._boxes(int(f), one) for f, one in zip(clip.frames, found, strict=True)])

    def _forward(self, batch: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        """Boxes, scores and categories per image; masks are not computed: no later stage reads them."""
        import torch

        model = self._model
        images, _ = model.transform(batch, None)
        with autocast(self._device, self._precision):
            pyramid = model.backbone(images.tensors.contiguous(memory_format=torch.channels_last))
        pyramid = {name: level.float() for name, level in pyramid.items()}
        proposals, _ = model.rpn(images, pyramid, None)
        heads = model.roi_heads
        pooled = heads.box_head(heads.box_roi_pool(pyramid, proposals, images.image_sizes))
        logits, shifts = heads.box_predictor(pooled)
        boxes, scores, labels = heads.postprocess_detections(logits, shifts, proposals, images.image_sizes)
        raw = [{"boxes": b, "scores": s, "labels": c} for b, s, c in zip(boxes, scores, labels, strict=True)]
        sizes = [(int(one.shape[-2]), int(one.shape[-1])) for one in batch]
        return list(model.transform.postprocess(raw, images.image_sizes, sizes))

    def _boxes(self, frame: int, found: dict[str, torch.Tensor]) -> Detections:
        labels = self._labels[found["labels"].cpu().numpy()]
        return make_detections(frame, found["boxes"].cpu().numpy(), found["scores"].cpu().numpy(), labels)
