"""Drawing vehicles into a frame: shaded convex polygons on a twice-as-fine canvas, with exact visible masks.

Shape shorthand: V points, F faces. Images are BGR uint8; ids are int32 images, 0 where no vehicle is seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.synth.bodies import mesh_of
from mtmc.synth.lamps import vehicle_lamps
from mtmc.synth.lens import Lens
from mtmc.synth.mesh import LAMP, TAIL, Mesh
from mtmc.synth.vehicles import Vehicle

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

SUBPIXEL = 3
"""Fractional bits of polygon coordinates."""

_CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
_GLOSS = np.array([0.10, 0.42, 0.0, 0.06, 0.06])
"""How much a finish mirrors, by its number."""


@dataclass(frozen=True, slots=True)
class Light:
    """Sun and sky. sun (3,) unit vector towards the sun; sun_power 0 = overcast; sky and ground BGR tints in [0, 2]; night and wet
    (a road that mirrors the sky) in [0, 1]."""

    sun: tuple[float, float, float] = (0.45, -0.35, 0.82)
    sun_power: float = 0.60
    ambient: float = 0.52
    sky: tuple[float, float, float] = (0.86, 0.72, 0.62)
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    night: float = 0.0
    haze_per_m: float = 0.0012
    haze: tuple[float, float, float] = (0.80, 0.76, 0.72)
    wet: float = 0.0


@dataclass(frozen=True, slots=True)
class Pose:
    """A vehicle at an instant: middle on the ground (east, north) metres, yaw counter-clockwise from east, braking or not."""

    x: float
    y: float
    yaw: float
    braking: bool = False


@dataclass(slots=True)
class Drawn:
    """What a vehicle covers in an image: ``roi`` (x0, y0, x1, y1) pixels, its silhouette mask inside (uint8, 0 or 255), and the
    area of the whole silhouette in pixels, also where it leaves the image."""

    roi: tuple[int, int, int, int]
    mask: Image = field(repr=False)
    whole_px: float


def place(mesh: Mesh, pose: Pose) -> tuple[Array, Array]:
    """World points (V, 3) and normals (F, 3)."""
    turn = _turn(pose.yaw)
    return mesh.points @ turn + np.array([pose.x, pose.y, 0.0]), mesh.normals @ turn


def _turn(yaw: float) -> Array:
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def shade(mesh: Mesh, normals: Array, centre: Array, eye: Array, light: Light, braking: bool) -> Array:
    """Face colours (F, 3) BGR in [0, 1]: sky and sun on paint, reflections on paint and glass, lamps that glow."""
    sun = np.maximum(normals @ np.asarray(light.sun), 0.0) * light.sun_power
    up = normals[:, 2]
    diffuse = light.ambient * (0.74 + 0.30 * up) + sun
    view = centre - eye
    view /= np.linalg.norm(view)
    mirrored = view[2] - 2 * (normals @ view) * up
    gloss = _GLOSS[mesh.finish]
    sky_seen = np.clip(0.42 + 0.75 * mirrored, 0.05, 0.9) * gloss * (light.ambient + 0.5 * light.sun_power)
    reflected = view - 2 * (normals @ view)[:, None] * normals
    glint = np.clip(reflected @ np.asarray(light.sun), 0, 1) ** 24 * light.sun_power * gloss * 2.0
    colours = (
        mesh.colours * diffuse[:, None] * np.asarray(light.tint)
        + sky_seen[:, None] * np.asarray(light.sky)
        + glint[:, None]
    )
    return _lamps(colours, mesh, light, braking)


def _lamps(colours: Array, mesh: Mesh, light: Light, braking: bool) -> Array:
    if light.night > 0:
        colours[mesh.finish == LAMP] = (0.90, 0.98, 1.0)
        colours[mesh.finish == TAIL] = np.maximum(colours[mesh.finish == TAIL], (0.10, 0.10, 0.75))
    if braking:
        colours[mesh.finish == TAIL] = (0.15, 0.18, 0.98)
    return colours


def hazed(colours: Array, distance_m: float, light: Light) -> Array:
    """Colours seen through ``distance_m`` of air."""
    share = 1 - math.exp(-light.haze_per_m * distance_m)
    return colours + (np.asarray(light.haze) - colours) * share


def draw_vehicle(
    image: Image, vehicle: Vehicle, pose: Pose, lens: Lens, light: Light, shaded: float = 1.0
) -> Drawn | None:
    """Draw a vehicle over ``image`` in place; None if no part of it falls inside. ``shaded`` darkens it (under a tree)."""
    mesh = mesh_of(vehicle)
    points, normals = place(mesh, pose)
    pixels, depth = lens.project(points)
    if depth.max() < 1.0:
        return None
    roi = clipped_roi(pixels, lens.size)
    if roi is None:
        return None
    centre = np.array([pose.x, pose.y, vehicle.height_m / 2])
    distance = float(np.linalg.norm(centre - lens.position))
    colours = shade(mesh, normals, centre, lens.position, light, pose.braking) * shaded
    colours = hazed(colours, distance, light)
    faces = visible_faces(mesh, points, normals, lens, lens.focal_px / distance)
    mask = _paint_faces(image, roi, pixels, mesh, faces, colours)
    if light.night > 0:
        vehicle_lamps(
            image, mesh, normals, pixels, (centre - lens.position) / distance, lens.focal_px / distance, pose.braking
        )
    area = float(cv2.countNonZero(mask))
    return Drawn(roi, mask, max(area, _hull_area(pixels)) if _touches_border(roi, lens.size) else area)


def _touches_border(roi: tuple[int, int, int, int], size: tuple[int, int]) -> bool:
    return roi[0] == 0 or roi[1] == 0 or roi[2] == size[0] or roi[3] == size[1]


def _hull_area(pixels: Array) -> float:
    """Area of the convex hull: 4 % more than a silhouette, which is near enough to say how much of it was cut off."""
    return 0.96 * float(cv2.contourArea(cv2.convexHull(pixels.astype(np.float32))))


def clipped_roi(pixels: Array, size: tuple[int, int], margin: int = 2) -> tuple[int, int, int, int] | None:
    """Whole pixels around points (N, 2), inside the image; None if empty."""
    left, top = pixels.min(axis=0).tolist()
    right, bottom = pixels.max(axis=0).tolist()
    x0, y0 = max(0, math.floor(left - margin)), max(0, math.floor(top - margin))
    x1, y1 = min(size[0], math.ceil(right + margin)), min(size[1], math.ceil(bottom + margin))
    return (x0, y0, x1, y1) if x1 - x0 > 1 and y1 - y0 > 1 else None


def visible_faces(mesh: Mesh, points: Array, normals: Array, lens: Lens, pixels_per_m: float) -> list[int]:
    """Faces that look at the camera and are large enough, farthest solid of the lowest layer first."""
    first = points[mesh.starts[:-1]]
    seen = np.einsum("ij,ij->i", normals, first - lens.position) < 0
    seen &= mesh.detail <= pixels_per_m
    # a solid's own distance: the mean of its faces' first points is near enough and costs nothing
    counts = np.bincount(mesh.solid, minlength=len(mesh.layer))
    away = np.bincount(
        mesh.solid, weights=np.linalg.norm(first - lens.position, axis=1), minlength=len(mesh.layer)
    ) / np.maximum(counts, 1)
    rank = np.empty(len(mesh.layer), np.int64)
    rank[np.lexsort((-away, mesh.layer))] = np.arange(len(mesh.layer))
    chosen = np.flatnonzero(seen)
    return [int(f) for f in chosen[np.argsort(rank[mesh.solid[chosen]], kind="stable")]]


def _paint_faces(
    image: Image, roi: tuple[int, int, int, int], pixels: Array, mesh: Mesh, faces: list[int], colours: Array
) -> Image:
    x0, y0, x1, y1 = roi
    fine = 2 if (x1 - x0) * (y1 - y0) < 120_000 else 1
    window = image[y0:y1, x0:x1]
    canvas = cv2.resize(window, None, fx=fine, fy=fine, interpolation=cv2.INTER_NEAREST)
    cover = np.zeros(canvas.shape[:2], np.uint8)
    local = ((held(pixels) - (x0, y0)) * fine - 0.5) * (1 << SUBPIXEL)
    corners = np.rint(local).astype(np.int32)
    tones = np.minimum(np.maximum(colours * 255, 0), 255).tolist()
    starts, outline = mesh.starts.tolist(), mesh.outline.tolist()
    for f in faces:
        polygon = corners[starts[f] : starts[f + 1]]
        cv2.fillConvexPoly(canvas, polygon, tones[f], cv2.LINE_8, SUBPIXEL)
        if outline[f]:
            cv2.fillConvexPoly(cover, polygon, 255, cv2.LINE_8, SUBPIXEL)
    if fine == 1:
        window[:] = canvas
        return cover
    window[:] = cv2.resize(canvas, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    share = cv2.resize(cover, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.threshold(share, 127, 255, cv2.THRESH_BINARY)[1], np.uint8)


def drop_shadow(image: Image, vehicle: Vehicle, pose: Pose, lens: Lens, light: Light, ground: Image) -> None:
    """Darken the ground (where ``ground`` is 255) under and, in sunshine, beside a vehicle."""
    corner = _CORNERS * (vehicle.length_m / 2, vehicle.width_m / 2 * 0.97)
    turn, middle = _turn(pose.yaw)[:2, :2], np.array([pose.x, pose.y])
    foot = corner @ turn + middle
    shapes = [(foot, 0.42)]
    if light.sun_power > 0.05:
        slide = -np.asarray(light.sun[:2]) / max(light.sun[2], 0.2) * vehicle.height_m
        roof = (corner * (0.62 if vehicle.height_m < 2 else 0.95, 0.85)) @ turn + middle + 0.86 * slide
        shapes.append((np.concatenate([foot, foot + 0.55 * slide, roof]), 1 - 0.75 * light.sun_power))
    points = np.concatenate([shape for shape, _ in shapes])
    pixels, depth = lens.project(np.concatenate([points, np.zeros((len(points), 1))], axis=1))
    roi = clipped_roi(pixels, lens.size, 6)
    if roi is not None and depth.min() > 0.5:
        _darken(
            image,
            roi,
            pixels,
            [(len(shape), factor) for shape, factor in shapes],
            ground,
            lens.focal_px / float(depth.mean()),
        )


def _darken(
    image: Image,
    roi: tuple[int, int, int, int],
    pixels: Array,
    shapes: list[tuple[int, float]],
    ground: Image,
    pixels_per_m: float,
) -> None:
    """Multiply the hulls of consecutive runs of ``pixels`` by their factors, with a soft edge."""
    x0, y0, x1, y1 = roi
    corners = np.rint((held(pixels) - (x0, y0) - 0.5) * (1 << SUBPIXEL)).astype(np.int32)
    keep = np.full((y1 - y0, x1 - x0), 255, np.uint8)
    for (start, length), factor in sorted(_runs(shapes), key=lambda run: -run[1]):
        cv2.fillConvexPoly(keep, cv2.convexHull(corners[start : start + length]), 255 * factor, cv2.LINE_AA, SUBPIXEL)
    soft = max(1, int(0.12 * pixels_per_m)) | 1
    soft_keep = cv2.max(cv2.blur(keep, (soft, soft)), cv2.bitwise_not(ground[y0:y1, x0:x1]))
    window = image[y0:y1, x0:x1]
    cv2.multiply(window, cv2.merge((soft_keep, soft_keep, soft_keep)), dst=window, scale=1 / 255)


def _runs(shapes: list[tuple[int, float]]) -> list[tuple[tuple[int, int], float]]:
    starts = np.cumsum([0] + [count for count, _ in shapes])
    return [((int(start), count), factor) for start, (count, factor) in zip(starts, shapes, strict=False)]


def held(pixels: Array | NDArray[np.float32]) -> Array:
    """Pixels (N, 2) kept within what fixed-point drawing can hold."""
    return np.asarray(np.minimum(np.maximum(pixels, -4000.0), 8000.0), np.float64)
