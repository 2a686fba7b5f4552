"""Small simulated worlds that the linking tests share."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from mtmc.link.evidence.sizes import Sizes
from mtmc.link.evidence.views import Views
from mtmc.structures import Double, Float, Long, TrackletTable
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from mtmc.synth.tracklets.simulated import Simulated


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


def table_of(camera: list[int], start: list[float], end: list[float]) -> TrackletTable:
    count = len(camera)
    plane = np.zeros((count, 2))
    return TrackletTable(
        cameras=("c001", "c002", "c003"),
        camera=np.array(camera, np.int32), track_id=np.arange(count), start_s=np.array(start), end_s=np.array(end),
        entry_xy=plane, exit_xy=plane, entry_velocity=plane, exit_velocity=plane,
        size=np.ones(count), label=np.zeros(count, np.int16),
        quality=np.ones(count), features=np.zeros((count, 0), np.float32),
    )  # fmt: skip


def views_of(table: TrackletTable, vehicle: Long, look: Float) -> Views:
    """Each tracklet as a view that moves, of one size and zone."""
    rows, zones, plain = np.arange(len(table)), np.zeros(len(table), np.int64), np.zeros(len(table))
    moves = np.ones(len(table), bool)
    return Views(
        table.camera, table.start_s, table.end_s, look, Sizes(plain, plain), table.label, zones, zones, moves, rows,
        rows, vehicle, rows,
    )  # fmt: skip


def straight(table: TrackletTable, lane_m: list[float], speed: float = 10.0, places: int = 16) -> Double:
    """Paths along x at one speed on a common clock, each on its own lane."""
    share = np.linspace(0, 1, places)
    times = table.start_s[:, None] + (table.end_s - table.start_s)[:, None] * share
    return np.stack([speed * times, np.broadcast_to(np.array(lane_m)[:, None], times.shape)], axis=2)


def groups(labels: np.ndarray) -> set[frozenset[int]]:
    """Labels as a set of sets of rows."""
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}
