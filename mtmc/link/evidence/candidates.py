"""Candidate pairs: only those that a link of the network allows in time, never all of T x T.

Shape shorthand: T tracklets, P candidate pairs, L links.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mtmc.link.model.camera_network import CameraNetwork, Travel
from mtmc.structures import Double, Long, TrackletTable

GAP_S = 3.0
"""Longest gap between two pieces of one passage."""
REACH = 0.25
"""Farthest that a piece may begin from where the one before was heading, as a share of the image."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs (P,): the tracklet in row ``target`` may be the next of the vehicle in row ``source``, over ``link``, ``seconds`` later."""

    source: Long
    target: Long
    link: Long
    seconds: Double

    def __len__(self) -> int:
        return len(self.source)

    def take(self, rows: Long) -> Candidates:
        """The chosen pairs."""
        return Candidates(*(getattr(self, name)[rows] for name in self.__slots__))


class Timetable:
    """Rows of each camera by the time they leave and enter, made once per table."""

    def __init__(self, table: TrackletTable) -> None:
        count = len(table.cameras)
        rows = [np.flatnonzero(table.camera == c) for c in range(count)]
        self.leaving = [r[np.argsort(table.end_s[r], kind="stable")] for r in rows]
        self.entering = [r[np.argsort(table.start_s[r], kind="stable")] for r in rows]
        self.leave_s = [table.end_s[r] for r in self.leaving]
        self.enter_s = [table.start_s[r] for r in self.entering]

    def pairs(self, source: int, target: int, low_s: float, high_s: float) -> tuple[Long, Long]:
        """Rows (P,) leaving ``source`` and rows (P,) entering ``target`` between ``low_s`` and ``high_s`` later."""
        left, entered = self.leave_s[source], self.enter_s[target]
        first, last = np.searchsorted(entered, left + low_s), np.searchsorted(entered, left + high_s)
        count = last - first
        begin = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count) if len(count) else count
        return np.repeat(self.leaving[source], count), self.entering[target][begin + np.arange(int(count.sum()))]


def candidates(table: TrackletTable, timetable: Timetable, network: CameraNetwork) -> Candidates:
    """All pairs that the links allow, sorted by (source, target), each once; forward in time where both clocks are trusted."""
    parts = list(_by_link(table, timetable, network.travel))
    if not parts:
        empty = np.zeros(0, np.int64)
        return Candidates(empty, empty, empty, np.zeros(0))
    source, target, link = (np.concatenate(column) for column in zip(*parts, strict=True))
    middle = (table.start_s + table.end_s) / 2
    forward = (middle[source] < middle[target]) | ((middle[source] == middle[target]) & (source < target))
    strict = network.clock_trusted[table.camera[source]] & network.clock_trusted[table.camera[target]]
    keep = (forward | ~strict) & (source != target)
    source, target, link = source[keep], target[keep], link[keep]
    order = _once(source, target, _likeness(network.travel, link, table.start_s[target] - table.end_s[source]))
    source, target, link = source[order], target[order], link[order]
    return Candidates(source, target, link, table.start_s[target] - table.end_s[source])


def _likeness(travel: Travel, link: Long, seconds: Double) -> Double:
    """How well a time fits a link: of several links between two cameras the best keeps the pair."""
    return np.asarray(np.log(travel.flow[link] + 0.1) + travel.log_density(link, seconds, np.zeros(len(link))))


def _once(source: Long, target: Long, merit: Double) -> Long:
    """Order by (source, target), keeping the best of equal pairs."""
    order = np.lexsort((-merit, target, source))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(source[order]) != 0) | (np.diff(target[order]) != 0)
    return order[first]


def _by_link(table: TrackletTable, timetable: Timetable, travel: Travel) -> Iterator[tuple[Long, Long, Long]]:
    for link in range(len(travel)):
        same = travel.source[link] == travel.target[link]
        a, b = timetable.pairs(
            int(travel.source[link]), int(travel.target[link]), float(travel.low_s[link]), float(travel.high_s[link])
        )
        if same:
            near = np.linalg.norm(drift(table, a, b), axis=1) <= REACH
            a, b = a[near], b[near]
        yield a, b, np.full(len(a), link, np.int64)


def drift(table: TrackletTable, a: Long, b: Long) -> Double:
    """How far (P, 2) rows ``b`` begin from where rows ``a`` were heading, as a share of the image."""
    gap = (table.start_s[b] - table.end_s[a])[:, None]
    speed = (table.exit_velocity[a].astype(np.float64) + table.entry_velocity[b]) / 2
    return np.asarray(table.entry_xy[b] - (table.exit_xy[a] + speed * gap))
