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
from mtmc.synth.lens import Lens, to_pixels
from mtmc.synth.mesh import LAMP, TAIL, Mesh
from mtmc.synth.vehicles import Vehicle

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

SUBPIXEL = 3
"""Fractional bits of polygon coordinates."""

_CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])


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


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A camera and the sun as one vehicle has them around it, so that its mesh need not be turned: ``eye`` (3,) metres, ``sun`` (3,)
    unit vector, and the projection ``matrix`` (3, 4), all from the vehicle's frame."""

    eye: Array
    sun: Array
    matrix: Array

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixels (N, 2) and depths (N,) of points (N, 3) of the vehicle."""
        return to_pixels(points, self.matrix)


def sight_of(pose: Pose, lens: Lens, light: Light) -> Sight:
    """What a vehicle that stands at ``pose`` is seen by and lit from."""
    turn, middle = _turn(pose.yaw), np.array([pose.x, pose.y, 0.0])
    world = lens.matrix
    matrix = np.empty((3, 4))
    matrix[:, :3] = world[:, :3] @ turn.T
    matrix[:, 3] = world[:, :3] @ middle + world[:, 3]
    return Sight(turn @ (lens.position - middle), turn @ np.asarray(light.sun), matrix)


def _turn(yaw: float) -> Array:
    """Rows: the vehicle's axes (3, 3) in the world."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def shade(mesh: Mesh, centre: Array, sight: Sight, light: Light, braking: bool) -> Array:
    """Face colours (F, 3) BGR in [0, 1]: sky and sun on paint, reflections on paint and glass, lamps that glow."""
    up, sunward = mesh.normals[:, 2], mesh.normals @ sight.sun
    diffuse = light.ambient * (0.74 + 0.30 * up) + np.maximum(sunward, 0.0) * light.sun_power
    view = centre - sight.eye
    view /= math.sqrt(view @ view)
    facing = 2 * (mesh.normals @ view)
    gloss = mesh.gloss
    mirrored = np.minimum(np.maximum(0.42 + 0.75 * (view[2] - facing * up), 0.05), 0.9)
    sky_seen = mirrored * gloss * (light.ambient + 0.5 * light.sun_power)
    colours = mesh.colours * diffuse[:, None] * np.asarray(light.tint) + sky_seen[:, None] * np.asarray(light.sky)
    if light.sun_power > 0:
        reflected = np.minimum(np.maximum(view @ sight.sun - facing * sunward, 0.0), 1.0)
        colours += (reflected**24 * light.sun_power * gloss * 2.0)[:, None]
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
    mesh, sight = mesh_of(vehicle), sight_of(pose, lens, light)
    pixels, depth = sight.project(mesh.points)
    roi = clipped_roi(pixels, lens.size) if depth.max() >= 1.0 else None
    if roi is None:
        return None
    centre = np.array([0.0, 0.0, vehicle.height_m / 2])
    away = centre - sight.eye
    distance = math.sqrt(away @ away)
    colours = hazed(shade(mesh, centre, sight, light, pose.braking) * shaded, distance, light)
    faces = visible_faces(mesh, sight.eye, lens.focal_px / distance)
    mask = _paint_faces(image, roi, pixels, mesh, faces, colours)
    if light.night > 0:
        vehicle_lamps(image, mesh, pixels, away / distance, lens.focal_px / distance, pose.braking)
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


def visible_faces(mesh: Mesh, eye: Array, pixels_per_m: float) -> NDArray[np.int64]:
    """Faces (N,) that look at ``eye`` (3,) and are large enough, farthest solid of the lowest layer first."""
    seen = (mesh.normals @ eye > mesh.offsets) & (mesh.detail <= pixels_per_m)
    # a solid's own distance: the mean of its faces' first points is near enough and costs nothing
    toward = mesh.firsts - eye
    reach = np.sqrt(np.einsum("ij,ij->i", toward, toward))
    away = np.bincount(mesh.solid, weights=reach, minlength=len(mesh.layer)) / mesh.face_counts
    rank = np.empty(len(mesh.layer), np.int64)
    rank[np.lexsort((-away, mesh.layer))] = np.arange(len(mesh.layer))
    chosen = np.flatnonzero(seen)
    return np.asarray(chosen[np.argsort(rank[mesh.solid[chosen]], kind="stable")], np.int64)


def _paint_faces(
    image: Image, roi: tuple[int, int, int, int], pixels: Array, mesh: Mesh, faces: NDArray[np.int64], colours: Array
) -> Image:
    """Paint on a canvas twice as fine whose fourth channel is 255 where the background is left."""
    x0, y0, x1, y1 = roi
    fine = 2 if (x1 - x0) * (y1 - y0) < 120_000 else 1
    window = image[y0:y1, x0:x1]
    canvas = cv2.cvtColor(window, cv2.COLOR_BGR2BGRA)
    if fine > 1:
        canvas = cv2.resize(canvas, None, fx=fine, fy=fine, interpolation=cv2.INTER_NEAREST)
    local = ((held(pixels) - (x0, y0)) * fine - 0.5) * (1 << SUBPIXEL)
    corners = np.rint(local).astype(np.int32, order="C")
    tones = np.zeros((len(faces), 4))
    tones[:, :3] = np.minimum(np.maximum(colours[faces] * 255, 0), 255)
    spans = zip(mesh.starts[faces].tolist(), mesh.starts[1:][faces].tolist(), tones.tolist(), strict=True)
    for start, end, tone in spans:
        cv2.fillConvexPoly(canvas, corners[start:end], tone, cv2.LINE_8, SUBPIXEL)
    if fine > 1:
        canvas = cv2.resize(canvas, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    window[:] = cv2.cvtColor(canvas, cv2.COLOR_BGRA2BGR)
    left = cv2.extractChannel(canvas, 3)
    return np.asarray(cv2.threshold(left, 128, 255, cv2.THRESH_BINARY_INV)[1], np.uint8)


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
