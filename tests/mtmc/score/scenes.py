"""Scenes for scoring: random ones with every kind of error, and small ones by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes

Row = tuple[int, int, int, float, float, float, float]
"""camera, id, frame (0-based), left, top, width, height"""


def boxes_of(rows: Sequence[Row] | NDArray[np.float64]) -> Boxes:
    """Boxes of rows in the order given; camera 1 is ``c001``."""
    table = np.asarray(rows, np.float64).reshape(-1, 7)
    numbers, camera = np.unique(table[:, 0], return_inverse=True)
    names = [f"c{int(number):03d}" for number in numbers]
    return Boxes.build(names, camera, table[:, 1].astype(int), table[:, 2].astype(int), table[:, 3:])


def true_scene(
    rng: np.random.Generator, cameras: int = 2, vehicles: int = 4, frames: int = 8, spread: float = 30.0
) -> NDArray[np.float64]:
    """Rows of vehicles that wander among each other, so that boxes of different vehicles overlap; all in all
    cameras."""
    rows = []
    for camera in range(1, cameras + 1):
        for vehicle in range(1, vehicles + 1):
            seen = np.flatnonzero(rng.random(frames) < 0.9)
            path = rng.uniform(0, spread, 2) + np.cumsum(rng.normal(0, 2, (frames, 2)), axis=0)
            size = rng.uniform(15, 25, (frames, 2))
            for frame in seen:
                rows.append([camera, vehicle, frame, *path[frame], *size[frame]])
    return np.array(rows).reshape(-1, 7)


def predicted_scene(rng: np.random.Generator, truth: NDArray[np.float64], noise: float = 3.0) -> NDArray[np.float64]:
    """The true rows with jitter, ids that switch, lost rows and false rows."""
    rows = truth[rng.random(len(truth)) < 0.85].copy()
    rows[:, 3:5] += rng.normal(0, noise, (len(rows), 2))
    rows[:, 5:7] *= rng.uniform(0.8, 1.25, (len(rows), 2))
    moved = rng.random(len(rows)) < 0.25
    rows[moved, 1] = rng.integers(1, 7, moved.sum())
    false = truth[rng.random(len(truth)) < 0.2].copy()
    false[:, 1] = rng.integers(1, 9, len(false))
    false[:, 3:5] += rng.normal(0, 8, (len(false), 2))
    rows = np.concatenate([rows, false])
    _, first = np.unique(rows[:, :3], axis=0, return_index=True)
    return np.asarray(rows[np.sort(first)])


def random_scene(seed: int, cameras: int = 2, vehicles: int = 4, frames: int = 8) -> tuple[Boxes, Boxes]:
    """Truth and prediction, both without repeated rows and never empty."""
    rng = np.random.default_rng(seed)
    truth = true_scene(rng, cameras, vehicles, frames)
    while len(truth) == 0:
        truth = true_scene(rng, cameras, vehicles, frames)
    return boxes_of(truth), boxes_of(predicted_scene(rng, truth))


def track(camera: int, vehicle: int, frames: Sequence[int], lane: int, step: float = 8.0) -> list[Row]:
    """A vehicle that drives to the right in its lane; lanes never touch, boxes are 40 x 20."""
    return [(camera, vehicle, frame, step * frame, 50.0 * lane, 40.0, 20.0) for frame in frames]
