"""Non-maximum suppression over all classes: one vehicle, one box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtmc.geometry import iou


def suppress(
    frames: NDArray[np.int32], xyxy: NDArray[np.float32], scores: NDArray[np.float32], max_iou: float
) -> NDArray[np.intp]:
    """Rows that stay, sorted by frame and then by falling score: greedy, per frame, whatever the class.

    frames (N,); xyxy (N, 4); scores (N,); a box goes if a better one of its frame overlaps it by more than ``max_iou``.
    """
    order = np.lexsort((-scores, frames))
    starts = np.flatnonzero(np.diff(frames[order], prepend=-1))
    kept = [_greedy(rows, xyxy, max_iou) for rows in np.split(order, starts[1:])] if len(order) else []
    return np.concatenate(kept) if kept else np.zeros(0, np.intp)


def _greedy(rows: NDArray[np.intp], xyxy: NDArray[np.float32], max_iou: float) -> NDArray[np.intp]:
    """``rows`` by falling score; those that no better kept row overlaps too much."""
    overlaps = iou(xyxy[rows], xyxy[rows]) > max_iou
    alive = np.ones(len(rows), bool)
    for i in range(len(rows)):
        if alive[i]:
            alive[i + 1 :] &= ~overlaps[i, i + 1 :]
    return rows[alive]
