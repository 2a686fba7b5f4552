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
    one to the other, so that a vehicle missed in between could be linked at all."""
    cameras = len(known)
    seen, missed = np.zeros(cameras), np.zeros(cameras)
    gap = stays.start_s[1:] - stays.end_s[:-1]
    follows = (stays.vehicle[1:] == stays.vehicle[:-1]) & (stays.camera[1:] != stays.camera[:-1])
    first = np.flatnonzero(follows[:-1] & follows[1:])
    first = first[stays.camera[first] != stays.camera[first + 2]]
    first = first[known[stays.camera[first], stays.camera[first + 2]]]
    ends = stays.camera[first].astype(np.int64) * cameras + stays.camera[first + 2]
    pair = np.flatnonzero(follows)
    pair_ends = stays.camera[pair].astype(np.int64) * cameras + stays.camera[pair + 1]
    found: list[tuple[int, int]] = []
    for key in np.unique(ends).tolist():
        through, past = first[ends == key], pair[pair_ends == key]
        seconds = stays.start_s[through + 2] - stays.end_s[through]
        slack = SLACK * np.abs(seconds).max()
        past = past[(gap[past] >= seconds.min() - slack) & (gap[past] <= seconds.max() + slack)]
        if len(past) > DIRECT * (len(through) + len(past)):
            continue
        seen += np.bincount(stays.camera[through + 1], minlength=cameras)
        donors = rng.choice(through + 1, len(past))
        missed += np.bincount(stays.camera[donors], minlength=cameras)
        found += zip(past.tolist(), donors.tolist(), strict=True)
    before, donor = np.array(found, np.int64).reshape(-1, 2).T
    return Recall(seen, missed), Skips(before, before + 1, donor)


def known_ways(cameras: Sequence[str], network: Mapping[str, Any] | None) -> Mask:
    """From which camera (C, C) to which the learned ``network.json`` knows a way; none without it."""
    known = np.zeros((len(cameras), len(cameras)), bool)
    number = {name: index for index, name in enumerate(cameras)}
    for link in () if network is None else network["links"]:
        if link["from"] in number and link["to"] in number:
            known[number[link["from"]], number[link["to"]]] = True
    return known
