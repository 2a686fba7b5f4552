"""Which camera pairs are worth a close look when there are too many to try all: sampled nearest neighbours over all cameras.

Shape shorthand: C cameras, Q sampled tracklets, A those that could follow.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from mtmc.link.limits import Limits
from mtmc.structures import Float, Long, TrackletTable

FEW_CAMERAS = 40
"""Up to here every pair of cameras is looked at, so that one camera more changes nothing for the others."""
QUERIES_PER_CAMERA = 60
NEAREST = 3
LEAST_RATIO = 2.5
"""A pair needs this many times the votes that chance would give it, and two at least."""
BLOCK = 256


def camera_pairs(
    table: TrackletTable, features: Float, trusted: NDArray[np.bool_], limits: Limits
) -> list[tuple[int, int]]:
    """Ordered camera pairs between which a link may be looked for."""
    count = len(table.cameras)
    present = np.unique(table.camera).tolist()
    if len(present) <= FEW_CAMERAS:
        return list(permutations(present, 2))
    votes = _votes(table, features, limits.span_s(bool(trusted.all())), count)
    chance = np.outer(votes.sum(axis=1), votes.sum(axis=0)) / max(votes.sum(), 1.0)
    source, target = np.nonzero((votes >= 2) & (votes >= LEAST_RATIO * chance))
    return [(int(a), int(b)) for a, b in zip(source, target, strict=True) if a != b]


def _votes(table: TrackletTable, features: Float, span: tuple[float, float], cameras: int) -> NDArray[np.float64]:
    """How often (C, C) a tracklet of one camera is among the nearest of a sampled tracklet of another, over all that time allows."""
    order = np.argsort(table.start_s, kind="stable")
    start = table.start_s[order]
    queries = _sampled(table)
    votes = np.zeros((cameras, cameras))
    for begin in range(0, len(queries), BLOCK):
        rows = queries[begin : begin + BLOCK]
        left = table.end_s[rows]
        first, last = np.searchsorted(start, (left[0] + span[0], left[-1] + span[1]))
        after = order[first:last]
        if len(after) <= NEAREST:
            continue
        similarity = features[rows] @ features[after].T
        difference = start[first:last][None, :] - left[:, None]
        barred = (difference < span[0]) | (difference > span[1])
        similarity[barred | (table.camera[after][None, :] == table.camera[rows][:, None])] = -2.0
        best = np.argpartition(-similarity, NEAREST, axis=1)[:, :NEAREST]
        np.add.at(votes, (table.camera[rows][:, None], table.camera[after][best]), 1.0)
    return votes


def _sampled(table: TrackletTable) -> Long:
    """Up to QUERIES_PER_CAMERA rows of each camera, spread over its time, ordered by the time they leave."""
    parts = []
    order = np.lexsort((table.end_s, table.camera))
    for rows in np.split(order, np.flatnonzero(np.diff(table.camera[order])) + 1):
        step = max(len(rows) // QUERIES_PER_CAMERA, 1)
        parts.append(rows[::step])
    chosen = np.concatenate(parts)
    return chosen[np.argsort(table.end_s[chosen], kind="stable")].astype(np.int64)
