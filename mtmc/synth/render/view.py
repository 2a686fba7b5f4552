"""A camera's still background, drawn once: ground, sky, buildings, parked cars and what may hide a vehicle."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from mtmc.structures import Double, Image, Int
from mtmc.synth.render.ground import USUAL, GroundMap, Palette, paint_ground, shade_map
from mtmc.synth.render.lens import Lens
from mtmc.synth.render.order import painters_order
from mtmc.synth.render.paint import draw_vehicle
from mtmc.synth.render.scenery import Building, Post, Scenery, Tree, shadow_polygons
from mtmc.synth.render.shading import Drawn, Light, drop_shadows
from mtmc.synth.render.still import draw_building, draw_post, draw_tree
from mtmc.synth.traffic.roads import Network
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.pose import Pose

_NEAREST_M = 11.0
"""Nothing still stands nearer than this before a camera: nobody hangs a camera behind a tree."""

Place = tuple[float, float, float, float, float]
Thing = Tree | Post | Building | tuple[Vehicle, Pose]


@dataclass(frozen=True, slots=True, eq=False)
class Occluder:
    """A still thing that can hide vehicles: its pixels (``mask`` inside ``drawn.roi``), its place on the ground (x, y,
    yaw, half length, half width), and the vehicle if it is one."""

    drawn: Drawn
    place: Place
    vehicle: Vehicle | None = None


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A camera's still picture; where bare ground shows (uint8, 255 or 0), ready for shadows; the ids of the parked
    vehicles that show (int32 image); the still things' shadows on the ground; and what can hide vehicles, farthest
    first."""

    lens: Lens
    background: Image
    ground: Image
    ids: Int
    shade: GroundMap
    occluders: list[Occluder] = field(default_factory=list)


def make_view(
    network: Network, scenery: Scenery, lens: Lens, light: Light, seed: int, palette: Palette = USUAL
) -> View:
    """Draw the still world as ``lens`` sees it."""
    shadows = shadow_polygons(scenery, light)
    image = _ground_and_sky(network, shadows, lens, light, seed, palette)
    things: list[Thing] = [*scenery.buildings, *scenery.trees, *scenery.posts, *scenery.parked]
    placed = [(_place(thing), thing) for thing in things]
    placed = [
        (p, t) for p, t in placed if _NEAREST_M < np.hypot(lens.position[0] - p[0], lens.position[1] - p[1]) < 160
    ]
    occluders: list[Occluder] = []
    ids = np.zeros(image.shape[:2], np.int32)
    for index in painters_order(np.array([p for p, _ in placed]).reshape(-1, 5), lens.position[:2]):
        found = _draw_thing(image, placed[index][1], lens, light)
        if found is not None:
            occluders.append(found)
            x0, y0, x1, y1 = found.drawn.roi
            ids[y0:y1, x0:x1][found.drawn.mask > 0] = found.vehicle.id if found.vehicle is not None else -1
    ground = np.where(ids == 0, 255, 0).astype(np.uint8)
    shade = shade_map((float(lens.position[0]), float(lens.position[1])), 240.0, 2.0, shadows)
    return View(lens, image, ground, np.maximum(ids, 0), shade, occluders)


def _place(thing: Thing) -> Place:
    if isinstance(thing, tuple):
        vehicle, pose = thing
        return pose.x, pose.y, pose.yaw, vehicle.length_m / 2, vehicle.width_m / 2
    if isinstance(thing, Building):
        return thing.x, thing.y, thing.yaw, *thing.half_m
    return thing.x, thing.y, 0.0, 0.2, 0.2


def _draw_thing(image: Image, thing: Thing, lens: Lens, light: Light) -> Occluder | None:
    if isinstance(thing, tuple):
        vehicle, pose = thing
        drop_shadows(image, [thing], lens, light, np.full(image.shape[:2], 255, np.uint8))
        drawn = draw_vehicle(image, vehicle, pose, lens, light)
        return None if drawn is None else Occluder(drawn, _place(thing), vehicle)
    mask = np.zeros(image.shape[:2], np.uint8)
    if isinstance(thing, Tree):
        draw_tree(image, mask, thing, lens, light)
    elif isinstance(thing, Post):
        draw_post(image, mask, thing, lens, light)
    else:
        draw_building(image, mask, thing, lens, light)
    x, y, w, h = cv2.boundingRect(mask)
    if w == 0:
        return None
    inside = np.ascontiguousarray(mask[y : y + h, x : x + w])
    return Occluder(Drawn((x, y, x + w, y + h), inside, float(w * h)), _place(thing))


def _ground_and_sky(
    network: Network, shadows: list[Double], lens: Lens, light: Light, seed: int, palette: Palette
) -> Image:
    ahead = lens.axes[2, :2] / np.linalg.norm(lens.axes[2, :2])
    x, y = lens.position[:2] + ahead * 28
    strength = 0.75 * light.sun_power
    width, height = lens.size
    near = paint_ground(network, (float(x), float(y)), 80.0, 18.0, seed, shadows, strength, palette)
    far = paint_ground(network, (float(x), float(y)), 480.0, 3.0, seed + 1, shadows, strength, palette)
    to_image = np.array([[2, 0, -0.5], [0, 2, -0.5], [0, 0, 1.0]]) @ lens.ground_to_image
    far_layer, near_layer = (
        cv2.warpPerspective(
            m.image,
            to_image @ np.linalg.inv(m.to_map),
            (2 * width, 2 * height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for m in (far, near)
    )
    inside = cv2.warpPerspective(
        _vignette(len(near.image)), to_image @ np.linalg.inv(near.to_map), (2 * width, 2 * height)
    )
    weight = inside.astype(np.float32) / 255
    ground = cv2.resize(
        cv2.blendLinear(near_layer, far_layer, weight, 1 - weight), (width, height), interpolation=cv2.INTER_AREA
    )
    return _with_sky(np.asarray(ground, np.uint8), lens, light, seed)


def _vignette(size: int) -> Image:
    """Weights of the fine map: full in its middle, fading out towards its edge."""
    axis = np.clip((1 - np.abs(np.linspace(-1, 1, size))) * 6, 0, 1)
    return np.asarray(np.rint(255 * np.minimum(axis[:, None], axis[None])), np.uint8)


def _with_sky(ground: Image, lens: Lens, light: Light, seed: int) -> Image:
    width, height = lens.size
    rows = (np.arange(height) + 0.5 - height / 2) / lens.focal_px
    down = rows * np.cos(lens.pitch_rad) + np.sin(lens.pitch_rad)  # sine of the angle below the horizon, up to a scale
    distance = lens.position[2] / np.maximum(down, 1e-4)
    lit = (light.ambient + 0.65 * light.sun_power) * np.asarray(light.tint)
    veiled = (1 - np.exp(-light.haze_per_m * distance))[:, None, None]
    mirror = (
        light.wet * 0.45 * np.clip(1 - 2.2 * down, 0, 1)[:, None, None] ** 2
    )  # grazing rays see the sky in a wet road
    ground_light = ground * lit * (1 - 0.25 * light.wet) * (1 - mirror) + 255 * np.asarray(light.sky) * mirror
    image = ground_light * (1 - veiled) + 255 * np.asarray(light.haze) * veiled
    clouds = cv2.resize(
        np.random.default_rng(seed + 2).standard_normal((9, 16)).astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    climb = np.clip(-down * 3, 0, 1)[:, None, None]
    sky = (
        255 * (np.asarray(light.haze) * (1 - climb) + np.asarray(light.sky) * climb * 1.08)
        + 7 * clouds[..., None] * climb
    )
    image = np.where((down < 0.004)[:, None, None], sky, image)
    return np.asarray(np.clip(image, 0, 255), np.uint8)
