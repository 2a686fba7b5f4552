"""Candidate pairs: only those that a transition of the network allows in time, never all of T x T.

Shape shorthand: T tracklets, P candidate pairs, L transitions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mtmc.link.model.camera_network import CameraNetwork, Transitions
from mtmc.structures import Columns, Double, Long, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
GAP_S = 3.0
"""Longest gap between two fragments of one traversal."""
REACH = 0.25
"""Farthest that a fragment may begin from where the one before was heading, as a fraction of the image."""
LEAST_COUNT = 0.1
"""Vehicles that a transition is taken to have had at least when several of two cameras compete for a pair."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates(Columns):
    """Pairs (P,): the tracklet in row ``target`` may be the next of the vehicle in row ``source``, over ``transition``,
    ``seconds`` later."""

    source: Long
    target: Long
    transition: Long
    seconds: Double


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
    """All pairs that the transitions allow, sorted by (source, target), each once; forward in time where both clocks
    are trusted."""
    parts = list(_by_transition(table, timetable, network.transitions))
    if not parts:
        empty = np.zeros(0, np.int64)
        return Candidates(empty, empty, empty, np.zeros(0))
    source, target, transition = (np.concatenate(column) for column in zip(*parts, strict=True))
    # one order only where clocks say which
    middle = (table.start_s + table.end_s) / 2
    forward = (middle[source] < middle[target]) | ((middle[source] == middle[target]) & (source < target))
    ordered = network.clock_trusted[table.camera[source]] & network.clock_trusted[table.camera[target]]
    keep = (forward | ~ordered) & (source != target)
    source, target, transition = source[keep], target[keep], transition[keep]
    # of several transitions between two cameras the one that fits the time best keeps the pair
    seconds = table.start_s[target] - table.end_s[source]
    order = _once(source, target, _fit(network.transitions, transition, seconds))
    return Candidates(source[order], target[order], transition[order], seconds[order])


def _fit(transitions: Transitions, transition: Long, seconds: Double) -> Double:
    """How well (P,) a time fits a transition."""
    density = transitions.log_density(transition, seconds, np.zeros(len(transition)))
    return np.asarray(np.log(transitions.count[transition] + LEAST_COUNT) + density)


def _once(source: Long, target: Long, merit: Double) -> Long:
    """Order by (source, target), keeping the best of equal pairs."""
    order = np.lexsort((-merit, target, source))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(source[order]) != 0) | (np.diff(target[order]) != 0)
    return order[first]


def _by_transition(
    table: TrackletTable, timetable: Timetable, transitions: Transitions
) -> Iterator[tuple[Long, Long, Long]]:
    ends = zip(transitions.source.tolist(), transitions.target.tolist(), strict=True)
    gates = zip(transitions.low_s.tolist(), transitions.high_s.tolist(), strict=True)
    for number, ((source, target), gate) in enumerate(zip(ends, gates, strict=True)):
        a, b = timetable.pairs(source, target, *gate)
        if transitions.is_self[number]:
            near = np.linalg.norm(position_residual(table, a, b), axis=1) <= REACH
            a, b = a[near], b[near]
        yield a, b, np.full(len(a), number, np.int64)


def position_residual(table: TrackletTable, a: Long, b: Long) -> Double:
    """How far (P, 2) rows ``b`` begin from where rows ``a`` were heading, as a fraction of the image."""
    gap = (table.start_s[b] - table.end_s[a])[:, None]
    speed = (table.exit_velocity[a].astype(np.float64) + table.entry_velocity[b]) / 2
    return np.asarray(table.entry_xy[b] - (table.exit_xy[a] + speed * gap))
