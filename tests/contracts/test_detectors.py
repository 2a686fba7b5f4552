"""What every detector promises, whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mtmc.detect import Detector, DetectParams, detect, make_detector
from mtmc.scene import Camera
from mtmc.structures import LABELS, Detections
from mtmc.video import Video
from tests.mtmc.detect.models import one_car_head, write_onnx, write_tiny_mask_rcnn
from tests.mtmc.detect.scenes import FRAMES, drive

Made = tuple[Detector, DetectParams]


def _motion(folder: Path) -> DetectParams:
    return DetectParams(detector="motion")


def _recorded(folder: Path) -> DetectParams:
    (folder / "det.txt").write_text("".join(f"{frame},-1,300,100,40,30,0.9,-1,-1,-1\n" for frame in (3, 1, 2)))
    return DetectParams(detector="recorded", recorded=str(folder / "det.txt"))


def _onnx(folder: Path) -> DetectParams:
    return DetectParams(detector="onnx", weights=write_onnx(folder / "m.onnx", one_car_head()), batch=3)


def _detectron2(folder: Path) -> DetectParams:
    model = str(write_tiny_mask_rcnn(folder))
    classes = ("car", "bus", "truck", "van")
    return DetectParams(model=model, weights=Path("random"), model_classes=classes, min_score=0.15, batch=8)


@pytest.fixture(params=[_motion, _recorded, _onnx, _detectron2], ids=lambda make: make.__name__.strip("_"))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    make: Callable[[Path], DetectParams] = request.param
    params = make(tmp_path)
    torch.manual_seed(0)
    return make_detector(params, "cpu"), params


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    return drive(tmp_path_factory.mktemp("road") / "a.mp4")


def same(a: Detections, b: Detections) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("frames", "xyxy", "scores", "labels", "features")
    )


def test_promises(made: Made, camera: Camera) -> None:
    detector, params = made
    found = detect(camera, Video(camera), detector, params)
    assert len(found) > 0
    assert (np.diff(found.frames) >= 0).all()
    assert found.frames.min() >= 0
    assert found.frames.max() < FRAMES
    assert found.xyxy.min() >= 0
    assert (found.xyxy <= [320, 180, 320, 180]).all()
    assert (found.scores >= params.min_score).all()
    assert {LABELS[label] for label in found.labels} <= set(params.classes)
    assert np.isfinite(found.features).all()
    assert np.linalg.norm(found.features, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert same(found, detect(camera, Video(camera), detector, params)), "a second video starts afresh"
