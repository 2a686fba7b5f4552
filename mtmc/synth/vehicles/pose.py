"""Where a vehicle is at an instant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pose:
    """A vehicle at an instant: middle on the ground (east, north) metres, yaw counter-clockwise from east, braking or
    not."""

    x: float
    y: float
    yaw: float
    braking: bool = False
