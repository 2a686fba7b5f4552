"""Ports: where vehicles enter and leave each camera's image, found as clusters of tracklet ends.

Shape shorthand: T tracklets, K ports of one camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Double, Float, Long, TrackletTable

RADIUS = 0.12
"""Reach of a port as a share of the image: about a carriageway's width at a usual traffic camera."""
LEAST_SHARE = 0.03
LEAST_COUNT = 3
SAMPLE = 500
"""Ends of one camera that are looked at to find its ports."""
HEADING_WEIGHT = 0.06
"""How far apart opposite directions count, as a share of the image: lanes side by side are two ports."""


@dataclass(frozen=True, slots=True, eq=False)
class Ports:
    """Ports of one camera and one kind of end. centre (K, 4): x, y and the heading as it enters the distance; spread (K,) standard
    deviation per axis as a share of the image; share (K,) of the camera's ends. Port number K is "elsewhere"."""

    centre: Double
    spread: Double
    share: Double

    def __len__(self) -> int:
        return len(self.centre)

    def assign(self, points: Double) -> Long:
        """Port number (N,) of ends (N, 4): the nearest within reach, else K."""
        if len(self) == 0:
            return np.zeros(len(points), np.int64)
        distance = np.linalg.norm(points[:, None] - self.centre[None], axis=2)
        nearest = distance.argmin(axis=1)
        reached = distance[np.arange(len(points)), nearest] <= 1.5 * RADIUS
        return np.where(reached, nearest, len(self)).astype(np.int64)


def end_points(places: Float, velocities: Float) -> Double:
    """Ends as points (N, 4): place and weighted heading."""
    speed = np.linalg.norm(velocities, axis=1, keepdims=True)
    heading = np.divide(velocities, speed, out=np.zeros_like(velocities), where=speed > 1e-6)
    return np.concatenate([places, HEADING_WEIGHT * heading], axis=1).astype(np.float64)


def find_ports(points: Double) -> Ports:
    """Cluster one camera's ends (N, 4), densest place first. Depends on the set of points, not on their order."""
    points = points[np.lexsort(points.T)]
    sample = points[:: max(len(points) // SAMPLE, 1)]
    least = max(LEAST_COUNT, LEAST_SHARE * len(sample))
    near = np.linalg.norm(sample[:, None] - sample[None], axis=2) <= RADIUS
    left = np.ones(len(sample), bool)
    centres: list[NDArray[np.float64]] = []
    while left.any():
        count = (near & left).sum(axis=1) * left
        best = int(count.argmax())
        if count[best] < least:
            break
        centre = sample[near[best] & left].mean(axis=0)
        centres.append(centre)
        left &= np.linalg.norm(sample - centre, axis=1) > 1.5 * RADIUS
    return _described(np.array(centres).reshape(-1, 4), points)


def _described(centres: Double, points: Double) -> Ports:
    ports = Ports(centres, np.zeros(len(centres)), np.zeros(len(centres)))
    member = ports.assign(points)
    spread, share = np.zeros(len(centres)), np.zeros(len(centres))
    for k in range(len(centres)):
        inside = points[member == k, :2]
        spread[k] = max(float(np.sqrt(((inside - inside.mean(axis=0)) ** 2).mean())), 0.01) if len(inside) else RADIUS
        share[k] = len(inside) / len(points)
    return Ports(centres, spread, share)


@dataclass(frozen=True, slots=True, eq=False)
class PortMap:
    """Ports of all cameras: entries and exits by camera index, and numbers that count through: entry, exit (T,) int64 global port
    of each tracklet; entry_camera, exit_camera: the camera of each global port, "elsewhere" being the last of its camera."""

    entries: tuple[Ports, ...]
    exits: tuple[Ports, ...]
    entry: Long
    exit: Long
    entry_camera: Long
    exit_camera: Long


def map_ports(table: TrackletTable, known: tuple[tuple[Ports, ...], tuple[Ports, ...]] | None = None) -> PortMap:
    """Find all cameras' ports (or take known ones) and assign every tracklet's ends."""
    rows = [np.flatnonzero(table.camera == c) for c in range(len(table.cameras))]
    ends = (
        end_points(table.entry_xy, table.entry_velocity),
        end_points(table.exit_xy, table.exit_velocity),
    )
    found = known or (
        tuple(find_ports(ends[0][r]) for r in rows),
        tuple(find_ports(ends[1][r]) for r in rows),
    )
    numbers, owners = [], []
    for ports, points in zip(found, ends, strict=True):
        base = np.concatenate([[0], np.cumsum([len(p) + 1 for p in ports])])
        number = np.zeros(len(table), np.int64)
        for camera, members in enumerate(rows):
            number[members] = base[camera] + ports[camera].assign(points[members])
        numbers.append(number)
        owners.append(np.repeat(np.arange(len(ports)), [len(p) + 1 for p in ports]))
    return PortMap(found[0], found[1], numbers[0], numbers[1], owners[0], owners[1])
