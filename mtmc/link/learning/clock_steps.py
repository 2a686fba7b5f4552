"""Clock steps: clocks that change in the middle of a recording, found where the travel times of all of a camera's
transitions step at one moment.

A clock that gains seconds makes every journey to its camera seem longer and every journey from it shorter by as much,
all from one moment on. Traffic lights and jams make journeys longer too, in bursts, but not all transitions at one
moment, and not those to a camera and from it in opposite ways. So a step counts only if both directions show it, and if
hardly any reordering of each transition's minutes shows a step as good (a permutation test; what happens within a
minute happens together, so it is one piece of evidence).

Shape shorthand: N sure journeys that begin or end in one camera, in time order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from mtmc.link.evidence.candidates import Candidates
from mtmc.link.model.camera_network import Transitions
from mtmc.structures import Double, Long, Mask, TrackletTable

SURE = 0.7
"""Links at least this probable show how long a journey takes."""
LEAST_SIDE = 8
"""Journeys on each side of a step."""
LEAST_WAY = 3
"""Of them, in each direction."""
MOST_CUTS = 100
"""Moments at which a step is tried: bounds the time."""
LEAST_S = 2.0
"""Seconds below which a step is not told from usual variation."""
LEAST_GAIN = 12.0
"""By how many mean deviations a step must shorten the residuals in all to count as one."""
BURST_S = 60.0
"""A cycle of traffic lights: what happens within it is not independent."""
LEAST_MEAN_S = 0.2
"""Mean deviation at least: times are not known better."""
ORDERS = 499
"""Random orders of the permutation test."""
MOST_AS_GOOD = 4
"""Of so many random orders of the bursts, how many may show as good a step: a chance of 1 in 100."""
MOST_AS_GOOD_KNOWN = 0
"""The same for clocks that somebody vouches for: 1 in 500."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """From ``at_s`` (by its own clock) on, the clock of ``camera`` is ``by_s`` further ahead."""

    camera: int
    at_s: float
    by_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Journeys:
    """One camera's journeys (N,): ``time_s`` by its clock; ``offset_s``: how far ahead each makes that clock seem,
    against the usual of its ``way`` (a number per other camera and direction); ``into``: whether it ends here."""

    time_s: Double
    offset_s: Double
    way: Long
    into: Mask


def find_clock_step(
    table: TrackletTable, transitions: Transitions, pairs: Candidates, probability: Double, clock_known: Mask
) -> ClockStep | None:
    """The clearest step of any camera's clock, if there is one."""
    sure = np.flatnonzero((probability >= SURE) & ~transitions.is_self[pairs.transition])
    source, target, transition = pairs.source[sure], pairs.target[sure], pairs.transition[sure]
    residual = pairs.seconds[sure] - _typical(transition, pairs.seconds[sure], len(transitions))
    found: list[tuple[float, ClockStep]] = []
    for camera in range(len(table.cameras)):
        into, out = np.flatnonzero(table.camera[target] == camera), np.flatnonzero(table.camera[source] == camera)
        seen = _in_time(
            np.concatenate([table.start_s[target[into]], table.end_s[source[out]]]),
            np.concatenate([residual[into], -residual[out]]),
            np.concatenate([transition[into], transition[out]]),
            np.arange(len(into) + len(out)) < len(into),
        )
        step = best_step(seen.time_s, seen.offset_s)
        most = MOST_AS_GOOD_KNOWN if clock_known[camera] else MOST_AS_GOOD
        if step is not None and shown_both_ways(seen, step[1], step[2]) and beyond_chance(seen, step[0], most):
            found.append((step[0], ClockStep(camera, step[1], step[2])))
    return max(found, key=lambda item: (item[0], -item[1].camera))[1] if found else None


def _in_time(time_s: Double, offset_s: Double, way: Long, into: Mask) -> Journeys:
    order = np.lexsort((offset_s, time_s))
    return Journeys(time_s[order], offset_s[order], way[order], into[order])


def _typical(transition: Long, seconds: Double, count: int) -> Double:
    """Median (N,) of the seconds of each journey's transition."""
    median = np.array([np.median(seconds[transition == k]) if (transition == k).any() else 0.0 for k in range(count)])
    return median[transition]


def best_step(time: Double, offset: Double) -> tuple[float, float, float] | None:
    """(gain, time, height) of the step that explains offsets (N,) at times (N,), in time order, best; None if none does
    well enough."""
    flat = float(np.abs(offset - np.median(offset)).sum()) if len(offset) else 0.0
    best: tuple[float, float, float] | None = None
    step = max(len(offset) // MOST_CUTS, 1)
    for cut in range(LEAST_SIDE, len(offset) - LEAST_SIDE + 1, step):
        low, high = np.median(offset[:cut]), np.median(offset[cut:])
        rest = float(np.abs(offset[:cut] - low).sum() + np.abs(offset[cut:] - high).sum())
        gain = (flat - rest) / max(rest / len(offset), LEAST_MEAN_S)
        if abs(high - low) >= LEAST_S and gain >= LEAST_GAIN and (best is None or gain > best[0]):
            best = gain, float((time[cut - 1] + time[cut]) / 2), float(high - low)
    return best


def shown_both_ways(seen: Journeys, at_s: float, by_s: float) -> bool:
    """Whether the journeys to the camera and those from it each show at least half of the step."""
    late = seen.time_s >= at_s
    for way in (seen.into, ~seen.into):
        before, after = seen.offset_s[way & ~late], seen.offset_s[way & late]
        if min(len(before), len(after)) < LEAST_WAY:
            return False
        if float(np.median(after) - np.median(before)) / by_s < 0.5:
            return False
    return True


def beyond_chance(seen: Journeys, gain: float, most: int) -> bool:
    """Whether at most ``most`` of ORDERS random orders of each way's bursts show a step as good as ``gain``."""
    random = np.random.default_rng(0)
    burst = np.floor((seen.time_s - seen.time_s[0]) / BURST_S)
    ways = [np.flatnonzero(seen.way == number) for number in np.unique(seen.way)]
    bursts = [np.split(rows, np.flatnonzero(np.diff(burst[rows])) + 1) for rows in ways]
    as_good = 0
    for _ in range(ORDERS):
        mixed = np.empty_like(seen.offset_s)
        for rows, parts in zip(ways, bursts, strict=True):
            mixed[rows] = seen.offset_s[np.concatenate([parts[k] for k in random.permutation(len(parts))])]
        step = best_step(seen.time_s, mixed)
        as_good += step is not None and step[0] >= gain
        if as_good > most:
            return False
    return True


def corrected(table: TrackletTable, steps: Iterable[ClockStep]) -> TrackletTable:
    """The table with the clocks put back after each step, one after the other."""
    for step in steps:
        late = np.where((table.camera == step.camera) & (table.start_s >= step.at_s), step.by_s, 0.0)
        table = replace(table, start_s=table.start_s - late, end_s=table.end_s - late)
    return table
