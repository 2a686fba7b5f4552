"""Vans, box trucks and buses: tall bodies of one box or two."""

from __future__ import annotations

import numpy as np

from mtmc.structures import Double
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.mesh import GLASS, LAMP, MATT, TAIL, MeshBuilder, end_wall, level, patch
from mtmc.synth.vehicles.parts import (
    BODY,
    DARK,
    LAMP_COLOUR,
    TAIL_COLOUR,
    TOP,
    add_blunt_nose,
    add_flank_panels,
    add_livery,
    add_mirrors,
    add_rack,
    add_side_details,
    add_stickers,
    add_wheels,
    axles_m,
    cross_section,
    glass_colour,
    lower_paints,
    one_box,
)

Profile = tuple[tuple[float, float, float, float], ...]


# Bodies: (x / length, width factor, bottom / height, top / height) from tail to nose.
_VAN = (
    (-0.50, 0.94, 0.20, 0.92), (-0.49, 1, 0.14, 0.985), (-0.20, 1, 0.12, 1.0), (0.16, 1, 0.12, 0.99),
    (0.24, 0.995, 0.12, 0.95), (0.37, 0.99, 0.12, 0.58), (0.47, 0.96, 0.13, 0.47), (0.50, 0.86, 0.18, 0.38),
)  # fmt: skip
_CAB = (
    (0.24, 1, 0.16, 0.80),
    (0.36, 1, 0.16, 0.80),
    (0.45, 0.99, 0.16, 0.50),
    (0.49, 0.97, 0.16, 0.44),
    (0.50, 0.92, 0.18, 0.38),
)
_BUS = (
    (-0.50, 0.95, 0.12, 0.95), (-0.495, 1, 0.10, 0.985), (-0.3, 1, 0.10, 1.0), (0.3, 1, 0.10, 1.0),
    (0.485, 1, 0.10, 0.985), (0.50, 0.95, 0.12, 0.95),
)  # fmt: skip


def _sections(vehicle: Vehicle, profile: Profile, half: float, crown: float) -> list[Double]:
    length, height = vehicle.length_m, vehicle.height_m
    return [cross_section(x * length, half * w, b * height, t * height, crown) for x, w, b, t in profile]


def _windscreen(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, foot: Double, head: Double, steepness: float
) -> None:
    """Glass on the slope between two cross sections."""
    screen = np.array([foot[4], foot[5], head[5], head[4]]) + np.array([0.01, 0, 0.01])
    up = (0.06, 0.94) if steepness < 0.75 else (0.08, 0.94)
    builder.face(
        solid, patch(screen, (0.04, 0.96), up), glass_colour(vehicle), GLASS, 0, (steepness, 0, 1.3 - steepness)
    )


def build_van(builder: MeshBuilder, vehicle: Vehicle) -> None:
    """A one-box van, with windows or with a livery."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    sections, glass = _sections(vehicle, _VAN, half, 0.84), glass_colour(vehicle)
    solid = one_box(builder, vehicle, sections, (vehicle.paint, vehicle.paint))
    _windscreen(builder, solid, vehicle, sections[5], sections[4], 0.7)
    add_flank_panels(builder, solid, vehicle, [(0.13, 0.27)], (0.60, 0.86), glass, GLASS)
    if vehicle.livery is None:
        add_flank_panels(builder, solid, vehicle, [(-0.44, -0.20), (-0.16, 0.09)], (0.60, 0.86), glass, GLASS)
    add_livery(builder, solid, vehicle, (-0.47, 0.08), (0.30, 0.92))
    _van_doors(builder, solid, vehicle)
    add_blunt_nose(builder, solid, vehicle, 0.505 * length, (0.18 * height, 0.44 * height), 0.84 * half)
    add_side_details(builder, solid, vehicle, (-0.2, 0.1, 0.28), (0.16 * height, 0.56 * height))
    add_wheels(builder, solid, vehicle, 0.35, axles_m(vehicle))
    add_mirrors(builder, vehicle, 0.28 * length, 0.55 * height, BODY)
    if vehicle.rack:
        add_rack(builder, vehicle, level(height, (-0.45 * length, 0.1 * length), 0.8 * half))


def _van_doors(builder: MeshBuilder, solid: int, vehicle: Vehicle) -> None:
    half, height = vehicle.width_m / 2, vehicle.height_m
    rear = end_wall(-0.502 * vehicle.length_m, (0.9 * half, 0.8 * half), (0.2 * height, 0.95 * height))
    out = (-1, 0, 0)
    for window in ((0.08, 0.47), (0.53, 0.92)):
        builder.face(solid, patch(rear, window, (0.56, 0.90)), glass_colour(vehicle), GLASS, 0, out)
    for lamp in ((0.0, 0.07), (0.93, 1.0)):
        builder.face(solid, patch(rear, lamp, (0.22, 0.55)), TAIL_COLOUR, TAIL, 0, out)
    builder.face(solid, patch(rear, (0.38, 0.62), (0.22, 0.32)), vehicle.plate, MATT, 14, out)
    add_stickers(builder, solid, vehicle, "tail", rear, out)


def build_box_truck(builder: MeshBuilder, vehicle: Vehicle) -> None:
    """A cab and a cargo box on a chassis."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    chassis = builder.solid(BODY - 1, (0, 0, 0.15 * height))
    low, high = (-0.49 * length, -0.75 * half, 0.13 * height), (0.3 * length, 0.75 * half, 0.27 * height)
    builder.box(chassis, low, high, DARK, MATT)
    add_wheels(builder, chassis, vehicle, 0.46, axles_m(vehicle)[:1])
    _cab(builder, vehicle)
    _cargo_box(builder, vehicle)
    add_mirrors(builder, vehicle, 0.42 * length, 0.48 * height, BODY)


def _cab(builder: MeshBuilder, vehicle: Vehicle) -> None:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    paint, (rocker, door) = vehicle.paint, lower_paints(vehicle)
    cab, sections = builder.solid(BODY, (0.36 * length, 0, 0.4 * height)), _sections(vehicle, _CAB, 0.93 * half, 0.9)
    skin = (rocker, door, paint, paint, paint, paint, paint, door, rocker)
    builder.loft(cab, sections, skin, (paint, vehicle.bumper))
    _windscreen(builder, cab, vehicle, sections[2], sections[1], 0.8)
    for side in (-1, 1):
        y = side * 0.925 * half
        window = [(0.27, 0.5), (0.425, 0.5), (0.365, 0.74), (0.27, 0.74)]
        builder.face(
            cab, [(x * length, y, z * height) for x, z in window], glass_colour(vehicle), GLASS, 0, (0, side, 0)
        )
    add_blunt_nose(builder, cab, vehicle, 0.505 * length, (0.17 * height, 0.40 * height), 0.82 * half)
    add_wheels(builder, cab, vehicle, 0.46, axles_m(vehicle)[1:])


def _cargo_box(builder: MeshBuilder, vehicle: Vehicle) -> None:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    solid = builder.solid(BODY, (-0.14 * length, 0, 0.62 * height))
    blue, green, red = vehicle.paint
    colour = (0.90, 0.90, 0.90) if vehicle.cargo < 3 else (0.4 + 0.6 * blue, 0.4 + 0.6 * green, 0.4 + 0.6 * red)
    builder.box(solid, (-0.5 * length, -half, 0.26 * height), (0.22 * length, half, height), colour)
    add_livery(builder, solid, vehicle, (-0.49, 0.21), (0.30, 0.98))
    rear = end_wall(-0.502 * length, (half, half), (0.26 * height, height))
    out = (-1, 0, 0)
    builder.face(solid, patch(rear, (0.06, 0.94), (0.08, 0.95)), (0.72, 0.72, 0.72), MATT, 3, out)
    builder.face(solid, patch(rear, (0.495, 0.505), (0.08, 0.95)), DARK, MATT, 10, out)
    if vehicle.livery is not None:
        builder.face(solid, patch(rear, (0.2, 0.8), (0.5, 0.8)), vehicle.livery[1], MATT, 4, out)
    for lamp in ((0.0, 0.08), (0.92, 1.0)):
        builder.face(solid, patch(rear, lamp, (0.0, 0.07)), TAIL_COLOUR, TAIL, 0, out)
    add_stickers(builder, solid, vehicle, "tail", rear, out)


def build_bus(builder: MeshBuilder, vehicle: Vehicle) -> None:
    """A city bus with a band of windows."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    solid = one_box(builder, vehicle, _sections(vehicle, _BUS, half, 0.92), (vehicle.paint, (0.85, 0.85, 0.85)))
    panes = [(-0.47 + 0.105 * k, -0.47 + 0.105 * k + 0.095) for k in range(9)]
    add_flank_panels(builder, solid, vehicle, [(-0.475, 0.485)], (0.47, 0.82), DARK, MATT)
    add_flank_panels(builder, solid, vehicle, panes, (0.49, 0.80), glass_colour(vehicle), GLASS)
    first, second = vehicle.livery or (vehicle.paint, vehicle.paint)
    stripe = (0.30, 0.30 + 0.06 + 0.05 * vehicle.shape[4] ** 2)
    add_flank_panels(builder, solid, vehicle, [(-0.49, 0.49)], stripe, first, MATT)
    skirt = (-0.49, -0.49 + 0.25 + 0.15 * vehicle.shape[5])
    add_flank_panels(builder, solid, vehicle, [skirt], (0.13, 0.30), second, MATT)
    _bus_end(builder, solid, vehicle, -1)
    _bus_end(builder, solid, vehicle, 1)
    add_wheels(builder, solid, vehicle, 0.48, axles_m(vehicle))
    add_mirrors(builder, vehicle, 0.49 * length, 0.6 * height, BODY)
    low, high = (-0.25 * length, -0.5 * half, height), (-0.05 * length, 0.5 * half, height + 0.2)
    builder.box(builder.solid(TOP, (-0.1 * length, 0, height)), low, high, (0.75, 0.75, 0.75), MATT)


def _bus_end(builder: MeshBuilder, solid: int, vehicle: Vehicle, side: int) -> None:
    """Front (``side`` 1) or rear (-1): glass, destination sign, lamps, plate."""
    half, height, out = vehicle.width_m / 2, vehicle.height_m, (side, 0, 0)
    end = end_wall(side * 0.503 * vehicle.length_m, (0.95 * half, 0.9 * half), (0.12 * height, 0.95 * height))
    glass, sign, lamp, finish = (
        ((0.36, 0.84), (0.12, 0.50, 0.75), LAMP_COLOUR, LAMP) if side > 0 else ((0.55, 0.85), DARK, TAIL_COLOUR, TAIL)
    )
    builder.face(solid, patch(end, (0.03, 0.97), glass), glass_colour(vehicle), GLASS, 0, out)
    builder.face(solid, patch(end, (0.2, 0.8), (0.87, 0.97)), sign, MATT, 4, out)
    for along in ((0.02, 0.18), (0.82, 0.98)):
        builder.face(solid, patch(end, along, (0.10, 0.20)), lamp, finish, 0, out)
    builder.face(solid, patch(end, (0.40, 0.60), (0.06, 0.14)), vehicle.plate, MATT, 14, out)
