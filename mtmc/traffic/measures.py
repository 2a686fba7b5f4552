"""What traffic engineers count and measure, of one solution: who is one vehicle. Pure functions of stays.

Every measure is given twice: over the whole period, and by bin. Shape shorthand: T pieces, V stays, N things counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.structures import Double, Long, Mask
from mtmc.traffic.bins import Bins
from mtmc.traffic.cells import Keys, Summary, counted, quantiles
from mtmc.traffic.classes import Classes
from mtmc.traffic.gates import Gates, Passings, passings
from mtmc.visits.pieces import Pieces
from mtmc.visits.stays import Stays

QUANTILES = (0.15, 0.5, 0.85)
TIMES = ("exit_to_entry", "entry_to_entry")
ROUTE_SEED = 17


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What is asked: of which pieces, in which bins and classes, between which gates."""

    pieces: Pieces
    bins: Bins
    gates: Gates
    classes: Classes

    @property
    def movement(self) -> Keys:
        """Axes of the counts."""
        zones = (max(map(len, names), default=1) for names in (self.pieces.entry_names, self.pieces.exit_names))
        sizes = (len(self.pieces.cameras), *zones, len(self.classes.names))
        return Keys(("camera", "entry", "exit", "kind"), sizes)

    @property
    def pair(self) -> Keys:
        """Axes of legs and of origins and destinations."""
        return Keys(("from", "to"), (len(self.gates.names),) * 2)

    def by_bin(self, keys: Keys) -> Keys:
        """The same axes and that of the bins."""
        return Keys((*keys.names, "bin"), (*keys.sizes, self.bins.count))


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Summaries of one solution, by table. ``routes``: sequences of gates, and how many vehicles took each."""

    tables: dict[str, Summary]
    routes: dict[tuple[int, ...], int]


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """How often vehicles that were not seen at both ends of a leg needed as long as one that was: ``recall`` (G,) of
    the gates."""

    recall: Double
    rng: np.random.Generator

    def times(self, a: Long, b: Long) -> Long:
        """How many vehicles each leg (N,) stands for, itself included."""
        both = self.recall[a] * self.recall[b]
        return 1 + self.rng.poisson((1 - both) / both)


def measure(frame: Frame, stays: Stays, label: Long) -> Measured:
    """All summaries of a solution's stays, by vehicle and start, whose vehicles are of kind ``label`` (V,)."""
    passed = passings(stays, frame.gates)
    kind = frame.classes.of_label[label]
    tables = {**counts(frame, stays, kind), **legs(frame, passed), **trips(frame, passed)}
    return Measured(tables, routes_of(frame, passed))


def counts(frame: Frame, stays: Stays, kind: Long) -> dict[str, Summary]:
    """Vehicles by camera, movement and class, at the moment in which they come into view; ``cut`` by a clip's end."""
    keys, bins = frame.movement, frame.bins.of(stays.start_s)
    inside = bins >= 0
    axes = [column[inside].astype(np.int64) for column in (stays.camera, stays.entry, stays.exit, kind)]
    cut = (stays.cut_start | stays.cut_end)[inside]
    return {
        "counts": counted(keys.pack(*axes), cut=cut),
        "counts_by_bin": counted(frame.by_bin(keys).pack(*axes, bins[inside]), cut=cut),
    }


def legs(frame: Frame, passed: Passings, unseen: Unseen | None = None) -> dict[str, Summary]:
    """Travel times of vehicles from one gate to the next other one, at the moment in which they leave the first;
    ``unseen``: with a draw of those of whom one end was missed."""
    next_ = _followed(passed) & (passed.gate[:-1] != passed.gate[1:])
    a = np.flatnonzero(next_)
    if unseen is not None:
        a = np.repeat(a, unseen.times(passed.gate[a], passed.gate[a + 1]))
    b = a + 1
    bins = frame.bins.of(passed.leave_s[a])
    a, b, bins = (column[bins >= 0] for column in (a, b, bins))
    axes = passed.gate[a], passed.gate[b]
    seconds = passed.enter_s[b] - passed.leave_s[a], passed.enter_s[b] - passed.enter_s[a]
    return {
        "legs": _timed(frame.pair.pack(*axes), *seconds),
        "legs_by_bin": _timed(frame.by_bin(frame.pair).pack(*axes, bins), *seconds),
    }


def trips(frame: Frame, passed: Passings) -> dict[str, Summary]:
    """Vehicles from the first gate at which they are seen to the last, at the moment in which they come to the
    first."""
    first, last = _ends(passed)
    bins = frame.bins.of(passed.enter_s[first])
    inside = bins >= 0
    axes = passed.gate[first][inside], passed.gate[last][inside]
    return {
        "od": counted(frame.pair.pack(*axes)),
        "od_by_bin": counted(frame.by_bin(frame.pair).pack(*axes, bins[inside])),
    }


def routes_of(frame: Frame, passed: Passings) -> dict[tuple[int, ...], int]:
    """Sequences of gates and how many vehicles took each, those of one gate left out."""
    first, last = _ends(passed)
    first, last = (rows[(frame.bins.of(passed.enter_s[first]) >= 0) & (last > first)] for rows in (first, last))
    longest = int((last - first).max(initial=0)) + 1
    words = np.random.default_rng(ROUTE_SEED).integers(0, 2**63, (longest, len(frame.gates.names)), np.uint64)
    place = np.arange(len(passed)) - np.repeat(*_runs(passed))
    total = np.concatenate([[np.uint64(0)], np.cumsum(words[np.minimum(place, longest - 1), passed.gate])])
    _, example, count = np.unique(total[last + 1] - total[first], return_index=True, return_counts=True)
    return {
        tuple(passed.gate[first[k] : last[k] + 1].tolist()): n
        for k, n in zip(example.tolist(), count.tolist(), strict=True)
    }


def _timed(code: Long, *seconds: Double) -> Summary:
    cells = counted(code)
    columns = dict(cells.columns)
    for name, values in zip(TIMES, seconds, strict=True):
        for fraction, column in zip(QUANTILES, quantiles(code, values, QUANTILES).T, strict=True):
            columns[f"{name}_p{100 * fraction:.0f}_s"] = column
    return Summary(cells.code, columns)


def _followed(passed: Passings) -> Mask:
    """Whether each passing but the last is followed by another of the same vehicle."""
    return np.asarray(passed.vehicle[1:] == passed.vehicle[:-1])


def _ends(passed: Passings) -> tuple[Long, Long]:
    """Rows of each vehicle's first and last passing."""
    first, count = _runs(passed)
    return first, first + count - 1


def _runs(passed: Passings) -> tuple[Long, Long]:
    """First row of each vehicle and how many it has."""
    new = np.ones(len(passed), bool)
    new[1:] = ~_followed(passed)
    first = np.flatnonzero(new)
    return first, np.diff(np.append(first, len(passed)))
