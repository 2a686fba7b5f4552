from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.detect import DetectParams, detect, make_detector
from mtmc.detect.motion import MotionParams
from mtmc.geometry import iou
from mtmc.scene import Camera
from mtmc.scene_reader import read_camera
from mtmc.structures import LABELS, Detections
from mtmc.video import Video, VideoWriter
from tests.mtmc.detect.scenes import FRAMES, SIZE, draw_vehicle, drive, road, whole_boxes


def find(camera: Camera, **motion: float) -> Detections:
    params = DetectParams(detector="motion", motion=MotionParams(**motion))  # type: ignore[arg-type]
    return detect(camera, Video(camera), make_detector(params), params)


@pytest.mark.parametrize("shadow", [False, True])
def test_boxes_sit_on_the_vehicle_and_not_on_its_shadow(tmp_path: Path, shadow: bool) -> None:
    found = find(drive(tmp_path / "a.mp4", shadow=shadow))
    for frame, box in whole_boxes().items():
        overlaps = iou(box, found.xyxy[found.rows_at(frame)])
        assert overlaps.shape == (1, 1)
        assert overlaps[0, 0] > 0.8
    assert {LABELS[label] for label in found.labels} == {"vehicle"}


def test_shadow_test_can_be_switched_off(tmp_path: Path) -> None:
    camera = drive(tmp_path / "a.mp4", shadow=True)
    widths = [np.ptp(find(camera, shadow_dark=dark).xyxy[:, ::2], axis=1).max() for dark in (0.5, 1.0)]
    assert widths[0] == pytest.approx(60, abs=6)
    assert widths[1] > 75


def test_empty_road_has_no_boxes(tmp_path: Path) -> None:
    assert len(find(drive(tmp_path / "a.mp4", empty=True))) == 0


def test_small_working_size_gives_boxes_in_the_videos_pixels(tmp_path: Path) -> None:
    found = find(drive(tmp_path / "a.mp4"), work_width_px=160)
    frame, box = next(iter(whole_boxes().items()))
    assert iou(box, found.xyxy[found.rows_at(frame)]).max() > 0.7


def test_nothing_is_seen_outside_the_region_of_interest(tmp_path: Path) -> None:
    camera = drive(tmp_path / "a.mp4")
    mask = np.zeros((camera.size[1], camera.size[0]), np.uint8)
    mask[:, 160:] = 255
    cv2.imwrite(str(tmp_path / "roi.png"), mask)
    found = find(replace(camera, roi_path=tmp_path / "roi.png"))
    assert len(found) > 0
    assert found.xyxy[:, 0].min() >= 155


def test_one_detector_serves_cameras_apart(tmp_path: Path) -> None:
    params = DetectParams(detector="motion")
    detector = make_detector(params)
    busy, empty = drive(tmp_path / "a.mp4"), drive(tmp_path / "b.mp4", empty=True)
    first = detect(busy, Video(busy), detector, params)
    assert len(detect(empty, Video(empty), detector, params)) == 0
    again = detect(busy, Video(busy), detector, params)
    assert (first.xyxy == again.xyxy).all()
    assert set(first.frames.tolist()) >= set(range(10, FRAMES))


def test_a_vehicle_that_was_part_of_the_road_leaves_no_ghost(tmp_path: Path) -> None:
    """It waits while the road is learned, and drives off: where it was is road, at once and for good."""
    noise = np.random.default_rng(1)
    with VideoWriter(tmp_path / "a.mp4", 10.0, SIZE, crf=12) as writer:
        for frame in range(60):
            picture = road(noise)
            left = 100 + 16 * max(0, frame - 40)
            if left < SIZE[0]:
                draw_vehicle(picture, (left, 70, left + 60, 110))
            writer.write(picture)
    found = find(read_camera("c001", tmp_path / "a.mp4"))
    ghost = iou(np.array([[100, 70, 160, 110]], np.float32), found.xyxy)[0] > 0.5
    assert set(found.frames[found.frames > 45].tolist()) >= set(range(46, 52))  # it is seen as it drives
    assert not (ghost & (found.frames > 50)).any()
