"""What a detector promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.video import Clip, Frames

ClipDetector = Callable[[Clip], Detections]
"""Boxes of one clip, numbered and sorted by frame; may remember earlier clips of the same camera."""


class Detector(Protocol):
    """Finds vehicles. One object serves many cameras; what it learns about a camera lives in what ``begin`` returns."""

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Start a camera's video afresh: a function that takes its clips in order. ``frames`` is for a look ahead."""
        ...
