"""Who is on random roads: any vehicle in any paint, where a lane leads and where none does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from mtmc.structures import Float, Image
from mtmc.synth.render.frames import Seen
from mtmc.synth.render.ground import noise
from mtmc.synth.render.lens import Lens
from mtmc.synth.streets.surroundings import ground_point
from mtmc.synth.traffic.roads import Network, Segment
from mtmc.synth.vehicles.colours import Colour, from_hsv
from mtmc.synth.vehicles.identity import MOTORCYCLE, Vehicle, random_vehicle
from mtmc.synth.vehicles.pose import Pose

FLEET = 48
"""Vehicles of a view: as many meshes are built, whoever of them a frame shows."""


def odd_fleet(rng: np.random.Generator) -> list[Vehicle]:
    """`FLEET` vehicles as nobody orders them, ids from 1."""
    return [odd(random_vehicle(rng, number + 1, _body(rng)), rng) for number in range(FLEET)]


def traffic(network: Network, lens: Lens, rng: np.random.Generator, fleet: list[Vehicle]) -> list[tuple[Vehicle, Pose]]:
    """Vehicles of the fleet along the lanes, densely or hardly any, and some anywhere."""
    found: list[tuple[Vehicle, Pose]] = []
    gap = float(np.exp(rng.uniform(math.log(3), math.log(80))))
    for _ in range(int(rng.choice(3, p=(0.7, 0.2, 0.1)))):
        x, y, _ = ground_point(lens, rng).tolist()
        found.append((fleet.pop(), Pose(x, y, float(rng.uniform(0, 2 * math.pi)))))
    lanes = [lane for lane in network.segments if lane.node < 0]
    for number in rng.permutation(len(lanes)).tolist():
        for vehicle, pose in _on_lane(lanes[number], gap, rng, fleet):
            if _clear(vehicle, pose, found):
                found.append((vehicle, pose))
    return found


def _on_lane(
    lane: Segment, gap_m: float, rng: np.random.Generator, fleet: list[Vehicle]
) -> Iterator[tuple[Vehicle, Pose]]:
    a, b = lane.line[0], lane.line[-1]
    ahead = (b - a) / np.linalg.norm(b - a)
    yaw, left = math.atan2(ahead[1], ahead[0]), np.array([-ahead[1], ahead[0]])
    along = float(rng.exponential(gap_m))
    while along < lane.length_m and fleet:
        vehicle = fleet.pop()
        along += vehicle.length_m / 2
        x, y = (a + ahead * along + left * rng.normal(0, 0.25)).tolist()
        yield vehicle, Pose(x, y, yaw + float(rng.normal(0, 0.03)), bool(rng.random() < 0.3))
        along += vehicle.length_m / 2 + 1.0 + float(rng.exponential(gap_m))


def _clear(vehicle: Vehicle, pose: Pose, others: list[tuple[Vehicle, Pose]]) -> bool:
    """Whether it stands in nobody: side by side is near enough, one behind the other takes both lengths."""
    away = [(p.x - pose.x, p.y - pose.y, v.length_m) for v, p in others]
    c, s = math.cos(pose.yaw), math.sin(pose.yaw)
    return all(abs(x * c + y * s) > (vehicle.length_m + long) / 2 or abs(y * c - x * s) > 2.8 for x, y, long in away)


def _body(rng: np.random.Generator) -> str | None:
    """More of the rare kinds than on roads; None: as there."""
    return None if rng.random() < 0.7 else str(rng.choice((MOTORCYCLE, "van", "box_truck", "bus", "pickup")))


def odd(vehicle: Vehicle, rng: np.random.Generator) -> Vehicle:
    """The vehicle as it might be built elsewhere: other proportions, often another paint."""
    long, wide, high = 1 + rng.uniform(-1, 1, 3) * (0.12, 0.07, 0.10)
    if vehicle.body in ("bus", "box_truck"):
        long, high = long * rng.uniform(0.75, 1.2), high * rng.uniform(0.85, 1.45)  # with two decks, at most
    stretched = replace(
        vehicle,
        length_m=vehicle.length_m * long, width_m=vehicle.width_m * wide, height_m=vehicle.height_m * high,
        tint=float(rng.uniform(0.02, 0.45)), dirt=float(rng.uniform(0, 0.6)),
    )  # fmt: skip
    if rng.random() < 0.6:
        return stretched
    paint: Colour = from_hsv(rng.uniform(0, 360), rng.uniform(0, 1), rng.uniform(0.04, 1))
    return replace(
        stretched, paint=paint, lower_paint=stretched.lower_paint if rng.random() < 0.5 else paint,
        roof_paint=paint if rng.random() < 0.85 else from_hsv(rng.uniform(0, 360), rng.uniform(0, 1), rng.random()),
    )  # fmt: skip


def repaint(image: Image, seen: list[Seen], rng: np.random.Generator) -> None:
    """Reflections, dirt and prints that no mesh has: soft light and dark over each vehicle, and sharp streaks."""
    for one in seen:
        if rng.random() < 0.4:
            continue
        x0, y0, x1, y1 = one.box
        shape = (y1 - y0, x1 - x0)
        soft = noise(rng, shape, (3, 6, 12), tuple(rng.uniform(0, 0.2, 3).tolist()))
        if rng.random() < 0.3:
            _streak(soft, rng)
        window = image[y0:y1, x0:x1]
        painted = np.clip(window * (1 + soft[..., None]) + 60 * np.maximum(soft, 0)[..., None], 0, 255)
        window[one.mask] = painted[one.mask].astype(np.uint8)


def _streak(soft: Float, rng: np.random.Generator) -> None:
    height, width = soft.shape
    ends = (rng.uniform(0, 1, (2, 2)) * (width, height)).astype(int).tolist()
    thick = max(1, int(rng.uniform(0.02, 0.15) * min(height, width)))
    cv2.line(soft, tuple(ends[0]), tuple(ends[1]), float(rng.uniform(-0.6, 0.9)), thick, cv2.LINE_AA)
