"""Second tracks on one vehicle: a detector that keeps finding a part of it, or it together with a neighbour.

Shape shorthand: N boxes of all tracks, K tracks, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Int, Long, Tracklet
from mtmc.track.sparse_iou import overlapping, side_by_side, to_bounds

Index = NDArray[np.intp]


def without_duplicates(tracklets: Sequence[Tracklet], min_iou: float, min_share: float) -> list[Tracklet]:
    """The tracklets less those that lie on one other for ``min_share`` of their boxes, with overlap above ``min_iou``.

    Of two on the same spot the one with the higher sum of scores stays. Vehicles that hide each other do so for a part
    of their way only.
    """
    if len(tracklets) < 2:
        return list(tracklets)
    lengths = np.array([len(t) for t in tracklets])
    owner = np.repeat(np.arange(len(tracklets)), lengths)
    boxes = np.concatenate([t.xyxy for t in tracklets])
    first, second = (
        owner[rows] for rows in _on_one_spot(np.concatenate([t.frames for t in tracklets]), boxes, min_iou)
    )
    pairs, counts = np.unique(np.stack([first, second], axis=1)[first != second], axis=0, return_counts=True)
    weight = np.array([float(t.scores.sum()) for t in tracklets])
    order = np.lexsort((np.arange(len(tracklets)), -weight))
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    lies_on = (counts >= min_share * lengths[pairs[:, 0]]) & (rank[pairs[:, 0]] > rank[pairs[:, 1]])
    duplicates = set(pairs[lies_on, 0].tolist())
    return [t for index, t in enumerate(tracklets) if index not in duplicates]


def cut_duplicate_ends(frames: Int, xyxy: NDArray[np.float32], numbers: Long, min_iou: float) -> Long:
    """Track numbers (N,) with 0 for the last boxes of a track that lie on another one that goes on, and the first ones
    that lie on one that was there before: the track has drifted onto a neighbour, or a second one has taken over its
    vehicle.

    frames (N,), xyxy (N, 4) corners, numbers (N,) with 0 for boxes in no track; they lie on another with overlap above
    ``min_iou``.
    """
    numbers = numbers.copy()
    a, b = _on_one_spot(frames, xyxy, min_iou)
    for time in (-frames, frames):  # ends, then beginnings, so that a vehicle that is handed over keeps one of both
        tracked = np.flatnonzero(numbers)
        order = tracked[np.lexsort((time[tracked], numbers[tracked]))]
        begins = np.flatnonzero(np.diff(numbers[order], prepend=0))
        outermost = np.zeros(numbers.max(initial=0) + 1, np.int64)
        outermost[numbers[order[begins]]] = time[order[begins]]
        both = (numbers[a] > 0) & (numbers[b] > 0) & (outermost[numbers[b]] < outermost[numbers[a]])
        covered = np.zeros(len(numbers), bool)
        covered[a[both]] = True
        # from the outer end inwards: as long as every box so far is covered
        bare_before = np.cumsum(~covered[order])
        own = bare_before - np.repeat(bare_before[begins] - ~covered[order[begins]], np.diff(begins, append=len(order)))
        numbers[order[own == 0]] = 0
    return numbers


def _on_one_spot(frames: Int, xyxy: NDArray[np.float32], min_iou: float) -> tuple[Index, Index]:
    """Pairs (P,), (P,) of boxes of one frame with overlap above ``min_iou``, each both ways, a box with itself left
    out."""
    if len(xyxy) == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    width = float(np.ptp(xyxy[:, [0, 2]])) + 1.0
    bounds = to_bounds(xyxy[:, :2].astype(np.float64), xyxy[:, 2:].astype(np.float64))
    strip = side_by_side(bounds, frames.astype(np.int64), width)
    a, b, _ = overlapping(strip, strip, min_iou)
    return a[a != b], b[a != b]
