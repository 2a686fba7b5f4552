"""What a detector promises, and whether one from outside keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mtmc.plugin import Outside
from mtmc.scene import Camera
from mtmc.structures import LABELS, Detections
from mtmc.video import Clip, Frames

ClipDetector = Callable[[Clip], Detections]
"""Boxes of one clip, numbered and sorted by frame; may remember earlier clips of the same camera."""


class Detector(Protocol):
    """Finds vehicles. One object serves many cameras; what it learns about a camera lives in what ``begin`` returns."""

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Start a camera's video afresh: a function that takes its clips in order. ``frames`` is for a look ahead."""
        ...


@dataclass(frozen=True, slots=True)
class CheckedDetector:
    """A detector from outside. Raises ConfigError where it does not keep the promise."""

    outside: Outside
    detector: Detector

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """The detector's function, its answers checked."""
        step = self.outside.call(self.detector.begin, camera, frames)
        if not callable(step):
            raise self.outside.wrong("a function of clips from begin", step)
        widths: set[int] = set()

        def checked(clip: Clip) -> Detections:
            found = self.outside.call(step, clip)
            wrong = _what_is_wrong(found, clip)
            if wrong:
                raise self.outside.wrong("mtmc.Detections of the clip's frames", wrong)
            if len(found):
                widths.add(found.features.shape[1])
            if len(widths) > 1:
                raise self.outside.wrong("features of one length", " and ".join(map(str, sorted(widths))))
            return found  # type: ignore[no-any-return]

        return checked


def _what_is_wrong(found: object, clip: Clip) -> str:
    """In words; "" for detections as they should be, whose own invariants hold since they were made."""
    if not isinstance(found, Detections):
        return f"one of type {type(found).__name__}"
    if not np.isin(found.frames, clip.frames).all():
        return "boxes of other frames"
    if not ((found.scores >= 0) & (found.scores <= 1)).all():
        return "scores outside 0 to 1"
    if len(found) and not 0 <= found.labels.min() <= found.labels.max() < len(LABELS):
        return f"labels outside 0 to {len(LABELS) - 1}"
    return "" if np.isfinite(found.features).all() else "features that are not finite"
