"""Journeys over a network of watched junctions: which vehicle passes which camera when, by which arm in and out.

Shape shorthand: C cameras, 4 arms per junction, V vehicles, P passages (one vehicle through one camera's view).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.structures import Columns, Double, Long

ARMS = 4
MAX_PASSAGES = 14
"""A vehicle's journey ends here at the latest."""

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Streets:
    """How much and what kind of traffic: ``vehicles_per_min`` enter the whole network; ``travel_spread`` is the
    standard deviation of log travel time; ``red_light`` the fraction of journeys between cameras that wait up to 40 s;
    ``overlap`` the fraction of neighbours whose views overlap; ``leave`` the fraction that parks between two
    cameras."""

    cameras: int
    duration_s: float
    vehicles_per_min: float
    travel_spread: float
    red_light: float
    overlap: float = 0.1
    leave: float = 0.08


@dataclass(frozen=True, slots=True, eq=False)
class Roads:
    """neighbour, far_arm (C, 4) int64: where an arm leads (-1 = out of the network) and by which arm one arrives there;
    travel_s (C, 4) usual seconds on the way, negative where views overlap; turn (C, 4, 4) probability of leaving by an
    arm; heading (C,) radians, how the camera is turned."""

    neighbour: Long
    far_arm: Long
    travel_s: Double
    turn: Double
    heading: Double


@dataclass(frozen=True, slots=True, eq=False)
class Passages(Columns):
    """vehicle, camera, arm_in, arm_out (P,) int64; start_s, end_s (P,) true time in view."""

    vehicle: Long
    camera: Long
    arm_in: Long
    arm_out: Long
    start_s: Double
    end_s: Double


def lay_roads(streets: Streets, random: Random) -> Roads:
    """Junctions on a grid, a third of the streets left out, all others two-way with one usual travel time."""
    count = streets.cameras
    width = int(np.ceil(np.sqrt(count)))
    neighbour = np.full((count, ARMS), -1, np.int64)
    travel = np.zeros((count, ARMS))
    for node in range(count):
        for arm, step in ((0, 1), (1, width)):  # east and south; the way back is arm + 2
            other = node + step
            fits = other < count and (arm == 1 or other % width)
            if fits and (arm == 0 or node % width == 0 or random.random() < 0.66):
                overlaps = random.random() < streets.overlap
                seconds = random.uniform(-3.0, -0.5) if overlaps else np.exp(random.uniform(np.log(12), np.log(75)))
                neighbour[node, arm], neighbour[other, arm + 2] = other, node
                travel[node, arm] = travel[other, arm + 2] = seconds
    turn = random.gamma(1.2, size=(count, ARMS, ARMS)) + 0.1
    turn *= np.where(neighbour < 0, 0.4, 1.0)[:, None, :]  # most traffic stays on the watched streets
    turn[:, np.arange(ARMS), np.arange(ARMS)] = 0.0  # nobody turns round
    far_arm = np.broadcast_to((np.arange(ARMS) + 2) % ARMS, (count, ARMS)).copy()
    heading = random.uniform(0, 2 * np.pi, count)
    return Roads(neighbour, far_arm, travel, turn / turn.sum(axis=2, keepdims=True), heading)


def drive(roads: Roads, streets: Streets, random: Random) -> Passages:
    """Send vehicles through the network, all at once, junction by junction."""
    count = max(int(streets.vehicles_per_min * streets.duration_s / 60), 1)
    vehicle = np.arange(count)
    node, arm = _entries(roads, count, random)
    time = random.uniform(0, streets.duration_s, count)
    parts = []
    for _ in range(MAX_PASSAGES):
        out = _choose(roads.turn[node, arm], random)
        stay = random.uniform(4, 9, len(node)) + (random.random(len(node)) < 0.2) * random.uniform(0, 25, len(node))
        parts.append(Passages(vehicle, node, arm, out, time, time + stay))
        onward = (roads.neighbour[node, out] >= 0) & (random.random(len(node)) > streets.leave)
        time = (time + stay + _travel(roads.travel_s[node, out], streets, random))[onward]
        vehicle, node, arm = vehicle[onward], roads.neighbour[node, out][onward], roads.far_arm[node, out][onward]
        if len(node) == 0:
            break
    joined = Passages(*(np.concatenate([getattr(p, name) for p in parts]) for name in Passages.__slots__))
    return _possible(joined.take(joined.end_s < streets.duration_s))


def _entries(roads: Roads, count: int, random: Random) -> tuple[Long, Long]:
    """Where vehicles come in: any arm, those from outside the network ten times as often as a parking place on a
    street."""
    weight = np.where(roads.neighbour < 0, 1.0, 0.1) * random.gamma(2.0, size=roads.neighbour.shape)
    entry = random.choice(weight.size, count, p=(weight / weight.sum()).ravel())
    return entry // ARMS, entry % ARMS


def _choose(probability: Double, random: Random) -> Long:
    draw = random.random((len(probability), 1))
    return np.asarray(np.minimum((probability.cumsum(axis=1) < draw).sum(axis=1), ARMS - 1), np.int64)


def _travel(usual_s: Double, streets: Streets, random: Random) -> Double:
    """Seconds from exit to entry: log-normal about the usual, sometimes a red light; overlapping views vary by a fifth
    of a second."""
    count = len(usual_s)
    way = np.maximum(usual_s, 0) * np.exp(random.normal(0, streets.travel_spread, count))
    light = (random.random(count) < streets.red_light) * random.uniform(0, 40, count)
    return np.where(usual_s > 0, way + light, usual_s + random.normal(0, 0.2, count))


def _possible(passages: Passages) -> Passages:
    """Without the passages that begin before the same vehicle's last one in the same camera has ended (loops of
    overlapping views)."""
    order = np.lexsort((passages.start_s, passages.camera, passages.vehicle))
    sorted_ = passages.take(order)
    same = (np.diff(sorted_.vehicle) == 0) & (np.diff(sorted_.camera) == 0)
    clash = np.concatenate([[False], same & (sorted_.start_s[1:] <= sorted_.end_s[:-1] + 1.0)])
    return sorted_.take(~clash)
