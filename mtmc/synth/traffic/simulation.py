"""Traffic on the network: vehicles enter at random, follow each other (intelligent driver model), and pass signals by
reservation.

A vehicle enters a junction only with green, room behind it, and no conflicting vehicle inside, so vehicles never
overlap. Treiber, Hennecke, Helbing: Congested traffic states in empirical observations and microscopic simulations,
2000, eq. 2-3.
"""

from __future__ import annotations

import bisect
import math

import numpy as np
from pydantic import Field

from mtmc.params import Params
from mtmc.structures import Double
from mtmc.synth.traffic.roads import Network, Segment
from mtmc.synth.traffic.trip import STEP_S, Trip
from mtmc.synth.vehicles.identity import Vehicle, random_vehicle, twin

U_TURNS = 0.15
"""U-turns of a lane that allows them, as a fraction of its turning traffic."""
LEAD_IN_M = 15.0
"""Road before a lane's entry, so that a vehicle that has just entered has something below its rear."""
_LOOK_AHEAD_M, _JAM_GAP_M, _HEADWAY_S, _ACCELERATION, _BRAKING = 70.0, 2.2, 1.3, 1.8, 2.6


class TrafficParams(Params):
    """How much traffic there is and how it is steered."""

    vehicles_per_lane_hour: float = Field(360.0, gt=0, le=1800, description="mean inflow of each entry lane")
    warm_up_s: float = Field(60.0, ge=0, le=3600, description="traffic before the scene's time zero")
    green_s: float = Field(9.0, ge=0.5, le=3600, description="green of each pair of opposite approaches")
    amber_s: float = Field(3.0, ge=0.1, le=3600, description="pause between two greens")
    twins: float = Field(0.0, ge=0, le=1, description="fraction of vehicles that are look-alikes of an earlier one")
    turning: float = Field(0.3, ge=0, le=1, description="fraction of vehicles that turn at a junction, where they may")


class Simulation:
    """Steps all vehicles of a network; ``run`` gives their trips."""

    def __init__(self, network: Network, params: TrafficParams, seed: int) -> None:
        self.network, self.params = network, params
        self.rng = np.random.default_rng(seed)
        self.trips: list[Trip] = []
        self.running: list[Trip] = []
        self.queues: dict[int, list[tuple[float, Trip]]] = {}
        self.holders: dict[int, list[Trip]] = {s.id: [] for s in network.segments}
        self.next_entry = {lane: self._headway(lane) * self.rng.random() for lane in network.entries}
        self.phase_shift = self.rng.uniform(0, self.cycle_s, len(network.nodes))

    @property
    def cycle_s(self) -> float:
        """Length of a signal cycle: two phases."""
        return 2 * (self.params.green_s + self.params.amber_s)

    def run(self, duration_s: float) -> list[Trip]:
        """Simulate from before time zero (warm-up) to ``duration_s``; trips that end before time zero are left out."""
        first, last = -round(self.params.warm_up_s / STEP_S), math.ceil(duration_s / STEP_S) + 2
        for step in range(first, last):
            self._step(step, (step - first) * STEP_S)
        return [t for t in self.trips if t.first_step + len(t.s) > 1 and len(t.s) > 1]

    def is_green(self, lane: Segment, clock_s: float) -> bool:
        """Whether the signal at a lane's end shows green at ``clock_s`` seconds since the start of the simulation."""
        moment = (clock_s + float(self.phase_shift[lane.heads_to])) % self.cycle_s
        east_west = abs(math.cos(self.network.approach_yaw(lane))) > 0.7
        half = self.cycle_s / 2
        return (moment < self.params.green_s) if east_west else (half <= moment < half + self.params.green_s)

    def _step(self, step: int, clock_s: float) -> None:
        self._enter(step, clock_s)
        self._index()
        plans = [self._acceleration(trip, clock_s) for trip in self._front_first()]
        for trip, acceleration in plans:
            self._advance(trip, acceleration)
        self.running = [t for t in self.running if t.s[-1] < t.arc[-1] - 1.0]

    def _front_first(self) -> list[Trip]:
        return sorted(self.running, key=lambda t: t.marks[t.leg + 1] - t.s[-1])

    def _enter(self, step: int, clock_s: float) -> None:
        for lane in self.network.entries:
            if clock_s < self.next_entry[lane]:
                continue
            tail = min(
                (t.s[-1] - t.vehicle.length_m for t in self.running if t.segments[t.leg] == lane and t.leg == 0),
                default=99.0,
            )
            if tail > LEAD_IN_M + 12.0:
                self._spawn(lane, step)
                self.next_entry[lane] = clock_s + self._headway(lane)

    def _headway(self, lane: int) -> float:
        busy = self.network.roads[self.network.segments[lane].road].busy
        mean = 3600.0 / (self.params.vehicles_per_lane_hour * busy)
        return 0.35 * mean + float(self.rng.exponential(0.65 * mean))

    def _spawn(self, lane: int, step: int) -> None:
        number = len(self.trips) + 1
        alike = self.trips and self.rng.random() < self.params.twins
        vehicle = (
            twin(self.trips[-1 - int(self.rng.integers(0, min(6, len(self.trips))))].vehicle, self.rng, number)
            if alike else random_vehicle(self.rng, number)
        )  # fmt: skip
        segments = self._route(lane, vehicle)
        path, marks = self._path(segments)
        arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        trip = Trip(vehicle, segments, path, arc, step, cruise=float(self.rng.uniform(0.88, 1.1)), marks=marks)
        trip.s.append(LEAD_IN_M)
        trip.speed.append(0.8 * self.network.segments[lane].speed_mps)
        self.trips.append(trip)
        self.running.append(trip)

    def _route(self, lane: int, vehicle: Vehicle) -> list[int]:
        """Segments from an entry to an end of the world; long vehicles go straight on where they can."""
        route = [lane]
        turning = self.params.turning if vehicle.length_m < 6.5 else 0.02
        while self.network.following[route[-1]]:
            turns = self.network.following[route[-1]]
            straight = 1 - turning
            liking = {"straight": straight, "left": turning / 2, "right": turning / 2, "back": U_TURNS * turning}
            weights = np.array([liking[self.network.segments[t].turn] for t in turns]) + 1e-6
            chosen = turns[int(self.rng.choice(len(turns), p=weights / weights.sum()))]
            route += [chosen, self.network.following[chosen][0]]
        return route

    def _path(self, route: list[int]) -> tuple[Double, list[float]]:
        """The polyline of a route with its lead-in, and the arc length at which each segment starts, plus the end."""
        first = self.network.segments[route[0]].line
        ahead = (first[1] - first[0]) / np.linalg.norm(first[1] - first[0])
        pieces, marks = [(first[0] - ahead * LEAD_IN_M)[None]], [LEAD_IN_M]
        for number in route:
            segment = self.network.segments[number]
            pieces.append(segment.line if len(pieces) == 1 else segment.line[1:])
            marks.append(marks[-1] + segment.length_m)
        return np.concatenate(pieces), marks

    def _index(self) -> None:
        """Vehicles of each segment by their place on it, and who holds each turning curve."""
        self.queues = {}
        for trip in self.running:
            bisect.insort(
                self.queues.setdefault(trip.segments[trip.leg], []),
                (trip.s[-1] - trip.marks[trip.leg], trip),
                key=lambda e: e[0],
            )

    def _acceleration(self, trip: Trip, clock_s: float) -> tuple[Trip, float]:
        """The driver's choice: the most careful of free road, leader and stop line (IDM)."""
        speed = trip.speed[-1]
        wish = self._speed_limit(trip)
        room, leader_speed = self._leader(trip)
        acceleration = _idm(speed, wish, room, leader_speed)
        stop = self._stop_room(trip, clock_s)
        if stop is not None:
            acceleration = min(acceleration, _idm(speed, wish, stop, 0.0))
        return trip, acceleration

    def _speed_limit(self, trip: Trip) -> float:
        """Wished speed, braking in time for a curve ahead."""
        here = self.network.segments[trip.segments[trip.leg]].speed_mps * trip.cruise
        if trip.leg + 1 < len(trip.segments):
            curve = self.network.segments[trip.segments[trip.leg + 1]].speed_mps * min(trip.cruise, 1.0)
            distance = max(trip.marks[trip.leg + 1] - trip.s[-1], 0.0)
            here = min(here, math.sqrt(curve**2 + 2 * 1.6 * distance))
        return here

    def _leader(self, trip: Trip) -> tuple[float, float]:
        """Free metres to the vehicle ahead and its speed; (inf, 0) without one."""
        place = trip.s[-1] - trip.marks[trip.leg]
        ahead = [e for e in self.queues.get(trip.segments[trip.leg], []) if e[0] > place]
        if ahead:
            return ahead[0][0] - place - ahead[0][1].vehicle.length_m, ahead[0][1].speed[-1]
        best = self._sibling(trip)
        for leg in range(trip.leg + 1, len(trip.segments)):
            distance = trip.marks[leg] - trip.s[-1]
            if distance > _LOOK_AHEAD_M:
                break
            queue = self.queues.get(trip.segments[leg], [])
            if queue:
                found = distance + queue[0][0] - queue[0][1].vehicle.length_m, queue[0][1].speed[-1]
                return min(best, found)
        return best

    def _sibling(self, trip: Trip) -> tuple[float, float]:
        """The vehicle that left the same lane just before, on another curve, while its tail is still near the lane."""
        lane = trip.segments[trip.leg]
        if self.network.segments[lane].node >= 0:
            lane = self.network.sources[lane]
        start = trip.marks[trip.leg + (1 if lane == trip.segments[trip.leg] else 0)]
        best = (math.inf, 0.0)
        for turn in self.network.following[lane]:
            for place, other in self.queues.get(turn, []):
                tail = place - other.vehicle.length_m
                room = start + tail - trip.s[-1]
                if other is not trip and tail < 9.0 and start + place > trip.s[-1]:
                    best = min(best, (room, other.speed[-1]))
        return best

    def _stop_room(self, trip: Trip, clock_s: float) -> float | None:
        """Metres to the stop line if the vehicle must stop there; reserves its way through the junction if it may
        go."""
        lane = self.network.segments[trip.segments[trip.leg]]
        if lane.node >= 0 or trip.leg + 1 >= len(trip.segments):
            return None
        turn, distance = trip.segments[trip.leg + 1], trip.marks[trip.leg + 1] - trip.s[-1]
        if trip.leg + 1 in trip.reserved or distance > _LOOK_AHEAD_M:
            return None
        if distance < 32.0 and self._may_enter(trip, lane, turn, clock_s):
            trip.reserved.add(trip.leg + 1)
            self.holders[turn].append(trip)
            return None
        return distance - 0.8

    def _may_enter(self, trip: Trip, lane: Segment, turn: int, clock_s: float) -> bool:
        waiting = [t for place, t in self.queues[lane.id] if place > trip.s[-1] - trip.marks[trip.leg]]
        if any(t.leg + 1 not in t.reserved for t in waiting):
            return False
        if not self.is_green(lane, clock_s) or any(self.holders[c] for c in self.network.conflicts[turn]):
            return False
        return self._room_behind(turn) > trip.vehicle.length_m + 3.0

    def _room_behind(self, turn: int) -> float:
        """Free metres in the lane after a turning curve, less what those inside the junction will need."""
        lane = self.network.following[turn][0]
        queue = self.queues.get(lane, [])
        tail = queue[0][0] - queue[0][1].vehicle.length_m if queue else self.network.segments[lane].length_m
        moving = queue[0][1].speed[-1] * 2.0 if queue else 0.0
        return tail + moving - sum(t.vehicle.length_m + 3.0 for t in self.holders[turn])

    def _advance(self, trip: Trip, acceleration: float) -> None:
        speed = max(0.0, trip.speed[-1] + acceleration * STEP_S)
        trip.s.append(trip.s[-1] + 0.5 * (trip.speed[-1] + speed) * STEP_S)
        trip.speed.append(speed)
        while trip.leg + 1 < len(trip.segments) and trip.s[-1] >= trip.marks[trip.leg + 1]:
            trip.leg += 1
        for leg in sorted(trip.reserved):
            if trip.s[-1] - trip.vehicle.length_m > trip.marks[leg + 1]:
                trip.reserved.discard(leg)
                self.holders[trip.segments[leg]].remove(trip)


def _idm(speed: float, wish: float, room: float, leader_speed: float) -> float:
    """Acceleration in m/s2 of the intelligent driver model, no harder than an emergency stop."""
    free = 1 - (speed / max(wish, 0.1)) ** 4
    if math.isinf(room):
        return max(_ACCELERATION * free, -5.0)
    closing = speed * (speed - leader_speed) / (2 * math.sqrt(_ACCELERATION * _BRAKING))
    gap = _JAM_GAP_M + max(0.0, speed * _HEADWAY_S + closing)
    return max(_ACCELERATION * (free - (gap / max(room, 0.1)) ** 2), -8.0)
