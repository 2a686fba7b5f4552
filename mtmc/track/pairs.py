"""Which tracks can meet which detections at all: sparse pairs, and their overlap.

Shape shorthand: T, N boxes (x1, y1, x2, y2) in double precision; P pairs of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
Double = NDArray[np.float64]

_DENSE_CELLS = 4096  # below this comparing all with all is faster than sorting


def touching(a: Double, b: Double) -> tuple[Index, Index]:
    """Indices (P,), (P,) of all pairs of boxes a (T, 4) and b (N, 4) that touch; a box may have no extent.

    Few boxes are compared all with all; many by a sweep along x, so that the cost grows with the neighbours, not with T x N.
    """
    if len(a) * len(b) <= _DENSE_CELLS:
        low = a[:, None, :2] <= b[None, :, 2:]
        low &= a[:, None, 2:] >= b[None, :, :2]
        rows, columns = np.nonzero(low[..., 0] & low[..., 1])
        return rows, columns
    rows, columns = _sweep(a[:, 0], a[:, 2], b[:, 0], b[:, 2])
    meet = (a[rows, 1] <= b[columns, 3]) & (a[rows, 3] >= b[columns, 1])
    return rows[meet], columns[meet]


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


def pair_iou(a: Double, b: Double) -> Double:
    """Intersection over union (P,) of boxes a (P, 4) with b (P, 4), in [0, 1]."""
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    np.maximum(sides, 0.0, out=sides)
    overlap = sides[:, 0] * sides[:, 1]
    size_a, size_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    union = size_a[:, 0] * size_a[:, 1] + size_b[:, 0] * size_b[:, 1] - overlap
    return np.asarray(overlap / union)
