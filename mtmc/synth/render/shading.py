"""What every drawing needs: light, haze, a vehicle's silhouette and shadow, and the arithmetic of pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from mtmc.structures import Double, Float, Image
from mtmc.synth.render.lens import Lens
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.pose import Pose

SUBPIXEL = 3
"""Fractional bits of polygon coordinates."""

_UNDER = 0.42
"""What a vehicle's own body leaves of the light on the ground below it."""

_CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])


@dataclass(frozen=True, slots=True)
class Light:
    """Sun and sky. sun (3,) unit vector towards the sun; sun_power 0 = overcast; sky and ground BGR tints in [0, 2];
    night and wet (a road that mirrors the sky) in [0, 1]."""

    sun: tuple[float, float, float] = (0.45, -0.35, 0.82)
    sun_power: float = 0.60
    ambient: float = 0.52
    sky: tuple[float, float, float] = (0.86, 0.72, 0.62)
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    night: float = 0.0
    haze_per_m: float = 0.0012
    haze: tuple[float, float, float] = (0.80, 0.76, 0.72)
    wet: float = 0.0


@dataclass(slots=True)
class Drawn:
    """What a vehicle covers in an image: ``roi`` (x0, y0, x1, y1) pixels, its silhouette mask inside (uint8, 0 or 255),
    and the area of the whole silhouette in pixels, also where it leaves the image."""

    roi: tuple[int, int, int, int]
    mask: Image = field(repr=False)
    whole_px: float


def hazed(colours: Double, distance_m: float, light: Light) -> Double:
    """Colours seen through ``distance_m`` of air."""
    veiled = 1 - math.exp(-light.haze_per_m * distance_m)
    return colours + (np.asarray(light.haze) - colours) * veiled


def clipped_roi(pixels: Double, size: tuple[int, int], margin: int = 2) -> tuple[int, int, int, int] | None:
    """Whole pixels around points (N, 2), inside the image; None if empty."""
    left, top = pixels.min(axis=0).tolist()
    right, bottom = pixels.max(axis=0).tolist()
    x0, y0 = max(0, math.floor(left - margin)), max(0, math.floor(top - margin))
    x1, y1 = min(size[0], math.ceil(right + margin)), min(size[1], math.ceil(bottom + margin))
    return (x0, y0, x1, y1) if x1 - x0 > 1 and y1 - y0 > 1 else None


def drop_shadows(
    image: Image, vehicles: Sequence[tuple[Vehicle, Pose]], lens: Lens, light: Light, ground: Image
) -> None:
    """Darken the ground (where ``ground`` is 255) under and, in sunshine, beside each vehicle."""
    if not vehicles:
        return
    points, hulls = _shadow_points(vehicles, light)
    flat = points.reshape(-1, 2)
    pixels, depth = lens.project(np.concatenate([flat, np.zeros((len(flat), 1))], axis=1))
    pixels, depth = pixels.reshape(*points.shape), depth.reshape(points.shape[:2])
    for own, away in zip(pixels, depth, strict=True):
        roi = clipped_roi(own, lens.size, 6)
        if roi is not None and away.min() > 0.5:
            _darken(image, roi, own, hulls, ground, lens.focal_px / float(away.mean()))


def _shadow_points(
    vehicles: Sequence[tuple[Vehicle, Pose]], light: Light
) -> tuple[Double, list[tuple[int, int, float]]]:
    """Ground points (B, N, 2) whose hulls darken the road, and those hulls as (first point, end, factor): foot, then
    cast shadow."""
    yaw, middle = np.array([p.yaw for _, p in vehicles]), np.array([(p.x, p.y) for _, p in vehicles])[:, None]
    measures = np.array([(v.length_m, v.width_m, v.height_m) for v, _ in vehicles])
    c, s = np.cos(yaw), np.sin(yaw)
    axes = np.stack([np.stack([c, s], axis=1), np.stack([-s, c], axis=1)], axis=1)
    corner = _CORNERS * (measures[:, None, :2] / 2 * (1.0, 0.97))
    foot = corner @ axes + middle
    if light.sun_power <= 0.05:
        return foot, [(0, 4, _UNDER)]
    height = measures[:, 2:, None]
    slide = -np.asarray(light.sun[:2]) / max(light.sun[2], 0.2) * height
    roof = corner * np.concatenate([np.where(height < 2, 0.62, 0.95), np.full_like(height, 0.85)], axis=2)
    points = np.concatenate([foot, foot, foot + 0.55 * slide, roof @ axes + middle + 0.86 * slide], axis=1)
    return points, [(0, 4, _UNDER), (4, 16, 1 - 0.75 * light.sun_power)]


def _darken(
    image: Image, roi: tuple[int, int, int, int], pixels: Double, hulls: list[tuple[int, int, float]], ground: Image,
    pixels_per_m: float,
) -> None:  # fmt: skip
    """Multiply the hulls of runs of ``pixels`` (N, 2) by their factors, the darkest last, with a soft edge."""
    x0, y0, x1, y1 = roi
    corners = np.rint((held(pixels) - (x0, y0) - 0.5) * (1 << SUBPIXEL)).astype(np.int32, order="C")
    keep = np.full((y1 - y0, x1 - x0), 255, np.uint8)
    for start, end, factor in sorted(hulls, key=lambda hull: -hull[2]):
        cv2.fillConvexPoly(keep, cv2.convexHull(corners[start:end]), 255 * factor, cv2.LINE_AA, SUBPIXEL)
    soft = max(1, int(0.12 * pixels_per_m)) | 1
    soft_keep = cv2.max(cv2.blur(keep, (soft, soft)), cv2.bitwise_not(ground[y0:y1, x0:x1]))
    window = image[y0:y1, x0:x1]
    cv2.multiply(window, cv2.merge((soft_keep, soft_keep, soft_keep)), dst=window, scale=1 / 255)


def held(pixels: Double | Float) -> Double:
    """Pixels (N, 2) kept within what fixed-point drawing can hold."""
    return np.asarray(np.minimum(np.maximum(pixels, -4000.0), 8000.0), np.float64)
