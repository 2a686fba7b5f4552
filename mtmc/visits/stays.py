"""From pieces and whose they are to stays: pieces of one passage through one camera belong together.

Shape shorthand: T pieces (tracklets), V stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mtmc.structures import LABELS, Columns, Double, Int, Long, Mask, Short
from mtmc.visits.pieces import Pieces

LONGEST_GAP_S = 10.0
"""A vehicle out of sight for longer than this in one camera comes back as another visit ..."""
SHORT_GAP_S = 2.0
"""... or for longer than this, if another camera saw it between."""


@dataclass(frozen=True, slots=True, eq=False)
class Stays(Columns):
    """Stays (V,) by vehicle and start. vehicle (V,) its label; first, last (V,) rows of the first and last piece; visit
    (V,) the how-manieth of the vehicle in this camera, from 1; label by most boxes; speed_kmh mean of the pieces' by
    boxes; ``stay`` (T,) the stay that each piece is in; the other columns as ``Pieces``."""

    SHARED: ClassVar[frozenset[str]] = frozenset({"stay"})

    vehicle: Long
    camera: Int
    visit: Long
    first: Long
    last: Long
    start_s: Double
    end_s: Double
    boxes: Long
    entry: Short
    exit: Short
    label: Short
    speed_kmh: Double
    speed_error_kmh: Double
    stopped_s: Double
    cut_start: Mask
    cut_end: Mask
    stay: Long

    @property
    def begins(self) -> Mask:
        """Which stays (V,) are the first of their vehicle."""
        return _with_first(self.vehicle[1:] != self.vehicle[:-1], len(self))

    @property
    def ends(self) -> Mask:
        """Which stays (V,) are the last of their vehicle."""
        return np.append(self.begins[1:], True)[: len(self)]

    @property
    def whose(self) -> Long:
        """The number (V,) of each stay's vehicle, counted from 0."""
        return np.asarray(np.cumsum(self.begins) - 1)


def stays_of(pieces: Pieces, vehicle: Long) -> Stays:
    """The stays of pieces whose vehicles' labels are ``vehicle`` (T,)."""
    order, first = grouped(vehicle, pieces.camera, pieces.start_s, pieces.end_s)
    stay = np.empty(len(order), np.int64)
    stay[order] = np.cumsum(first) - 1
    heads = np.flatnonzero(first)
    tails = np.append(heads, len(order))[1:] - 1
    head, tail = order[heads], order[tails]
    boxes = np.bincount(stay, pieces.boxes, len(heads)).astype(np.int64)
    by_start = np.lexsort((pieces.camera[head], pieces.start_s[head], vehicle[head]))
    renamed = np.empty(len(heads), np.int64)
    renamed[by_start] = np.arange(len(heads))
    head, tail = head[by_start], tail[by_start]
    return Stays(
        vehicle[head], pieces.camera[head], _visit(vehicle[head], pieces.camera[head]), head, tail,
        pieces.start_s[head], pieces.end_s[tail], boxes[by_start], pieces.entry[head], pieces.exit[tail],
        most_boxes(stay, pieces.label, pieces.boxes, len(heads))[by_start],
        _weighted(stay, pieces.speed_kmh, pieces.boxes, len(heads))[by_start],
        _weighted(stay, pieces.speed_error_kmh, pieces.boxes, len(heads))[by_start],
        np.bincount(stay, pieces.stopped_s, len(heads)).astype(np.float64)[by_start],
        pieces.cut_start[head], pieces.cut_end[tail], renamed[stay],
    )  # fmt: skip


def grouped(vehicle: Long, camera: Int | Long, start_s: Double, end_s: Double) -> tuple[Long, Mask]:
    """Order (T,) of pieces by vehicle, camera and start, and which of them (T,), in that order, begin a stay."""
    seen_last = _start_before(vehicle, start_s)
    order = np.lexsort((start_s, camera, vehicle))
    v, c, end = vehicle[order], camera[order], end_s[order]
    gap = start_s[order][1:] - end[:-1]
    elsewhere = seen_last[order][1:] > end[:-1]
    longest = np.where(elsewhere, SHORT_GAP_S, LONGEST_GAP_S)
    goes_on = (v[1:] == v[:-1]) & (c[1:] == c[:-1]) & (gap <= longest)
    return order.astype(np.int64), _with_first(~goes_on, len(v))


def _start_before(vehicle: Long, start_s: Double) -> Double:
    """The latest earlier start (T,) of the same vehicle, in whatever camera; -inf for its first piece."""
    order = np.lexsort((start_s, vehicle))
    v, start = vehicle[order], start_s[order]
    new = _with_first((v[1:] != v[:-1]) | (start[1:] != start[:-1]), len(v))
    run = np.flatnonzero(new)[np.cumsum(new) - 1]  # first row of those that start at one moment
    before = np.maximum(run - 1, 0)
    result = np.empty(len(v))
    result[order] = np.where((run > 0) & (v[before] == v), start[before], -np.inf)
    return result


def _with_first(new: Mask, count: int) -> Mask:
    """Whether each of ``count`` rows begins something: the first does, the others as ``new`` says."""
    result = np.ones(count, bool)
    result[1:] = new
    return result


def _visit(vehicle: Long, camera: Int) -> Long:
    """The how-manieth stay of its vehicle in its camera each is (V,), of stays by vehicle and start."""
    order = np.lexsort((camera, vehicle))
    new = _with_first((np.diff(vehicle[order]) != 0) | (np.diff(camera[order]) != 0), len(vehicle))
    first = np.flatnonzero(new)[np.cumsum(new) - 1]
    visit = np.empty(len(vehicle), np.int64)
    visit[order] = np.arange(len(vehicle)) - first + 1
    return visit


def most_boxes(group: Long, label: Short, boxes: Long, count: int) -> Short:
    """Label (count,) with most boxes of each group."""
    cells = np.bincount(group * len(LABELS) + label, boxes, count * len(LABELS))
    return np.asarray(cells.reshape(count, len(LABELS)).argmax(axis=1), np.int16)


def _weighted(group: Long, values: Double, boxes: Long, count: int) -> Double:
    """Mean (count,) of each group's known values by boxes; NaN where none is known."""
    known = np.isfinite(values)
    total = np.bincount(group[known], values[known] * boxes[known], count)
    weight = np.bincount(group[known], boxes[known], count)
    return np.asarray(np.divide(total, weight, out=np.full(count, np.nan), where=weight > 0))
