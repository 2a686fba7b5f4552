"""HOTA (Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.assignment import best_assignment
from mtmc.score.compare import Comparison, pair_codes

THRESHOLDS = np.arange(0.05, 0.99, 0.05)
"""The 19 similarities, written as TrackEval writes them: its rounding decides what lies exactly on a threshold."""

EPSILON = np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True)
class Hota:
    """Means over the 19 thresholds, each in [0, 1]."""

    hota: float
    deta: float
    assa: float
    loca: float


def higher_order(comparison: Comparison) -> Hota:
    """Detection, association and localisation accuracy, and their geometric mean.

    One matching per frame serves all thresholds: it maximises similarity times the ids' overall alignment (section 4.4
    of the paper). LocA counts a threshold without a match as 1 as TrackEval does, but is 0 where nothing overlaps at
    all.
    """
    truth, predicted = comparison.truth, comparison.predicted
    if len(comparison.left) == 0:
        return Hota(0.0, 0.0, 0.0, 0.0)
    vehicle, track = truth.ids[comparison.left], predicted.ids[comparison.right]
    u, v, pair = pair_codes(vehicle, track, len(predicted.names))
    aligned = np.bincount(pair, weights=_share(comparison), minlength=len(u))
    boxes = truth.counts[u] + predicted.counts[v]
    alignment = aligned / (boxes - aligned)
    matched = best_assignment(comparison.left, comparison.right, alignment[pair] * comparison.similarity)
    similarity, pair = comparison.similarity[matched], pair[matched]
    levels = np.searchsorted(THRESHOLDS - EPSILON, similarity, side="right")
    table = np.bincount(pair * (len(THRESHOLDS) + 1) + levels, minlength=len(u) * (len(THRESHOLDS) + 1))
    reached = table.reshape(len(u), -1)[:, ::-1].cumsum(axis=1)[:, -2::-1]  # (K, 19) matches at each threshold
    hits = reached.sum(axis=0)
    association = (reached * reached / np.maximum(boxes[:, None] - reached, 1)).sum(axis=0) / np.maximum(hits, 1)
    detection = hits / (len(truth) + len(predicted) - hits)
    located = np.bincount(levels, weights=similarity, minlength=len(THRESHOLDS) + 1)[::-1].cumsum()[-2::-1]
    location = np.maximum(located, 1e-10) / np.maximum(hits, 1e-10)
    means = (float(np.mean(x)) for x in (np.sqrt(detection * association), detection, association, location))
    return Hota(*means)


def _share(comparison: Comparison) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Each pair's similarity as a share of all similarity that its two boxes have in their frame (E,)."""
    left, right, similarity = comparison.left, comparison.right, comparison.similarity
    of_left, of_right = np.bincount(left, weights=similarity), np.bincount(right, weights=similarity)
    return np.asarray(similarity / (of_left[left] + of_right[right] - similarity))
