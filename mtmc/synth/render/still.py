"""How the still things look from a camera: trees, posts, buildings. Each marks the pixels that it hides."""

from __future__ import annotations

import math

import cv2
import numpy as np

from mtmc.structures import Double, Image
from mtmc.synth.render.ground import noise
from mtmc.synth.render.lamps import street_lamp
from mtmc.synth.render.lens import Lens
from mtmc.synth.render.scenery import Building, Post, Tree, footprint
from mtmc.synth.render.shading import Light, clipped_roi, hazed, held


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
    corners = footprint(house)
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
    ends: tuple[Double, Double],
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
    veiled = 1 - math.exp(-light.haze_per_m * float(depths.mean()))
    levels = np.arange(256)[:, None] * (lit * (1 - veiled)) + np.asarray(light.haze) * 255 * veiled
    table = np.rint(np.clip(levels, 0, 255)).astype(np.uint8).reshape(1, 256, 3)
    cv2.copyTo(cv2.LUT(painted, table), wall, image[y0:y1, x0:x1])
    mask[y0:y1, x0:x1] |= wall


def _tone(colour: Double, distance_m: float, light: Light) -> tuple[float, float, float]:
    lit = hazed(colour * (light.ambient + 0.6 * light.sun_power) * 1.15, distance_m, light)
    blue, green, red = lit.tolist()
    return _level(blue), _level(green), _level(red)


def _level(value: float) -> float:
    return min(max(255 * value, 0.0), 255.0)


def _fixed(point: Double) -> tuple[int, int]:
    x, y = point.tolist()
    return round((min(max(x, -3000.0), 6000.0) - 0.5) * 8), round((min(max(y, -3000.0), 6000.0) - 0.5) * 8)
