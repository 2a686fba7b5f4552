"""Small simulated worlds that the linking tests share."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from mtmc.structures import TrackletTable
from mtmc.synth.tracklets.sampling import LEVELS, Simulated, simulate


@cache
def small(seed: int = 3, cameras: int = 4, minutes: float = 15, max_offset_s: float = 0.0, level: int = 1) -> Simulated:
    """Some 200 tracklets of a world of a few cameras."""
    difficulty = LEVELS[level]
    streets = replace(difficulty.streets, cameras=cameras, duration_s=60 * minutes, vehicles_per_min=8.0)
    return simulate(replace(difficulty, streets=streets, dimension=48), seed, max_offset_s)


def renamed(table: TrackletTable, prefix: str) -> TrackletTable:
    return replace(table, cameras=tuple(prefix + name for name in table.cameras))


def beside(a: TrackletTable, b: TrackletTable) -> TrackletTable:
    """Both tables' cameras and tracklets in one table."""
    columns = {
        name: np.concatenate([getattr(a, name), getattr(b, name)])
        for name in a.__slots__
        if name not in ("cameras", "camera")
    }
    camera = np.concatenate([a.camera, b.camera + len(a.cameras)])
    return TrackletTable(cameras=(*a.cameras, *b.cameras), camera=camera, **columns)


def groups(labels: np.ndarray) -> set[frozenset[int]]:
    """Labels as a set of sets of rows."""
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}
