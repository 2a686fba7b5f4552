from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtmc.detect import DetectParams, detect, make_detector
from mtmc.errors import ConfigError, WeightsError
from mtmc.scene_reader import read_camera
from mtmc.structures import LABELS, Detections
from mtmc.video import Video
from tests.builders import make_video
from tests.mtmc.detect.models import decoded, one_car_head, write_onnx


def find(folder: Path, weights: Path, **params: object) -> Detections:
    camera = read_camera("c001", make_video(folder / "a.avi", size=(128, 64)))  # shrunk by 2 into the 64 x 64 input
    chosen = DetectParams(detector="onnx", weights=weights, min_side_px=1, **params)  # type: ignore[arg-type]
    return detect(camera, Video(camera), make_detector(chosen, "cpu"), chosen)


@pytest.mark.parametrize("batch", [1, "batch"])
@pytest.mark.parametrize("inside", [False, True])
def test_head_becomes_boxes_in_the_videos_pixels(tmp_path: Path, batch: int | str, inside: bool) -> None:
    rows = decoded(one_car_head()) if inside else one_car_head()
    found = find(tmp_path, write_onnx(tmp_path / "m.onnx", rows, batch))
    assert found.frames.tolist() == list(range(12))
    assert found.xyxy[0] == pytest.approx([40, 32, 72, 48], abs=1e-3)
    assert found.scores[0] == pytest.approx(0.72)
    assert LABELS[found.labels[0]] == "car"


def test_classes_that_are_no_vehicles_are_left_out(tmp_path: Path) -> None:
    assert len(find(tmp_path, write_onnx(tmp_path / "m.onnx", one_car_head(class_number=16)))) == 0


def test_own_classes_are_named(tmp_path: Path) -> None:
    weights = write_onnx(tmp_path / "m.onnx", one_car_head(classes=3, class_number=1))
    assert {LABELS[k] for k in find(tmp_path, weights, model_classes=("car", "van", "")).labels} == {"van"}
    with pytest.raises(WeightsError, match="3 classes"):
        find(tmp_path, weights)


def test_other_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="outputs of shape"):
        find(tmp_path, write_onnx(tmp_path / "m.onnx", np.zeros((1, 10, 45), np.float32)))
    with pytest.raises(WeightsError, match="inputs"):
        find(tmp_path, write_onnx(tmp_path / "n.onnx", one_car_head(), channels=1))
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(WeightsError, match="an ONNX model"):
        find(tmp_path, tmp_path / "text.onnx")


def test_an_input_of_unbearable_size_is_refused_before_it_is_filled(tmp_path: Path) -> None:
    for side in (8193, 100_000, 2**31 - 1):
        with pytest.raises(WeightsError, match=f"an input of {side} x {side} pixels"):
            find(tmp_path, write_onnx(tmp_path / "m.onnx", one_car_head(), side=side))


def test_weights_must_be_given_and_exist(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="--weights"):
        make_detector(DetectParams(detector="onnx"))
    with pytest.raises(WeightsError, match="no such file"):
        make_detector(DetectParams(detector="onnx", weights=tmp_path / "none.onnx"))


def test_a_device_that_onnxruntime_lacks_is_refused(tmp_path: Path) -> None:
    params = DetectParams(detector="onnx", weights=write_onnx(tmp_path / "m.onnx", one_car_head()))
    for name in (
        "mps",
        "foo",
        "cuda:x",
        "cuda:²",
        "cuda:99999",
        "",
        *(() if "CUDAExecutionProvider" in providers() else ("cuda", "cuda:1")),
    ):
        with pytest.raises(ConfigError, match="--device"):
            make_detector(params, name)


def providers() -> list[str]:
    import onnxruntime

    return list(onnxruntime.get_available_providers())
