"""Sizes that mean the same in every camera: against the usual of a vehicle's place and way through the view, as far as
that is known.

Shape shorthand: T tracklets, N tracklets or views, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.link.model.densities import LogRatio
from mtmc.link.model.entry_exit_zones import Zones
from mtmc.structures import Double, Int, Long, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
FLATNESS = 0.03
"""Prior weight of sizes being alike all over the view, in tracklets times squared distance (fractions of the image)."""
WAY_WEIGHT = 1.5
"""Tracklets of a way through a view that what is usual of their places is worth. A tracker's worlds of 30 and 90 s
(bench_link --real, mid strength, seeds 101 to 104): IDF1 .545 on average; .499 where ways of fewer than six said
nothing, without perspective .512 at 1 and .499 at 3."""


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """residual (N,): log size against the usual of the same camera, place, entry and exit: what is left is the
    vehicle's own; doubt (N,): variance of what is usual, in variances of the sizes on one way."""

    residual: Double
    doubt: Double

    def differences(self, a: Long, b: Long) -> tuple[Double, Double]:
        """Absolute differences (P,) of two residuals, on the scale of those without doubt, and how far each is to be
        trusted, in (0, 1]."""
        trust = 1.0 / (1.0 + self.doubt[a] + self.doubt[b])
        return np.abs(self.residual[a] - self.residual[b]) * np.sqrt(trust), trust

    def evidence(self, ratio: LogRatio, a: Long, b: Long) -> Double:
        """Evidence (P,) of their differences."""
        difference, trust = self.differences(a, b)
        return np.asarray(trust * ratio(difference))


def size_residuals(table: TrackletTable, zones: Zones) -> Sizes:
    """Of tracklets (T,). Near and far vehicles differ by more than cars and buses: the camera's perspective says what
    is usual of a place, the way's median, once it rests on more than WAY_WEIGHT others, what is usual of it."""
    size = np.log(np.maximum(table.size.astype(np.float64), 1e-4))
    place = (table.entry_xy.astype(np.float64) + table.exit_xy) / 2
    size = size - _perspective(size, place, table.camera)
    way = zones.entry * (int(zones.exit.max(initial=0)) + 1) + zones.exit
    usual, count = _medians(size, way)
    doubt = 1.0 / (count - 1.0 + WAY_WEIGHT)
    return Sizes(size - usual * (count - 1.0) * doubt, np.asarray(doubt, np.float64))


def _perspective(size: Double, place: Double, camera: Int) -> Double:
    """The usual log size (T,) at places (T, 2) of each camera: a plane (ridge regression) through its sizes."""
    usual = np.zeros(len(size))
    order = np.argsort(camera, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(camera[order])) + 1):
        if len(rows):
            off = place[rows] - place[rows].mean(axis=0)
            above = size[rows] - np.median(size[rows])
            slope = off @ np.linalg.solve(off.T @ off + FLATNESS * np.eye(2), off.T @ above)
            usual[rows] = slope + np.median(size[rows] - slope)
    return usual


def _medians(values: Double, group: Long) -> tuple[Double, Long]:
    """Median (T,) of each value's group, and how many are in it (T,)."""
    order = np.lexsort((values, group))
    _, first, inverse, count = np.unique(group[order], return_index=True, return_inverse=True, return_counts=True)
    ordered = values[order]
    middle = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
    median, size = np.empty(len(values)), np.empty(len(values), np.int64)
    median[order], size[order] = middle[inverse], count[inverse]
    return median, size
