"""Entry and exit zones: where vehicles enter and leave each camera's image, found as clusters of tracklet ends.

Shape shorthand: T tracklets, C cameras, K zones of one camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.structures import Double, Float, Long, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for RADIUS (+.016, +.007), REACH (-.004, -.012), LEAST_COUNT (+.001, -.047), HEADING_WEIGHT (-.016, +.009).
RADIUS = 0.12
"""Radius of a zone as a fraction of the image: about a carriageway's width at a usual traffic camera."""
REACH = 1.5
"""Ends up to this many radii from a zone's centre belong to it."""
LEAST_FRACTION = 0.03
LEAST_COUNT = 3
"""A zone has at least this fraction and number of its camera's ends."""
SAMPLE = 500
"""Ends of one camera that are looked at to find its zones: bounds the matrix of their distances."""
HEADING_WEIGHT = 0.06
"""How far apart opposite directions count, as a fraction of the image: lanes side by side are two zones."""
LEAST_DEVIATION = 0.01
"""Standard deviation of a zone's ends at least, as a fraction of the image: the jitter of boxes."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraZones:
    """Zones of one camera and one kind of end. centre (K, 4): x, y and the heading as it enters the distance; deviation
    (K,) standard deviation per axis as a fraction of the image; fraction (K,) of the camera's ends. Zone number K is
    "elsewhere"."""

    centre: Double
    deviation: Double
    fraction: Double

    def __len__(self) -> int:
        return len(self.centre)

    def assign(self, points: Double) -> Long:
        """Zone number (N,) of ends (N, 4): the nearest within reach, else K."""
        if len(self) == 0:
            return np.zeros(len(points), np.int64)
        distance = np.linalg.norm(points[:, None] - self.centre[None], axis=2)
        nearest = distance.argmin(axis=1)
        reached = distance[np.arange(len(points)), nearest] <= REACH * RADIUS
        return np.where(reached, nearest, len(self)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Zones of all cameras: entries and exits by camera index, and numbers that count through: entry, exit (T,) int64
    global zone of each tracklet; entry_camera, exit_camera: the camera of each global zone, "elsewhere" being the last
    of its camera."""

    entries: tuple[CameraZones, ...]
    exits: tuple[CameraZones, ...]
    entry: Long
    exit: Long
    entry_camera: Long
    exit_camera: Long

    @property
    def entry_offsets(self) -> Long:
        """Global number (C,) of each camera's first entry zone."""
        return _offsets(self.entries)

    def places(self) -> tuple[Long, Long]:
        """Global numbers of the exit and of the entry zones that are somewhere: all but "elsewhere"."""
        return _places(self.exits), _places(self.entries)


def _offsets(zones: tuple[CameraZones, ...]) -> Long:
    return np.cumsum([0, *(len(z) + 1 for z in zones[:-1])])[: len(zones)].astype(np.int64)


def _places(zones: tuple[CameraZones, ...]) -> Long:
    return np.concatenate([np.arange(b, b + len(z)) for b, z in zip(_offsets(zones), zones, strict=True)])


def end_points(places: Float, velocities: Float) -> Double:
    """Ends as points (N, 4): place and weighted heading."""
    speed = np.linalg.norm(velocities, axis=1, keepdims=True)
    heading = np.divide(velocities, speed, out=np.zeros_like(velocities), where=speed > 1e-6)
    return np.concatenate([places, HEADING_WEIGHT * heading], axis=1).astype(np.float64)


def find_zones(points: Double) -> CameraZones:
    """Cluster one camera's ends (N, 4), densest place first. Depends on the set of points, not on their order."""
    points = points[np.lexsort(points.T)]
    sample = points[:: max(len(points) // SAMPLE, 1)]
    least = max(LEAST_COUNT, LEAST_FRACTION * len(sample))
    near = np.linalg.norm(sample[:, None] - sample[None], axis=2) <= RADIUS
    left = np.ones(len(sample), bool)
    centres: list[Double] = []
    while left.any():
        count = (near & left).sum(axis=1) * left
        best = int(count.argmax())
        if count[best] < least:
            break
        centre = sample[near[best] & left].mean(axis=0)
        centres.append(centre)
        left &= np.linalg.norm(sample - centre, axis=1) > REACH * RADIUS
    return _described(np.array(centres).reshape(-1, 4), points)


def _described(centres: Double, points: Double) -> CameraZones:
    zones = CameraZones(centres, np.zeros(len(centres)), np.zeros(len(centres)))
    member = zones.assign(points)
    deviation, fraction = np.zeros(len(centres)), np.zeros(len(centres))
    for k in range(len(centres)):
        inside = points[member == k, :2]
        off = ((inside - inside.mean(axis=0)) ** 2).mean() if len(inside) else RADIUS**2
        deviation[k] = max(float(np.sqrt(off)), LEAST_DEVIATION)
        fraction[k] = len(inside) / len(points)
    return CameraZones(centres, deviation, fraction)


def assign_zones(
    table: TrackletTable, known: tuple[tuple[CameraZones, ...], tuple[CameraZones, ...]] | None = None
) -> Zones:
    """Find all cameras' entry and exit zones (or take ``known`` ones) and assign every tracklet's ends."""
    rows = [np.flatnonzero(table.camera == c) for c in range(len(table.cameras))]
    ends = end_points(table.entry_xy, table.entry_velocity), end_points(table.exit_xy, table.exit_velocity)
    found = known or (tuple(find_zones(ends[0][r]) for r in rows), tuple(find_zones(ends[1][r]) for r in rows))
    numbers, owners = [], []
    for zones, points in zip(found, ends, strict=True):
        offsets, number = _offsets(zones), np.zeros(len(table), np.int64)
        for camera, members in enumerate(rows):
            number[members] = offsets[camera] + zones[camera].assign(points[members])
        numbers.append(number)
        owners.append(np.repeat(np.arange(len(zones)), [len(z) + 1 for z in zones]))
    return Zones(*found, *numbers, *owners)
