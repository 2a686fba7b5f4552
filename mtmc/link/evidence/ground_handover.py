"""Between two calibrated views that touch or nearly touch a vehicle's trajectory goes on: it enters the one where it
was heading in the other.

As in ``ground_overlap`` metres need no learning, so the few vehicles of a short clip are enough. The longer a vehicle
is out of sight, the wider the place where it may be, until the ground has nothing to say and learned travel times have
to.

Shape shorthand: T tracklets, K places of a trajectory, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtmc.link.evidence.ground_overlap import (
    APART_M,
    DEVIATION_M,
    EXTENT_M,
    LEAST_S,
    PRIOR,
    GroundMatches,
    apart_m,
    pairs_in_time,
)
from mtmc.structures import Columns, Double, TrackletTable

LONGEST_S = 2.0
"""Seconds out of sight after which a vehicle that brakes or turns may be anywhere near."""
STRETCH_S = 1.0
"""Length of a trajectory's end that tells its velocity."""
ACCELERATION_M_S2 = 2.0
"""Usual braking, and what a turn at a junction takes: standard deviation of the acceleration."""
ERROR_M = 1.5
"""Error of the way that a trajectory makes in its stretch: less than that of its places, which are off to the same
side."""
POINT_S = 0.01
"""Stretch of a trajectory of one single place: it says nothing of velocity."""


@dataclass(frozen=True, slots=True, eq=False)
class Ends(Columns):
    """Where and when paths end or begin: place (T, 2) in metres, time_s (T,), mean velocity (T, 2) in metres per second
    over the stretch of stretch_s (T,) seconds next to it."""

    place: Double
    time_s: Double
    velocity: Double
    stretch_s: Double


def find_handovers(table: TrackletTable, trajectories: Double) -> GroundMatches:
    """Pairs that share less than LEAST_S, or nothing, and are more likely than not one vehicle that goes on its way,
    whatever they look like; ``trajectories`` (T, K, 2) in metres at evenly spaced times of each tracklet."""
    a, b = pairs_in_time(table, trajectories, -LEAST_S, LONGEST_S)
    nothing = np.zeros(len(a))
    if len(a) == 0:
        return GroundMatches(a, b, nothing, nothing, nothing, nothing, nothing)
    left, entered = _ends(table, trajectories, last=True).take(a), _ends(table, trajectories, last=False).take(b)
    within = table.end_s[b] <= table.end_s[a]
    away = np.where(within, apart_m(table, trajectories, a, b), _off_course_m(left, entered))
    unseen_s = np.where(within, 0.0, np.maximum(entered.time_s - left.time_s, 0.0))
    change = ACCELERATION_M_S2 * (unseen_s + (left.stretch_s + entered.stretch_s) / 2)
    error = ERROR_M * np.hypot(1 / left.stretch_s, 1 / entered.stretch_s)
    ground = _place_evidence(away, change * unseen_s / 2) + _speed_evidence(
        left.velocity - entered.velocity, np.hypot(change, error)
    )
    found = GroundMatches(a, b, away, ground, nothing, nothing, nothing)
    return found.take(np.flatnonzero((ground > -PRIOR) & (away <= APART_M)))


def _ends(table: TrackletTable, trajectories: Double, last: bool) -> Ends:
    """The last (or first) ends of all trajectories, where they move: while the image border hides its wheels a
    trajectory stands still."""
    inwards = trajectories[:, ::-1] if last else trajectories
    rows, steps = np.arange(len(trajectories)), trajectories.shape[1] - 1
    moved = (inwards != inwards[:, :1]).any(axis=2)
    still = ~moved.any(axis=1)
    first = np.where(still, 0, moved.argmax(axis=1) - 1)
    step_s = np.maximum(table.end_s - table.start_s, 1e-3) / steps
    count = np.clip(np.ceil(STRETCH_S / step_s).astype(np.int64), 1, steps - first)
    stretch_s = np.where(still, POINT_S, step_s * count)
    place, sign = inwards[rows, first], -1.0 if last else 1.0
    time_s = (table.end_s if last else table.start_s) + sign * first * step_s
    velocity = sign * (inwards[rows, first + count] - place) / stretch_s[:, None]
    return Ends(place, time_s, velocity, stretch_s)


def _off_course_m(left: Ends, entered: Ends) -> Double:
    """How far (P,) second trajectories begin from where the first ones lead."""
    weight = (left.stretch_s / (left.stretch_s + entered.stretch_s))[:, None]
    velocity = weight * left.velocity + (1 - weight) * entered.velocity
    way = velocity * (entered.time_s - left.time_s)[:, None]
    return np.asarray(np.linalg.norm(entered.place - left.place - way, axis=1))


def _place_evidence(away_m: Double, unsure_m: Double) -> Double:
    """Evidence (P,) of a place so far from the one expected, which is itself unsure by so much."""
    spread = DEVIATION_M**2 + unsure_m**2
    return np.asarray(np.log(EXTENT_M**2 / (2 * spread)) - away_m**2 / (2 * spread))


def _speed_evidence(change: Double, usual: Double) -> Double:
    """Evidence (P,) against a change of velocity (P, 2) that is more than ``usual`` (P,): oncoming vehicles are as
    near."""
    return np.asarray(-(change**2).sum(axis=1) / (2 * usual**2))


def against_rivals(table: TrackletTable, handovers: GroundMatches) -> GroundMatches:
    """The handovers, each less likely by what else could be: out of one view a vehicle goes on in another once."""
    weight = np.exp(np.clip(handovers.log_odds(), -30, 30))
    a, b = handovers.source, handovers.target
    ends = (a * len(table.cameras) + table.camera[b], b * len(table.cameras) + table.camera[a])
    rivals = np.zeros(len(a))
    for end in ends:
        _, group = np.unique(end, return_inverse=True)
        rivals += np.maximum(np.bincount(group, weight)[group] - weight, 0.0)
    return replace(handovers, rivals=np.log1p(rivals))
