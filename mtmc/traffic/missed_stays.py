"""Stays that cameras missed, put in by chance as often as their recall says: copies of stays that were seen in the same
place of other vehicles' journeys (hot-deck imputation), so that every table is of what passed, not of what was seen.

- between two others, where a vehicle was linked past a camera: for certain;
- before a first stay, after a last one: as often as first and last stays of other vehicles there are missed;
- alone: vehicles that only one camera could have seen.

Shape shorthand: V stays, N put in, C cameras.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtmc.structures import Double, Long, Mask
from mtmc.traffic.recall import Skips
from mtmc.visits.stays import Stays

MOST = 0.9
"""Highest chance that something was missed before a first or after a last stay."""


def with_missed(stays: Stays, skips: Skips, recall: Double, rng: np.random.Generator) -> Stays:
    """The stays, by vehicle and start, with one draw of what cameras of this ``recall`` (C,) missed."""
    odds = ((1 - recall) / recall)[stays.camera]
    heads, tails = stays.begins, stays.ends
    shift = stays.start_s[skips.before] - stays.start_s[skips.donor - 1]
    parts = [stays, _copies(stays, skips.donor, stays.vehicle[skips.before], shift)]
    parts += [_beside(stays, heads, tails, odds, rng, before) for before in (True, False)]
    alone = np.flatnonzero(heads & tails)
    again = np.repeat(alone, rng.poisson(odds[alone]))
    number = int(stays.vehicle.max(initial=0)) + 1 + np.arange(len(again))
    parts.append(_copies(stays, again, number, np.zeros(len(again))))
    joined = replace(Stays.joined(parts), stay=np.zeros(0, np.int64))
    return joined.take(np.lexsort((joined.camera, joined.start_s, joined.vehicle)))


def _beside(stays: Stays, heads: Mask, tails: Mask, odds: Double, rng: np.random.Generator, before: bool) -> Stays:
    """What was missed before first stays (or after last ones): donors are the first (last) stays of vehicles that go on
    to (come from) the same zone of the same camera."""
    ends = np.flatnonzero(heads if before else tails)
    inner = np.flatnonzero(heads & ~tails) if before else np.flatnonzero(tails & ~heads)  # of vehicles seen twice
    next_ = inner + 1 if before else inner - 1
    zone = stays.entry if before else stays.exit
    place = stays.camera.astype(np.int64) * (int(zone.max(initial=0)) + 1) + zone
    expected = np.bincount(place[next_], odds[inner], int(place.max(initial=0)) + 1)
    here = np.bincount(place[ends], minlength=len(expected))
    chance = np.minimum(expected / np.maximum(here, 1), MOST)[place[ends]]
    chosen = ends[rng.random(len(ends)) < chance]
    donor = _drawn(place[next_], odds[inner], place[chosen], rng)
    shift = stays.start_s[chosen] - stays.start_s[next_[donor]]
    return _copies(stays, inner[donor], stays.vehicle[chosen], shift)


def _drawn(group: Long, weight: Double, wanted: Long, rng: np.random.Generator) -> Long:
    """A row of each ``wanted`` group (N,), with a chance as its weight."""
    order = np.argsort(group, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    low, high = (np.searchsorted(group[order], wanted, side=side) for side in ("left", "right"))
    at = total[low] + rng.random(len(wanted)) * (total[high] - total[low])
    return np.asarray(order[np.clip(np.searchsorted(total, at, side="right") - 1, low, high - 1)])


def _copies(stays: Stays, rows: Long, vehicle: Long, shift: Double) -> Stays:
    """Rows of the stays (N,) as of other vehicles, ``shift`` (N,) seconds later."""
    copied = stays.take(rows)
    return replace(copied, vehicle=vehicle, start_s=copied.start_s + shift, end_s=copied.end_s + shift)
