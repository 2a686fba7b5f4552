"""Builders of small clips for the tracking tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mtmc.scene import Camera
from mtmc.structures import Detections, Tracklet

SIZE = (1280, 720)


def camera(fps: float = 10.0, size: tuple[int, int] = SIZE) -> Camera:
    return Camera("c001", Path("none.mp4"), fps, 1000, size)


def box(cx: float, cy: float, width: float = 80, height: float = 40) -> list[float]:
    return [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]


def detections(
    rows: list[tuple[int, list[float]]], scores: ArrayLike = 0.9, features: ArrayLike | None = None
) -> Detections:
    """Detections from (frame, box) rows; features (N, D) or none."""
    count = len(rows)
    looks = np.zeros((count, 0)) if features is None else np.asarray(features, np.float32)
    order = np.argsort([frame for frame, _ in rows], kind="stable")
    return Detections(
        np.array([frame for frame, _ in rows])[order],
        np.array([b for _, b in rows]).reshape(-1, 4)[order],
        np.broadcast_to(np.asarray(scores, np.float32), count)[order],
        np.zeros(count, np.int16),
        looks[order],
    )


def drive(
    frames: range | list[int], start: tuple[float, float], step: tuple[float, float], side: float = 40
) -> list[tuple[int, list[float]]]:
    """A vehicle on a straight line: ``start`` in frame 0, ``step`` pixels per frame."""
    return [(f, box(start[0] + f * step[0], start[1] + f * step[1], 2 * side, side)) for f in frames]


def tracklet(rows: list[tuple[int, list[float]]], track_id: int = 1, scores: ArrayLike = 0.9) -> Tracklet:
    count = len(rows)
    return Tracklet(
        "c001",
        track_id,
        np.array([frame for frame, _ in rows]),
        np.array([b for _, b in rows]),
        np.broadcast_to(np.asarray(scores, np.float32), count),
        0,
    )


def axes(indices: list[int], size: int = 8) -> np.ndarray:
    """Unit features (N, size) along the given axes: different indices are as far apart as can be."""
    return np.eye(size, dtype=np.float32)[indices]
