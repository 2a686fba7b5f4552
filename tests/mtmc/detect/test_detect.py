"""The stage around the detectors: what every box goes through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from mtmc.detect import ClipDetector, DetectParams, detect, make_detector
from mtmc.detect.detector import CheckedDetector
from mtmc.errors import ConfigError, UserError
from mtmc.scene import Camera
from mtmc.scene_reader import read_camera
from mtmc.structures import Detections, label_index
from mtmc.video import Clip, Frames, Video
from tests.builders import make_video


class Listed:
    """A detector that finds the same boxes (x1, y1, x2, y2, score, label) in every frame, moved by ``ahead`` frames."""

    def __init__(self, *boxes: tuple[float, float, float, float, float, str], width: int = 0, ahead: int = 0) -> None:
        self.boxes, self.width, self.ahead = boxes, width, ahead

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        return self.find

    def find(self, clip: Clip) -> Detections:
        count = len(self.boxes)
        frames = np.repeat(clip.frames, count) + self.ahead
        rows = np.tile(np.array([b[:5] for b in self.boxes], np.float32).reshape(-1, 5), (len(clip), 1))
        labels = np.tile(np.array([label_index(b[5]) for b in self.boxes], np.int16), len(clip))
        return Detections(frames, rows[:, :4], rows[:, 4], labels, np.ones((len(rows), self.width), np.float32))


def make_listed(params: DetectParams, device: str) -> Listed:
    return Listed((0, 0, 20, 20, 0.5, "bus"))


def run(folder: Path, detector: Listed, **params: object) -> Detections:
    camera = read_camera("c001", make_video(folder / "a.avi", frames=5, size=(96, 64)))
    return detect(camera, Video(camera), detector, DetectParams(**params))  # type: ignore[arg-type]


def test_boxes_are_cut_to_the_image_and_slivers_go(tmp_path: Path) -> None:
    found = run(
        tmp_path, Listed((-10, 5, 30, 70, 0.9, "car"), (91, 0, 130, 40, 0.9, "car"), (100, 0, 130, 40, 0.9, "car"))
    )
    assert found.frames.tolist() == [0, 1, 2, 3, 4]
    assert found.xyxy[0].tolist() == [0, 5, 30, 64]


def test_one_vehicle_is_one_box_whatever_its_class(tmp_path: Path) -> None:
    found = run(
        tmp_path, Listed((10, 10, 50, 40, 0.6, "truck"), (10, 10, 50, 41, 0.8, "car"), (60, 10, 90, 40, 0.7, "bus"))
    )
    assert found.scores[:2] == pytest.approx([0.8, 0.7])


def test_weak_boxes_and_unwanted_classes_go(tmp_path: Path) -> None:
    boxes = Listed((10, 10, 50, 40, 0.05, "car"), (10, 10, 50, 40, 0.9, "person"), (60, 10, 90, 40, 0.9, "motorcycle"))
    assert len(run(tmp_path, boxes)) == 0
    assert len(run(tmp_path, boxes, classes=("motorcycle",), min_score=0.0)) == 5


@pytest.mark.parametrize(
    ("appearance", "own", "width"),
    [("auto", 7, 7), ("auto", 0, 48), ("none", 7, 0), ("histogram", 7, 48), ("detector", 0, 0)],
)
def test_appearance_for_the_tracker(tmp_path: Path, appearance: str, own: int, width: int) -> None:
    found = run(tmp_path, Listed((10, 10, 50, 40, 0.6, "car"), width=own), appearance=appearance)
    assert found.features.shape == (5, width)


def test_batch_size_does_not_matter(tmp_path: Path) -> None:
    detector = Listed((10, 10, 50, 40, 0.6, "car"))
    one, many = (run(tmp_path, detector, batch=batch) for batch in (1, 4))
    assert (one.xyxy == many.xyxy).all()
    assert (one.features == many.features).all()


def test_a_detector_that_miscounts_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="boxes of the clip's frames"):
        run(tmp_path, Listed((10, 10, 50, 40, 0.6, "car"), ahead=1))


def test_own_detector_by_name() -> None:
    made = make_detector(DetectParams(detector=f"{__name__}:make_listed"))
    assert isinstance(made, CheckedDetector)
    assert isinstance(made.detector, Listed)
    for name in ("nowhere:make", f"{__name__}:nothing", "yolo"):
        with pytest.raises(ConfigError, match=r"detect\.detector"):
            make_detector(DetectParams(detector=name))


def test_unknown_labels_are_refused() -> None:
    with pytest.raises(ValidationError, match="unknown label 'lorry'"):
        DetectParams(classes=("lorry",))
