"""What stands beside the road: buildings, trees, lamp posts, parked cars; and the shadows they cast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mtmc.structures import Double
from mtmc.synth.render.ground import PARKING_M, PAVEMENT_M
from mtmc.synth.render.shading import Light
from mtmc.synth.traffic.roads import Network, Road
from mtmc.synth.vehicles.identity import Vehicle, random_vehicle
from mtmc.synth.vehicles.pose import Pose


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree: place, height and crown radius in metres."""

    x: float
    y: float
    height_m: float
    crown_m: float
    seed: int


@dataclass(frozen=True, slots=True)
class Post:
    """A lamp or signal post with an arm towards ``yaw``."""

    x: float
    y: float
    height_m: float
    arm_m: float
    yaw: float
    signal: bool


@dataclass(frozen=True, slots=True)
class Building:
    """A house: rectangle centre, half sides along its road and away from it, heading of the road, height."""

    x: float
    y: float
    half_m: tuple[float, float]
    yaw: float
    height_m: float
    seed: int


@dataclass(frozen=True, slots=True)
class Scenery:
    """Everything that stands still, the same for all cameras of a scene."""

    trees: tuple[Tree, ...]
    posts: tuple[Post, ...]
    buildings: tuple[Building, ...]
    parked: tuple[tuple[Vehicle, Pose], ...]


def random_scenery(
    network: Network, rng: np.random.Generator, occluders: float, parked: float, first_id: int
) -> Scenery:
    """Line the roads: ``occluders`` in [0, 1] fraction of kerb places with a tree or post, ``parked`` of parking places
    taken."""
    trees: list[Tree] = []
    posts: list[Post] = []
    buildings: list[Building] = []
    cars: list[tuple[Vehicle, Pose]] = []
    for road in network.roads:
        for side in (-1, 1):
            frame = _Kerb.of(network, road, side)
            buildings += _houses(network, frame, rng)
            trees += _trees(network, frame, rng, occluders)
            posts += _posts(frame, rng, occluders)
            cars += _park(frame, rng, parked, first_id + len(cars))
    for node in range(len(network.nodes)):
        if network.is_junction(node):
            posts += _signals(network, node)
    return Scenery(tuple(trees), tuple(posts), tuple(buildings), tuple(cars))


@dataclass(frozen=True, slots=True, eq=False)
class _Kerb:
    """One side of a road: start, direction, normal away from the road, usable length, distance of the kerb from the
    middle."""

    start: Double
    ahead: Double
    out: Double
    length_m: float
    kerb_m: float
    yaw: float

    @staticmethod
    def of(network: Network, road: Road, side: int) -> _Kerb:
        a, b = network.nodes[road.a], network.nodes[road.b]
        ahead = (b - a) / np.linalg.norm(b - a)
        a, b = a + ahead * network.box_half_m(road.a), b - ahead * network.box_half_m(road.b)
        out = np.array([-ahead[1], ahead[0]]) * side
        yaw = math.atan2(ahead[1], ahead[0]) + (math.pi if side > 0 else 0.0)
        return _Kerb(a, ahead, out, float(np.linalg.norm(b - a)), road.half_width_m + PARKING_M, yaw)

    def at(self, along: float, beyond: float) -> tuple[float, float]:
        """World point ``along`` the road, ``beyond`` metres outside the kerb."""
        x, y = self.start + self.ahead * along + self.out * (self.kerb_m + beyond)
        return float(x), float(y)


def _clear_of_roads(network: Network, x: float, y: float, margin_m: float) -> bool:
    for road in network.roads:
        a, b = network.nodes[road.a], network.nodes[road.b]
        ahead = (b - a) / np.linalg.norm(b - a)
        away = np.array([x, y]) - a
        along = min(
            max(float(away @ ahead), -200 if not network.is_junction(road.a) else 0),
            float(np.linalg.norm(b - a)) + (200 if not network.is_junction(road.b) else 0),
        )
        if np.linalg.norm(away - ahead * along) < road.half_width_m + PARKING_M + margin_m:
            return False
    return True


def _houses(network: Network, kerb: _Kerb, rng: np.random.Generator) -> list[Building]:
    houses, along = [], 2.0
    while along < kerb.length_m - 6:
        half, deep = float(rng.uniform(5, 10)), float(rng.uniform(4, 7))
        beyond = PAVEMENT_M + float(rng.uniform(2, 7)) + deep
        x, y = kerb.at(along + half, beyond)
        if rng.random() < 0.8 and _clear_of_roads(network, x, y, PAVEMENT_M + math.hypot(half, deep)):
            houses.append(
                Building(
                    x,
                    y,
                    (half, deep),
                    math.atan2(kerb.ahead[1], kerb.ahead[0]),
                    float(rng.uniform(5, 15)),
                    int(rng.integers(1 << 30)),
                )
            )
        along += 2 * half + float(rng.uniform(1, 8))
    return houses


def _trees(network: Network, kerb: _Kerb, rng: np.random.Generator, occluders: float) -> list[Tree]:
    trees = []
    for along in np.arange(3.0, kerb.length_m, 8.0):
        near = rng.random() < occluders * 0.5
        beyond = 0.9 if near else PAVEMENT_M + float(rng.uniform(1, 8))
        x, y = kerb.at(float(along + rng.uniform(-2, 2)), beyond)
        if (near or rng.random() < 0.35) and _clear_of_roads(network, x, y, 0.5):
            trees.append(
                Tree(x, y, float(rng.uniform(5.5, 8.5)), float(rng.uniform(1.4, 2.3)), int(rng.integers(1 << 30)))
            )
    return trees


def _posts(kerb: _Kerb, rng: np.random.Generator, occluders: float) -> list[Post]:
    posts = []
    for along in np.arange(6.0, kerb.length_m, 24.0):
        x, y = kerb.at(float(along + rng.uniform(-3, 3)), 0.6)
        if rng.random() < 0.4 + 0.6 * occluders:
            posts.append(Post(x, y, 8.0, 2.2, math.atan2(-kerb.out[1], -kerb.out[0]), False))
    return posts


def _signals(network: Network, node: int) -> list[Post]:
    half = network.box_half_m(node) - 0.5
    x, y = network.nodes[node]
    return [
        Post(float(x + sx * half), float(y + sy * half), 5.6, 3.0, math.atan2(-sy, 0), True)
        for sx, sy in ((1, -1), (-1, 1))
    ]


def _park(kerb: _Kerb, rng: np.random.Generator, taken: float, first_id: int) -> list[tuple[Vehicle, Pose]]:
    cars: list[tuple[Vehicle, Pose]] = []
    for along in np.arange(6.0, kerb.length_m - 6.0, 6.4):
        if rng.random() < taken:
            body = str(rng.choice(("sedan", "hatchback", "suv", "pickup", "van"), p=(0.36, 0.26, 0.24, 0.08, 0.06)))
            x, y = kerb.at(float(along + rng.uniform(-0.3, 0.3)), -PARKING_M / 2 + 0.1)
            cars.append(
                (random_vehicle(rng, first_id + len(cars), body), Pose(x, y, kerb.yaw + float(rng.normal(0, 0.015))))
            )
    return cars


def shadow_polygons(scenery: Scenery, light: Light) -> list[Double]:
    """Ground shadows (N, 2) of trees, posts and buildings."""
    if light.sun_power < 0.05:
        return []
    slide = -np.asarray(light.sun[:2]) / max(light.sun[2], 0.2)
    angles = np.arange(12) * (math.pi / 6)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found: list[Double] = []
    for tree in scenery.trees:
        rng = np.random.default_rng(tree.seed)
        middle = np.array([tree.x, tree.y]) + slide * (tree.height_m - tree.crown_m)
        found += [
            middle + rng.normal(0, 0.45, 2) * tree.crown_m + circle * tree.crown_m * rng.uniform(0.4, 0.7)
            for _ in range(9)
        ]
        found.append(_thick_line(np.array([tree.x, tree.y]), middle, 0.25))
    for post in scenery.posts:
        foot = np.array([post.x, post.y])
        found.append(_thick_line(foot, foot + slide * post.height_m, 0.15))
    for house in scenery.buildings:
        corners = footprint(house)
        found.append(np.concatenate([corners, corners + slide * house.height_m]))
    return found


def _thick_line(a: Double, b: Double, width: float) -> Double:
    side = np.array([a[1] - b[1], b[0] - a[0]])
    side = side / max(float(np.linalg.norm(side)), 1e-9) * width / 2
    return np.array([a + side, b + side, b - side, a - side])


def footprint(house: Building) -> Double:
    """Corners (4, 2) of a house on the ground."""
    c, s = math.cos(house.yaw), math.sin(house.yaw)
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * house.half_m
    return np.asarray(corners @ np.array([[c, s], [-s, c]]) + (house.x, house.y))
