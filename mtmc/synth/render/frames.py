"""One camera's frames with exact truth: vehicles drawn over the still view from far to near, and the ids that remain
visible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mtmc.structures import Image, Int, Mask
from mtmc.synth.render.lamps import headlamp_pool, light_road
from mtmc.synth.render.lens import Lens
from mtmc.synth.render.order import painters_order
from mtmc.synth.render.paint import Sketch, paint, sketch
from mtmc.synth.render.shading import Drawn, Light, drop_shadows
from mtmc.synth.render.view import Occluder, View
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.pose import Pose

MIN_VISIBLE = 0.25
"""Fraction of the silhouette inside the picture that nothing may hide for a box to count."""
MIN_INSIDE = 0.12
"""Fraction of the whole silhouette that must show, else the vehicle is as good as gone from the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A vehicle as a frame shows it: tight box (left, top, right, bottom) in pixels of its visible part, that part's
    mask inside the box, and the visible fraction of its whole silhouette."""

    vehicle: Vehicle
    box: tuple[int, int, int, int]
    mask: Mask
    visible: float


def draw_frame(
    view: View,
    vehicles: Sequence[tuple[Vehicle, Pose]],
    light: Light,
    min_size_px: int = 10,
    least_visible: float | None = None,
) -> tuple[Image, list[Seen]]:
    """The picture before the sensor, and what can be seen in it (moving and parked vehicles); with ``least_visible``
    all of which that share of their whole silhouette shows."""
    lens = view.lens
    image, ids = view.background.copy(), view.ids.copy()
    present = [(v, p) for v, p in vehicles if lens.may_see(p.x, p.y, v.length_m / 2)]
    drop_shadows(image, present, lens, light, view.ground)
    if light.night > 0:
        _light_road(image, view, present)
    shaded = [1 - 0.5 * light.sun_power * view.shade.at(p.x, p.y) / 255 for _, p in present]
    sketches = sketch(present, shaded, lens, light)
    moving: list[tuple[Vehicle, Drawn]] = []
    for index in _order(view, present):
        if index < len(present):
            moving += _draw(image, ids, lens, present[index][0], sketches[index], light)
        else:
            _cover(image, ids, view, view.occluders[index - len(present)], moving)
    parked = [(o.vehicle, o.drawn) for o in view.occluders if o.vehicle is not None]
    found = (_seen(ids, v, d, min_size_px, least_visible) for v, d in parked + moving)
    return image, [s for s in found if s is not None]


def _light_road(image: Image, view: View, present: Sequence[tuple[Vehicle, Pose]]) -> None:
    pool = np.zeros(image.shape[:2], np.uint8)
    for vehicle, pose in present:
        headlamp_pool(pool, pose.x, pose.y, pose.yaw, vehicle.length_m / 2, view.lens)
    light_road(image, pool, view.ground)


def _order(view: View, present: Sequence[tuple[Vehicle, Pose]]) -> list[int]:
    """Painter's order of the vehicles, then the still things, by their index."""
    if not present:
        return []
    places = [(p.x, p.y, p.yaw, v.length_m / 2, v.width_m / 2) for v, p in present]
    places += [o.place for o in view.occluders]
    return painters_order(np.array(places), view.lens.position[:2], len(present))


def _draw(
    image: Image, ids: Int, lens: Lens, vehicle: Vehicle, found: Sketch | None, light: Light
) -> list[tuple[Vehicle, Drawn]]:
    if found is None:
        return []
    drawn = paint(image, found, lens, light)
    x0, y0, x1, y1 = drawn.roi
    np.copyto(ids[y0:y1, x0:x1], np.int32(vehicle.id), where=drawn.mask > 0)
    return [(vehicle, drawn)]


def _cover(image: Image, ids: Int, view: View, thing: Occluder, moving: Sequence[tuple[Vehicle, Drawn]]) -> None:
    """Put a still thing back in front of the farther vehicles, where it hides some."""
    if not any(_meet(thing.drawn.roi, drawn.roi) for _, drawn in moving):
        return
    x0, y0, x1, y1 = thing.drawn.roi
    cv2.copyTo(view.background[y0:y1, x0:x1], thing.drawn.mask, image[y0:y1, x0:x1])
    cv2.copyTo(view.ids[y0:y1, x0:x1], thing.drawn.mask, ids[y0:y1, x0:x1])


def _meet(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _seen(ids: Int, vehicle: Vehicle, drawn: Drawn, min_size_px: int, least: float | None) -> Seen | None:
    x0, y0, x1, y1 = drawn.roi
    visible = ids[y0:y1, x0:x1] == vehicle.id
    left, top, width, height = cv2.boundingRect(visible.view(np.uint8))
    if width < min_size_px or height < min_size_px:
        return None
    area = float(cv2.countNonZero(visible.view(np.uint8)))
    fraction = area / max(drawn.whole_px, 1.0)
    counts = fraction >= MIN_INSIDE and area >= MIN_VISIBLE * cv2.countNonZero(drawn.mask)
    if not (counts if least is None else fraction >= least):
        return None
    right, bottom = left + width, top + height
    return Seen(vehicle, (x0 + left, y0 + top, x0 + right, y0 + bottom), visible[top:bottom, left:right], fraction)
