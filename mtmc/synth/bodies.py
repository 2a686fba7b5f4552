"""From an identity to its mesh: bevelled lower body, greenhouse, wheels in arches, lamps, trim, and whatever it carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mtmc.synth.mesh import GLASS, LAMP, MATT, PAINT, TAIL, Mesh, MeshBuilder, disc, patch
from mtmc.synth.vehicles import Colour, Vehicle

Array = NDArray[np.float64]

BODY, CABIN, TOP = 0.0, 1.0, 2.0
"""Painter's layers: what stands higher hides what is below, for a camera that looks down on the road."""

_TYRE, _DARK, _GLASS, _MUD = (0.07, 0.07, 0.07), (0.10, 0.10, 0.10), (0.20, 0.16, 0.13), (0.33, 0.42, 0.50)
_LAMP, _TAIL = (0.95, 0.95, 0.92), (0.12, 0.10, 0.62)


@lru_cache(maxsize=4096)
def mesh_of(vehicle: Vehicle) -> Mesh:
    """The mesh of an identity."""
    builder = MeshBuilder()
    _BUILDERS[vehicle.body](builder, vehicle)
    return builder.build()


def axles_m(vehicle: Vehicle) -> tuple[float, float]:
    """x of the rear and front axle in the vehicle's frame, metres."""
    rear, front = _AXLES[vehicle.body]
    return rear * vehicle.length_m, front * vehicle.length_m


_AXLES = {
    "sedan": (-0.29, 0.30), "hatchback": (-0.31, 0.30), "suv": (-0.29, 0.30), "pickup": (-0.28, 0.31),
    "van": (-0.28, 0.31), "box_truck": (-0.24, 0.34), "bus": (-0.24, 0.27),
}  # fmt: skip

# Lower bodies: (x / length, width factor, bottom / height, top / height) from tail to nose.
_SEDAN = ((-0.50, 0.84, 0.24, 0.60), (-0.47, 0.95, 0.16, 0.675), (-0.33, 1, 0.13, 0.70), (-0.05, 1, 0.13, 0.67), (0.19, 1, 0.13, 0.655),
          (0.40, 0.975, 0.13, 0.60), (0.472, 0.92, 0.14, 0.54), (0.50, 0.80, 0.19, 0.45))  # fmt: skip
_HATCH = ((-0.50, 0.86, 0.24, 0.56), (-0.48, 0.96, 0.16, 0.66), (-0.33, 1, 0.13, 0.68), (-0.05, 1, 0.13, 0.66), (0.22, 1, 0.13, 0.645),
          (0.40, 0.975, 0.13, 0.595), (0.472, 0.93, 0.14, 0.54), (0.50, 0.81, 0.19, 0.45))  # fmt: skip
_SUV = ((-0.50, 0.88, 0.25, 0.56), (-0.485, 0.96, 0.18, 0.62), (-0.33, 1, 0.15, 0.64), (-0.05, 1, 0.15, 0.63), (0.22, 1, 0.15, 0.62),
        (0.42, 0.985, 0.15, 0.585), (0.48, 0.94, 0.17, 0.54), (0.50, 0.86, 0.22, 0.46))  # fmt: skip
_PICKUP = ((-0.50, 0.92, 0.28, 0.58), (-0.49, 0.97, 0.22, 0.61), (-0.30, 1, 0.18, 0.61), (-0.05, 1, 0.18, 0.61), (0.20, 1, 0.18, 0.605),
           (0.43, 0.98, 0.18, 0.575), (0.485, 0.94, 0.20, 0.52), (0.50, 0.86, 0.26, 0.44))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Greenhouse:
    """Where the glasshouse stands: x / length of rear base, rear roof, front roof, front base; window spans along the side."""

    rear_base: float
    rear_roof: float
    front_roof: float
    front_base: float
    windows: tuple[tuple[float, float], ...]
    tumble: float = 0.80


def _paint_below(vehicle: Vehicle) -> tuple[Colour, Colour]:
    """Colours of rocker and lower door: cladding, then mud."""

    def muddy(colour: Colour, share: float) -> Colour:
        blue, green, red = (c + (m - c) * share for c, m in zip(colour, _MUD, strict=True))
        return blue, green, red

    dirt = min(vehicle.dirt, 0.9)
    return muddy(vehicle.lower_paint, dirt), muddy(vehicle.paint, 0.35 * dirt)


def _section(x: float, half: float, bottom: float, top: float, crown: float = 0.88) -> Array:
    """Cross section (10, 3): rocker, lower door, upper door, shoulder, then mirrored."""
    rise = top - bottom
    left = [(0.86, 0.0), (0.975, 0.22), (1.0, 0.55), (0.975, 0.87), (crown, 1.0)]
    ring = [(half * y, bottom + rise * z) for y, z in left] + [
        (-half * y, bottom + rise * z) for y, z in reversed(left)
    ]
    return np.array([(x, y, z) for y, z in ring])


def _lower_body(builder: MeshBuilder, vehicle: Vehicle, profile: tuple[tuple[float, float, float, float], ...]) -> int:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    solid = builder.solid(BODY, (0, 0, 0.4 * height))
    lift = 1 + 0.03 * vehicle.shape[0]
    sections = [_section(x * length, half * w, b * height, t * height * lift) for x, w, b, t in profile]
    rocker, door = _paint_below(vehicle)
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
    profile: tuple[tuple[float, float, float, float], ...],
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
            builder.face(solid, patch(face, (0.08, 0.92), (0.02, 0.28)), _DARK, MATT, 8, out)
        builder.face(
            solid, patch(face, (0.36, 0.64), (0.36, 0.62) if side < 0 else (0.06, 0.26)), vehicle.plate, MATT, 14, out
        )
    _corner_lamps(builder, solid, vehicle, profile, lift)


def _nose(builder: MeshBuilder, solid: int, vehicle: Vehicle, face: Array) -> None:
    size = 0.12 * vehicle.shape[1]
    builder.face(solid, patch(face, (0.22 - size, 0.78 + size), (0.34, 0.80)), _DARK, MATT, 6, (1, 0, 0))
    builder.face(solid, patch(face, (0.25 - size, 0.75 + size), (0.54, 0.62)), vehicle.trim, PAINT, 18, (1, 0, 0))
    builder.face(solid, patch(face, (0.05, 0.95), (0.0, 0.22)), _DARK, MATT, 8, (1, 0, 0))


def _corner_lamps(
    builder: MeshBuilder,
    solid: int,
    vehicle: Vehicle,
    profile: tuple[tuple[float, float, float, float], ...],
    lift: float,
) -> None:
    """Lamps wrap around the corners: they lie on the bevelled end strips of the body."""
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    wide = 0.06 * vehicle.shape[2]
    for inner, outer, colour, finish, side in (
        (profile[-2], profile[-1], _LAMP, LAMP, 1),
        (profile[1], profile[0], _TAIL, TAIL, -1),
    ):
        ends = [
            _section(s[0] * length + 0.01 * side, half * s[1], s[2] * height, s[3] * height * lift)
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
    glass = _glass(vehicle)
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


def _glass(vehicle: Vehicle) -> Colour:
    blue, green, red = (c * (0.45 + 2.2 * vehicle.tint) for c in _GLASS)
    return blue, green, red


def _outward(wall: Array, centre: Array) -> Array:
    normal = np.cross(wall[1] - wall[0], wall[3] - wall[0])
    return np.asarray(normal if normal @ (wall.mean(axis=0) - centre) > 0 else -normal)


def _roof(builder: MeshBuilder, solid: int, vehicle: Vehicle, edge: Array) -> None:
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
        builder.face(solid, patch(inner + crown, (0.50, 0.86), (0.16, 0.84)), _glass(vehicle), GLASS, 5, (0, 0, 1))
    if vehicle.rack:
        _rack(builder, vehicle, inner)


def _rack(builder: MeshBuilder, vehicle: Vehicle, roof: Array) -> None:
    low, high = roof.min(axis=0), roof.max(axis=0)
    z = float(high[2])
    solid = builder.solid(TOP, ((low[0] + high[0]) / 2, 0, z))
    for y in (low[1] + 0.04, high[1] - 0.09):
        builder.box(solid, (low[0] + 0.1, y, z), (high[0] - 0.1, y + 0.05, z + 0.07), vehicle.trim, MATT, 8)
    for share in (0.25, 0.75):
        x = float(low[0] + share * (high[0] - low[0]))
        builder.box(solid, (x, low[1], z + 0.05), (x + 0.06, high[1], z + 0.1), _DARK, MATT, 8)
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


def _wheels(builder: MeshBuilder, solid: int, vehicle: Vehicle, radius: float, axles: tuple[float, ...]) -> None:
    """Wheels in dark arches on both sides; as decals of the body, so that its near side alone shows them."""
    radius *= vehicle.wheel_m
    for side in (-1, 1):
        y, out = side * vehicle.width_m / 2, (0, side, 0)
        for x in axles:
            builder.face(solid, disc((x, y * 0.985, radius * 1.08), radius * 1.2, 14), _DARK, MATT, 3, out)
            builder.face(solid, disc((x, y * 1.00, radius), radius, 14), _TYRE, MATT, 0, out)
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
        builder.face(solid, gap, _DARK, MATT, 30, (0, y, 0))


def _side_details(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, seams: tuple[float, ...], span: tuple[float, float]
) -> None:
    """Door seams, handles, trim strip and stickers on both flanks between ``span`` (bottom, top) metres."""
    bottom, top = span
    length, dark = vehicle.length_m, tuple(0.45 * c for c in vehicle.paint)
    for side in (-1, 1):
        y, out = side * vehicle.width_m / 2 * 1.002, (0, side, 0)
        for seam in seams:
            x = seam * length
            builder.face(
                solid, [(x, y, bottom), (x + 0.025, y, bottom), (x + 0.025, y, top), (x, y, top)], dark, MATT, 22, out
            )  # type: ignore[arg-type]
        for seam in seams[:-1]:
            x, z = seam * length + 0.08, bottom + 0.80 * (top - bottom)
            builder.face(
                solid,
                [(x, y, z), (x + 0.2, y, z), (x + 0.2, y, z + 0.05), (x, y, z + 0.05)],
                vehicle.trim,
                PAINT,
                26,
                out,
            )
        z = bottom + 0.30 * (top - bottom)
        builder.face(
            solid,
            [(-0.2 * length, y, z), (0.2 * length, y, z), (0.2 * length, y, z + 0.06), (-0.2 * length, y, z + 0.06)],
            vehicle.trim,
            PAINT,
            18,
            out,
        )
        flank = np.array(
            [(-0.46 * length, y, bottom), (0.44 * length, y, bottom), (0.44 * length, y, top), (-0.46 * length, y, top)]
        )
        _stick(builder, solid, vehicle, "side", flank, out)


def _stick(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, place: str, surface: Array, out: tuple[float, float, float]
) -> None:
    for sticker in vehicle.stickers:
        if sticker.place == place:
            (s, t), (ds, dt) = sticker.at, sticker.size
            builder.face(
                solid, patch(surface, (s, min(1, s + ds)), (t, min(1, t + dt * 1.6))), sticker.colour, MATT, 8, out
            )


def _mirrors(builder: MeshBuilder, vehicle: Vehicle, x: float, z: float, layer: float = CABIN) -> None:
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


def _hood(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, front: float, back: float, z: tuple[float, float], half: float
) -> None:
    """Seam lines and stickers of the hood between x = ``back`` and ``front``; ``z`` heights there."""
    dark = tuple(0.6 * c for c in vehicle.paint)
    bonnet = np.array(
        [
            (back, 0.80 * half, z[0] + 0.01),
            (front, 0.76 * half, z[1] + 0.01),
            (front, -0.76 * half, z[1] + 0.01),
            (back, -0.80 * half, z[0] + 0.01),
        ]
    )
    for line in ((0.0, 0.03), (0.97, 1.0)):
        builder.face(solid, patch(bonnet, (0, 1), line), dark, MATT, 18, (0, 0, 1))  # type: ignore[arg-type]
    _stick(builder, solid, vehicle, "hood", bonnet, (0, 0, 1))


def _car(
    profile: tuple[tuple[float, float, float, float], ...], house: _Greenhouse
) -> Callable[[MeshBuilder, Vehicle], None]:
    def build(builder: MeshBuilder, vehicle: Vehicle) -> None:
        height, length = vehicle.height_m, vehicle.length_m
        lift = 1 + 0.03 * vehicle.shape[0]
        belt = profile[3][3] * height * lift
        solid = _lower_body(builder, vehicle, profile)
        _hood(builder, solid, vehicle, profile[5][0] * length, profile[4][0] * length,
              (profile[4][3] * height * lift, profile[5][3] * height * lift), vehicle.width_m / 2)  # fmt: skip
        seams = tuple(s for s in (-0.18, 0.02, 0.19) if s > house.rear_roof)
        _side_details(builder, solid, vehicle, seams, (0.22 * height, 0.93 * belt))
        _wheels(builder, solid, vehicle, 0.33 if vehicle.body in ("sedan", "hatchback") else 0.38, axles_m(vehicle))
        _greenhouse(builder, vehicle, house, belt - 0.03)
        _mirrors(builder, vehicle, 0.17 * length, belt + 0.02)
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


def _tall(builder: MeshBuilder, vehicle: Vehicle, sections: list[Array], top_colours: tuple[Colour, Colour]) -> int:
    """A van's or bus's one-box body."""
    solid = builder.solid(BODY, (0, 0, 0.45 * vehicle.height_m))
    rocker, door = _paint_below(vehicle)
    side, roof = top_colours
    builder.loft(
        solid, sections, (rocker, door, side, side, roof, side, side, door, rocker), (vehicle.paint, vehicle.bumper)
    )
    return solid


def _flank(
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


def _livery(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, span: tuple[float, float], z: tuple[float, float]
) -> None:
    """A fleet's stripe and sign on both flanks within ``span`` of the length and ``z`` of the height."""
    if vehicle.livery is None:
        return
    first, second = vehicle.livery
    low, rise = z[0], z[1] - z[0]
    stripe = low + rise * (0.35 + 0.3 * vehicle.shape[4])
    _flank(builder, solid, vehicle, [span], (stripe, stripe + 0.16 * rise), first, MATT)
    start = span[0] + (span[1] - span[0]) * (0.3 + 0.2 * vehicle.shape[5])
    _flank(
        builder,
        solid,
        vehicle,
        [(start, start + 0.35 * (span[1] - span[0]))],
        (low + 0.40 * rise, low + 0.90 * rise),
        second,
        MATT,
    )
    _flank(
        builder,
        solid,
        vehicle,
        [(start + 0.03, start + 0.28 * (span[1] - span[0]))],
        (low + 0.55 * rise, low + 0.65 * rise),
        first,
        MATT,
    )


def _van(builder: MeshBuilder, vehicle: Vehicle) -> None:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    profile = ((-0.50, 0.94, 0.20, 0.92), (-0.49, 1, 0.14, 0.985), (-0.20, 1, 0.12, 1.0), (0.16, 1, 0.12, 0.99), (0.24, 0.995, 0.12, 0.95),
               (0.37, 0.99, 0.12, 0.58), (0.47, 0.96, 0.13, 0.47), (0.50, 0.86, 0.18, 0.38))  # fmt: skip
    sections = [_section(x * length, half * w, b * height, t * height, 0.84) for x, w, b, t in profile]
    solid = _tall(builder, vehicle, sections, (vehicle.paint, vehicle.paint))
    glass = _glass(vehicle)
    screen = np.array([sections[5][4], sections[5][5], sections[4][5], sections[4][4]]) + np.array([0.01, 0, 0.01])
    builder.face(solid, patch(screen, (0.04, 0.96), (0.06, 0.94)), glass, GLASS, 0, (0.7, 0, 0.7))
    _flank(builder, solid, vehicle, [(0.13, 0.27)], (0.60, 0.86), glass, GLASS)
    if vehicle.livery is None:
        _flank(builder, solid, vehicle, [(-0.44, -0.20), (-0.16, 0.09)], (0.60, 0.86), glass, GLASS)
    _livery(builder, solid, vehicle, (-0.47, 0.08), (0.30, 0.92))
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
        builder.face(solid, patch(rear, lamp, (0.22, 0.55)), _TAIL, TAIL, 0, out)
    builder.face(solid, patch(rear, (0.38, 0.62), (0.22, 0.32)), vehicle.plate, MATT, 14, out)
    _stick(builder, solid, vehicle, "tail", rear, out)
    _nose_of_tall(builder, solid, vehicle, 0.505 * length, (0.18 * height, 0.44 * height), 0.84 * half)
    _side_details(builder, solid, vehicle, (-0.2, 0.1, 0.28), (0.16 * height, 0.56 * height))
    _wheels(builder, solid, vehicle, 0.35, axles_m(vehicle))
    _mirrors(builder, vehicle, 0.28 * length, 0.55 * height, BODY)
    if vehicle.rack:
        w = 0.8 * half
        _rack(
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


def _nose_of_tall(
    builder: MeshBuilder, solid: int, vehicle: Vehicle, x: float, z: tuple[float, float], half: float
) -> None:
    face = np.array([(x, half, z[0]), (x, -half, z[0]), (x, -half, z[1]), (x, half, z[1])])
    out = (1, 0, 0)
    builder.face(solid, patch(face, (0.2, 0.8), (0.45, 0.9)), _DARK, MATT, 5, out)
    builder.face(solid, patch(face, (0.0, 1.0), (0.0, 0.25)), _DARK, MATT, 6, out)
    builder.face(solid, patch(face, (0.36, 0.64), (0.1, 0.32)), vehicle.plate, MATT, 14, out)
    for lamp in ((0.0, 0.17), (0.83, 1.0)):
        builder.face(solid, patch(face, lamp, (0.45, 0.9)), _LAMP, LAMP, 0, out)


def _box_truck(builder: MeshBuilder, vehicle: Vehicle) -> None:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    rocker, door = _paint_below(vehicle)
    profile = (
        (0.24, 1, 0.16, 0.80),
        (0.36, 1, 0.16, 0.80),
        (0.45, 0.99, 0.16, 0.50),
        (0.49, 0.97, 0.16, 0.44),
        (0.50, 0.92, 0.18, 0.38),
    )
    chassis = builder.solid(BODY - 1, (0, 0, 0.15 * height))
    builder.box(
        chassis, (-0.49 * length, -0.75 * half, 0.13 * height), (0.3 * length, 0.75 * half, 0.27 * height), _DARK, MATT
    )
    _wheels(builder, chassis, vehicle, 0.46, axles_m(vehicle)[:1])
    cab = builder.solid(BODY, (0.36 * length, 0, 0.4 * height))
    sections = [_section(x * length, 0.93 * half * w, b * height, t * height, 0.9) for x, w, b, t in profile]
    paint = vehicle.paint
    builder.loft(
        cab, sections, (rocker, door, paint, paint, paint, paint, paint, door, rocker), (paint, vehicle.bumper)
    )
    glass = _glass(vehicle)
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
    _nose_of_tall(builder, cab, vehicle, 0.505 * length, (0.17 * height, 0.40 * height), 0.82 * half)
    _wheels(builder, cab, vehicle, 0.46, axles_m(vehicle)[1:])
    _cargo_box(builder, vehicle)
    _mirrors(builder, vehicle, 0.42 * length, 0.48 * height, BODY)


def _cargo_box(builder: MeshBuilder, vehicle: Vehicle) -> None:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    solid = builder.solid(BODY, (-0.14 * length, 0, 0.62 * height))
    colour = (0.90, 0.90, 0.90) if vehicle.cargo < 3 else tuple(0.4 + 0.6 * c for c in vehicle.paint)
    builder.box(solid, (-0.5 * length, -half, 0.26 * height), (0.22 * length, half, height), colour)  # type: ignore[arg-type]
    _livery(builder, solid, vehicle, (-0.49, 0.21), (0.30, 0.98))
    x = -0.502 * length
    rear = np.array([(x, half, 0.26 * height), (x, -half, 0.26 * height), (x, -half, height), (x, half, height)])
    out = (-1, 0, 0)
    builder.face(solid, patch(rear, (0.06, 0.94), (0.08, 0.95)), (0.72, 0.72, 0.72), MATT, 3, out)
    builder.face(solid, patch(rear, (0.495, 0.505), (0.08, 0.95)), _DARK, MATT, 10, out)
    if vehicle.livery is not None:
        builder.face(solid, patch(rear, (0.2, 0.8), (0.5, 0.8)), vehicle.livery[1], MATT, 4, out)
    for lamp in ((0.0, 0.08), (0.92, 1.0)):
        builder.face(solid, patch(rear, lamp, (0.0, 0.07)), _TAIL, TAIL, 0, out)
    _stick(builder, solid, vehicle, "tail", rear, out)


def _bus(builder: MeshBuilder, vehicle: Vehicle) -> None:
    length, half, height = vehicle.length_m, vehicle.width_m / 2, vehicle.height_m
    profile = (
        (-0.50, 0.95, 0.12, 0.95),
        (-0.495, 1, 0.10, 0.985),
        (-0.3, 1, 0.10, 1.0),
        (0.3, 1, 0.10, 1.0),
        (0.485, 1, 0.10, 0.985),
        (0.50, 0.95, 0.12, 0.95),
    )
    sections = [_section(x * length, half * w, b * height, t * height, 0.92) for x, w, b, t in profile]
    solid = _tall(builder, vehicle, sections, (vehicle.paint, (0.85, 0.85, 0.85)))
    glass = _glass(vehicle)
    panes = [(-0.47 + 0.105 * k, -0.47 + 0.105 * k + 0.095) for k in range(9)]
    _flank(builder, solid, vehicle, [(-0.475, 0.485)], (0.47, 0.82), _DARK, MATT)
    _flank(builder, solid, vehicle, panes, (0.49, 0.80), glass, GLASS)
    first, second = vehicle.livery or (vehicle.paint, vehicle.paint)
    _flank(builder, solid, vehicle, [(-0.49, 0.49)], (0.30, 0.30 + 0.06 + 0.05 * vehicle.shape[4] ** 2), first, MATT)
    _flank(builder, solid, vehicle, [(-0.49, -0.49 + 0.25 + 0.15 * vehicle.shape[5])], (0.13, 0.30), second, MATT)
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
            solid, patch(end, (0.2, 0.8), (0.87, 0.97)), (0.12, 0.50, 0.75) if side > 0 else _DARK, MATT, 4, out
        )
        for lamp in ((0.02, 0.18), (0.82, 0.98)):
            builder.face(
                solid, patch(end, lamp, (0.10, 0.20)), _LAMP if side > 0 else _TAIL, LAMP if side > 0 else TAIL, 0, out
            )
        builder.face(solid, patch(end, (0.40, 0.60), (0.06, 0.14)), vehicle.plate, MATT, 14, out)
    _wheels(builder, solid, vehicle, 0.48, axles_m(vehicle))
    _mirrors(builder, vehicle, 0.49 * length, 0.6 * height, BODY)
    unit = builder.solid(TOP, (-0.1 * length, 0, height))
    builder.box(
        unit,
        (-0.25 * length, -0.5 * half, height),
        (-0.05 * length, 0.5 * half, height + 0.2),
        (0.75, 0.75, 0.75),
        MATT,
    )


_BUILDERS: dict[str, Callable[[MeshBuilder, Vehicle], None]] = {
    "sedan": _car(_SEDAN, _Greenhouse(-0.42, -0.25, 0.03, 0.20, ((0.16, 0.50), (0.54, 0.90)))),
    "hatchback": _car(_HATCH, _Greenhouse(-0.475, -0.40, 0.05, 0.24, ((0.08, 0.24), (0.28, 0.56), (0.60, 0.92)))),
    "suv": _car(_SUV, _Greenhouse(-0.48, -0.43, 0.06, 0.23, ((0.06, 0.26), (0.30, 0.58), (0.62, 0.93)), 0.84)),
    "pickup": _car(_PICKUP, _Greenhouse(-0.15, -0.12, 0.07, 0.22, ((0.08, 0.46), (0.52, 0.90)), 0.84)),
    "van": _van,
    "box_truck": _box_truck,
    "bus": _bus,
}
