"""Motorcycles and scooters with who rides them: a machine of boxes, people of tubes."""

from __future__ import annotations

import numpy as np

from mtmc.structures import Double
from mtmc.synth.vehicles.colours import Colour
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.mesh import LAMP, MATT, PAINT, TAIL, MeshBuilder, disc, end_wall, patch
from mtmc.synth.vehicles.parts import BODY, DARK, LAMP_COLOUR, TAIL_COLOUR, TYRE
from mtmc.synth.vehicles.riders import BANDS, COLUMNS, Person

Point = tuple[float, float, float]
_STEEL = (0.55, 0.55, 0.56)
_SIDES = 8
"""Corners of a limb's cross section."""


def build_motorcycle(builder: MeshBuilder, vehicle: Vehicle) -> None:
    """The machine, its rider, and who or what is behind."""
    assert vehicle.load is not None
    _wheels(builder, vehicle)
    _machine(builder, vehicle)
    _tail(builder, vehicle)
    _handlebar(builder, vehicle)
    load = vehicle.load
    scale = (vehicle.height_m - 0.82) / 0.90
    _person(builder, load.rider, -0.20, scale, (0.36, 0.33))
    if load.pillion is not None:
        _person(builder, load.pillion, -0.56, scale, (-0.26, 0.22))
    if load.box is not None:
        _cargo(builder, load.box, load.box_colours)


def _wheels(builder: MeshBuilder, vehicle: Vehicle) -> None:
    radius, reach = 0.28 * vehicle.wheel_m, vehicle.length_m / 2 - 0.28
    for x in (-reach, reach):
        solid = builder.solid(BODY, (x, 0, radius))
        rims = [disc((x, y, radius), radius, 14) for y in (-0.06, 0.06)]
        _band(builder, solid, rims[0], rims[1], [TYRE] * 14, MATT)
        for rim, side in zip(rims, (-1, 1), strict=True):
            builder.face(solid, rim, TYRE, MATT, 0, (0, side, 0))
            builder.face(solid, disc((x, side * 0.063, radius), 0.6 * radius, 10), vehicle.rim, PAINT, 8, (0, side, 0))


def _machine(builder: MeshBuilder, vehicle: Vehicle) -> None:
    """Engine, cowl, seat, leg shield, exhaust: a scooter's are broad, a motorcycle's slim."""
    broad, half = 1 + 0.3 * vehicle.shape[0], vehicle.length_m / 2
    engine = builder.solid(BODY, (-0.1, 0, 0.4))
    builder.box(engine, (-0.5, -0.10, 0.24), (0.38, 0.10, 0.54), vehicle.lower_paint if broad > 1 else DARK, MATT)
    cowl = builder.solid(BODY, (-0.4, 0, 0.65))
    builder.box(cowl, (-half + 0.16, -0.10 * broad, 0.54), (-0.02, 0.10 * broad, 0.74), vehicle.paint)
    seat = builder.solid(BODY, (-0.35, 0, 0.79))
    builder.box(seat, (-half + 0.24, -0.12, 0.73), (0.08, 0.12, 0.80), DARK, MATT)
    shield = builder.solid(BODY, (0.42, 0, 0.65))
    builder.box(shield, (0.36, -0.17 * broad, 0.34), (0.46, 0.17 * broad, 0.92), vehicle.paint)
    lamp = end_wall(0.47, (0.11, 0.09), (0.70, 0.88))
    builder.face(shield, lamp, LAMP_COLOUR, LAMP, 0, (1, 0, 0))
    exhaust = builder.solid(BODY, (-0.4, -0.19, 0.32))
    builder.box(exhaust, (-0.82, -0.21, 0.26), (-0.25, -0.13, 0.35), vehicle.trim if broad > 1 else _STEEL)


def _tail(builder: MeshBuilder, vehicle: Vehicle) -> None:
    x, broad = -vehicle.length_m / 2, 1 + 0.35 * vehicle.shape[1]
    guard = builder.solid(BODY, (x + 0.12, 0, 0.45))
    builder.box(guard, (x + 0.05, -0.07, 0.34), (x + 0.16, 0.07, 0.62), DARK, MATT)
    low = 0.36 + 0.04 * vehicle.shape[2]
    plate = end_wall(x + 0.03, (0.10, 0.10), (low, low + 0.15))
    builder.face(guard, plate, vehicle.plate, MATT, 0, (-1, 0, 0))
    builder.face(guard, patch(plate, (0.12, 0.88), (0.55, 0.82)), DARK, MATT, 40, (-1, 0, 0))
    builder.face(guard, patch(plate, (0.12, 0.88), (0.16, 0.42)), DARK, MATT, 40, (-1, 0, 0))
    lamp = builder.solid(BODY, (x + 0.10, 0, 0.66))
    builder.box(lamp, (x + 0.06, -0.09 * broad, 0.60), (x + 0.18, 0.09 * broad, 0.71), vehicle.paint)
    face = end_wall(x + 0.055, (0.09 * broad, 0.08 * broad), (0.60, 0.70))
    builder.face(lamp, face, TAIL_COLOUR, TAIL, 0, (-1, 0, 0))
    if vehicle.shape[3] > 0:  # indicators beside the lamp
        for along in ((0.0, 0.2), (0.8, 1.0)):
            builder.face(lamp, patch(face, along, (0.0, 1.0)), (0.2, 0.55, 0.85), MATT, 12, (-1, 0, 0))
    if vehicle.rack:
        rail = builder.solid(BODY, (x + 0.1, 0, 0.84))
        builder.box(rail, (x + 0.02, -0.15, 0.80), (x + 0.25, 0.15, 0.86), vehicle.trim, MATT)


def _handlebar(builder: MeshBuilder, vehicle: Vehicle) -> None:
    half = vehicle.width_m / 2
    bar = builder.solid(BODY, (0.38, 0, 1.0))
    builder.box(bar, (0.35, -half, 0.98), (0.40, half, 1.03), DARK, MATT)
    for side in (-1, 1):
        y = side * (half - 0.02 + 0.06 * vehicle.shape[4])
        low, high = sorted((y, y + side * 0.11))
        mirror = builder.solid(BODY, (0.38, y, 1.2))
        builder.box(mirror, (0.36, low, 1.14), (0.40, high, 1.23), DARK, MATT)
        builder.box(builder.solid(BODY, (0.38, y, 1.08)), (0.37, y - 0.01, 1.0), (0.39, y + 0.01, 1.15), DARK, MATT, 20)


def _cargo(builder: MeshBuilder, size: Point, colours: tuple[Colour, Colour]) -> None:
    length, width, height = size
    low, high = (-0.42 - length, -width / 2, 0.80), (-0.42, width / 2, 0.80 + height)
    solid = builder.solid(BODY, (-0.42 - length / 2, 0, 0.80 + height / 2))
    builder.box(solid, low, high, colours[0], MATT)
    rear = end_wall(low[0] - 0.003, (width / 2, width / 2), (0.80, 0.80 + height))
    builder.face(solid, patch(rear, (0.25, 0.75), (0.35, 0.7)), colours[1], MATT, 6, (-1, 0, 0))


def _person(builder: MeshBuilder, person: Person, hip_x: float, scale: float, hand: tuple[float, float]) -> None:
    """Someone seated with the hip at ``hip_x``, hands at (x, y) ``hand``; ``scale`` on what is above the seat."""
    elbow, knee, lean = person.posture
    broad = 1.12 + 0.16 * person.build
    shoulder = hip_x + 0.10 + 0.08 * lean
    high = 0.79 + 0.60 * scale
    _torso(builder, person, hip_x, shoulder, high, broad)
    if person.bag is not None:
        _bag(builder, person.bag, (hip_x + shoulder) / 2 - 0.13 * broad, broad)
    _head(builder, person, (shoulder + 0.05, 0.0, high + 0.19), 0.15)
    for side in (-1, 1):
        joint = (shoulder - 0.02, side * 0.19 * broad, high - 0.05)
        bent = (shoulder + 0.04, side * (0.31 + 0.07 * elbow) * broad, high - 0.30)
        grip = (max(hand[0], shoulder + 0.1), side * hand[1], 1.04 if hand[0] > 0 else high - 0.36)
        _limb(builder, joint, bent, 0.075 * broad, 0.06 * broad, person.sleeves)
        _limb(builder, bent, grip, 0.058 * broad, 0.04, person.skin if person.short_sleeves else person.sleeves)
        foot = (hip_x + 0.30, side * 0.17, 0.32)
        kneecap = (hip_x + 0.40, side * (0.25 + 0.09 * knee), 0.70)
        _limb(builder, (hip_x, side * 0.11, 0.80), kneecap, 0.115 * broad, 0.085 * broad, person.trousers)
        _limb(builder, kneecap, foot, 0.08 * broad, 0.055, person.trousers)
        shoe = builder.solid(BODY, (foot[0] + 0.05, foot[1], 0.29))
        builder.box(
            shoe, (foot[0] - 0.09, foot[1] - 0.05, 0.25), (foot[0] + 0.17, foot[1] + 0.05, 0.34), person.shoes, MATT
        )


def _torso(builder: MeshBuilder, person: Person, hip: float, shoulder: float, high: float, broad: float) -> None:
    """From the seat to the shoulders, one ring of cells a band; the widest at chest and hip."""
    solid = builder.solid(BODY, ((hip + shoulder) / 2, 0, (0.82 + high) / 2))
    rise = np.linspace(0, 1, BANDS + 1)
    half = np.interp(rise, (0, 0.3, 0.75, 0.93, 1), (0.20, 0.185, 0.22, 0.205, 0.10)) * broad
    deep = np.interp(rise, (0, 0.3, 0.75, 0.93, 1), (0.15, 0.13, 0.135, 0.11, 0.07)) * broad
    turn = np.pi / 2 + np.arange(COLUMNS) * 2 * np.pi / COLUMNS  # from the left over the back
    rings = [
        np.stack(
            [
                hip + (shoulder - hip) * t + d * np.cos(turn),
                h * np.sin(turn),
                np.full(COLUMNS, 0.77 + (high - 0.77) * t),
            ],
            axis=1,
        )
        for t, h, d in zip(rise, half, deep, strict=True)
    ]
    for band in range(BANDS):
        colours = person.jacket[band * COLUMNS : (band + 1) * COLUMNS]
        _band(builder, solid, rings[band], rings[band + 1], colours, MATT)
    builder.face(solid, rings[-1], person.jacket[-1], MATT, 0, (0, 0, 1))
    if person.hood:
        _ball(builder, (shoulder - 0.09, 0, high - 0.01), (0.09, 0.12, 0.08), [person.jacket[-1]] * 4)


def _bag(builder: MeshBuilder, colours: tuple[Colour, Colour], x: float, broad: float) -> None:
    solid = builder.solid(BODY, (x - 0.07, 0, 1.1))
    builder.box(solid, (x - 0.15, -0.14 * broad, 0.90), (x, 0.14 * broad, 1.28), colours[0], MATT)
    rear = end_wall(x - 0.153, (0.14 * broad, 0.14 * broad), (0.90, 1.28))
    builder.face(solid, patch(rear, (0.2, 0.8), (0.1, 0.45)), colours[1], MATT, 14, (-1, 0, 0))


def _head(builder: MeshBuilder, person: Person, centre: Point, radius: float) -> None:
    shell, stripe = person.helmet
    x, y, z = centre
    _limb(builder, (x - 0.02, y, z - 0.22), (x, y, z - 0.05), 0.06, 0.075, person.skin)
    _ball(builder, centre, (1.08 * radius, radius, 1.05 * radius), [shell, shell, stripe, shell])
    visor = builder.solid(BODY, (x + 0.10, y, z))
    builder.box(visor, (x + 0.06, -0.09, z - 0.09), (x + 0.15, 0.09, z + 0.03), DARK, PAINT)


def _ball(builder: MeshBuilder, centre: Point, radii: Point, colours: list[Colour]) -> None:
    """A rounded solid of as many bands as ``colours``, from below."""
    solid, turn = builder.solid(BODY, centre), np.arange(10) * 2 * np.pi / 10
    climb = np.linspace(-0.40 * np.pi, 0.46 * np.pi, len(colours) + 1)
    rings = [
        np.asarray(centre)
        + np.stack([np.cos(c) * np.cos(turn), np.cos(c) * np.sin(turn), np.full(10, np.sin(c))], axis=1) * radii
        for c in climb
    ]
    for low, high, colour in zip(rings, rings[1:], colours, strict=False):
        _band(builder, solid, low, high, [colour] * 10, PAINT)
    builder.face(solid, rings[-1], colours[-1], PAINT, 0, (0, 0, 1))


def _limb(builder: MeshBuilder, start: Point, end: Point, thick: float, thin: float, colour: Colour) -> None:
    """A tapering tube from ``start`` to ``end``."""
    a, b = np.asarray(start), np.asarray(end)
    along = (b - a) / np.linalg.norm(b - a)
    side = np.cross(along, (0.0, 0.0, 1.0) if abs(along[2]) < 0.9 else (1.0, 0.0, 0.0))
    side /= np.linalg.norm(side)
    turn = np.arange(_SIDES)[:, None] * 2 * np.pi / _SIDES
    circle = np.cos(turn) * side + np.sin(turn) * np.cross(along, side)
    solid = builder.solid(BODY, ((a + b) / 2).tolist())
    low, high = a + thick * circle, b + thin * circle
    _band(builder, solid, low, high, [colour] * _SIDES, MATT)
    builder.face(solid, low, colour, MATT, 0, -along)
    builder.face(solid, high, colour, MATT, 0, along)


def _band(
    builder: MeshBuilder, solid: int, low: Double, high: Double, colours: list[Colour] | tuple[Colour, ...], finish: int
) -> None:
    """Faces between two rings (N, 3), one colour each."""
    for k, colour in enumerate(colours):
        follower = (k + 1) % len(low)
        builder.face(solid, np.array([low[k], low[follower], high[follower], high[k]]), colour, finish)
