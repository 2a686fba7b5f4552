"""HOTA (Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.assignment import best_assignment
from mtmc.score.compare import Comparison, pair_codes

Double = NDArray[np.float64]
Long = NDArray[np.int64]

THRESHOLDS = np.arange(0.05, 0.99, 0.05)
"""The 19 similarities, written as TrackEval writes them: its rounding decides what lies exactly on a threshold."""

EPSILON = np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True, eq=False)
class Hota:
    """Means (K,) over the 19 thresholds of each group, in [0, 1]."""

    hota: Double
    deta: Double
    assa: Double
    loca: Double


def higher_order(comparison: Comparison, of_vehicle: Long, true_boxes: Long, predicted_boxes: Long) -> Hota:
    """Detection, association and localisation accuracy, and their geometric mean, of each group of vehicles.

    of_vehicle (U,): the group of each true vehicle, within which its edges keep; true_boxes, predicted_boxes (K,).
    One matching per frame serves all thresholds: it maximises similarity times the ids' overall alignment (section 4.4
    of the paper). LocA counts a threshold without a match as 1 as TrackEval does, but is 0 where nothing overlaps.
    """
    truth, predicted = comparison.truth, comparison.predicted
    u, v, pair = pair_codes(truth.ids[comparison.left], predicted.ids[comparison.right], max(len(predicted.names), 1))
    aligned = np.bincount(pair, weights=_share(comparison), minlength=len(u))
    boxes = truth.counts[u] + predicted.counts[v]
    alignment = aligned / (boxes - aligned)
    matched = best_assignment(comparison.left, comparison.right, alignment[pair] * comparison.similarity)
    similarity, pair = comparison.similarity[matched], pair[matched]
    levels = np.searchsorted(THRESHOLDS - EPSILON, similarity, side="right")
    group, count, steps = of_vehicle[u], len(true_boxes), len(THRESHOLDS) + 1
    reached = _at_least(np.bincount(pair * steps + levels, minlength=len(u) * steps), len(u))
    hits = _summed(reached, group, count)
    association = _summed(reached * reached / np.maximum(boxes[:, None] - reached, 1), group, count)
    association /= np.maximum(hits, 1)
    detection = hits / np.maximum((true_boxes + predicted_boxes)[:, None] - hits, 1)
    located = _at_least(np.bincount(group[pair] * steps + levels, similarity, count * steps), count)
    location = np.maximum(located, 1e-10) / np.maximum(hits, 1e-10)
    location[np.bincount(group, minlength=count) == 0] = 0.0
    return Hota(*(x.mean(axis=1) for x in (np.sqrt(detection * association), detection, association, location)))


def _at_least(sums: Double | Long, count: int) -> Double:
    """Sums (count, 19) over all levels from each threshold on, of flat ones by level (count * 20)."""
    return np.asarray(sums.reshape(count, len(THRESHOLDS) + 1)[:, ::-1].cumsum(axis=1)[:, -2::-1], np.float64)


def _summed(values: Double, group: Long, count: int) -> Double:
    """Sums (count, 19) of the rows (N, 19) of each group."""
    cells = group[:, None] * len(THRESHOLDS) + np.arange(len(THRESHOLDS))
    sums = np.bincount(cells.ravel(), values.ravel(), count * len(THRESHOLDS))
    return np.asarray(sums, np.float64).reshape(count, -1)


def _share(comparison: Comparison) -> Double:
    """Each pair's similarity as a share of all similarity that its two boxes have in their frame (E,)."""
    left, right, similarity = comparison.left, comparison.right, comparison.similarity
    of_left, of_right = np.bincount(left, weights=similarity), np.bincount(right, weights=similarity)
    return np.asarray(similarity / (of_left[left] + of_right[right] - similarity))
