"""Cars and pickups: a bevelled lower body with a glasshouse on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mtmc.structures import Double
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.mesh import GLASS, LAMP, MATT, PAINT, TAIL, MeshBuilder, patch
from mtmc.synth.vehicles.parts import (
    BODY,
    CABIN,
    DARK,
    LAMP_COLOUR,
    TAIL_COLOUR,
    add_mirrors,
    add_rack,
    add_side_details,
    add_stickers,
    add_wheels,
    axles_m,
    cross_section,
    darker,
    glass_colour,
    lower_paints,
)

Profile = tuple[tuple[float, float, float, float], ...]

# Lower bodies: (x / length, width factor, bottom / height, top / height) from tail to nose.
_SEDAN = (
    (-0.50, 0.84, 0.24, 0.60), (-0.47, 0.95, 0.16, 0.675), (-0.33, 1, 0.13, 0.70), (-0.05, 1, 0.13, 0.67),
    (0.19, 1, 0.13, 0.655), (0.40, 0.975, 0.13, 0.60), (0.472, 0.92, 0.14, 0.54), (0.50, 0.80, 0.19, 0.45),
)  # fmt: skip
_HATCH = (
    (-0.50, 0.86, 0.24, 0.56), (-0.48, 0.96, 0.16, 0.66), (-0.33, 1, 0.13, 0.68), (-0.05, 1, 0.13, 0.66),
    (0.22, 1, 0.13, 0.645), (0.40, 0.975, 0.13, 0.595), (0.472, 0.93, 0.14, 0.54), (0.50, 0.81, 0.19, 0.45),
)  # fmt: skip
_SUV = (
    (-0.50, 0.88, 0.25, 0.56), (-0.485, 0.96, 0.18, 0.62), (-0.33, 1, 0.15, 0.64), (-0.05, 1, 0.15, 0.63),
    (0.22, 1, 0.15, 0.62), (0.42, 0.985, 0.15, 0.585), (0.48, 0.94, 0.17, 0.54), (0.50, 0.86, 0.22, 0.46),
)  # fmt: skip
_PICKUP = (
    (-0.50, 0.92, 0.28, 0.58), (-0.49, 0.97, 0.22, 0.61), (-0.30, 1, 0.18, 0.61), (-0.05, 1, 0.18, 0.61),
    (0.20, 1, 0.18, 0.605), (0.43, 0.98, 0.18, 0.575), (0.485, 0.94, 0.20, 0.52), (0.50, 0.86, 0.26, 0.44),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Greenhouse:
    """Where the glasshouse stands: x / length of rear base, rear roof, front roof, front base; window spans along the
    side."""

    rear_base: float
    rear_roof: float
    front_roof: float
    front_base: float
    windows: tuple[tuple[float, float], ...]
    tumble: float = 0.80


def _lower_body(builder: MeshBuilder, vehicle: Vehicle, profile: Profile) -> int:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    solid = builder.solid(BODY, (0, 0, 0.4 * height))
    lift = 1 + 0.03 * vehicle.shape[0]
    sections = [cross_section(x * length, half * w, b * height, t * height * lift) for x, w, b, t in profile]
    rocker, door = lower_paints(vehicle)
    paint = vehicle.paint
    builder.loft(
        solid,
        sections,
        (rocker, door, paint, paint, paint, paint, paint, door, rocker),
        (vehicle.bumper, vehicle.bumper),
    )
    _bumpers(builder, solid, vehicle, profile, lift)
    return solid


def _bumpers(
    builder: MeshBuilder,
    solid: int,
    vehicle: Vehicle,
    profile: Profile,
    lift: float,
) -> None:
    """Lamps, grille, plates and bumpers on nose and tail."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    for end, side in ((profile[-1], 1), (profile[0], -1)):
        x, w, bottom, top = end[0] * length + 0.015 * side, end[1] * half, end[2] * height, end[3] * height * lift
        face = np.array([(x, w, bottom), (x, -w, bottom), (x, -w, top), (x, w, top)])
        out = (side, 0, 0)
        if side > 0:
            _nose(builder, solid, vehicle, face)
        else:
            builder.face(solid, patch(face, (0.08, 0.92), (0.02, 0.28)), DARK, MATT, 8, out)
        builder.face(
            solid, patch(face, (0.36, 0.64), (0.36, 0.62) if side < 0 else (0.06, 0.26)), vehicle.plate, MATT, 14, out
        )
    _corner_lamps(builder, solid, vehicle, profile, lift)


def _nose(builder: MeshBuilder, solid: int, vehicle: Vehicle, face: Double) -> None:
    size = 0.12 * vehicle.shape[1]
    builder.face(solid, patch(face, (0.22 - size, 0.78 + size), (0.34, 0.80)), DARK, MATT, 6, (1, 0, 0))
    builder.face(solid, patch(face, (0.25 - size, 0.75 + size), (0.54, 0.62)), vehicle.trim, PAINT, 18, (1, 0, 0))
    builder.face(solid, patch(face, (0.05, 0.95), (0.0, 0.22)), DARK, MATT, 8, (1, 0, 0))


def _corner_lamps(
    builder: MeshBuilder,
    solid: int,
    vehicle: Vehicle,
    profile: Profile,
    lift: float,
) -> None:
    """Lamps wrap around the corners: they lie on the bevelled end strips of the body."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    wide = 0.06 * vehicle.shape[2]
    for inner, outer, colour, finish, side in (
        (profile[-2], profile[-1], LAMP_COLOUR, LAMP, 1),
        (profile[1], profile[0], TAIL_COLOUR, TAIL, -1),
    ):
        ends = [
            cross_section(s[0] * length + 0.01 * side, half * s[1], s[2] * height, s[3] * height * lift)
            for s in (inner, outer)
        ]
        for a, b, c in ((1, 2, 3), (8, 7, 6)):
            wrap = np.array([ends[0][b], ends[1][b], ends[1][c], ends[0][c]])
            builder.face(
                solid,
                patch(wrap, (0.25, 1.0), (0.0, 0.85)),
                colour,
                finish,
                0,
                (0.7 * side, 0.7 if a == 1 else -0.7, 0),
            )
            front = np.array([ends[1][b], ends[1][9 - b], ends[1][9 - c], ends[1][c]])
            builder.face(solid, patch(front, (0.0, 0.24 + wide), (0.05, 0.9)), colour, finish, 0, (side, 0, 0))


def _greenhouse(builder: MeshBuilder, vehicle: Vehicle, house: _Greenhouse, base: float) -> int:
    """Glass between belt line (``base`` metres up) and roof, with pillars in body colour."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    bend = 0.012 * vehicle.shape[3]
    xs = [length * v for v in (house.rear_base, house.rear_roof + bend, house.front_roof + bend, house.front_base)]
    wide, narrow, edge = 0.88 * half, house.tumble * 0.88 * half, height - 0.06
    solid = builder.solid(CABIN, ((xs[0] + xs[3]) / 2, 0, (base + height) / 2))
    glass = glass_colour(vehicle)
    low = [(xs[0], wide, base), (xs[3], wide, base), (xs[3], -wide, base), (xs[0], -wide, base)]
    high = [(xs[1], narrow, edge), (xs[2], narrow, edge), (xs[2], -narrow, edge), (xs[1], -narrow, edge)]
    for a, b, windows in (
        (0, 1, house.windows),
        (3, 2, house.windows),
        (1, 2, ((0.05, 0.95),)),
        (0, 3, ((0.08, 0.92),)),
    ):
        wall = np.array([low[a], low[b], high[b], high[a]])
        builder.face(solid, wall, vehicle.paint)
        for window in windows:
            builder.face(
                solid, patch(wall, window, (0.06, 0.92)), glass, GLASS, 0, _outward(wall, builder.centres[solid])
            )
    _roof(builder, solid, vehicle, np.array(high))
    return solid


def _outward(wall: Double, centre: Double) -> Double:
    normal = np.cross(wall[1] - wall[0], wall[3] - wall[0])
    return np.asarray(normal if normal @ (wall.mean(axis=0) - centre) > 0 else -normal)


def _roof(builder: MeshBuilder, solid: int, vehicle: Vehicle, edge: Double) -> None:
    middle = edge.mean(axis=0)
    inner = middle + (edge - middle) * np.array([0.86, 0.84, 1.0]) + np.array([0, 0, 0.06])
    crown = np.array([0, 0, 0.045])
    ends = [(0.0, 0.22), (0.22, 0.72), (0.72, 1.0)]
    for (start, stop), (low, high) in zip(ends, ((0.0, 1.0), (1.0, 1.0), (1.0, 0.0)), strict=True):
        strip = patch(inner, (start, stop), (0, 1)) + np.array([low, high, high, low])[:, None] * crown
        builder.face(solid, strip, vehicle.roof_paint, outward=(0, 0, 1))
    for k in range(4):
        follower = (k + 1) % 4
        builder.face(solid, np.array([edge[k], edge[follower], inner[follower], inner[k]]), vehicle.roof_paint)
    if vehicle.sunroof:
        builder.face(
            solid, patch(inner + crown, (0.50, 0.86), (0.16, 0.84)), glass_colour(vehicle), GLASS, 5, (0, 0, 1)
        )
    if vehicle.rack:
        add_rack(builder, vehicle, inner)


def _hood(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, front: float, back: float, z: tuple[float, float], half: float
) -> None:
    """Seam lines and stickers of the hood between x = ``back`` and ``front``; ``z`` heights there."""
    dark = darker(vehicle.paint, 0.6)
    bonnet = np.array(
        [
            (back, 0.80 * half, z[0] + 0.01),
            (front, 0.76 * half, z[1] + 0.01),
            (front, -0.76 * half, z[1] + 0.01),
            (back, -0.80 * half, z[0] + 0.01),
        ]
    )
    for line in ((0.0, 0.03), (0.97, 1.0)):
        builder.face(solid, patch(bonnet, (0, 1), line), dark, MATT, 18, (0, 0, 1))
    add_stickers(builder, solid, vehicle, "hood", bonnet, (0, 0, 1))


def build_car(profile: Profile, house: _Greenhouse) -> Callable[[MeshBuilder, Vehicle], None]:
    """A builder for one kind of car: its lower body's profile and its glasshouse."""

    def build(builder: MeshBuilder, vehicle: Vehicle) -> None:
        height, length = vehicle.height_m, vehicle.length_m
        lift = 1 + 0.03 * vehicle.shape[0]
        belt = profile[3][3] * height * lift
        solid = _lower_body(builder, vehicle, profile)
        _hood(builder, solid, vehicle, profile[5][0] * length, profile[4][0] * length,
              (profile[4][3] * height * lift, profile[5][3] * height * lift), vehicle.width_m / 2)  # fmt: skip
        seams = tuple(s for s in (-0.18, 0.02, 0.19) if s > house.rear_roof)
        add_side_details(builder, solid, vehicle, seams, (0.22 * height, 0.93 * belt))
        add_wheels(builder, solid, vehicle, 0.33 if vehicle.body in ("sedan", "hatchback") else 0.38, axles_m(vehicle))
        _greenhouse(builder, vehicle, house, belt - 0.03)
        add_mirrors(builder, vehicle, 0.17 * length, belt + 0.02)
        if vehicle.body == "pickup":
            _bed(builder, vehicle, belt, house.rear_base * length)

    return build


def _bed(builder: MeshBuilder, vehicle: Vehicle, rim: float, cab: float) -> None:
    half, tail = vehicle.width_m / 2 * 0.80, -0.475 * vehicle.length_m
    solid = builder.solid(BODY + 0.5, ((tail + cab) / 2, 0, rim))
    floor = [(tail, half, rim + 0.01), (cab, half, rim + 0.01), (cab, -half, rim + 0.01), (tail, -half, rim + 0.01)]
    builder.face(solid, floor, (0.09, 0.09, 0.09), MATT, 0, (0, 0, 1))
    builder.face(solid, patch(np.array(floor), (0.04, 1), (0.10, 0.90)), (0.17, 0.17, 0.17), MATT, 6, (0, 0, 1))
    if vehicle.cargo == 2:  # a closed cover
        builder.box(solid, (tail, -half, rim), (cab, half, rim + 0.08), (0.13, 0.13, 0.14), MATT)
    if vehicle.cargo == 3:
        box = builder.solid(BODY + 0.7, (tail + 0.8, 0, rim + 0.2))
        builder.box(
            box, (tail + 0.2, -0.6 * half, rim - 0.1), (tail + 1.2, 0.5 * half, rim + 0.35), (0.30, 0.45, 0.60), MATT
        )


CAR_BUILDERS: dict[str, Callable[[MeshBuilder, Vehicle], None]] = {
    "sedan": build_car(_SEDAN, _Greenhouse(-0.42, -0.25, 0.03, 0.20, ((0.16, 0.50), (0.54, 0.90)))),
    "hatchback": build_car(_HATCH, _Greenhouse(-0.475, -0.40, 0.05, 0.24, ((0.08, 0.24), (0.28, 0.56), (0.60, 0.92)))),
    "suv": build_car(_SUV, _Greenhouse(-0.48, -0.43, 0.06, 0.23, ((0.06, 0.26), (0.30, 0.58), (0.62, 0.93)), 0.84)),
    "pickup": build_car(_PICKUP, _Greenhouse(-0.15, -0.12, 0.07, 0.22, ((0.08, 0.46), (0.52, 0.90)), 0.84)),
}
"""Adds the faces of each car-like body."""
