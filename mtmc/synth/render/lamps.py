"""Light that things give: headlamp glow and its pool on the road, tail lamps, street lamps. Added to the picture, never
hidden in boxes."""

from __future__ import annotations

import cv2
import numpy as np

from mtmc.structures import Double, Float, Image
from mtmc.synth.render.lens import Lens
from mtmc.synth.vehicles.mesh import LAMP, TAIL, Mesh

_HEAD, _TAIL, _STREET = (0.80, 0.95, 1.0), (0.10, 0.10, 0.75), (0.55, 0.80, 1.0)


def _sprite() -> Float:
    axis = np.linspace(-1, 1, 65)
    distance = np.hypot(axis[:, None], axis[None])
    return np.asarray(
        np.clip(np.exp(-9 * distance**2) + 0.35 * np.exp(-3 * distance) - 0.03, 0, 1) * (distance < 1), np.float32
    )


_SPRITE = _sprite()
_BEAM = np.array([[0.3, 0.7], [9.0, 2.6], [12.0, 1.5], [12.0, -1.5], [9.0, -2.6], [0.3, -0.7]])
"""Lit ground ahead of a nose, metres."""


def add_glow(image: Image, centre: Double, radius_px: float, colour: tuple[float, float, float], power: float) -> None:
    """Add a soft light around a pixel, in place."""
    radius = min(max(2, round(radius_px)), 160)
    x, y = round(float(centre[0])), round(float(centre[1]))
    x0, y0, x1, y1 = (
        max(0, x - radius),
        max(0, y - radius),
        min(image.shape[1], x + radius + 1),
        min(image.shape[0], y + radius + 1),
    )
    if x1 <= x0 or y1 <= y0:
        return
    sprite = cv2.resize(_SPRITE, (2 * radius + 1, 2 * radius + 1), interpolation=cv2.INTER_LINEAR)
    part = sprite[y0 - y + radius : y1 - y + radius, x0 - x + radius : x1 - x + radius]
    light = cv2.merge([part * (255 * power * c) for c in colour])
    window = image[y0:y1, x0:x1]
    cv2.add(window, light, dst=window, dtype=cv2.CV_8U)


def vehicle_lamps(image: Image, mesh: Mesh, pixels: Double, eye_to: Double, pixels_per_m: float, braking: bool) -> None:
    """Glow of the lamps of a vehicle that face the camera; ``eye_to`` unit vector from the camera to the vehicle, in
    its frame."""
    facing = -(mesh.normals @ eye_to)
    for f in np.flatnonzero(((mesh.finish == LAMP) | (mesh.finish == TAIL)) & (facing > 0.25)).tolist():
        centre = pixels[mesh.starts[f] : mesh.ends[f]].mean(axis=0)
        if mesh.finish[f] == LAMP:
            add_glow(image, centre, 1.1 * pixels_per_m * float(facing[f]), _HEAD, 0.55 * float(facing[f]))
        else:
            add_glow(image, centre, (0.8 if braking else 0.5) * pixels_per_m, _TAIL, 0.5 if braking else 0.25)


def headlamp_pool(pool: Image, x: float, y: float, yaw: float, front_m: float, lens: Lens) -> None:
    """Light the road in front of a vehicle whose nose is ``front_m`` ahead of its middle: raises ``pool`` (height,
    width) there."""
    c, s = np.cos(yaw), np.sin(yaw)
    points = (_BEAM + np.array([front_m, 0.0])) @ np.array([[c, s], [-s, c]]) + (x, y)
    pixels, depth = lens.project(np.concatenate([points, np.zeros((len(points), 1))], axis=1))
    if depth.min() < 1.0:
        return
    soft = max(3, int(1.2 * lens.focal_px / float(depth.mean()))) | 1
    low, high = np.floor(pixels.min(axis=0)).astype(int) - soft, np.ceil(pixels.max(axis=0)).astype(int) + soft
    x0, y0, x1, y1 = max(0, low[0]), max(0, low[1]), min(lens.size[0], high[0]), min(lens.size[1], high[1])
    if x1 - x0 < 3 or y1 - y0 < 3:
        return
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillConvexPoly(mask, np.rint((pixels - (x0, y0)) * 8).astype(np.int32), 110, cv2.LINE_AA, 3)
    window = pool[y0:y1, x0:x1]
    cv2.max(window, cv2.blur(mask, (soft, soft)), dst=window)


def light_road(image: Image, pool: Image, ground: Image) -> None:
    """Brighten the road by the pools of all headlamps, where bare ground shows; overlapping pools do not add up."""
    light = cv2.bitwise_and(pool, ground)
    cv2.add(image, cv2.multiply(image, cv2.merge((light, light, light)), scale=1 / 110), dst=image)


def street_lamp(image: Image, head: Double, depth_m: float, focal_px: float) -> None:
    """Glow of a street lamp at pixel ``head``."""
    add_glow(image, head, 1.6 * focal_px / depth_m, _STREET, 0.9)
