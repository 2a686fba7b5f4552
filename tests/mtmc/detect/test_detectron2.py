from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mtmc.detect import DetectParams, detectron2_compat
from mtmc.detect.detectron2 import Detectron2Detector, make
from mtmc.detect.detectron2_model import load_model
from mtmc.errors import ConfigError, WeightsError
from mtmc.structures import Detections
from mtmc.video import Clip
from tests.builders import make_camera
from tests.mtmc.detect.models import write_tiny_mask_rcnn

CLASSES = ("car", "bus", "truck", "van")
IMAGES = np.random.default_rng(0).integers(0, 255, (2, 90, 160, 3), np.uint8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Mask R-CNN on disk: YAML and half-precision safetensors that name their classes."""
    folder = tmp_path_factory.mktemp("tiny")
    params = DetectParams(model=str(write_tiny_mask_rcnn(folder)), weights=Path("random"), model_classes=CLASSES)
    torch.manual_seed(0)
    model, _, _ = load_model(params, torch.device("cpu"))
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    save_file(
        {name: value.contiguous() for name, value in state.items()},
        folder / "tiny.safetensors",
        {"classes": json.dumps(CLASSES)},
    )
    torch.save({"model": model.state_dict()}, folder / "tiny.pth")
    return folder


def load(weights: Path, **params: Any) -> Detectron2Detector:
    return make(DetectParams(weights=weights, min_score=0.0, **params), "cpu")


def find(detector: Detectron2Detector, images: np.ndarray = IMAGES) -> Detections:
    camera = make_camera(size=(160, 90))
    return detector.begin(camera, None)(Clip(7, images))  # type: ignore[arg-type]


def test_same_boxes_as_detectron2s_own_inference(tiny: Path) -> None:
    detector = load(tiny / "tiny.safetensors", precision="float32")
    found = find(detector)
    model = detector._model
    batch = [{"image": torch.from_numpy(i.transpose(2, 0, 1).copy()), "height": 90, "width": 160} for i in IMAGES]
    scaled = [
        {**one, "image": torch.nn.functional.interpolate(one["image"][None].float(), (96, 171), mode="bilinear")[0]}
        for one in batch
    ]
    with torch.inference_mode():
        expected = [one["instances"] for one in model.inference(scaled)]
    assert len(found) == sum(len(one) for one in expected) > 0
    theirs = torch.cat([one.pred_boxes.tensor for one in expected]).numpy()
    assert (
        np.median(np.abs(found.xyxy - theirs).max(axis=1)) < 1.0
    )  # resized by another library: a few random boxes swap
    assert set(found.frames.tolist()) == {7, 8}


def test_appearance_is_one_unit_row_per_box(tiny: Path) -> None:
    found = find(load(tiny / "tiny.safetensors"))
    assert found.features.shape == (len(found), 16)
    assert np.linalg.norm(found.features, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_checkpoint_of_detectron2_gives_the_same(tiny: Path) -> None:
    ours = find(load(tiny / "tiny.safetensors", precision="float32"))
    theirs = find(load(tiny / "tiny.pth", precision="float32", model_classes=CLASSES))
    assert len(ours) == len(theirs)
    assert np.median(np.abs(ours.scores - theirs.scores)) < 2e-3  # half precision on disk


def test_bfloat16_backbone_finds_much_the_same(tiny: Path) -> None:
    exact, quick = (find(load(tiny / "tiny.safetensors", precision=p)) for p in ("float32", "bfloat16"))
    assert abs(len(exact) - len(quick)) <= 0.1 * len(exact)
    assert exact.scores.max() == pytest.approx(quick.scores.max(), abs=0.05)


def test_other_models_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "tiny.safetensors")
    (tmp_path / "tiny.yaml").write_text((tiny / "tiny.yaml").read_text())
    with pytest.raises(WeightsError, match=r"none for \d+ of its parameters"):
        load(tmp_path / "tiny.safetensors")
    (tmp_path / "tiny.pth").write_text("no weights")
    with pytest.raises(WeightsError, match="a file of weights"):
        load(tmp_path / "tiny.pth", model_classes=CLASSES)
    with pytest.raises(WeightsError, match="no such file"):
        load(tmp_path / "none.pth", model=str(tiny / "tiny.yaml"))


def test_classes_must_be_named(tiny: Path) -> None:
    with pytest.raises(ConfigError, match="4 classes"):
        load(tiny / "tiny.pth")
    with pytest.raises(ConfigError, match="4 labels"):
        load(tiny / "tiny.pth", model_classes=("car",))


def test_unknown_model_name_is_explained() -> None:
    with pytest.raises(ConfigError, match=r"zoo name like .* found 'COCO-Nonsense/x'"):
        load(Path("random"), model="COCO-Nonsense/x")


def test_zoo_model_is_built_without_the_zoos_files() -> None:
    detector = load(Path("random"), model="COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x", short_side_px=64)
    model = detector._model
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(44.3e6, rel=0.01)
    assert model.backbone.output_shape()["p2"].channels == 256
    assert detector._pooler.output_size == (14, 14)


def test_compatibility_leaves_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    extension = type(sys)("detectron2._C")
    monkeypatch.setitem(sys.modules, "detectron2._C", extension)
    before = np.bool_, np.int32
    detectron2_compat.apply()
    detectron2_compat.apply()
    assert sys.modules["detectron2._C"] is extension
    assert (np.bool_, np.int32) == before
