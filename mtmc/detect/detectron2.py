"""Mask R-CNN by Detectron2, as the paper's pipeline has it, with the appearance feature that its tracker uses.

Shape shorthand: B images, N boxes of an image, C channels of the feature pyramid (256 in the model zoo).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtmc.detect.detector import ClipDetector
from mtmc.detect.detectron2_model import load_model
from mtmc.detect.params import DetectParams
from mtmc.detect.postprocess import make_detections
from mtmc.detect.torch_network import Precision, autocast
from mtmc.devices import choose_device
from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.video import Clip, Frames

if TYPE_CHECKING:
    import torch


def make(params: DetectParams, device: str) -> Detectron2Detector:
    """The model that the parameters name. Raises InstallError, ConfigError for the model's name, WeightsError for its
    file."""
    place = choose_device(device)
    model, labels, sides = load_model(params, place)
    return Detectron2Detector(model, labels, (params.short_side_px or sides[0], sides[1]), params.precision)


class Detectron2Detector:
    """A GeneralizedRCNN of Detectron2 0.6 or later.

    labels: our label of each of its classes, negative for none. sides: the shorter side to which frames are resized,
    and the longest that the longer one may become, pixels.
    """

    def __init__(self, model: Any, labels: NDArray[np.int16], sides: tuple[int, int], precision: Precision) -> None:
        self._model, self._labels, self._sides, self._precision = model, labels, sides, precision
        self._pooler, self._levels = _pooler(model.roi_heads)

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Frames are looked at one by one: nothing to remember."""
        return self._detect

    def _detect(self, clip: Clip) -> Detections:
        import torch

        with torch.inference_mode():
            images, scale = self._resized(clip)
            found, features = self._forward(images)
        parts = zip(clip.frames, found, features, strict=True)
        return Detections.concatenate([self._boxes(int(f), boxes, row, scale) for f, boxes, row in parts])

    def _resized(self, clip: Clip) -> tuple[Any, NDArray[np.float32]]:
        """The network's input and what (x, y) are multiplied by to get back to the video's pixels."""
        import cv2
        import torch

        height, width = clip.images.shape[1:3]
        wide, high = self._target(width, height)
        shrink = cv2.INTER_AREA if high < height else cv2.INTER_LINEAR
        pictures = [
            i if (wide, high) == (width, height) else cv2.resize(i, (wide, high), interpolation=shrink)
            for i in clip.images
        ]
        batch = [{"image": torch.from_numpy(np.ascontiguousarray(p.transpose(2, 0, 1)))} for p in pictures]
        return self._model.preprocess_image(batch), np.array([width / wide, height / high] * 2, np.float32)

    def _target(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) of the network's image: Detectron2's rule of the shorter side, limited by the longer one."""
        scale = min(self._sides[0] / min(width, height), self._sides[1] / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _forward(self, images: Any) -> tuple[list[Any], list[torch.Tensor]]:
        """Instances and appearance (N, C) unit rows per image: the mask head's pooled region (14 x 14 x C) averaged
        (algorithm of the paper's predecessor, which gives it to its tracker). Masks themselves are not computed: no
        later stage reads them."""
        import torch
        from torch.nn import functional

        model = self._model
        with autocast(model.device, self._precision):
            pyramid = model.backbone(images.tensor.contiguous(memory_format=torch.channels_last))
        pyramid = {name: level.float() for name, level in pyramid.items()}
        proposals, _ = model.proposal_generator(images, pyramid, None)
        found, _ = model.roi_heads(images, pyramid, proposals)
        pooled = self._pooler([pyramid[name] for name in self._levels], [one.pred_boxes for one in found])
        appearance = functional.normalize(pooled.mean(dim=(2, 3)), dim=1)
        return found, list(torch.split(appearance, [len(one) for one in found]))

    def _boxes(self, frame: int, found: Any, appearance: torch.Tensor, scale: NDArray[np.float32]) -> Detections:
        xyxy = found.pred_boxes.tensor.cpu().numpy() * scale
        labels = self._labels[found.pred_classes.cpu().numpy()]
        return make_detections(frame, xyxy, found.scores.float().cpu().numpy(), labels, appearance.cpu().numpy())


def _pooler(heads: Any) -> tuple[Any, list[str]]:
    """The region pooling of the mask head, of the box head where there is none, and the pyramid's levels that it
    reads."""
    if getattr(heads, "mask_pooler", None) is not None:
        return heads.mask_pooler, list(heads.mask_in_features)
    return heads.box_pooler, list(heads.box_in_features)
