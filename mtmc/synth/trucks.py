"""Vans, box trucks and buses: tall bodies of one box or two."""

from __future__ import annotations

import numpy as np

from mtmc.synth.mesh import GLASS, LAMP, MATT, TAIL, MeshBuilder, patch
from mtmc.synth.parts import (
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
from mtmc.synth.vehicles import Vehicle


def build_van(builder: MeshBuilder, vehicle: Vehicle) -> None:
    """A one-box van, with windows or with a livery."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    profile = ((-0.50, 0.94, 0.20, 0.92), (-0.49, 1, 0.14, 0.985), (-0.20, 1, 0.12, 1.0), (0.16, 1, 0.12, 0.99), (0.24, 0.995, 0.12, 0.95),
               (0.37, 0.99, 0.12, 0.58), (0.47, 0.96, 0.13, 0.47), (0.50, 0.86, 0.18, 0.38))  # fmt: skip
    sections = [cross_section(x * length, half * w, b * height, t * height, 0.84) for x, w, b, t in profile]
    solid = one_box(builder, vehicle, sections, (vehicle.paint, vehicle.paint))
    glass = glass_colour(vehicle)
    screen = np.array([sections[5][4], sections[5][5], sections[4][5], sections[4][4]]) + np.array([0.01, 0, 0.01])
    builder.face(solid, patch(screen, (0.04, 0.96), (0.06, 0.94)), glass, GLASS, 0, (0.7, 0, 0.7))
    add_flank_panels(builder, solid, vehicle, [(0.13, 0.27)], (0.60, 0.86), glass, GLASS)
    if vehicle.livery is None:
        add_flank_panels(builder, solid, vehicle, [(-0.44, -0.20), (-0.16, 0.09)], (0.60, 0.86), glass, GLASS)
    add_livery(builder, solid, vehicle, (-0.47, 0.08), (0.30, 0.92))
    rear = np.array(
        [
            (-0.502 * length, 0.9 * half, 0.2 * height),
            (-0.502 * length, -0.9 * half, 0.2 * height),
            (-0.502 * length, -0.8 * half, 0.95 * height),
            (-0.502 * length, 0.8 * half, 0.95 * height),
        ]
    )
    out = (-1, 0, 0)
    for window in ((0.08, 0.47), (0.53, 0.92)):
        builder.face(solid, patch(rear, window, (0.56, 0.90)), glass, GLASS, 0, out)
    for lamp in ((0.0, 0.07), (0.93, 1.0)):
        builder.face(solid, patch(rear, lamp, (0.22, 0.55)), TAIL_COLOUR, TAIL, 0, out)
    builder.face(solid, patch(rear, (0.38, 0.62), (0.22, 0.32)), vehicle.plate, MATT, 14, out)
    add_stickers(builder, solid, vehicle, "tail", rear, out)
    add_blunt_nose(builder, solid, vehicle, 0.505 * length, (0.18 * height, 0.44 * height), 0.84 * half)
    add_side_details(builder, solid, vehicle, (-0.2, 0.1, 0.28), (0.16 * height, 0.56 * height))
    add_wheels(builder, solid, vehicle, 0.35, axles_m(vehicle))
    add_mirrors(builder, vehicle, 0.28 * length, 0.55 * height, BODY)
    if vehicle.rack:
        w = 0.8 * half
        add_rack(
            builder,
            vehicle,
            np.array(
                [
                    (-0.45 * length, w, height),
                    (0.1 * length, w, height),
                    (0.1 * length, -w, height),
                    (-0.45 * length, -w, height),
                ]
            ),
        )


def build_box_truck(builder: MeshBuilder, vehicle: Vehicle) -> None:
    """A cab and a cargo box on a chassis."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    rocker, door = lower_paints(vehicle)
    profile = (
        (0.24, 1, 0.16, 0.80),
        (0.36, 1, 0.16, 0.80),
        (0.45, 0.99, 0.16, 0.50),
        (0.49, 0.97, 0.16, 0.44),
        (0.50, 0.92, 0.18, 0.38),
    )
    chassis = builder.solid(BODY - 1, (0, 0, 0.15 * height))
    builder.box(
        chassis, (-0.49 * length, -0.75 * half, 0.13 * height), (0.3 * length, 0.75 * half, 0.27 * height), DARK, MATT
    )
    add_wheels(builder, chassis, vehicle, 0.46, axles_m(vehicle)[:1])
    cab = builder.solid(BODY, (0.36 * length, 0, 0.4 * height))
    sections = [cross_section(x * length, 0.93 * half * w, b * height, t * height, 0.9) for x, w, b, t in profile]
    paint = vehicle.paint
    builder.loft(
        cab, sections, (rocker, door, paint, paint, paint, paint, paint, door, rocker), (paint, vehicle.bumper)
    )
    glass = glass_colour(vehicle)
    screen = np.array([sections[2][4], sections[2][5], sections[1][5], sections[1][4]]) + np.array([0.01, 0, 0.01])
    builder.face(cab, patch(screen, (0.04, 0.96), (0.08, 0.94)), glass, GLASS, 0, (0.8, 0, 0.5))
    for side in (-1, 1):
        y = side * 0.925 * half
        builder.face(
            cab,
            [
                (0.27 * length, y, 0.5 * height),
                (0.425 * length, y, 0.5 * height),
                (0.365 * length, y, 0.74 * height),
                (0.27 * length, y, 0.74 * height),
            ],
            glass,
            GLASS,
            0,
            (0, side, 0),
        )
    add_blunt_nose(builder, cab, vehicle, 0.505 * length, (0.17 * height, 0.40 * height), 0.82 * half)
    add_wheels(builder, cab, vehicle, 0.46, axles_m(vehicle)[1:])
    _cargo_box(builder, vehicle)
    add_mirrors(builder, vehicle, 0.42 * length, 0.48 * height, BODY)


def _cargo_box(builder: MeshBuilder, vehicle: Vehicle) -> None:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    solid = builder.solid(BODY, (-0.14 * length, 0, 0.62 * height))
    colour = (0.90, 0.90, 0.90) if vehicle.cargo < 3 else tuple(0.4 + 0.6 * c for c in vehicle.paint)
    builder.box(solid, (-0.5 * length, -half, 0.26 * height), (0.22 * length, half, height), colour)  # type: ignore[arg-type]
    add_livery(builder, solid, vehicle, (-0.49, 0.21), (0.30, 0.98))
    x = -0.502 * length
    rear = np.array([(x, half, 0.26 * height), (x, -half, 0.26 * height), (x, -half, height), (x, half, height)])
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
    profile = (
        (-0.50, 0.95, 0.12, 0.95),
        (-0.495, 1, 0.10, 0.985),
        (-0.3, 1, 0.10, 1.0),
        (0.3, 1, 0.10, 1.0),
        (0.485, 1, 0.10, 0.985),
        (0.50, 0.95, 0.12, 0.95),
    )
    sections = [cross_section(x * length, half * w, b * height, t * height, 0.92) for x, w, b, t in profile]
    solid = one_box(builder, vehicle, sections, (vehicle.paint, (0.85, 0.85, 0.85)))
    glass = glass_colour(vehicle)
    panes = [(-0.47 + 0.105 * k, -0.47 + 0.105 * k + 0.095) for k in range(9)]
    add_flank_panels(builder, solid, vehicle, [(-0.475, 0.485)], (0.47, 0.82), DARK, MATT)
    add_flank_panels(builder, solid, vehicle, panes, (0.49, 0.80), glass, GLASS)
    first, second = vehicle.livery or (vehicle.paint, vehicle.paint)
    add_flank_panels(
        builder, solid, vehicle, [(-0.49, 0.49)], (0.30, 0.30 + 0.06 + 0.05 * vehicle.shape[4] ** 2), first, MATT
    )
    add_flank_panels(
        builder, solid, vehicle, [(-0.49, -0.49 + 0.25 + 0.15 * vehicle.shape[5])], (0.13, 0.30), second, MATT
    )
    for side in (-1, 1):
        x = side * 0.503 * length
        end = np.array(
            [
                (x, half * 0.95, 0.12 * height),
                (x, -half * 0.95, 0.12 * height),
                (x, -half * 0.9, 0.95 * height),
                (x, half * 0.9, 0.95 * height),
            ]
        )
        out = (side, 0, 0)
        builder.face(solid, patch(end, (0.03, 0.97), (0.36, 0.84) if side > 0 else (0.55, 0.85)), glass, GLASS, 0, out)
        builder.face(
            solid, patch(end, (0.2, 0.8), (0.87, 0.97)), (0.12, 0.50, 0.75) if side > 0 else DARK, MATT, 4, out
        )
        for lamp in ((0.02, 0.18), (0.82, 0.98)):
            builder.face(
                solid,
                patch(end, lamp, (0.10, 0.20)),
                LAMP_COLOUR if side > 0 else TAIL_COLOUR,
                LAMP if side > 0 else TAIL,
                0,
                out,
            )
        builder.face(solid, patch(end, (0.40, 0.60), (0.06, 0.14)), vehicle.plate, MATT, 14, out)
    add_wheels(builder, solid, vehicle, 0.48, axles_m(vehicle))
    add_mirrors(builder, vehicle, 0.49 * length, 0.6 * height, BODY)
    unit = builder.solid(TOP, (-0.1 * length, 0, height))
    builder.box(
        unit,
        (-0.25 * length, -0.5 * half, height),
        (-0.05 * length, 0.5 * half, height + 0.2),
        (0.75, 0.75, 0.75),
        MATT,
    )
