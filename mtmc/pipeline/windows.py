"""Windows of linking: what time is linked at once, with what lies about it, and numbers of vehicles that stay from
window to window.

What lies about a cut is linked twice, and so tells which vehicle of a window is which of the one before: the one with
which it shares most tracklets, unless it would then be twice in one view at one time. Tracklets are found again by
their names, so that each window may put clocks right as it learned them.

Shape shorthand: T tracklets of a window, E links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mtmc.link.problem import Links, Possible, Problem, Solution
from mtmc.structures import Double, Long, Mask, TrackletTable

ALWAYS = -np.inf, np.inf
STRETCHES = 4
"""Stretches of time that a sample of a run is taken from."""
WISHED = 1e6
"""So many tracklets weighs one that somebody who looked called the same vehicle as another."""

Names = dict[tuple[int, int], int]
"""Vehicles' numbers by camera and track id of their tracklets; -1 for those that the linker's rules removed."""


@dataclass(frozen=True, slots=True)
class Span:
    """A window: seconds from ``begin_s`` to before ``end_s`` in which its own tracklets begin, by the cameras' own
    clocks, and the ``margin_s`` before and after that it sees too."""

    begin_s: float
    end_s: float
    margin_s: float

    @property
    def seen(self) -> tuple[float, float]:
        """From when to when tracklets are looked at."""
        return self.begin_s - self.margin_s, self.end_s + self.margin_s


def spans(begin_s: float, end_s: float, window_s: float, margin_s: float) -> list[Span]:
    """Windows of one length, ``window_s`` at most, and between them all time; one for an infinite ``window_s``."""
    count = max(1, int(np.ceil((end_s - begin_s) / window_s)))
    cuts = [-np.inf, *np.linspace(begin_s, end_s, count + 1)[1:-1].tolist(), np.inf]
    return [Span(first, last, margin_s) for first, last in pairwise(cuts)]


def stretches(begin_s: float, end_s: float, share: float) -> list[tuple[float, float]]:
    """From when to when a sample of so large a ``share`` of a run is taken: different hours; all of it from 1 on."""
    if share >= 1:
        return [ALWAYS]
    length_s = share * (end_s - begin_s) / STRETCHES
    return [(start, start + length_s) for start in np.linspace(begin_s, end_s - length_s, STRETCHES).tolist()]


class Numbering:
    """Hands out the numbers of vehicles, window after window in order of time."""

    def __init__(self) -> None:
        self._names, self._following, self._slots = Names(), 1, 0

    def own(self, problem: Problem, solution: Solution, span: Span) -> tuple[Mask, Solution]:
        """Which tracklets (T,) are the window's own, and its solution under the vehicles' numbers: with those links,
        made or possible, of which the later end is its own."""
        table, numbers = problem.table, self._numbers(problem, solution.labels)
        begun = table.start_s < span.end_s
        own = begun & (table.start_s >= span.begin_s)
        again = np.flatnonzero(begun & (table.end_s >= span.end_s - span.margin_s))
        self._names = dict(zip(_keys(table, again), numbers[again].tolist(), strict=True))
        self._following = max(self._following, 1 + int(numbers[begun].max(initial=0)))
        links, possible = solution.links, solution.possible
        if links is not None:
            parted = (numbers[links.source] != numbers[links.target]) & (
                solution.labels[links.source] == solution.labels[links.target]
            )
            links = links.take(np.flatnonzero(own[_later(table.start_s, links)] & ~parted))
        if possible is not None:
            possible = self._slotted(possible.take(own[_later(table.start_s, possible)]))
        return own, replace(solution, labels=numbers, links=links, possible=possible)

    def _slotted(self, possible: Possible) -> Possible:
        """With slots that no window before has used."""
        first = self._slots
        self._slots += 1 + int(max(possible.after.max(initial=-1), possible.before.max(initial=-1)))
        return replace(possible, after=possible.after + first, before=possible.before + first)

    def _numbers(self, problem: Problem, labels: Long) -> Long:
        """Numbers (T,) of a window's vehicles: tracklets that have one keep it, the others of a vehicle get that with
        which it shares most tracklets, each number once, or the next that is free."""
        table, wishes = problem.table, problem.wishes
        before = np.array([self._names.get(key, 0) for key in _keys(table, slice(None))], np.int64)
        fresh = np.where(labels < 0, labels, labels + self._following - 1)
        weight = np.ones(len(table))
        weight[wishes.same] = WISHED
        carried = _carried(labels, before, weight)
        numbers = np.where(before != 0, before, np.where(carried > 0, carried, fresh))
        one, other = wishes.different.T
        refused = [_twice_at_once(table, numbers), numbers[one[numbers[one] == numbers[other]]]]
        return np.where((before == 0) & np.isin(numbers, np.concatenate(refused)), fresh, numbers)


def _keys(table: TrackletTable, rows: Long | slice) -> Sequence[tuple[int, int]]:
    return list(zip(table.camera[rows].tolist(), table.track_id[rows].tolist(), strict=True))


def _later(start_s: Double, links: Links | Possible) -> Long:
    """The end (E,) of each link that begins later."""
    return np.where(start_s[links.source] > start_s[links.target], links.source, links.target)


def _carried(labels: Long, before: Long, weight: Double) -> Long:
    """The number (T,) under which most of a vehicle was known ``before`` (T,), 0 for none; no two vehicles the same."""
    known = np.flatnonzero((before > 0) & (labels >= 0))
    shared, which = np.unique(np.stack([labels, before])[:, known], axis=1, return_inverse=True)
    weights = np.bincount(which.ravel(), weight[known], shared.shape[1])
    numbers, taken = dict[int, int](), set[int]()
    for vehicle, number in shared[:, np.lexsort((shared[1], shared[0], -weights))].T.tolist():
        if vehicle not in numbers and number not in taken:
            numbers[vehicle] = number
            taken.add(number)
    vehicles, of = np.unique(labels, return_inverse=True)
    return np.array([numbers.get(vehicle, 0) for vehicle in vehicles.tolist()], np.int64)[of.ravel()]


def _twice_at_once(table: TrackletTable, numbers: Long) -> Long:
    """The numbers of vehicles that would be twice in one view at one time."""
    order = np.lexsort((table.start_s, table.camera, numbers))
    one, other = order[:-1], order[1:]
    same = (numbers[one] == numbers[other]) & (table.camera[one] == table.camera[other])
    return np.asarray(numbers[one[same & (table.start_s[other] <= table.end_s[one])]], np.int64)
