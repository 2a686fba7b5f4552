"""How many of the vehicles that pass a camera it sees, told by other cameras: of those seen before and after it, how
many it missed in between. No truth is needed, only vehicles that are linked past a camera.

Shape shorthand: C cameras, V stays, P pairs of stays that follow each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtmc.structures import Double, Long, Mask
from mtmc.visits.stays import Stays

DIRECT = 0.5
"""Where more than this fraction of the vehicles from A to C is not seen at B, there is a way that does not pass it."""
SLACK = 0.25
"""A journey past a camera takes as long as those through it, within this fraction beyond their extremes."""
COMMON = 20.0
"""Vehicles' worth of what all cameras have in common in the estimate of one."""
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


def find_skips(stays: Stays, known: Mask, rng: np.random.Generator) -> tuple[Recall, Skips]:
    """What cameras see and miss between others. ``known`` (C, C): pairs of cameras of which the linker knows a way from
    one to the other, so that a vehicle missed in between could be linked at all.

    A vehicle goes the same way as those seen at A, B and C if it left A and came to C by the same zones, as fast.
    """
    cameras, camera = len(known), stays.camera.astype(np.int64)
    follows = (stays.vehicle[1:] == stays.vehicle[:-1]) & (camera[1:] != camera[:-1])
    first = np.flatnonzero(follows[:-1] & follows[1:])
    first = first[(camera[first] != camera[first + 2]) & known[camera[first], camera[first + 2]]]
    ways = _ends(stays, first, first + 2) * cameras + camera[first + 1]
    first = first[np.argsort(ways, kind="stable")]
    keys, begin = np.unique(np.sort(ways), return_index=True)
    pair = np.flatnonzero(follows)
    pair = pair[known[camera[pair], camera[pair + 1]]]
    ends = _ends(stays, pair, pair + 1)
    pair, ends = (column[np.argsort(ends, kind="stable")] for column in (pair, ends))
    visited = np.unique(stays.vehicle * cameras + camera)
    seen, missed, found = np.zeros(cameras), np.zeros(cameras), []
    for way, a, b in zip(keys.tolist(), begin.tolist(), [*begin[1:].tolist(), len(first)], strict=False):
        through = first[a:b]
        key, middle = divmod(way, cameras)
        past = pair[np.searchsorted(ends, key) : np.searchsorted(ends, key, side="right")]
        past = past[_as_fast(stays, through, past)]
        past = past[~_among(visited, stays.vehicle[past] * cameras + middle)]  # it may have begun before A
        if len(past) <= DIRECT * (len(through) + len(past)):
            seen[middle] += len(through)
            missed[middle] += len(past)
            found.append(np.stack([past, rng.choice(through + 1, len(past))]))
    before, donor = np.concatenate([np.zeros((2, 0), np.int64), *found], axis=1)
    return Recall(seen, missed), Skips(before, before + 1, donor)


def _ends(stays: Stays, a: Long, c: Long) -> Long:
    """A number (P,) for the camera and zone by which rows ``a`` left and by which rows ``c`` came."""
    cameras, zones = (
        int(stays.camera.max(initial=0)) + 1,
        int(max(stays.exit.max(initial=0), stays.entry.max(initial=0))) + 1,
    )
    left, entered = (
        stays.camera[row].astype(np.int64) * zones + zone for row, zone in ((a, stays.exit[a]), (c, stays.entry[c]))
    )
    return np.asarray(left * cameras * zones + entered)


def _among(known: Long, wanted: Long) -> Mask:
    """Which of the wanted numbers (P,) are among the known ones, ascending."""
    return np.asarray(known[np.minimum(np.searchsorted(known, wanted), len(known) - 1)] == wanted)


def _as_fast(stays: Stays, through: Long, past: Long) -> Mask:
    """Whether those that went past (P,) needed as long as those that went through, within SLACK."""
    seconds = stays.start_s[through + 2] - stays.end_s[through]
    gap, slack = stays.start_s[past + 1] - stays.end_s[past], SLACK * np.abs(seconds).max()
    return np.asarray((gap >= seconds.min() - slack) & (gap <= seconds.max() + slack))


def known_ways(cameras: Sequence[str], network: Mapping[str, Any] | None) -> Mask:
    """From which camera (C, C) to which the learned ``network.json`` knows a way; none without it."""
    known = np.zeros((len(cameras), len(cameras)), bool)
    number = {name: index for index, name in enumerate(cameras)}
    for link in () if network is None else network["links"]:
        if link["from"] in number and link["to"] in number:
            known[number[link["from"]], number[link["to"]]] = True
    return known
