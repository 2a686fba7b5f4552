"""One vehicle's way through a scene: where it is at any time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from mtmc.structures import Double
from mtmc.synth.vehicles.bodies import axles_m
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.pose import Pose

STEP_S = 0.1
"""Time between two steps of the simulation."""


@dataclass(slots=True, eq=False)
class Trip:
    """One vehicle's way through the scene: its path and its front bumper's place on it at every step.

    path (N, 2) metres, arc (N,) metres along it; s, speed: metres and metres per second at each step from
    ``first_step``; leg: the segment that the front is on; reserved: legs that cross a junction and are the vehicle's to
    drive; marks: arc at which each leg starts.
    """

    vehicle: Vehicle
    segments: list[int]
    path: Double
    arc: Double
    first_step: int
    s: list[float] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    leg: int = 0
    cruise: float = 1.0
    reserved: set[int] = field(default_factory=set)
    marks: list[float] = field(default_factory=list)

    def on_road(self, time_s: float) -> bool:
        """Whether the vehicle is in the world at ``time_s``."""
        step = time_s / STEP_S - self.first_step
        return 0 <= step <= len(self.s) - 1

    def pose(self, time_s: float) -> Pose:
        """Where the vehicle stands at ``time_s`` (seconds of scene time, within its trip)."""
        step = time_s / STEP_S - self.first_step
        i = min(max(int(step), 0), len(self.s) - 2)
        front = self.s[i] + (self.s[i + 1] - self.s[i]) * (step - i)
        slowing = self.speed[i + 1] - self.speed[i] < -0.06 or self.speed[i] < 0.3
        return self._pose_at(front, slowing)

    def places(self, times_s: Double) -> Double:
        """Poses (N, 3) at times within the trip: x, y of the middle, yaw; as ``pose`` for many times at once."""
        front = np.interp(times_s / STEP_S - self.first_step, np.arange(len(self.s)), self.s)
        rear_axle, front_axle = axles_m(self.vehicle)
        at = front - (self.vehicle.length_m / 2 - front_axle)
        nose, tail = (
            np.stack([np.interp(marks, self.arc, self.path[:, k]) for k in (0, 1)], axis=1)
            for marks in (at, at - (front_axle - rear_axle))
        )
        yaw = np.arctan2(nose[:, 1] - tail[:, 1], nose[:, 0] - tail[:, 0])
        middle = nose - front_axle * np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
        return np.concatenate([middle, yaw[:, None]], axis=1)

    def _pose_at(self, front: float, slowing: bool) -> Pose:
        rear_axle, front_axle = axles_m(self.vehicle)
        overhang = self.vehicle.length_m / 2 - front_axle
        marks = np.array([front - overhang, front - overhang - (front_axle - rear_axle)])
        x, y = np.interp(marks, self.arc, self.path[:, 0]), np.interp(marks, self.arc, self.path[:, 1])
        yaw = math.atan2(y[0] - y[1], x[0] - x[1])
        return Pose(float(x[0] - front_axle * math.cos(yaw)), float(y[0] - front_axle * math.sin(yaw)), yaw, slowing)
