"""Vehicles as pixels: shaded convex polygons on a twice-as-fine canvas, with exact masks of what was painted.

All vehicles of a frame are worked out together (``sketch``), then painted one by one in the painter's order
(``paint``). Shape shorthand: B vehicles; F faces and G solids of all of them, one vehicle after the other; V points of
one vehicle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Double, Image, Long, Mask
from mtmc.synth.render.lamps import vehicle_lamps
from mtmc.synth.render.lens import Lens, to_pixels
from mtmc.synth.render.shading import SUBPIXEL, Drawn, Light, clipped_roi, held
from mtmc.synth.vehicles.bodies import mesh_of
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.mesh import LAMP, TAIL, Mesh
from mtmc.synth.vehicles.pose import Pose

Roi = tuple[int, int, int, int]

_FINE_UP_TO_PX = 120_000
"""A larger window is painted at the image's own scale: there soft edges matter least and cost most."""


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """A vehicle ready to paint: its window ``roi`` in the image, the pixels (V, 2) of its points, its visible faces
    from back to front as (first point, end, BGR tone and 0); and what its lamps need: unit vector from the camera in
    its own frame, scale, brakes."""

    roi: Roi
    pixels: Double
    faces: list[tuple[int, int, list[float]]]
    mesh: Mesh
    view: Double
    pixels_per_m: float
    braking: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Stage:
    """How the camera and the sun stand to each vehicle, in the vehicle's own frame, so that no mesh need be turned. eye
    (B, 3) metres; sun, view (B, 3) unit vectors to the sun and from the camera; away_m (B,); matrices (B, 3, 4) from
    points to pixels; and for each face its vehicle ``owner`` (F,), and how far its normal goes along eye, sun and view:
    ``toward`` (F, 3)."""

    meshes: list[Mesh]
    eye: Double
    sun: Double
    view: Double
    away_m: Double
    matrices: Double
    owner: Long
    toward: Double

    def joined(self, name: str) -> Double:
        """One array of all meshes, one after the other."""
        return np.concatenate([getattr(mesh, name) for mesh in self.meshes])


def draw_vehicle(
    image: Image, vehicle: Vehicle, pose: Pose, lens: Lens, light: Light, shaded: float = 1.0
) -> Drawn | None:
    """Draw a vehicle over ``image`` in place; None if no part of it falls inside. ``shaded`` darkens it (under a
    tree)."""
    (found,) = sketch([(vehicle, pose)], [shaded], lens, light)
    return None if found is None else paint(image, found, lens, light)


def sketch(
    vehicles: Sequence[tuple[Vehicle, Pose]], shaded: Sequence[float], lens: Lens, light: Light
) -> list[Sketch | None]:
    """Where each vehicle shows and in which colours; None for one that falls outside. ``shaded`` (B,) darkens them."""
    if not vehicles:
        return []
    stage = _set_up(vehicles, lens, light)
    braking = np.array([pose.braking for _, pose in vehicles])
    veiled = 1 - np.exp(-light.haze_per_m * stage.away_m)
    colours = _shade(stage, light, braking) * np.asarray(shaded)[stage.owner, None]
    colours += (np.asarray(light.haze) - colours) * veiled[stage.owner, None]
    scale = lens.focal_px / stage.away_m
    chosen = _visible_faces(stage, scale)
    tones = np.zeros((len(chosen), 4))
    tones[:, :3] = np.minimum(np.maximum(colours[chosen] * 255, 0), 255)
    faces = list(zip(*(stage.joined(n)[chosen].tolist() for n in ("starts", "ends")), tones.tolist(), strict=True))
    stops = [0, *np.cumsum(np.bincount(stage.owner[chosen], minlength=len(vehicles))).tolist()]
    found: list[Sketch | None] = []
    for k, mesh in enumerate(stage.meshes):
        pixels, depth = to_pixels(mesh.points, stage.matrices[k])
        roi = clipped_roi(pixels, lens.size) if depth.max() >= 1.0 else None
        own = faces[stops[k] : stops[k + 1]]
        found.append(roi and Sketch(roi, pixels, own, mesh, stage.view[k], float(scale[k]), bool(braking[k])))
    return found


def _set_up(vehicles: Sequence[tuple[Vehicle, Pose]], lens: Lens, light: Light) -> _Stage:
    meshes = [mesh_of(vehicle) for vehicle, _ in vehicles]
    middle = np.array([(pose.x, pose.y, 0.0) for _, pose in vehicles])
    yaw, rise = np.array([pose.yaw for _, pose in vehicles]), np.array([v.height_m / 2 for v, _ in vehicles])
    turn = np.zeros((len(meshes), 3, 3))  # rows: the vehicle's axes in the world
    turn[:, 0, 0] = turn[:, 1, 1] = np.cos(yaw)
    turn[:, 0, 1] = np.sin(yaw)
    turn[:, 1, 0] = -turn[:, 0, 1]
    turn[:, 2, 2] = 1.0
    eye = (turn @ (lens.position - middle)[:, :, None])[:, :, 0]
    view = -eye
    view[:, 2] += rise
    away = np.sqrt(np.einsum("bi,bi->b", view, view))
    view /= away[:, None]
    sun = turn @ np.asarray(light.sun)
    matrices = np.empty((len(meshes), 3, 4))
    matrices[:, :, :3] = lens.matrix[:, :3] @ turn.transpose(0, 2, 1)
    matrices[:, :, 3] = middle @ lens.matrix[:, :3].T + lens.matrix[:, 3]
    owner = np.repeat(np.arange(len(meshes)), [len(mesh.normals) for mesh in meshes])
    directions = np.stack([eye, sun, view], axis=2)
    toward = np.concatenate([mesh.normals @ d for mesh, d in zip(meshes, directions, strict=True)])
    return _Stage(meshes, eye, sun, view, away, matrices, owner, toward)


def _shade(stage: _Stage, light: Light, braking: Mask) -> Double:
    """Face colours (F, 3) BGR in [0, 1]: sky and sun on paint, reflections on paint and glass, lamps that glow."""
    up, gloss, owner = stage.joined("normals")[:, 2], stage.joined("gloss"), stage.owner
    sunward, facing = stage.toward[:, 1], 2 * stage.toward[:, 2]
    diffuse = light.ambient * (0.74 + 0.30 * up) + np.maximum(sunward, 0.0) * light.sun_power
    mirrored = np.minimum(np.maximum(0.42 + 0.75 * (stage.view[owner, 2] - facing * up), 0.05), 0.9)
    sky_seen = mirrored * gloss * (light.ambient + 0.5 * light.sun_power)
    colours = stage.joined("colours") * diffuse[:, None] * np.asarray(light.tint)
    colours += sky_seen[:, None] * np.asarray(light.sky)
    if light.sun_power > 0:
        straight = np.einsum("bi,bi->b", stage.view, stage.sun)[owner]
        reflected = np.minimum(np.maximum(straight - facing * sunward, 0.0), 1.0)
        colours += (reflected**24 * light.sun_power * gloss * 2.0)[:, None]
    _light_lamps(colours, stage.joined("finish"), light, braking[owner])
    return np.asarray(colours, np.float64)


def _light_lamps(colours: Double, finish: Double, light: Light, braking: Mask) -> None:
    tail = finish == TAIL
    if light.night > 0:
        colours[finish == LAMP] = (0.90, 0.98, 1.0)
        colours[tail] = np.maximum(colours[tail], (0.10, 0.10, 0.75))
    colours[tail & braking] = (0.15, 0.18, 0.98)


def _visible_faces(stage: _Stage, pixels_per_m: Double) -> NDArray[np.intp]:
    """Faces that look at the camera and are large enough, by vehicle, farthest solid of the lowest layer first."""
    owner = stage.owner
    seen = (stage.toward[:, 0] > stage.joined("offsets")) & (stage.joined("detail") <= pixels_per_m[owner])
    counts = [len(mesh.layer) for mesh in stage.meshes]
    first_solid = np.cumsum([0, *counts[:-1]])
    solid = np.concatenate([m.solid + start for m, start in zip(stage.meshes, first_solid, strict=True)])
    # a solid's own distance: the mean of its faces' first points is near enough and costs nothing
    reach = stage.joined("firsts") - stage.eye[owner]
    reach_m = np.sqrt(np.einsum("fi,fi->f", reach, reach))
    away = np.bincount(solid, weights=reach_m, minlength=sum(counts)) / stage.joined("face_counts")
    rank = np.empty(len(away), np.int64)
    rank[np.lexsort((-away, stage.joined("layer"), np.repeat(np.arange(len(counts)), counts)))] = np.arange(len(away))
    chosen = np.flatnonzero(seen)
    return np.asarray(chosen[np.argsort(rank[solid[chosen]], kind="stable")], np.intp)


def paint(image: Image, found: Sketch, lens: Lens, light: Light) -> Drawn:
    """Paint a sketched vehicle over ``image`` in place."""
    mask = _paint_faces(image, found)
    if light.night > 0:
        vehicle_lamps(image, found.mesh, found.pixels, found.view, found.pixels_per_m, found.braking)
    area = float(cv2.countNonZero(mask))
    cut = found.roi[0] == 0 or found.roi[1] == 0 or found.roi[2] == lens.size[0] or found.roi[3] == lens.size[1]
    return Drawn(found.roi, mask, max(area, _hull_area(found.pixels)) if cut else area)


def _hull_area(pixels: Double) -> float:
    """Area of the convex hull: 4 % more than a silhouette, which is near enough to say how much of it was cut off."""
    return 0.96 * float(cv2.contourArea(cv2.convexHull(pixels.astype(np.float32, order="C"))))


def _paint_faces(image: Image, found: Sketch) -> Image:
    """Paint on a canvas whose fourth channel is 255 where the background is left; returns the mask (uint8) of the
    rest."""
    x0, y0, x1, y1 = found.roi
    fine = 2 if (x1 - x0) * (y1 - y0) < _FINE_UP_TO_PX else 1
    window = image[y0:y1, x0:x1]
    canvas = cv2.cvtColor(window, cv2.COLOR_BGR2BGRA)
    if fine > 1:
        canvas = cv2.resize(canvas, None, fx=fine, fy=fine, interpolation=cv2.INTER_NEAREST)
    local = ((held(found.pixels) - (x0, y0)) * fine - 0.5) * (1 << SUBPIXEL)
    corners = np.rint(local).astype(np.int32, order="C")
    for start, end, tone in found.faces:
        cv2.fillConvexPoly(canvas, corners[start:end], tone, cv2.LINE_8, SUBPIXEL)
    if fine > 1:
        canvas = cv2.resize(canvas, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    window[:] = cv2.cvtColor(canvas, cv2.COLOR_BGRA2BGR)
    left = cv2.extractChannel(canvas, 3)
    return np.asarray(cv2.threshold(left, 128, 255, cv2.THRESH_BINARY_INV)[1], np.uint8)
