"""Small real things for tests: videos, scenes, tracklets. No mocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike

from mtmc.scene import Camera, Scene
from mtmc.structures import GlobalTrack, Tracklet


def make_video(path: Path, frames: int = 12, size: tuple[int, int] = (96, 64), fps: float = 10.0) -> Path:
    """A Motion JPEG video: grey road, one bright square that moves four pixels a frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    for number in range(frames):
        image = np.full((size[1], size[0], 3), 90, np.uint8)
        left = (4 * number) % max(1, size[0] - 20)
        image[20:40, left : left + 20] = (40, 60, 220)
        writer.write(image)
    writer.release()
    return path


def make_camera(
    camera_id: str = "c001",
    fps: float = 10.0,
    size: tuple[int, int] = (200, 100),
    offset_s: float = 0.0,
    frames: int = 100,
) -> Camera:
    """A camera whose video does not exist: for stages that never look at pixels."""
    return Camera(camera_id, Path(f"{camera_id}.avi"), fps, frames, size, offset_s, offset_known=True)


def make_scene(*cameras: Camera) -> Scene:
    """A scene of these cameras."""
    return Scene("S01", {camera.id: camera for camera in cameras})


def make_tracklet(
    camera_id: str = "c001",
    track_id: int = 1,
    frames: Sequence[int] = range(10),
    box: ArrayLike = (10, 10, 30, 20),
    step: ArrayLike = (2, 0),
) -> Tracklet:
    """A tracklet that moves by ``step`` pixels per frame from ``box`` (xyxy) on."""
    numbers = np.asarray(frames)
    shift = (numbers - numbers[0])[:, None] * np.asarray(step, float)
    boxes = np.asarray(box, float) + np.concatenate([shift, shift], axis=1)
    return Tracklet(camera_id, track_id, numbers, boxes, np.full(len(numbers), 0.9), 0)


def make_vehicle(vehicle_id: int, *tracklets: Tracklet) -> GlobalTrack:
    """A vehicle of these tracklets."""
    return GlobalTrack(vehicle_id, tracklets)
