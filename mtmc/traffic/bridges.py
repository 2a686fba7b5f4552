"""Vehicles that a camera missed in the middle of their way, where the linker knows no way past it: one who leaves A
towards B and is not seen again is one who comes to C from B and was not seen before, if the time between is that of
those who go from A through B to C.

How many of these are so by chance is told by those that would meet as well a little earlier or later. Shape shorthand:
V stays, N pairs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtmc.structures import Double, Long
from mtmc.traffic.recall import place, ranges, ways_through
from mtmc.visits.stays import Stays

DOUBT = 0.5
"""Pairs worth of doubt in what meets by chance."""


def bridged(stays: Stays, rng: np.random.Generator) -> Stays:
    """The stays, by vehicle and start, with one draw of which vehicles are halves of one, under the first one's
    label."""
    last, first, chance = _halves(stays, rng)
    chosen = rng.permutation(np.flatnonzero(rng.random(len(last)) < chance))
    for ends in (last, first):
        chosen = chosen[np.sort(np.unique(ends[chosen], return_index=True)[1])]
    label = np.arange(int(stays.vehicle.max(initial=-1)) + 1)
    for k in chosen[np.argsort(stays.start_s[first[chosen]], kind="stable")].tolist():  # a third part after a second
        label[stays.vehicle[first[k]]] = label[stays.vehicle[last[k]]]
    renamed = replace(stays, vehicle=label[stays.vehicle], stay=np.zeros(0, np.int64))
    return renamed.take(np.lexsort((renamed.camera, renamed.start_s, renamed.vehicle)))


def _halves(stays: Stays, rng: np.random.Generator) -> tuple[Long, Long, float]:
    """Rows (N,) of last and of first stays that may be of one vehicle, and the chance that a pair is."""
    left, entered = place(stays, stays.exit), place(stays, stays.entry)
    last = np.flatnonzero(stays.ends & ~stays.cut_end & (stays.exit > 0))
    last = last[np.argsort(left[last], kind="stable")]
    first = np.flatnonzero(stays.begins & ~stays.cut_start & (stays.entry > 0))
    first = first[np.lexsort((stays.start_s[first], entered[first]))]
    ways = ways_through(stays)
    way, leaver = ranges(*(np.searchsorted(left[last], ways.left, side=side) for side in ("left", "right")))
    least, most = ways.times[way][:, [1, 2]].T
    span = 1.0 + float(np.ptp(stays.start_s)) if len(stays) else 1.0

    def clock(where: Long, seconds: Double) -> Double:
        """Places one after the other, each for as long as all lasts."""
        return np.asarray(where * span + np.clip(seconds - stays.start_s.min(initial=np.inf), 0.0, span))

    come = clock(entered[first], stays.start_s[first])
    edges = least - (most - least), least, most, most + (most - least)
    begin, low, high, end = (
        np.searchsorted(come, clock(ways.entered[way], stays.end_s[last[leaver]] + edge)) for edge in edges
    )
    pair, follower = ranges(low, high)
    by_chance = rng.gamma((end - begin).sum() - len(pair) + DOUBT) / 2  # from twice as long a time
    return last[leaver[pair]], first[follower], max(1 - by_chance / max(len(pair), 1), 0.0)
