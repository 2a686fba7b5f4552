"""What vehicles say against themselves, without any truth: pairs of their tracklets that look apart, and places where
no vehicle can be at once.

Shape shorthand: T tracklets, E links.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from mtmc.link.evidence.appearance import without_camera_bias
from mtmc.link.problem import Links
from mtmc.structures import Double, Float, Long, TrackletTable

APART_QUANTILE, ALIKE_QUANTILE, SURE_QUANTILE = 0.95, 0.99, 0.75
NEIGHBOURS = 40
"""Different vehicles are sampled among this many neighbours in the table."""
LEAST_LINKS = 8
"""With fewer links a run does not know how alike a vehicle's tracklets look."""
LEAST_OVERLAP_S, USUAL_GAP_S = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Contradictions:
    """``apart``: boxes of a vehicle's tracklets that do not look like one vehicle; ``twice``: boxes of vehicles in two
    places at once; both as shares of all boxes."""

    apart: float
    twice: float


def contradictions(table: TrackletTable, labels: Long, boxes: Long, links: Links | None) -> Contradictions:
    """What a solution says against itself: labels and boxes (T,); nothing looks apart where links are not told."""
    apart = 0.0 if links is None else looking_apart(table, labels, boxes, links)
    return Contradictions(apart, in_two_places(table, labels, boxes))


def cosines_of_strangers(features: Float, labels: Long) -> Double:
    """Cosines of a sample of pairs of different vehicles; features (T, D)."""
    order, found = np.arange(len(labels)), [np.zeros(0)]
    for step in range(1, min(NEIGHBOURS, len(labels))):
        other = np.roll(order, step)
        apart = labels != labels[other]
        found.append(np.einsum("nd,nd->n", features[apart], features[other[apart]]))
    return np.concatenate(found)


def scale_of_looks(features: Float, labels: Long, links: Links | None) -> tuple[float, float] | None:
    """Cosine that hardly any strangers reach, and one that most linked pairs nearly reach: what alike means to this
    run's embedder. None with too few links to tell."""
    if links is None or len(links.source) < LEAST_LINKS:
        return None
    strangers = cosines_of_strangers(features, labels)
    same = np.einsum("nd,nd->n", features[links.source], features[links.target])
    if len(strangers) == 0:
        return None
    return float(np.quantile(strangers, ALIKE_QUANTILE)), float(np.quantile(same, SURE_QUANTILE))


def looking_apart(table: TrackletTable, labels: Long, boxes: Long, links: Links) -> float:
    """Cycle consistency: two tracklets of a vehicle that other links join should look alike too. Boxes of pairs that
    look no more alike than strangers do, as a share of all boxes (T,)."""
    features = without_camera_bias(table)
    strangers = cosines_of_strangers(features, labels)
    if len(strangers) == 0:
        return 0.0
    apart, linked = (
        np.quantile(strangers, APART_QUANTILE),
        {*zip(links.source.tolist(), links.target.tolist(), strict=True)},
    )
    seen = np.linalg.norm(table.features, axis=1) > 0
    pairs = [pair for rows in _vehicles(table, labels) for pair in combinations(rows[seen[rows]].tolist(), 2)]
    implied = np.array([(a, b) for a, b in pairs if (a, b) not in linked and (b, a) not in linked], np.int64)
    a, b = implied.reshape(-1, 2).T
    unlike = np.einsum("nd,nd->n", features[a], features[b]) < apart
    return float(np.minimum(boxes[a], boxes[b])[unlike].sum() / max(int(boxes.sum()), 1))


def in_two_places(table: TrackletTable, labels: Long, boxes: Long) -> float:
    """Conflicts: a vehicle in two cameras at once that others need time between. Boxes of such stays as a share of all
    boxes (T,)."""
    rows = [(a, b) for mine in _vehicles(table, labels) for a, b in pairwise(mine.tolist())]
    a, b = np.array(rows, np.int64).reshape(-1, 2).T
    a, b = a[moved := table.camera[a] != table.camera[b]], b[moved]
    gap = table.start_s[b] - table.end_s[a]
    cameras = np.sort(np.stack([table.camera[a], table.camera[b]], axis=1), axis=1)
    pair = np.unique(cameras, axis=0, return_inverse=True)[1].ravel()
    usual = np.array([np.median(gap[pair == k]) for k in range(int(pair.max(initial=-1)) + 1)])
    wrong = (gap < -LEAST_OVERLAP_S) & (usual[pair] > USUAL_GAP_S) if len(gap) else np.zeros(0, bool)
    return float(np.minimum(boxes[a], boxes[b])[wrong].sum() / max(int(boxes.sum()), 1))


def _vehicles(table: TrackletTable, labels: Long) -> Iterator[Long]:
    """Rows of each vehicle by start."""
    order = np.lexsort((table.start_s, labels))
    order = order[labels[order] >= 0]
    yield from np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
