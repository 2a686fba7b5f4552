"""How many of the vehicles that pass a camera it sees, told by other cameras: of those seen before and after it, how
many it missed in between. No truth is needed, only vehicles that are linked past a camera.

Shape shorthand: C cameras, V stays, P pairs of stays that follow each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.structures import Double, Long, Mask, Short
from mtmc.traffic.cells import quantiles
from mtmc.visits.stays import Stays

DIRECT = 0.5
"""Where more than this fraction of the vehicles from A to C is not seen at B, there is a way that does not pass it."""
LEAST = 3
"""Ways that fewer vehicles went tell no times."""
MIDDLE = (0.05, 0.95)
"""Between these quantiles of a way's times vehicles are counted: wider ones let in more by chance."""
SLACK = 0.25
"""A journey past a camera takes as long as those through it, within this fraction beyond their extremes."""
COMMON = 100.0
"""Vehicles' worth of what all cameras have in common in the estimate of one: a camera that missed none of a few dozen
is no better than the others. Insensitive from 60 to 150 (``scripts/bench_traffic`` on seeds 101 to 116); at 20
intervals are too narrow."""
PLACES = 1 << 31
"""More than there are cameras' zones."""
USUAL, USUAL_COUNT = 0.98, 25.0
"""Recall taken for granted before any evidence, and how many vehicles that is worth."""


@dataclass(frozen=True, slots=True, eq=False)
class Recall:
    """seen, missed (C,): vehicles that other cameras vouch for."""

    seen: Double
    missed: Double

    def parameters(self) -> tuple[Double, Double]:
        """Of the Beta distribution (C,) of each camera's recall: its own evidence, and COMMON vehicles of all cameras
        and of what is usual."""
        common = (self.seen.sum() + USUAL * USUAL_COUNT) / (self.seen.sum() + self.missed.sum() + USUAL_COUNT)
        return self.seen + COMMON * common, self.missed + COMMON * (1 - common)


@dataclass(frozen=True, slots=True, eq=False)
class Skips:
    """Pairs of stays (P,) that follow each other past a camera that should have seen the vehicle: rows ``before`` and
    ``after`` of the stays, and the row of the middle one of a vehicle that was seen there (``donor``)."""

    before: Long
    after: Long
    donor: Long


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Ways (W,) that LEAST vehicles went: from the place (see ``place``) where they ``left`` one camera through a
    ``middle`` one to where they ``entered`` a third.

    ``through`` (N,), way by way: rows of the first of three stays of who went it, ``count`` (W,) of each way; ``times``
    (W, 4): seconds from leaving the first to entering the third, least, MIDDLE of all, and most.
    """

    left: Long
    middle: Long
    entered: Long
    count: Long
    through: Long
    times: Double

    def donor(self, way: Long, rng: np.random.Generator) -> Long:
        """For each of the ways (M,) the row of the middle stay of one who went it."""
        begin = np.cumsum(self.count) - self.count
        return np.asarray(self.through[begin[way] + (rng.random(len(way)) * self.count[way]).astype(np.int64)] + 1)

    def as_fast(self, way: Long, seconds: Double) -> Mask:
        """Whether times (M,) are those of the ways, within SLACK."""
        least, most = self.times[way][:, [0, 3]].T
        slack = SLACK * np.maximum(np.abs(least), np.abs(most))
        return np.asarray((seconds >= least - slack) & (seconds <= most + slack))

    def middling(self, way: Long, seconds: Double) -> Double:
        """For how many vehicles each of the times (M,) stands if those in the MIDDLE of the way's alone count: of all
        who go it as many need such a time as lie between two order statistics in the mean."""
        low, high = self.times[way][:, [1, 2]].T
        share = (MIDDLE[1] - MIDDLE[0]) * (self.count - 1) / (self.count + 1)
        return np.asarray(((seconds >= low) & (seconds <= high)) / share[way])


def ways_through(stays: Stays) -> Ways:
    """All ways of stays by vehicle and start."""
    camera = stays.camera.astype(np.int64)
    follows = (stays.vehicle[1:] == stays.vehicle[:-1]) & (camera[1:] != camera[:-1])
    first = np.flatnonzero(follows[:-1] & follows[1:])
    first = first[camera[first] != camera[first + 2]]
    steps = np.stack([place(stays, stays.exit)[first], camera[first + 1], place(stays, stays.entry)[first + 2]])
    order = np.lexsort(steps[::-1])
    first, steps = first[order], steps[:, order]
    way = np.cumsum((np.diff(steps, axis=1, prepend=-1) != 0).any(axis=0)) - 1
    often = np.bincount(way)[way] >= LEAST
    first, steps, way = first[often], steps[:, often], way[often]
    seconds = stays.start_s[first + 2] - stays.end_s[first]
    _, begin, count = np.unique(way, return_index=True, return_counts=True)
    left, middle, entered = steps[:, begin]
    return Ways(left, middle, entered, count, first, quantiles(way, seconds, (0, *MIDDLE, 1)))


def find_skips(stays: Stays, cameras: int, rng: np.random.Generator) -> tuple[Recall, Skips]:
    """What each of so many ``cameras`` sees and misses between others, of stays by vehicle and start.

    A vehicle goes the same way as those seen at A, B and C if it left A and came to C by the same zones, as fast.
    """
    ways, camera = ways_through(stays), stays.camera.astype(np.int64)
    pair = np.flatnonzero((stays.vehicle[1:] == stays.vehicle[:-1]) & (camera[1:] != camera[:-1]))
    ends = place(stays, stays.exit)[pair] * PLACES + place(stays, stays.entry)[pair + 1]
    pair, ends = (column[np.argsort(ends, kind="stable")] for column in (pair, ends))
    wanted = ways.left * PLACES + ways.entered
    way, past = ranges(*(np.searchsorted(ends, wanted, side=side) for side in ("left", "right")))
    past = pair[past]
    seconds = stays.start_s[past + 1] - stays.end_s[past]
    visited = np.sort(stays.vehicle * cameras + camera)
    like = ways.as_fast(way, seconds)
    like &= ~_among(visited, stays.vehicle[past] * cameras + ways.middle[way])  # it may have begun before A
    skipped = np.bincount(way[like], minlength=len(ways.count))
    passed = skipped <= DIRECT * (ways.count + skipped)
    like &= passed[way]
    way, past, seconds = way[like], past[like], seconds[like]
    seen = np.bincount(ways.middle[passed], ways.count[passed], cameras)
    missed = np.bincount(ways.middle[way], ways.middling(way, seconds), cameras)
    return Recall(seen.astype(np.float64), missed.astype(np.float64)), Skips(past, past + 1, ways.donor(way, rng))


def ranges(low: Long, high: Long) -> tuple[Long, Long]:
    """All numbers from each ``low`` to its ``high``: of which of these each is, and the numbers."""
    which = np.repeat(np.arange(len(low)), high - low)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(high - low) - high, high - low)


def place(stays: Stays, zone: Short) -> Long:
    """A number (V,) for the camera of each stay and its entry or exit ``zone``."""
    zones = int(max(stays.exit.max(initial=0), stays.entry.max(initial=0))) + 1
    return np.asarray(stays.camera.astype(np.int64) * zones + zone)


def _among(known: Long, wanted: Long) -> Mask:
    """Which of the wanted numbers (P,) are among the known ones, ascending."""
    return np.asarray(known[np.minimum(np.searchsorted(known, wanted), len(known) - 1)] == wanted)
