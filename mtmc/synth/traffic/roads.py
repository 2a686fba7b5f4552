"""The road network: straight roads with lanes between nodes, junctions with turning curves, and which curves conflict.

World metres, x east, y north; traffic keeps right. Lane 0 of a direction is the kerb lane.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mtmc.structures import Double

LANE_M = 3.5
SETBACK_M = 6.0
"""From the crossing road's edge to the stop line: room for corner radius and zebra."""
U_TURN_M = 11.0
"""How far the control points of a U-turn lie ahead: the curve swings out three quarters of it."""


@dataclass(frozen=True, slots=True)
class Road:
    """A straight two-way road between nodes ``a`` and ``b`` with ``lanes`` in each direction; ``busy`` is its inflow
    against that of the other roads."""

    a: int
    b: int
    lanes: int = 1
    speed_mps: float = 13.0
    busy: float = 1.0

    @property
    def half_width_m(self) -> float:
        """From the centre line to the kerb."""
        return self.lanes * LANE_M


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A piece of lane that vehicles follow: ``line`` (N, 2) metres; ``node`` the junction it crosses, -1 for a lane on
    a road; ``road`` and ``heads_to`` (node) for lanes; ``turn`` is lane, straight, left, right or back."""

    id: int
    line: Double
    length_m: float
    node: int
    road: int
    heads_to: int
    turn: str
    speed_mps: float


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes (N, 2), roads, and the lanes and turning curves made from them; with ``u_turns`` also back into the same
    road."""

    nodes: Double
    roads: tuple[Road, ...]
    u_turns: bool = False
    segments: list[Segment] = field(init=False, default_factory=list)
    following: dict[int, list[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        lanes = self._add_lanes()
        for node in range(len(self.nodes)):
            if self.is_junction(node):
                self._add_turns(node, lanes)

    def roads_at(self, node: int) -> list[int]:
        """Indices of the roads that end at ``node``."""
        return [r for r, road in enumerate(self.roads) if node in (road.a, road.b)]

    def is_junction(self, node: int) -> bool:
        """Whether roads meet at ``node``; otherwise it is an end of the world."""
        return len(self.roads_at(node)) > 1

    def box_half_m(self, node: int) -> float:
        """Half the side of the square in which a junction's turning curves lie; 0 at an end of the world."""
        if not self.is_junction(node):
            return 0.0
        return max(self.roads[r].half_width_m for r in self.roads_at(node)) + SETBACK_M

    @cached_property
    def entries(self) -> list[int]:
        """Lanes that come from an end of the world."""
        return [s.id for s in self.segments if s.node < 0 and not self.is_junction(self._origin(s))]

    @cached_property
    def conflicts(self) -> Mapping[int, frozenset[int]]:
        """For each turning curve the curves of other lanes that come too near to be driven at once."""
        return {s.id: frozenset(self._conflicts_of(s)) for s in self.segments if s.node >= 0}

    @cached_property
    def sources(self) -> Mapping[int, int]:
        """The lane that each turning curve starts from."""
        return {turn: lane for lane, turns in self.following.items() if self.segments[lane].node < 0 for turn in turns}

    def approach_yaw(self, segment: Segment) -> float:
        """Heading of a lane at its end, radians."""
        dx, dy = segment.line[-1] - segment.line[-2]
        return math.atan2(dy, dx)

    def _origin(self, lane: Segment) -> int:
        road = self.roads[lane.road]
        return road.a if lane.heads_to == road.b else road.b

    def _add_lanes(self) -> dict[tuple[int, int], list[int]]:
        """Lanes by (road, node they head to), kerb lane first."""
        lanes: dict[tuple[int, int], list[int]] = {}
        for r, road in enumerate(self.roads):
            for start, end in ((road.a, road.b), (road.b, road.a)):
                lanes[r, end] = [self._add_lane(r, start, end, k) for k in range(road.lanes)]
        return lanes

    def _add_lane(self, r: int, start: int, end: int, k: int) -> int:
        road, a, b = self.roads[r], self.nodes[start], self.nodes[end]
        ahead = (b - a) / np.linalg.norm(b - a)
        right = np.array([ahead[1], -ahead[0]])
        shift = right * (road.lanes - k - 0.5) * LANE_M
        line = np.array([a + ahead * self.box_half_m(start) + shift, b - ahead * self.box_half_m(end) + shift])
        return self._add(line, -1, r, end, "lane", road.speed_mps)

    def _add(self, line: Double, node: int, road: int, heads_to: int, turn: str, speed: float) -> int:
        length = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
        self.segments.append(Segment(len(self.segments), line, length, node, road, heads_to, turn, speed))
        self.following[len(self.segments) - 1] = []
        return len(self.segments) - 1

    def _add_turns(self, node: int, lanes: Mapping[tuple[int, int], list[int]]) -> None:
        for r in self.roads_at(node):
            for k, lane in enumerate(lanes[r, node]):
                for q in self.roads_at(node):
                    if q != r or self.u_turns:
                        self._add_turn(node, lane, k, lanes[q, self._far_end(q, node)])

    def _far_end(self, road: int, node: int) -> int:
        return self.roads[road].b if self.roads[road].a == node else self.roads[road].a

    def _add_turn(self, node: int, lane: int, k: int, leaving: Sequence[int]) -> None:
        """The curve from a lane into a leaving road, if that lane may turn so: right from the kerb, left from the
        middle."""
        source = self.segments[lane]
        lanes_in = self.roads[source.road].lanes
        target = self.segments[leaving[0]]
        bend = (self.approach_yaw(target) - self.approach_yaw(source) + math.pi) % (2 * math.pi) - math.pi
        turn = "straight" if abs(bend) < 0.7 else ("left" if bend > 0 else "right")
        turn = "back" if abs(bend) > 2.5 else turn
        if (turn == "right" and k > 0) or (turn in ("left", "back") and k < lanes_in - 1):
            return
        into = {"right": 0, "left": len(leaving) - 1, "back": len(leaving) - 1}.get(turn, min(k, len(leaving) - 1))
        curve = _bezier(source.line, self.segments[leaving[into]].line, U_TURN_M if turn == "back" else None)
        speed = {"right": 5.5, "left": 6.5, "back": 4.0}.get(turn, source.speed_mps)
        made = self._add(curve, node, -1, node, turn, speed)
        self.following[lane].append(made)
        self.following[made].append(leaving[into])

    def _conflicts_of(self, turn: Segment) -> list[int]:
        return [
            other.id
            for other in self.segments
            if other.node == turn.node
            and self.sources[other.id] != self.sources[turn.id]
            and _nearest(turn.line, other.line) < 3.2
        ]


def _bezier(before: Double, after: Double, reach_m: float | None = None) -> Double:
    """A smooth curve (33, 2) from the end of one line to the start of the next; ``reach_m`` : how far it swings out."""
    p0, p3 = before[-1], after[0]
    out, into = before[-1] - before[-2], after[1] - after[0]
    reach = (
        0.5
        * float(np.linalg.norm(p3 - p0))
        * (1.1 if abs(np.dot(out, into)) < 0.5 * np.linalg.norm(out) * np.linalg.norm(into) else 0.7)
    )
    reach = reach if reach_m is None else reach_m
    p1, p2 = p0 + out / np.linalg.norm(out) * reach, p3 - into / np.linalg.norm(into) * reach
    t = np.linspace(0, 1, 33)[:, None]
    return np.asarray((1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3)


def _nearest(a: Double, b: Double) -> float:
    return float(np.linalg.norm(a[:, None] - b[None], axis=2).min())


def grid(
    columns: int,
    rows: int,
    spacing_m: float,
    lanes: tuple[int, int] = (1, 1),
    arm_m: float = 90.0,
    speed_mps: float = 13.0,
    u_turns: bool = False,
    side_traffic: float = 1.0,
) -> Network:
    """``columns`` x ``rows`` junctions ``spacing_m`` apart with arms of ``arm_m`` to the world's ends; lanes of
    (east-west, north-south) roads."""
    places = [(c * spacing_m, r * spacing_m) for r in range(rows) for c in range(columns)]
    roads = [
        Road(r * columns + c, r * columns + c + 1, lanes[0], speed_mps) for r in range(rows) for c in range(columns - 1)
    ]
    roads += [
        Road(r * columns + c, (r + 1) * columns + c, lanes[1], speed_mps)
        for r in range(rows - 1)
        for c in range(columns)
    ]
    for r in range(rows):
        for column, x in ((0, -arm_m), (columns - 1, (columns - 1) * spacing_m + arm_m)):
            places.append((x, r * spacing_m))
            roads.append(Road(len(places) - 1, r * columns + column, lanes[0], speed_mps))
    for c in range(columns):
        for row, y in ((0, -arm_m), (rows - 1, (rows - 1) * spacing_m + arm_m)):
            places.append((c * spacing_m, y))
            roads.append(Road(len(places) - 1, row * columns + c, lanes[1], speed_mps, side_traffic))
    return Network(np.array(places, np.float64), tuple(roads), u_turns)


def straight(length_m: float, lanes: int, speed_mps: float) -> Network:
    """One road without any junction."""
    return Network(np.array([(0.0, 0.0), (length_m, 0.0)]), (Road(0, 1, lanes, speed_mps),))
