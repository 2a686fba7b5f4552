"""Parts that the bodies share: cross sections, wheels, flanks with their panels, mirrors, racks and noses."""

from __future__ import annotations

import numpy as np

from mtmc.structures import Double
from mtmc.synth.vehicles.colours import Colour
from mtmc.synth.vehicles.identity import MOTORCYCLE, Vehicle
from mtmc.synth.vehicles.mesh import GLASS, LAMP, MATT, PAINT, MeshBuilder, disc, patch, side_wall

BODY, CABIN, TOP = 0.0, 1.0, 2.0
"""Painter's layers: what stands higher hides what is below, for a camera that looks down on the road."""

TYRE, DARK, _GLASS, _MUD = (0.07, 0.07, 0.07), (0.10, 0.10, 0.10), (0.20, 0.16, 0.13), (0.33, 0.42, 0.50)
LAMP_COLOUR, TAIL_COLOUR = (0.95, 0.95, 0.92), (0.12, 0.10, 0.62)


def lower_paints(vehicle: Vehicle) -> tuple[Colour, Colour]:
    """Colours of rocker and lower door: cladding, then mud."""

    def muddy(colour: Colour, amount: float) -> Colour:
        blue, green, red = (c + (m - c) * amount for c, m in zip(colour, _MUD, strict=True))
        return blue, green, red

    dirt = min(vehicle.dirt, 0.9)
    return muddy(vehicle.lower_paint, dirt), muddy(vehicle.paint, 0.35 * dirt)


def cross_section(x: float, half: float, bottom: float, top: float, crown: float = 0.88) -> Double:
    """Cross section (10, 3): rocker, lower door, upper door, shoulder, then mirrored."""
    rise = top - bottom
    left = [(0.86, 0.0), (0.975, 0.22), (1.0, 0.55), (0.975, 0.87), (crown, 1.0)]
    ring = [(half * y, bottom + rise * z) for y, z in left] + [
        (-half * y, bottom + rise * z) for y, z in reversed(left)
    ]
    return np.array([(x, y, z) for y, z in ring])


def darker(colour: Colour, factor: float) -> Colour:
    """A colour times ``factor``."""
    blue, green, red = colour
    return factor * blue, factor * green, factor * red


def glass_colour(vehicle: Vehicle) -> Colour:
    """Colour of the window glass by its tint."""
    blue, green, red = (c * (0.45 + 2.2 * vehicle.tint) for c in _GLASS)
    return blue, green, red


def add_rack(builder: MeshBuilder, vehicle: Vehicle, roof: Double) -> None:
    """Rails and bars on a roof (4, 3), and perhaps a box on them."""
    low, high = roof.min(axis=0), roof.max(axis=0)
    z = float(high[2])
    solid = builder.solid(TOP, ((low[0] + high[0]) / 2, 0, z))
    for y in (low[1] + 0.04, high[1] - 0.09):
        builder.box(solid, (low[0] + 0.1, y, z), (high[0] - 0.1, y + 0.05, z + 0.07), vehicle.trim, MATT, 8)
    for fraction in (0.25, 0.75):
        x = float(low[0] + fraction * (high[0] - low[0]))
        builder.box(solid, (x, low[1], z + 0.05), (x + 0.06, high[1], z + 0.1), DARK, MATT, 8)
    if vehicle.cargo == 1:
        x, y = float(low[0] + high[0]) / 2, 0.3 * float(high[1])
        builder.box(
            builder.solid(TOP + 1, (x, 0, z + 0.25)),
            (x - 0.7, -y, z + 0.1),
            (x + 0.6, 2 * y, z + 0.4),
            (0.14, 0.14, 0.15),
            PAINT,
            4,
        )


def add_wheels(builder: MeshBuilder, solid: int, vehicle: Vehicle, radius: float, axles: tuple[float, ...]) -> None:
    """Wheels in dark arches on both sides; as decals of the body, so that its near side alone shows them."""
    radius *= vehicle.wheel_m
    for side in (-1, 1):
        y, out = side * vehicle.width_m / 2, (0, side, 0)
        for x in axles:
            arch = disc((x, y * 0.985, radius * 1.08), radius * 1.2, 14)
            builder.face(solid, np.maximum(arch, (-np.inf, -np.inf, 0.05)), DARK, MATT, 3, out)
            builder.face(solid, disc((x, y * 1.00, radius), radius, 14), TYRE, MATT, 0, out)
            builder.face(solid, disc((x, y * 1.005, radius), radius * 0.66, 12), vehicle.rim, PAINT, 8, out)
            _spokes(builder, solid, vehicle, (x, y * 1.01, radius), radius * 0.6)


def _spokes(builder: MeshBuilder, solid: int, vehicle: Vehicle, hub: tuple[float, float, float], radius: float) -> None:
    x, y, z = hub
    for k in range(vehicle.spokes):
        a = 2 * np.pi * (k + 0.5) / vehicle.spokes
        gap = [
            (x + radius * r * np.cos(a + t), y, z + radius * r * np.sin(a + t))
            for r, t in ((0.3, 0), (1, -0.9 / vehicle.spokes), (1, 0.9 / vehicle.spokes))
        ]
        builder.face(solid, gap, DARK, MATT, 30, (0, y, 0))


def add_side_details(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, seams: tuple[float, ...], span: tuple[float, float]
) -> None:
    """Door seams, handles, trim strip and stickers on both flanks between ``span`` (bottom, top) metres."""
    bottom, rise = span[0], span[1] - span[0]
    length, dark = vehicle.length_m, darker(vehicle.paint, 0.45)
    for side in (-1, 1):
        y, out = side * vehicle.width_m / 2 * 1.002, (0, side, 0)
        for x in (seam * length for seam in seams):
            builder.face(solid, side_wall(y, (x, x + 0.025), span), dark, MATT, 22, out)
        for x in (seam * length + 0.08 for seam in seams[:-1]):
            z = bottom + 0.80 * rise
            builder.face(solid, side_wall(y, (x, x + 0.2), (z, z + 0.05)), vehicle.trim, PAINT, 26, out)
        z = bottom + 0.30 * rise
        strip = side_wall(y, (-0.2 * length, 0.2 * length), (z, z + 0.06))
        builder.face(solid, strip, vehicle.trim, PAINT, 18, out)
        flank = side_wall(y, (-0.46 * length, 0.44 * length), span)
        add_stickers(builder, solid, vehicle, "side", flank, out)


def add_stickers(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, place: str, surface: Double, out: tuple[float, float, float]
) -> None:
    """Put the identity's stickers of one ``place`` on a quad (4, 3) that faces ``out``."""
    for sticker in vehicle.stickers:
        if sticker.place == place:
            (s, t), (ds, dt) = sticker.at, sticker.size
            builder.face(
                solid, patch(surface, (s, min(1, s + ds)), (t, min(1, t + dt * 1.6))), sticker.colour, MATT, 8, out
            )


def add_mirrors(builder: MeshBuilder, vehicle: Vehicle, x: float, z: float, layer: float = CABIN) -> None:
    """Both wing mirrors at ``x`` along and ``z`` up, metres."""
    for side in (-1, 1):
        y = side * (vehicle.width_m / 2 - 0.06)
        low, high = sorted((y, y + side * 0.20))
        builder.box(
            builder.solid(layer, (x, side * vehicle.width_m * 0.5, z)),
            (x - 0.06, low, z),
            (x + 0.12, high, z + 0.15),
            vehicle.trim,
            PAINT,
            12,
        )


def one_box(builder: MeshBuilder, vehicle: Vehicle, sections: list[Double], top_colours: tuple[Colour, Colour]) -> int:
    """A van's or bus's one-box body."""
    solid = builder.solid(BODY, (0, 0, 0.45 * vehicle.height_m))
    rocker, door = lower_paints(vehicle)
    side, roof = top_colours
    builder.loft(
        solid, sections, (rocker, door, side, side, roof, side, side, door, rocker), (vehicle.paint, vehicle.bumper)
    )
    return solid


def add_flank_panels(
    builder: MeshBuilder,
    solid: int,
    vehicle: Vehicle,
    spans: list[tuple[float, float]],
    z: tuple[float, float],
    colour: Colour,
    finish: int,
) -> None:
    """Panels on both flanks: ``spans`` of x / length, ``z`` fractions of the height."""
    length, height = vehicle.length_m, vehicle.height_m
    for side in (-1, 1):
        y = side * vehicle.width_m / 2 * (0.99 if z[0] > 0.5 else 1.003)
        for start, stop in spans:
            panel = [
                (start * length, y, z[0] * height),
                (stop * length, y, z[0] * height),
                (stop * length, y * 0.985, z[1] * height),
                (start * length, y * 0.985, z[1] * height),
            ]
            builder.face(solid, panel, colour, finish, 0 if finish == GLASS else 4, (0, side, 0))


def add_livery(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, span: tuple[float, float], z: tuple[float, float]
) -> None:
    """A fleet's stripe and sign on both flanks within ``span`` of the length and ``z`` of the height."""
    if vehicle.livery is None:
        return
    first, second = vehicle.livery
    low, rise = z[0], z[1] - z[0]
    stripe = low + rise * (0.35 + 0.3 * vehicle.shape[4])
    add_flank_panels(builder, solid, vehicle, [span], (stripe, stripe + 0.16 * rise), first, MATT)
    start = span[0] + (span[1] - span[0]) * (0.3 + 0.2 * vehicle.shape[5])
    add_flank_panels(
        builder,
        solid,
        vehicle,
        [(start, start + 0.35 * (span[1] - span[0]))],
        (low + 0.40 * rise, low + 0.90 * rise),
        second,
        MATT,
    )
    add_flank_panels(
        builder,
        solid,
        vehicle,
        [(start + 0.03, start + 0.28 * (span[1] - span[0]))],
        (low + 0.55 * rise, low + 0.65 * rise),
        first,
        MATT,
    )


def add_blunt_nose(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, x: float, z: tuple[float, float], half: float
) -> None:
    """Grille, bumper, plate and lamps on a flat front at ``x`` between heights ``z``, ``half`` wide to each side."""
    face = np.array([(x, half, z[0]), (x, -half, z[0]), (x, -half, z[1]), (x, half, z[1])])
    out = (1, 0, 0)
    builder.face(solid, patch(face, (0.2, 0.8), (0.45, 0.9)), DARK, MATT, 5, out)
    builder.face(solid, patch(face, (0.0, 1.0), (0.0, 0.25)), DARK, MATT, 6, out)
    builder.face(solid, patch(face, (0.36, 0.64), (0.1, 0.32)), vehicle.plate, MATT, 14, out)
    for lamp in ((0.0, 0.17), (0.83, 1.0)):
        builder.face(solid, patch(face, lamp, (0.45, 0.9)), LAMP_COLOUR, LAMP, 0, out)


_AXLES = {
    "sedan": (-0.29, 0.30), "hatchback": (-0.31, 0.30), "suv": (-0.29, 0.30), "pickup": (-0.28, 0.31),
    "van": (-0.28, 0.31), "box_truck": (-0.24, 0.34), "bus": (-0.24, 0.27), MOTORCYCLE: (-0.35, 0.35),
}  # fmt: skip


def axles_m(vehicle: Vehicle) -> tuple[float, float]:
    """x of the rear and front axle in the vehicle's frame, metres."""
    rear, front = _AXLES[vehicle.body]
    return rear * vehicle.length_m, front * vehicle.length_m
