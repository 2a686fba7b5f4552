"""Truth and prediction on one time line, ids as codes, with the sparse overlaps between their boxes.

Shape shorthand: G truth boxes, P predicted boxes, U true vehicles, V predicted vehicles, E overlapping pairs of boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtmc.boxes import Boxes

Long = NDArray[np.int64]
Double = NDArray[np.float64]

PAIRS_AT_ONCE = 1 << 20
"""Candidate pairs measured in one pass: bounds the memory to about 150 MB whatever the crowd."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side's boxes, sorted by time, then id code: rows (N,) of the ``Boxes`` they came from; time (N,) moments of the joined
    time line; ids (N,) codes from 0; camera (N,) index; names (U,) the vehicle id of each code."""

    rows: Long
    time: Long
    ids: Long
    camera: Long
    names: Long

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def counts(self) -> Long:
        """Boxes of each id code (U,)."""
        return np.bincount(self.ids, minlength=len(self.names))

    def part(self, rows: slice) -> Side:
        """A run of rows, with codes for the ids that remain, in the same order."""
        kept, codes = np.unique(self.ids[rows], return_inverse=True)
        return Side(self.rows[rows], self.time[rows], codes, self.camera[rows], self.names[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two sides and the pairs of boxes that overlap at all: left (E,) row of ``truth``, right (E,) row of ``predicted``, similarity
    (E,) in (0, 1]; a pair may be matched from ``threshold`` on. Edges are sorted by time, truth code and predicted code."""

    truth: Side
    predicted: Side
    left: Long
    right: Long
    similarity: Double
    threshold: float

    @property
    def close(self) -> NDArray[np.intp]:
        """Edges that may be matched."""
        return np.flatnonzero(self.similarity >= self.threshold)

    def one_camera(self, camera: int) -> Comparison:
        """The same comparison in one camera: the time line puts camera after camera, so that all is slices."""
        truth = _run(self.truth.camera, camera)
        predicted = _run(self.predicted.camera, camera)
        edges = slice(*np.searchsorted(self.left, (truth.start, truth.stop)))
        return Comparison(
            self.truth.part(truth),
            self.predicted.part(predicted),
            self.left[edges] - truth.start,
            self.right[edges] - predicted.start,
            self.similarity[edges],
            self.threshold,
        )


def _run(cameras: Long, camera: int) -> slice:
    first, last = np.searchsorted(cameras, (camera, camera + 1))
    return slice(int(first), int(last))


Measure = Literal["iou", "ground"]


def compare(
    truth: Boxes, predicted: Boxes, threshold: float, measure: Measure = "iou", reach_m: float = 1.0
) -> Comparison:
    """Join the cameras of ``truth`` in ascending order into one time line, code the ids and measure all overlaps.

    ``predicted`` must have the cameras of ``truth``, and neither side two boxes of one id in one frame. Similarity is the IoU
    of the boxes, or with ``ground`` ``1 - d / (2 reach_m)`` of the world coordinates' distance d, so that 0.5 means ``reach_m``. Codes follow
    the ids' first appearance, so neither the names of ids nor the order of rows has a say in any number.
    """
    span = 1 + max(int(side.frames.max(initial=0)) for side in (truth, predicted))
    one, other = _side(truth, span), _side(predicted, span)
    left, right, similarity = overlaps(truth, one, predicted, other, measure, reach_m)
    return Comparison(one, other, left, right, similarity, threshold)


def _side(boxes: Boxes, span: int) -> Side:
    time = boxes.camera * span + boxes.frames
    names, ids = np.unique(boxes.ids, return_inverse=True)
    first_seen = _order_of_appearance(boxes, time, ids, len(names))
    code = np.empty(len(names), np.int64)
    code[first_seen] = np.arange(len(names))
    codes = code[ids]
    rows = np.lexsort((codes, time))
    return Side(rows, time[rows], codes[rows], boxes.camera[rows], names[first_seen])


def _order_of_appearance(boxes: Boxes, time: Long, ids: Long, count: int) -> NDArray[np.intp]:
    """Ids by their first box: moment, then position and size; equal first boxes by the sums over all their boxes."""
    order = np.lexsort((time, ids))
    first = order[np.r_[True, np.diff(ids[order]) != 0]] if len(ids) else order
    sums = [np.bincount(ids, weights=value, minlength=count) for value in (*boxes.xywh.T, time.astype(np.float64))]
    return np.lexsort((*sums, *boxes.xywh[first].T[::-1], time[first]))


def overlaps(
    truth: Boxes, one: Side, predicted: Boxes, other: Side, measure: Measure, reach_m: float
) -> tuple[Long, Long, Double]:
    """Row of ``one``, row of ``other`` and similarity above 0 of all overlapping pairs, sorted by row of ``one`` and ``other``."""
    start = np.searchsorted(other.time, one.time, side="left")
    pairs = np.searchsorted(other.time, one.time, side="right") - start
    ends = np.cumsum(pairs)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(PAIRS_AT_ONCE, total, PAIRS_AT_ONCE))
    a = truth.xywh[one.rows] if measure == "iou" else truth.world[one.rows]
    b = predicted.xywh[other.rows] if measure == "iou" else predicted.world[other.rows]
    found = []
    for rows in np.split(np.arange(len(one)), np.unique(cuts)):
        left = np.repeat(rows, pairs[rows])
        before = np.cumsum(pairs[rows]) - pairs[rows]
        right = np.arange(len(left)) + np.repeat(start[rows] - before, pairs[rows])
        similarity = pairwise_iou(a[left], b[right]) if measure == "iou" else _nearness(a[left], b[right], reach_m)
        kept = similarity > 0
        found.append((left[kept], right[kept], similarity[kept]))
    lefts, rights, similarities = zip(*found, strict=True)
    return np.concatenate(lefts), np.concatenate(rights), np.concatenate(similarities)


def pairwise_iou(a: Double, b: Double) -> Double:
    """Intersection over union (N,) of boxes xywh (N, 4) with their partners (N, 4), in [0, 1]."""
    corner = np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    sides = np.maximum(corner - np.maximum(a[:, :2], b[:, :2]), 0.0)
    shared = sides[:, 0] * sides[:, 1]
    return np.asarray(shared / (a[:, 2] * a[:, 3] + b[:, 2] * b[:, 3] - shared))


def _nearness(a: Double, b: Double, reach_m: float) -> Double:
    return np.asarray(np.maximum(1.0 - np.hypot(*(a - b).T) / (2.0 * reach_m), 0.0))


def pair_codes(first: Long, second: Long, width: int) -> tuple[Long, Long, Long]:
    """The distinct pairs among (first, second) (E,), sorted: their two members (K,) each, and the number (E,) of each edge's pair."""
    keys, inverse = np.unique(first * width + second, return_inverse=True)
    return keys // width, keys % width, inverse
