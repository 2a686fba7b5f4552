from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

from mtmc.detect import DetectParams
from mtmc.detect.labels import COCO_ID_COUNT, COCO_IDS, label_table
from mtmc.detect.torchvision import TorchvisionDetector, make
from mtmc.errors import WeightsError
from mtmc.structures import LABELS
from mtmc.video import Clip
from tests.builders import make_camera


def test_same_boxes_as_torchvisions_own_inference() -> None:
    torch.manual_seed(0)
    small = {"min_size": 64, "rpn_pre_nms_top_n_test": 40, "rpn_post_nms_top_n_test": 20}
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None)
    model = MaskRCNN(backbone, COCO_ID_COUNT, box_score_thresh=0.0, box_detections_per_img=5000, **small).eval()
    detector = TorchvisionDetector(model, torch.device("cpu"), "float32")
    images = np.random.default_rng(0).integers(0, 255, (2, 48, 64, 3), np.uint8)
    found = detector.begin(make_camera(size=(64, 48)), None)(Clip(3, images))  # type: ignore[arg-type]
    rgb = [torch.from_numpy(i[..., ::-1].transpose(2, 0, 1).copy()).float() / 255 for i in images]
    model.roi_heads.mask_roi_pool = None  # masks of thousands of boxes would take a minute
    with torch.inference_mode():
        expected = model(rgb)
    known = [torch.tensor([int(c) in COCO_IDS for c in one["labels"]], dtype=torch.bool) for one in expected]
    boxes = torch.cat([one["boxes"][k] for one, k in zip(expected, known, strict=True)]).numpy()
    assert len(found) == len(boxes) > 20
    assert found.xyxy == pytest.approx(boxes, abs=1e-2)
    assert set(found.frames.tolist()) == {3, 4}


def test_category_ids_have_gaps() -> None:
    table = label_table(COCO_IDS, COCO_ID_COUNT)
    assert [LABELS[table[k]] for k in (3, 6, 8)] == ["car", "bus", "truck"]
    assert (np.delete(table, list(COCO_IDS)) < 0).all()


def test_wrong_file_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="torchvision's Mask R-CNN"):
        make(DetectParams(weights=tmp_path / "a.pth"), "cpu")
    (tmp_path / "b.pth").write_text("no weights")
    with pytest.raises(WeightsError, match="a file of weights"):
        make(DetectParams(weights=tmp_path / "b.pth"), "cpu")
