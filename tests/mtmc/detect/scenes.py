"""A small video with a vehicle of known boxes, for the detectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtmc.scene import Camera
from mtmc.scene_reader import read_camera
from mtmc.video import Image, VideoWriter

SIZE = (320, 180)
FRAMES = 30


def true_box(frame: int) -> tuple[int, int, int, int]:
    """The vehicle drives from left to right, 8 px a frame: wholly visible from frame 6 to frame 37."""
    left = 8 * frame - 40
    return left, 70, left + 60, 110


def road(noise: np.random.Generator) -> Image:
    """A grey road with lane marks and camera noise."""
    picture = np.full((SIZE[1], SIZE[0], 3), (96, 100, 104), np.float64)
    picture[120:124] = 190
    picture[:40] = (60, 110, 70)
    return np.clip(picture + noise.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def draw_vehicle(picture: Image, box: tuple[int, int, int, int], shadow: bool = False) -> None:
    """A red body with dark windows; its shadow falls 25 px to the right."""
    left, top, right, bottom = (max(0, v) for v in box)
    if shadow:
        cast = picture[top + 8 : bottom, right : right + 25].astype(np.float64)
        picture[top + 8 : bottom, right : right + 25] = (0.65 * cast).astype(np.uint8)
    picture[top:bottom, left:right] = (40, 40, 190)
    picture[top + 6 : top + 16, left + 10 : max(left + 10, right - 10)] = (50, 45, 40)


def drive(path: Path, shadow: bool = False, empty: bool = False) -> Camera:
    """Write the video; its camera."""
    noise = np.random.default_rng(1)
    with VideoWriter(path, 10.0, SIZE, crf=12) as writer:
        for frame in range(FRAMES):
            picture = road(noise)
            if not empty and true_box(frame)[2] > 0:
                draw_vehicle(picture, true_box(frame), shadow)
            writer.write(picture)
    return read_camera("c001", path)


def whole_boxes() -> dict[int, NDArray[np.float32]]:
    """Frame to true box, for the frames that show the whole vehicle."""
    return {
        f: np.array([true_box(f)], np.float32) for f in range(FRAMES) if true_box(f)[0] > 0 and true_box(f)[2] < SIZE[0]
    }
