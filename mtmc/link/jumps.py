"""Clocks that jump in the middle of a recording: found where the travel times of all of a camera's links step at one moment.

A clock that gains seconds makes every journey to its camera seem longer and every journey from it shorter by as much.
Shape shorthand: N sure transitions that begin or end in one camera, in time order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from mtmc.link.feasible import Candidates
from mtmc.link.network import Travel
from mtmc.structures import Double, Long, TrackletTable

SURE = 0.7
LEAST_SIDE = 8
"""Transitions on each side of a jump."""
MOST_CUTS = 100
LEAST_S = 2.0
LEAST_GAIN = 12.0
"""By how many mean deviations a step must shorten the residuals in all to count as a jump."""


@dataclass(frozen=True, slots=True)
class Jump:
    """From ``at_s`` (by its own clock) on, the clock of ``camera`` is ``by_s`` further ahead."""

    camera: int
    at_s: float
    by_s: float


def find_jump(table: TrackletTable, travel: Travel, pairs: Candidates, probability: Double) -> Jump | None:
    """The clearest jump of any camera's clock, if there is one."""
    sure = np.flatnonzero((probability >= SURE) & (travel.source != travel.target)[pairs.link])
    source, target, link = pairs.source[sure], pairs.target[sure], pairs.link[sure]
    residual = pairs.seconds[sure] - _typical(link, pairs.seconds[sure], len(travel))
    found: list[tuple[float, Jump]] = []
    for camera in range(len(table.cameras)):
        into, out = table.camera[target] == camera, table.camera[source] == camera
        time = np.concatenate([table.start_s[target[into]], table.end_s[source[out]]])
        offset = np.concatenate([residual[into], -residual[out]])
        step = best_step(time, offset)
        if step is not None:
            found.append((step[0], Jump(camera, step[1], step[2])))
    return max(found, key=lambda item: (item[0], -item[1].camera))[1] if found else None


def _typical(link: Long, seconds: Double, count: int) -> Double:
    """Median (N,) of the seconds of each transition's link."""
    median = np.array([np.median(seconds[link == k]) if (link == k).any() else 0.0 for k in range(count)])
    return median[link]


def best_step(time: Double, offset: Double) -> tuple[float, float, float] | None:
    """(gain, time, height) of the step that explains offsets (N,) at times (N,) best, None if none does well enough."""
    order = np.lexsort((offset, time))
    time, offset = time[order], offset[order]
    flat = float(np.abs(offset - np.median(offset)).sum()) if len(offset) else 0.0
    best: tuple[float, float, float] | None = None
    step = max(len(offset) // MOST_CUTS, 1)
    for cut in range(LEAST_SIDE, len(offset) - LEAST_SIDE + 1, step):
        low, high = np.median(offset[:cut]), np.median(offset[cut:])
        rest = float(np.abs(offset[:cut] - low).sum() + np.abs(offset[cut:] - high).sum())
        gain = (flat - rest) / max(rest / len(offset), 0.2)
        if abs(high - low) >= LEAST_S and gain >= LEAST_GAIN and (best is None or gain > best[0]):
            best = gain, float((time[cut - 1] + time[cut]) / 2), float(high - low)
    return best


def mended(table: TrackletTable, jumps: Iterable[Jump]) -> TrackletTable:
    """The table with the clocks put back after each jump, one after the other."""
    for jump in jumps:
        late = np.where((table.camera == jump.camera) & (table.start_s >= jump.at_s), jump.by_s, 0.0)
        table = replace(table, start_s=table.start_s - late, end_s=table.end_s - late)
    return table
