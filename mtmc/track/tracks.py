"""What a tracker gives back: a number per detection, so that no detection can be in two tracklets.

Shape shorthand: N detections of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from mtmc.geometry import valid_boxes
from mtmc.plugin import Outside
from mtmc.structures import Detections, Double, Float, Long


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """A partition of the detections of one clip.

    numbers (N,) int64: the track of each detection, 1, 2, ... in order of first appearance, 0 = in no track; xyxy (N,
    4) float32: the box to report for it, the detector's own or a filtered one (rows with number 0 mean nothing). Raises
    ValueError where the lengths differ or a number is negative.
    """

    numbers: Long
    xyxy: Float

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", np.ascontiguousarray(self.numbers, np.int64))
        object.__setattr__(self, "xyxy", np.ascontiguousarray(np.reshape(self.xyxy, (-1, 4)), np.float32))
        if len(self.numbers) != len(self.xyxy):
            raise ValueError(f"Tracks: {len(self.numbers)} numbers for {len(self.xyxy)} boxes")
        if len(self.numbers) and self.numbers.min() < 0:
            raise ValueError("Tracks: numbers must be >= 0 (0 = in no track)")


class FrameRate(float):
    """A clip's frames per second that knows the frames' own times too, where they are not evenly spaced: the number is
    one over the usual step. times_s (frames of the clip,): rising; steps (frames of the clip,): usual frames that each
    one stands for, none of them a gap beside it."""

    times_s: Double
    steps: Double

    def __new__(cls, fps: float, times_s: Double) -> Self:
        """A rate of ``fps`` and the frames' times."""
        rate = super().__new__(cls, fps)
        steps = np.diff(times_s, prepend=-np.inf, append=np.inf) * fps
        shorter = np.minimum(steps[:-1], steps[1:])
        rate.times_s, rate.steps = times_s, np.where(np.isfinite(shorter), shorter, 1.0)
        return rate


def in_frames(fps: float, frames: ArrayLike) -> Double:
    """When frames (N,) were, counted in usual frames: as many seconds apart as they are, times ``fps``; their numbers
    where they are evenly spaced."""
    numbers = np.asarray(frames, np.int64)
    return np.asarray(fps.times_s[numbers] * fps if isinstance(fps, FrameRate) else numbers, np.float64)


class Tracker(Protocol):
    """Anything that groups the detections of one camera's whole clip; keeps no state between calls."""

    def track(self, detections: Detections, fps: float, size: tuple[int, int]) -> Tracks:
        """Group ``detections`` of a clip of ``fps`` frames per second and ``size`` (width, height) pixels; ``fps`` is a
        ``FrameRate`` where frames are not evenly spaced."""
        ...


@dataclass(frozen=True, slots=True)
class CheckedTracker:
    """A tracker from outside. Raises ConfigError where its tracks are not as promised."""

    outside: Outside
    tracker: Tracker

    def track(self, detections: Detections, fps: float, size: tuple[int, int]) -> Tracks:
        """The tracker's tracks."""
        tracks = self.outside.call(self.tracker.track, detections, fps, size)
        if not isinstance(tracks, Tracks):
            raise self.outside.wrong("mtmc.track.Tracks", tracks)
        if len(tracks.numbers) != len(detections):
            raise self.outside.wrong(f"a number for each of {len(detections)} boxes", f"{len(tracks.numbers)} numbers")
        used = tracks.numbers > 0
        if not valid_boxes(tracks.xyxy[used]):
            raise self.outside.wrong("finite boxes with x2 > x1 and y2 > y1", "others")
        pairs = np.stack([tracks.numbers[used], detections.frames[used]])
        if np.unique(pairs, axis=1).shape[1] < used.sum():
            raise self.outside.wrong("one box a frame in each track", "several")
        return tracks


def renumber(owners: ArrayLike) -> Long:
    """Numbers 1, 2, ... in order of first appearance for arbitrary owners (N,); 0 stays 0 (in no track)."""
    codes = np.asarray(owners, np.int64)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    named = codes[first] != 0
    rank = np.zeros(len(first), np.int64)
    rank[np.flatnonzero(named)[np.argsort(first[named])]] = np.arange(1, named.sum() + 1)
    return np.asarray(rank[inverse], np.int64)
