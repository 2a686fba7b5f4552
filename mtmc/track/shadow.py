"""Second tracklets on one vehicle: a detector that keeps finding a part of it, or it together with a neighbour.

Shape shorthand: K tracklets, N boxes of all of them, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtmc.structures import Tracklet
from mtmc.track.pairs import overlapping, to_bounds


def without_shadows(tracklets: Sequence[Tracklet], min_iou: float, min_share: float) -> list[Tracklet]:
    """The tracklets less those that lie on one other for ``min_share`` of their boxes, with overlap above ``min_iou``.

    Of two on the same spot the one with the higher sum of scores stays. Vehicles that hide each other do so for a part of
    their way only.
    """
    if len(tracklets) < 2:
        return list(tracklets)
    lengths = np.array([len(t) for t in tracklets])
    owner = np.repeat(np.arange(len(tracklets)), lengths)
    boxes = np.concatenate([t.xyxy for t in tracklets]).astype(np.float64)
    frames = np.concatenate([t.frames for t in tracklets])
    # frames side by side on one long strip, so that a single sweep finds the overlaps of all
    boxes[:, [0, 2]] += (frames * (boxes[:, 2].max() - boxes[:, 0].min() + 1.0))[:, None]
    a, b, _ = overlapping(to_bounds(boxes), to_bounds(boxes), min_iou)
    first, second = owner[a], owner[b]
    pairs, counts = np.unique(np.stack([first, second], axis=1)[first != second], axis=0, return_counts=True)
    weight = np.array([float(t.scores.sum()) for t in tracklets])
    order = np.lexsort((np.arange(len(tracklets)), -weight))
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    lies_on = (counts >= min_share * lengths[pairs[:, 0]]) & (rank[pairs[:, 0]] > rank[pairs[:, 1]])
    shadows = set(pairs[lies_on, 0].tolist())
    return [t for index, t in enumerate(tracklets) if index not in shadows]
