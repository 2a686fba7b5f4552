"""Linking of more than memory holds: window after window of time, each with what lies about it, each by what it learns
itself. Memory is bounded by the window, whatever the length.

What lies about a cut is linked twice, and so tells which vehicle of a window is which of the one before: the one with
which it shares most tracklets, unless it would then be twice in one view at one time.

Shape shorthand: T tracklets of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mtmc.link import LinkParams, solve
from mtmc.link.problem import Problem
from mtmc.structures import Long, TrackletTable

MARGIN = 3.0
"""A window sees so many of the longest journeys beyond its ends."""

Source = Callable[[float, float], TrackletTable]
"""The tracklets in view from one second to another, of the same cameras every time; known by camera and track id."""
Names = dict[tuple[int, int], int]
"""Vehicles' numbers by camera and track id of their tracklets."""


def link_in_windows(
    source: Source, begin_s: float, end_s: float, window_s: float, params: LinkParams
) -> Iterator[tuple[TrackletTable, Long]]:
    """The tracklets that begin in each window, and the numbers (T,) of their vehicles, which stay the same from window
    to window; by clocks that are known."""
    margin_s, names, following = MARGIN * params.max_travel_s, Names(), 1
    for first in np.arange(begin_s, end_s, window_s).tolist():
        last = min(first + window_s, end_s)
        table = source(first - margin_s, last + margin_s)
        numbers = _numbers(table, solve(Problem.of(table), params).labels, names, following)
        following = max(following, int(numbers.max(initial=0)) + 1)
        seen_again = np.flatnonzero((table.start_s < last) & (table.end_s >= last - margin_s))
        names = dict(zip(_keys(table.take(seen_again)), numbers[seen_again].tolist(), strict=True))
        mine = np.flatnonzero((table.start_s >= first) & (table.start_s < last))
        yield table.take(mine), numbers[mine]


def _keys(table: TrackletTable) -> list[tuple[int, int]]:
    return list(zip(table.camera.tolist(), table.track_id.tolist(), strict=True))


def _numbers(table: TrackletTable, labels: Long, names: Names, following: int) -> Long:
    """Numbers (T,) of a window's vehicles: tracklets that have one keep it, the others of a vehicle get that with which
    it shares most tracklets, each number once, or the next that is free."""
    vehicle = np.unique(labels, return_inverse=True)[1].ravel()
    before = np.array([names.get(key, 0) for key in _keys(table)], np.int64)
    fresh = following + np.arange(vehicle.max(initial=-1) + 1)
    carried = fresh.copy()
    shared, count = np.unique(np.stack([vehicle, before])[:, before > 0], axis=1, return_counts=True)
    taken = set[int]()
    for one, number in shared[:, np.lexsort((shared[1], shared[0], -count))].T.tolist():
        if carried[one] == fresh[one] and number not in taken:
            carried[one] = number
            taken.add(number)
    twice = np.isin(carried, _twice_at_once(table, np.where(before > 0, before, carried[vehicle])))
    return np.asarray(np.where(before > 0, before, np.where(twice, fresh, carried)[vehicle]), np.int64)


def _twice_at_once(table: TrackletTable, numbers: Long) -> Long:
    """The numbers of vehicles that would be twice in one view at one time."""
    order = np.lexsort((table.start_s, table.camera, numbers))
    one, other = order[:-1], order[1:]
    same = (numbers[one] == numbers[other]) & (table.camera[one] == table.camera[other])
    return np.asarray(numbers[one[same & (table.start_s[other] <= table.end_s[one])]], np.int64)
