"""What stands beside the road: buildings, trees, lamp posts, parked cars; and how each looks from a camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.synth.ground import PARKING_M, PAVEMENT_M, noise
from mtmc.synth.lamps import street_lamp
from mtmc.synth.lens import Lens
from mtmc.synth.render import Light, Pose, clipped_roi, hazed, held
from mtmc.synth.roads import Network, Road
from mtmc.synth.vehicles import Vehicle, random_vehicle

Array = NDArray[np.float64]
Image = NDArray[np.uint8]


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
    """Line the roads: ``occluders`` in [0, 1] share of kerb places with a tree or post, ``parked`` of parking places taken."""
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
    """One side of a road: start, direction, normal away from the road, usable length, distance of the kerb from the middle."""

    start: Array
    ahead: Array
    out: Array
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


def _park(kerb: _Kerb, rng: np.random.Generator, share: float, first_id: int) -> list[tuple[Vehicle, Pose]]:
    cars: list[tuple[Vehicle, Pose]] = []
    for along in np.arange(6.0, kerb.length_m - 6.0, 6.4):
        if rng.random() < share:
            body = str(rng.choice(("sedan", "hatchback", "suv", "pickup", "van"), p=(0.36, 0.26, 0.24, 0.08, 0.06)))
            x, y = kerb.at(float(along + rng.uniform(-0.3, 0.3)), -PARKING_M / 2 + 0.1)
            cars.append(
                (random_vehicle(rng, first_id + len(cars), body), Pose(x, y, kerb.yaw + float(rng.normal(0, 0.015))))
            )
    return cars


def shadow_polygons(scenery: Scenery, light: Light) -> list[Array]:
    """Ground shadows (N, 2) of trees, posts and buildings."""
    if light.sun_power < 0.05:
        return []
    slide = -np.asarray(light.sun[:2]) / max(light.sun[2], 0.2)
    angles = np.arange(12) * (math.pi / 6)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found: list[Array] = []
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
        corners = _footprint(house)
        found.append(np.concatenate([corners, corners + slide * house.height_m]))
    return found


def _thick_line(a: Array, b: Array, width: float) -> Array:
    side = np.array([a[1] - b[1], b[0] - a[0]])
    side = side / max(float(np.linalg.norm(side)), 1e-9) * width / 2
    return np.array([a + side, b + side, b - side, a - side])


def _footprint(house: Building) -> Array:
    c, s = math.cos(house.yaw), math.sin(house.yaw)
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * house.half_m
    return np.asarray(corners @ np.array([[c, s], [-s, c]]) + (house.x, house.y))


# --- seen from a camera ------------------------------------------------------------------------------------------------


def draw_tree(image: Image, mask: Image, tree: Tree, lens: Lens, light: Light) -> None:
    """Trunk and a crown of leaf clumps; ``mask`` (uint8) gets 255 where the tree hides what is behind."""
    rng = np.random.default_rng(tree.seed)
    base = np.array([[tree.x, tree.y, 0.0], [tree.x, tree.y, tree.height_m - tree.crown_m]])
    pixels, depth = lens.project(base)
    if depth.min() < 2.0:
        return
    scale = lens.focal_px / float(depth[1])
    distance = float(depth[0])
    bark = _tone(np.array([0.18, 0.24, 0.30]) * 0.9, distance, light)
    for target, colour in ((image, bark), (mask, 255)):
        cv2.line(target, _fixed(pixels[0]), _fixed(pixels[1]), colour, max(1, round(0.24 * scale)), cv2.LINE_AA, 3)
    hue = rng.uniform(-0.04, 0.04, 3)
    sun = np.asarray(light.sun) @ lens.axes.T
    count = 120 if scale < 14 else 260
    clumps = rng.normal(0, 0.5, (count, 3))
    clumps *= (tree.crown_m * np.minimum(1.0, 0.95 / np.maximum(np.linalg.norm(clumps, axis=1), 1e-6)))[:, None]
    clumps[:, 1] *= 1.1
    for dx, dz, lift in clumps[np.argsort(clumps[:, 2])].tolist():
        centre = pixels[1] + np.array([dx, -dz]) * scale
        radius = max(1, round(rng.uniform(0.10, 0.27 if count < 200 else 0.19) * tree.crown_m * scale * 8))
        lit = 0.55 + 0.28 * min(max((dz + dx * float(sun[0]) + 0.3 * lift) / tree.crown_m, -1.0), 1.0) * (
            0.5 + light.sun_power
        )
        colour = _tone((np.array([0.22, 0.42, 0.30]) + hue) * (lit + rng.normal(0, 0.06)) * 1.15, distance, light)
        cv2.circle(image, _fixed(centre), radius, colour, -1, cv2.LINE_AA, 3)
        cv2.circle(mask, _fixed(centre), radius, 255, -1, cv2.LINE_8, 3)


def draw_post(image: Image, mask: Image, post: Post, lens: Lens, light: Light) -> None:
    """A pole with an arm, and a lamp or a signal head at its end."""
    arm = (post.x + post.arm_m * math.cos(post.yaw), post.y + post.arm_m * math.sin(post.yaw))
    points = np.array(
        [
            [post.x, post.y, 0],
            [post.x, post.y, post.height_m],
            [*arm, post.height_m + 0.1],
            [*arm, post.height_m - (0.9 if post.signal else 0.0)],
        ]
    )
    pixels, depth = lens.project(points)
    if depth.min() < 2.0:
        return
    scale = lens.focal_px / float(depth[0])
    grey = _tone(np.array([0.34, 0.36, 0.36]), float(depth[0]), light)
    dark = _tone(np.array([0.10, 0.12, 0.13]), float(depth[0]), light)
    for target, colours in ((image, (grey, dark)), (mask, (255, 255))):
        cv2.line(target, _fixed(pixels[0]), _fixed(pixels[1]), colours[0], max(1, round(0.16 * scale)), cv2.LINE_AA, 3)
        cv2.line(target, _fixed(pixels[1]), _fixed(pixels[2]), colours[0], max(1, round(0.10 * scale)), cv2.LINE_AA, 3)
        cv2.line(target, _fixed(pixels[2]), _fixed(pixels[3]), colours[1], max(1, round(0.34 * scale)), cv2.LINE_AA, 3)
    mask[:] = cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1]
    if light.night > 0 and not post.signal:
        street_lamp(image, pixels[2], float(depth[2]), lens.focal_px)


def draw_building(image: Image, mask: Image, house: Building, lens: Lens, light: Light) -> None:
    """The walls that face the camera, with windows, and a roof edge."""
    corners = _footprint(house)
    rng = np.random.default_rng(house.seed)
    walls = [(corners[k], corners[(k + 1) % 4]) for k in range(4)]
    facade = _facade(rng, house, light.night)
    for a, b in walls:
        normal = np.array([b[1] - a[1], a[0] - b[0]])
        normal /= np.linalg.norm(normal)
        if normal @ (lens.position[:2] - a) > 0:
            lit = light.ambient + light.sun_power * max(0.0, float(normal @ np.asarray(light.sun[:2]))) + 0.1
            _draw_wall(image, mask, facade, (a, b), house.height_m, lens, lit, light)


def _facade(rng: np.random.Generator, house: Building, night: float) -> Image:
    """A wall texture (256, 512, 3)."""
    tones = (
        (150, 165, 178),
        (95, 115, 165),
        (178, 182, 184),
        (120, 140, 150),
        (110, 95, 88),
        (170, 190, 205),
        (80, 90, 120),
    )
    base = np.array(tones[int(rng.integers(len(tones)))], np.float32)
    wall = np.empty((256, 512, 3), np.float32)
    wall[:] = base * (1 + noise(rng, (256, 512), (8, 64, 512), (0.03, 0.03, 0.04))[..., None])
    floors, columns = max(1, round(house.height_m / 3.2)), max(2, round(house.half_m[0] / 1.6))
    for floor in range(floors):
        for column in range(columns):
            x0, y0 = (column + 0.22) * 512 / columns, (floor + 0.22) * 256 / floors
            x1, y1 = (column + 0.78) * 512 / columns, (floor + 0.80) * 256 / floors
            glass = np.array([105, 85, 70]) * rng.uniform(0.6, 1.4)
            if rng.random() < 0.4 * night:
                glass = np.array([250, 420, 500]) * rng.uniform(0.7, 1.0)
            cv2.rectangle(
                wall, (int(x0) - 3, int(y0) - 3), (int(x1) + 3, int(y1) + 3), tuple(float(c) for c in base * 1.15), -1
            )
            cv2.rectangle(wall, (int(x0), int(y0)), (int(x1), int(y1)), tuple(float(c) for c in glass), -1)
            cv2.rectangle(
                wall, (int(x0), int(y0)), (int(x1), int((y0 + y1) / 2)), tuple(float(c) for c in glass * 1.25), -1
            )
    wall[:8] = base * 0.6
    return np.clip(wall, 0, 255).astype(np.uint8)


def _draw_wall(
    image: Image,
    mask: Image,
    facade: Image,
    ends: tuple[Array, Array],
    height: float,
    lens: Lens,
    lit: float,
    light: Light,
) -> None:
    a, b = ends
    top = np.array([[*a, height], [*b, height], [*b, 0.0], [*a, 0.0]])
    middle, depths = lens.project(top)
    if depths.min() < 1.5:
        return
    roi = clipped_roi(middle, lens.size)
    if roi is None:
        return
    x0, y0, x1, y1 = roi
    corners = (middle - 0.5 - (x0, y0)).astype(np.float32)
    source = np.array([[0, 0], [512, 0], [512, 256], [0, 256]], np.float32)
    painted = cv2.warpPerspective(
        facade,
        cv2.getPerspectiveTransform(source, corners),
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    wall = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillConvexPoly(wall, np.rint(held(corners) * 8).astype(np.int32), 255, cv2.LINE_8, 3)
    share = 1 - math.exp(-light.haze_per_m * float(depths.mean()))
    levels = np.arange(256)[:, None] * (lit * (1 - share)) + np.asarray(light.haze) * 255 * share
    table = np.rint(np.clip(levels, 0, 255)).astype(np.uint8).reshape(1, 256, 3)
    cv2.copyTo(cv2.LUT(painted, table), wall, image[y0:y1, x0:x1])
    mask[y0:y1, x0:x1] |= wall


def _tone(colour: Array, distance_m: float, light: Light) -> tuple[float, float, float]:
    lit = hazed(colour * (light.ambient + 0.6 * light.sun_power) * 1.15, distance_m, light)
    blue, green, red = lit.tolist()
    return _level(blue), _level(green), _level(red)


def _level(value: float) -> float:
    return min(max(255 * value, 0.0), 255.0)


def _fixed(point: Array) -> tuple[int, int]:
    x, y = point.tolist()
    return round((min(max(x, -3000.0), 6000.0) - 0.5) * 8), round((min(max(y, -3000.0), 6000.0) - 0.5) * 8)
