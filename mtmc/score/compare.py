"""Truth and prediction on one time line, ids as codes, with the sparse overlaps between their boxes.

Shape shorthand: G truth boxes, P predicted boxes, U true vehicles, V predicted vehicles, E overlapping pairs of boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes, pack

Long = NDArray[np.int64]
Double = NDArray[np.float64]
Mask = NDArray[np.bool_]
Edges = tuple[Long, Long, Double]

DENSE_PER_EDGE = 16
"""A table of all possible pairs beats sorting the pairs that exist up to about this many entries per edge."""

PAIRS_AT_ONCE = 1 << 20
"""Candidate pairs measured in one pass: bounds the memory to about 150 MB whatever the crowd."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side's boxes, sorted by time, then id code: rows (N,) of the ``Boxes`` they came from; time (N,) moments of
    the joined time line; ids (N,) codes from 0; camera (N,) index; names (U,) the vehicle id of each code."""

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

    def ids_by_camera(self) -> tuple[Side, Long]:
        """Codes for each id in each camera, in the same order within one, and the camera of each code."""
        camera, code, ids = pair_codes(self.camera, self.ids, max(len(self.names), 1))
        return Side(self.rows, self.time, ids, self.camera, self.names[code]), camera

    def part(self, rows: slice | Mask) -> Side:
        """Some rows, with codes for the ids that remain, in the same order."""
        kept, codes = distinct(self.ids[rows])
        return Side(self.rows[rows], self.time[rows], codes, self.camera[rows], self.names[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two sides and the pairs of boxes that overlap at all: left (E,) row of ``truth``, right (E,) row of
    ``predicted``, similarity (E,) in (0, 1]; a pair may be matched from ``threshold`` on. Edges are sorted by time,
    truth code and predicted code. ``span``: moments of the joined time line per camera."""

    truth: Side
    predicted: Side
    left: Long
    right: Long
    similarity: Double
    threshold: float
    span: int

    @property
    def close(self) -> NDArray[np.intp]:
        """Edges that may be matched."""
        return np.flatnonzero(self.similarity >= self.threshold)

    def without(self, dropped: Mask) -> Comparison:
        """The same comparison less the predicted boxes of some rows of the ``Boxes`` (N,), whole ids of them."""
        if not dropped.any():
            return self
        stays = ~dropped[self.predicted.rows]
        edges = stays[self.right]
        left, right = self.left[edges], (np.cumsum(stays) - 1)[self.right[edges]]
        kept = self.predicted.part(stays)
        return replace(self, predicted=kept, left=left, right=right, similarity=self.similarity[edges])

    def ids_by_camera(self) -> tuple[Comparison, Long, Long]:
        """The same comparison with an id of its own for each id in each camera, and the camera of each true (U,) and
        predicted (V,) id."""
        (truth, of_vehicle), (predicted, of_track) = self.truth.ids_by_camera(), self.predicted.ids_by_camera()
        return replace(self, truth=truth, predicted=predicted), of_vehicle, of_track

    def one_camera(self, camera: int) -> Comparison:
        """The same comparison in one camera: the time line puts camera after camera, so that all is slices."""
        truth = _run(self.truth.camera, camera)
        predicted = _run(self.predicted.camera, camera)
        edges = slice(*np.searchsorted(self.left, (truth.start, truth.stop)))
        return replace(
            self,
            truth=self.truth.part(truth),
            predicted=self.predicted.part(predicted),
            left=self.left[edges] - truth.start,
            right=self.right[edges] - predicted.start,
            similarity=self.similarity[edges],
        )


def _run(cameras: Long, camera: int) -> slice:
    first, last = np.searchsorted(cameras, (camera, camera + 1))
    return slice(int(first), int(last))


Measure = Literal["iou", "ground"]


def compare(
    truth: Boxes,
    predicted: Boxes,
    threshold: float,
    measure: Measure = "iou",
    reach_m: float = 1.0,
    earlier: Comparison | None = None,
) -> Comparison:
    """Join the cameras of ``truth`` in ascending order into one time line, code the ids and measure all overlaps.

    ``predicted`` must have the cameras of ``truth``, and neither side two boxes of one id in one frame. Similarity is
    the IoU of the boxes, or with ``ground`` ``1 - d / (2 reach_m)`` of the world coordinates' distance d, so that 0.5
    means ``reach_m``. Codes follow the ids' first appearance, so neither the names of ids nor the order of rows has a
    say in any number. ``earlier``: another comparison of the same truth, which is then not sorted again.
    """
    span = 1 + max(int(side.frames.max(initial=0)) for side in (truth, predicted))
    if earlier is not None and span <= earlier.span:
        span, one = earlier.span, earlier.truth
    else:
        one = _side(truth, span)
    other = _side(predicted, span)
    left, right, similarity = overlaps(truth, one, predicted, other, measure, reach_m)
    return Comparison(one, other, left, right, similarity, threshold, span)


def _side(boxes: Boxes, span: int) -> Side:
    time = boxes.camera * span + boxes.frames
    names, ids = distinct(boxes.ids)
    first_seen = _order_of_appearance(boxes, time, ids, len(names))
    code = np.empty(len(names), np.int64)
    code[first_seen] = np.arange(len(names))
    codes = code[ids]
    rows = np.argsort(pack(time, codes))
    return Side(rows, time[rows], codes[rows], boxes.camera[rows], names[first_seen])


def _order_of_appearance(boxes: Boxes, time: Long, ids: Long, count: int) -> NDArray[np.intp]:
    """Ids by their first box: moment, then position and size; equal first boxes by the sums over all their boxes."""
    earliest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(earliest, ids, time)
    rows = np.flatnonzero(time == earliest[ids])
    first = rows[np.argsort(ids[rows])]
    looks = np.column_stack([time[first], boxes.xywh[first]])
    sums: list[Double] = []
    if len(np.unique(looks, axis=0)) < count:
        values: tuple[Double, ...] = (*boxes.xywh.T, time.astype(np.float64))
        sums = [np.asarray(np.bincount(ids, weights=value, minlength=count), np.float64) for value in values]
    return np.lexsort((*sums, *looks.T[::-1]))


def overlaps(truth: Boxes, one: Side, predicted: Boxes, other: Side, measure: Measure, reach_m: float) -> Edges:
    """Row of ``one``, row of ``other`` and similarity above 0 of all overlapping pairs, sorted by row of ``one`` and
    ``other``."""
    start, pairs = _at_moments(other.time, one.time)
    ends = np.cumsum(pairs)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(PAIRS_AT_ONCE, total, PAIRS_AT_ONCE))
    near = (
        _Iou(truth.xywh[one.rows], predicted.xywh[other.rows])
        if measure == "iou"
        else _Nearness(truth.world[one.rows], predicted.world[other.rows], reach_m)
    )
    found = []
    for rows in np.split(np.arange(len(one)), np.unique(cuts)):
        left = np.repeat(rows, pairs[rows])
        before = np.cumsum(pairs[rows]) - pairs[rows]
        right = np.arange(len(left)) + np.repeat(start[rows] - before, pairs[rows])
        found.append(near.of(left, right))
    lefts, rights, similarities = zip(*found, strict=True)
    return np.concatenate(lefts), np.concatenate(rights), np.concatenate(similarities)


def _at_moments(times: Long, moments: Long) -> tuple[Long, Long]:
    """First row of sorted ``times`` (N,) at each of ``moments`` (M,), and how many rows are there."""
    size = int(max(times.max(initial=0), moments.max(initial=0))) + 1
    if size > DENSE_PER_EDGE * (len(times) + len(moments)):
        start = np.searchsorted(times, moments, side="left")
        return start, np.searchsorted(times, moments, side="right") - start
    counts = np.bincount(times, minlength=size)
    return (np.cumsum(counts) - counts)[moments], counts[moments]


class _Iou:
    """Intersection over union of pairs of boxes; sides along x first, as few pairs outlive them."""

    def __init__(self, a: Double, b: Double) -> None:
        self.a, self.b = _edges(a), _edges(b)

    def of(self, left: Long, right: Long) -> Edges:
        """The pairs that overlap, with their IoU."""
        (ax1, ay1, ax2, ay2, a_area), (bx1, by1, bx2, by2, b_area) = self.a, self.b
        wide = np.minimum(ax2[left], bx2[right]) - np.maximum(ax1[left], bx1[right])
        kept = np.flatnonzero(wide > 0)
        left, right, wide = left[kept], right[kept], wide[kept]
        high = np.minimum(ay2[left], by2[right]) - np.maximum(ay1[left], by1[right])
        kept = np.flatnonzero(high > 0)
        left, right, shared = left[kept], right[kept], wide[kept] * high[kept]
        return left, right, shared / (a_area[left] + b_area[right] - shared)


def _edges(xywh: Double) -> tuple[Double, Double, Double, Double, Double]:
    """Left, top, right, bottom and area; sides anew from the corners, so that a box overlaps itself by exactly 1."""
    x1, y1, w, h = np.ascontiguousarray(xywh.T)
    x2, y2 = x1 + w, y1 + h
    return x1, y1, x2, y2, (x2 - x1) * (y2 - y1)


class _Nearness:
    """``1 - d / (2 reach)`` of pairs of ground points d metres apart, where that is above 0."""

    def __init__(self, a: Double, b: Double, reach_m: float) -> None:
        self.a, self.b, self.reach_m = a, b, reach_m

    def of(self, left: Long, right: Long) -> Edges:
        """The pairs within twice the reach, with their similarity."""
        similarity = 1.0 - np.hypot(*(self.a[left] - self.b[right]).T) / (2.0 * self.reach_m)
        kept = np.flatnonzero(similarity > 0)
        return left[kept], right[kept], similarity[kept]


def pair_codes(first: Long, second: Long, width: int) -> tuple[Long, Long, Long]:
    """The distinct pairs among (first, second) (E,), sorted: their two members (K,) each, and the number (E,) of each
    edge's pair."""
    pairs, number = distinct(first * width + second)
    return pairs // width, pairs % width, number


def distinct(keys: Long) -> tuple[Long, Long]:
    """The distinct ones (K,) among ``keys`` (E,), sorted, and the place (E,) of each key among them."""
    size = int(keys.max(initial=-1)) + 1
    if size > DENSE_PER_EDGE * len(keys) or keys.min(initial=0) < 0:
        return np.unique(keys, return_inverse=True)
    present = np.zeros(size, np.bool_)
    present[keys] = True
    found = np.flatnonzero(present)
    numbers = np.empty(size, np.int64)
    numbers[found] = np.arange(len(found))
    return found, numbers[keys]
