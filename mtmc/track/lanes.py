"""Where traffic drives in a camera, by its tracklets alone: who stands beside is parked, who stands on a lane waits.

A lane is where bottoms of boxes go, and straight on from where a straight path ends: a lane's image is straight as the
lane is, so a queue that nobody passed still stands on it. Shape shorthand: N places, M path ends; pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mtmc.geometry import areas, bottom_centres
from mtmc.structures import Double, Tracklet

MOVES = 1.0
"""Box sizes that a vehicle travels at least to show where a lane is. A size is the root of a box's area."""
STRAIGHT_OVER, STRAIGHT_WITHIN = 1.5, 0.15
"""Box sizes at a path's end that must be straight, and how far off the line they may be."""
AHEAD, BEHIND = 10.0, 2.0
"""Box sizes that a lane is thought to go on behind a path's end, and that count before it."""
BORDER_PX = 3.0
"""A box this near to the border is cut off: its bottom is not where the vehicle stands."""


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """places (N, 2) where somebody drove; and of paths with straight ends: ends (M, 2), ways (M, 2) unit vectors on
    from there, middles (M, 2) a point of the line, sizes (M,) of the boxes there."""

    places: Double
    ends: Double
    ways: Double
    middles: Double
    sizes: Double

    def distance(self, tracklet: Tracklet) -> float:
        """How far a standing vehicle is from the nearest lane, in sizes of its box; infinite where nobody drives."""
        box = np.median(tracklet.xyxy, axis=0, keepdims=True)
        place, size = bottom_centres(box)[0], float(np.sqrt(areas(box)[0]))
        along = np.einsum("md,md->m", place - self.ends, self.ways)
        across = np.abs(np.einsum("md,md->m", place - self.middles, self.ways[:, ::-1] * (-1, 1)))
        reached = (along >= -BEHIND * size) & (along <= AHEAD * np.maximum(size, self.sizes))
        passed = np.linalg.norm(self.places - place, axis=1)
        return float(min(passed.min(initial=np.inf), across[reached].min(initial=np.inf)) / size)


def find_lanes(tracklets: Iterable[Tracklet], size: tuple[int, int]) -> Lanes:
    """The lanes of a camera of ``size`` (width, height), by all tracklets that move."""
    places: list[Double] = [np.zeros((0, 2))]
    found: list[tuple[Double, Double, Double, float]] = []
    for tracklet in tracklets:
        points, sizes = bottom_centres(tracklet.xyxy), np.sqrt(areas(tracklet.xyxy))
        if np.ptp(points, axis=0).max() < MOVES * np.median(sizes):
            continue
        places.append(points)
        box = tracklet.xyxy
        whole = (box[:, :2] > BORDER_PX).all(axis=1) & (box[:, 2:] < np.array(size) - BORDER_PX).all(axis=1)
        for order in (slice(None), slice(None, None, -1)):
            found += _straight_end(points[whole][order], sizes[whole][order])
    return Lanes(np.concatenate(places), *_columns(found))


def _straight_end(points: Double, sizes: Double) -> list[tuple[Double, Double, Double, float]]:
    """End, way, middle and size of a path (T, 2) that ends straight; none of another."""
    if len(points) == 0:
        return []
    far = np.flatnonzero(np.linalg.norm(points - points[-1], axis=1) > STRAIGHT_OVER * sizes[-1])
    if len(far) == 0:
        return []
    last = points[far[-1] :]
    middle = last.mean(axis=0)
    way = np.linalg.svd(last - middle, full_matrices=False)[2][0]
    way = way if way @ (last[-1] - last[0]) > 0 else -way
    off = np.abs((last - middle) @ np.array([-way[1], way[0]])).max()
    return [(points[-1], way, middle, float(sizes[-1]))] if off <= STRAIGHT_WITHIN * sizes[-1] else []


def _columns(found: Sequence[tuple[Double, Double, Double, float]]) -> tuple[Double, Double, Double, Double]:
    ends, ways, middles = (np.array([row[k] for row in found]).reshape(-1, 2) for k in range(3))
    return ends, ways, middles, np.array([row[3] for row in found])
