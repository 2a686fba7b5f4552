"""Which tracks can meet which detections at all: sparse pairs, and their overlap.

Boxes stand here as bounds (x1, y1, -x2, -y2, area): the larger of two bounds is the bound of their intersection, in one
operation.

Shape shorthand: T, N bounds (T, 5) in double precision; P pairs of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
Double = NDArray[np.float64]
Long = NDArray[np.int64]

_DENSE_CELLS = 4096  # below this comparing all with all is faster than sorting


def to_bounds(low: Double, high: Double) -> Double:
    """Bounds (N, 5) of boxes by their upper left and lower right corners (N, 2)."""
    bounds = np.empty((len(low), 5))
    bounds[:, :2] = low
    np.negative(high, out=bounds[:, 2:4])
    sides = high - low
    np.multiply(sides[:, 0], sides[:, 1], out=bounds[:, 4])
    return bounds


def bounds_around(centres: Double, sides: Double) -> Double:
    """Bounds (N, 5) of boxes by their centres and their widths and heights (N, 2)."""
    bounds = np.empty((len(sides), 5))
    np.multiply(sides[:, 0], sides[:, 1], out=bounds[:, 4])
    half = 0.5 * sides
    np.subtract(centres, half, out=bounds[:, :2])
    np.add(centres, half, out=half)
    np.negative(half, out=bounds[:, 2:4])
    return bounds


def overlapping(a: Double, b: Double, least: float) -> tuple[Index, Index, Double]:
    """Pairs (P,), (P,) of bounds a (T, 5) and b (N, 5) with intersection over union above ``least``, and 1 - it (P,).

    Ordered by the first index. Few boxes are compared all with all; many by a sweep along x, so that the cost grows
    with the neighbours, not with T x N.
    """
    if len(a) * len(b) <= _DENSE_CELLS:
        rows = columns = None
        inner = np.maximum(a[:, None], b).reshape(-1, 5)
        areas: Double = (a[:, 4:] + b[:, 4]).ravel()
    else:
        rows, columns = touching(a, b)
        near_a, near_b = a.take(rows, axis=0), b.take(columns, axis=0)
        inner = np.maximum(near_a, near_b)
        areas = near_a[:, 4] + near_b[:, 4]
    shares = _iou(inner, areas)
    chosen = (shares > least).nonzero()[0]
    costs = 1.0 - shares.take(chosen)
    if rows is None or columns is None:
        return *np.divmod(chosen, len(b)), costs
    return rows.take(chosen), columns.take(chosen), costs


def pair_overlap(a: Double, b: Double) -> Double:
    """Intersection over union (P,) of bounds a (P, 5) with b (P, 5), in [0, 1]."""
    return _iou(np.maximum(a, b), a[:, 4] + b[:, 4])


def _iou(inner: Double, areas: Double) -> Double:
    """Intersection over union (P,) from the bounds of the intersections (P, 5) and the sums of both areas (P,)."""
    sides = inner[:, :2] + inner[:, 2:4]  # minus the sides of the intersection
    np.minimum(sides, 0.0, out=sides)
    shared = sides[:, 0] * sides[:, 1]
    areas -= shared
    return np.divide(shared, areas, out=shared)


def touching(a: Double, b: Double) -> tuple[Index, Index]:
    """Indices (P,), (P,) of all pairs of bounds a (T, 5) and b (N, 5) that touch, by the first; a box may have no
    extent."""
    if len(a) * len(b) <= _DENSE_CELLS:
        inner = np.maximum(a[:, None], b)
        rows, columns = ((inner[..., :2] + inner[..., 2:4]).max(axis=2) <= 0).nonzero()
        return rows, columns
    rows, columns = _sweep(a[:, 0], -a[:, 2], b[:, 0], -b[:, 2])
    meet = np.maximum(a[rows, 1], b[columns, 1]) + np.maximum(a[rows, 3], b[columns, 3]) <= 0
    return rows[meet], columns[meet]


def side_by_side(bounds: Double, frames: Long, width: float) -> Double:
    """Bounds (N, 5) with the frames (N,) side by side on one long strip, so that a single sweep finds the overlaps of
    all; ``width``: more than any frame's boxes extend over."""
    moved, shift = bounds.copy(), frames * width
    moved[:, 0] += shift
    moved[:, 2] -= shift
    return moved


def near(centres: Double, radii: Double, points: Double) -> tuple[Index, Index]:
    """Indices (P,), (P,) of all pairs of centres (T, 2) and points (N, 2) no further apart than radii (T, 2) along x
    and along y."""
    reach = np.concatenate([centres - radii, -centres - radii], axis=1)
    return touching(reach, np.concatenate([points, -points], axis=1))


def _sweep(a_low: Double, a_high: Double, b_low: Double, b_high: Double) -> tuple[Index, Index]:
    """Pairs of overlapping intervals, by row: each a against the b that start in reach of it."""
    order = np.argsort(b_low, kind="stable")
    starts = b_low[order]
    widest = float((b_high - b_low).max())
    first = np.searchsorted(starts, a_low - widest, side="left")
    count = np.searchsorted(starts, a_high, side="right") - first
    rows = np.repeat(np.arange(len(a_low)), count)
    offset = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    columns = order[np.repeat(first, count) + offset]
    meet = b_high[columns] >= a_low[rows]
    return rows[meet], columns[meet]
