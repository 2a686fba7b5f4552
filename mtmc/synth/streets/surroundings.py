"""What lies, stands and shines beside and on random roads, and what recorders write over pictures of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from mtmc.structures import Double, Image
from mtmc.synth.render.lamps import add_glow
from mtmc.synth.render.lens import Lens
from mtmc.synth.render.shading import held
from mtmc.synth.render.view import View
from mtmc.synth.vehicles.colours import from_hsv

_LETTERS = list("ABEHKLMNORSTabdeghiklmnoprst 0123456789:/-")


def clutter(view: View, rng: np.random.Generator) -> None:
    """What lies, stands and grows beside and on roads: patches, rails, boxes, bushes, people. Never over a parked
    vehicle."""
    image, free = view.background, view.ids == 0
    drawn = image.copy()
    for _ in range(int(rng.choice((0, 4, 10, 25)))):
        _CLUTTER[int(rng.integers(len(_CLUTTER)))](drawn, view.lens, rng)
    image[free] = drawn[free]


def far_lights(image: Image, rng: np.random.Generator) -> None:
    """Windows, signs and lamps of a town at night, anywhere in the upper part."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(0, 25))):
        place = np.array([rng.uniform(0, width), rng.uniform(0, 0.6) * height])
        colour = from_hsv(rng.uniform(0, 360), rng.uniform(0, 0.7), 1.0)
        add_glow(
            image, place, float(np.exp(rng.uniform(math.log(3), math.log(40)))), colour, float(rng.uniform(0.3, 1))
        )


def captions(rng: np.random.Generator, size: tuple[int, int]) -> Callable[[Image], None]:
    """What recorders write over a picture: clock, name of the street, a sign in a corner; often nothing."""
    width, height = size
    rows = rng.choice((0.0, 0.05, 0.93, 0.97), int(rng.choice(4, p=(0.5, 0.2, 0.2, 0.1))), False).tolist()
    words = ["".join(rng.choice(_LETTERS, int(rng.integers(4, 28)))) for _ in rows]
    lines = [
        (word, rng.uniform(0, 0.7), row, rng.uniform(0.4, 1.0), _any_tone(rng), rng.random() < 0.5)
        for word, row in zip(words, rows, strict=True)
    ]
    sign = rng.uniform((0.6, 0.0, 0.1, 0.04), (0.85, 0.02, 0.25, 0.1)) if rng.random() < 0.15 else None
    tone = _any_tone(rng)

    def write(image: Image) -> None:
        if sign is not None:
            x, y, w, h = (sign * (width, height, width, height)).astype(int).tolist()
            cv2.rectangle(image, (x, y), (x + w, y + h), tone, -1)
            cv2.circle(image, (x + h, y + h // 2), h // 3, (200, 60, 30), 2, cv2.LINE_AA)
        for text, x, y, scale, colour, backed in lines:
            place = int(x * width), int(y * height) + 14
            (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
            if backed:
                cv2.rectangle(image, (place[0] - 2, place[1] - h - 2), (place[0] + w + 2, place[1] + 4), (0, 0, 0), -1)
            ink = (255, 255, 255) if backed else colour
            cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)

    return write


def ground_point(lens: Lens, rng: np.random.Generator) -> Double:
    """Somewhere on the ground ahead of the camera, (3,) metres."""
    along, half = float(np.exp(rng.uniform(math.log(5), math.log(90)))), lens.size[0] / 2 / lens.focal_px
    across = rng.uniform(-1.1, 1.1) * half * along
    c, s = math.cos(lens.yaw_rad), math.sin(lens.yaw_rad)
    return np.asarray(lens.position * (1, 1, 0) + np.array([along * c - across * s, along * s + across * c, 0.0]))


def _patch(image: Image, lens: Lens, rng: np.random.Generator) -> None:
    """A flat polygon on the ground: another surface, a shadow, a puddle, a painted sign."""
    corners = int(rng.integers(3, 9))
    angle = np.sort(rng.uniform(0, 2 * math.pi, corners))
    reach = rng.uniform(0.3, 1, corners) * np.exp(rng.uniform(math.log(0.2), math.log(5)))
    ring = np.stack([reach * np.cos(angle), reach * np.sin(angle), 0 * angle], axis=1)
    _fill(image, lens, ground_point(lens, rng) + ring, _any_tone(rng), float(rng.uniform(0.2, 1)))


def _rail(image: Image, lens: Lens, rng: np.random.Generator) -> None:
    """A long thin thing: kerb, rail, wall, cable, marking."""
    start = ground_point(lens, rng)
    yaw, long = rng.uniform(0, 2 * math.pi), rng.uniform(3, 60)
    way = np.array([math.cos(yaw), math.sin(yaw), 0.0]) * long
    low, high = sorted(rng.uniform(0, 1.4, 2)) if rng.random() < 0.6 else (0.0, 0.0)
    side = np.array([-way[1], way[0], 0.0]) / long * rng.uniform(0.02, 0.2) if high == 0 else np.zeros(3)
    up = np.array([0, 0, 1.0])
    wall = np.array([start + low * up - side, start + way + low * up - side, start + way + high * up + side,
                     start + high * up + side])  # fmt: skip
    _fill(image, lens, wall, _any_tone(rng), 1.0)


def _block(image: Image, lens: Lens, rng: np.random.Generator) -> None:
    """An upright box, from a bin to a container: three faces, the nearest last, perhaps with a panel on each."""
    middle, yaw = ground_point(lens, rng), rng.uniform(0, math.pi)
    half = np.exp(rng.uniform(math.log(0.15), math.log(1.3), 2))
    tall = float(np.exp(rng.uniform(math.log(0.3), math.log(3.5))))
    tone, panel = np.array(_any_tone(rng)), _any_tone(rng) if rng.random() < 0.4 else None
    c, s = math.cos(yaw), math.sin(yaw)
    ring = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half @ np.array([[c, s], [-s, c]])
    foot = np.concatenate([ring, np.zeros((4, 1))], axis=1) + middle
    head = foot + np.array([0, 0, tall])
    walls = [np.array([foot[k], foot[(k + 1) % 4], head[(k + 1) % 4], head[k]]) for k in range(4)]
    walls.sort(key=lambda wall: -float(np.linalg.norm(wall.mean(axis=0) - lens.position)))
    for wall in walls[2:]:
        _fill(image, lens, wall, whole_tone(tone * rng.uniform(0.5, 0.95)), 1.0)
        if panel is not None:
            _fill(image, lens, wall.mean(axis=0) + (wall - wall.mean(axis=0)) * rng.uniform(0.3, 0.8), panel, 1.0)
    _fill(image, lens, head, whole_tone(tone), 1.0)


def _bush(image: Image, lens: Lens, rng: np.random.Generator) -> None:
    """Leaves, rubble, smoke: a heap of blobs of about one tone."""
    middle = ground_point(lens, rng)
    wide, tone = float(np.exp(rng.uniform(math.log(0.2), math.log(1.5)))), np.array(_any_tone(rng), np.float64)
    pixels, depth = lens.project(middle[None] + rng.normal(0, 0.4, (60, 3)) * wide * (1, 1, 0.6) + (0, 0, 0.4 * wide))
    if depth.min() < 1.0:
        return
    radius = max(1, round(0.18 * wide * lens.focal_px / float(depth.mean())))
    for x, y in np.clip(pixels, -2000, 4000).astype(int).tolist():
        shade = tone * rng.uniform(0.55, 1.35)
        cv2.circle(image, (x, y), radius, np.clip(shade, 0, 255).tolist(), -1, cv2.LINE_AA)


def _person(image: Image, lens: Lens, rng: np.random.Generator) -> None:
    """Somebody on foot: legs, coat, head."""
    spot = ground_point(lens, rng)
    side = np.array([math.sin(lens.yaw_rad), -math.cos(lens.yaw_rad), 0.0])
    up, tall = np.array([0, 0, 1.0]), rng.uniform(1.2, 1.9)
    for low, high, wide in ((0.0, 0.5, 0.13), (0.42, 0.86, 0.2)):
        corners = [spot + side * x * wide * rng.uniform(0.7, 1.2) + up * tall * z for x, z in
                   ((-1, low), (1, low), (1, high), (-1, high))]  # fmt: skip
        _fill(image, lens, np.array(corners), _any_tone(rng), 1.0)
    pixels, depth = lens.project((spot + up * tall * 0.93)[None])
    if depth[0] > 1.0:
        x, y = np.clip(pixels[0], -2000, 4000).astype(int).tolist()
        radius = max(1, round(0.12 * lens.focal_px / float(depth[0])))
        cv2.circle(image, (x, y), radius, _any_tone(rng), -1, cv2.LINE_AA)


_CLUTTER = (_patch, _patch, _rail, _rail, _block, _bush, _person)


def _fill(image: Image, lens: Lens, points: Double, tone: tuple[int, int, int], opaque: float) -> None:
    pixels, depth = lens.project(points)
    if depth.min() < 1.0:
        return
    corners = np.rint(held(pixels) * 8).astype(np.int32)
    if opaque >= 1:
        cv2.fillPoly(image, [corners], tone, cv2.LINE_AA, 3)
        return
    x0, y0 = np.maximum(np.floor(pixels.min(axis=0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 1, lens.size)
    if x1 > x0 and y1 > y0:
        window = image[y0:y1, x0:x1]
        veil = window.copy()
        cv2.fillPoly(veil, [corners - np.array([x0, y0], np.int32) * 8], tone, cv2.LINE_AA, 3)
        cv2.addWeighted(veil, opaque, window, 1 - opaque, 0, dst=window)


def _any_tone(rng: np.random.Generator) -> tuple[int, int, int]:
    """Mostly dull, as streets are."""
    saturation = rng.uniform(0, 0.3) if rng.random() < 0.7 else rng.uniform(0, 1)
    return whole_tone(255 * np.array(from_hsv(rng.uniform(0, 360), saturation, rng.uniform(0.05, 1))))


def whole_tone(values: Double) -> tuple[int, int, int]:
    """A tone of a picture, of values (3,) that may leave its range."""
    blue, green, red = np.clip(values, 0, 255).astype(int).tolist()
    return int(blue), int(green), int(red)
