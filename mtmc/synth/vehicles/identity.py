"""The parametric family of vehicles: thousands of identities that differ in shape, paint and details, and their
look-alike twins.

Lengths are metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mtmc.synth.vehicles.colours import Colour, bright_colour, from_hsv, pick
from mtmc.synth.vehicles.riders import Load, another_helmet, random_load

BODIES: tuple[str, ...] = ("sedan", "hatchback", "suv", "pickup", "van", "box_truck", "bus")
"""Body types of the city's traffic, in a fixed order."""

MOTORCYCLE = "motorcycle"
"""A body that only re-identification sets have, on demand."""

LABEL_OF_BODY: dict[str, str] = {
    "sedan": "car", "hatchback": "car", "suv": "car",
    "pickup": "truck", "van": "van", "box_truck": "truck", "bus": "bus", MOTORCYCLE: "motorcycle",
}  # fmt: skip
"""The detection label (``mtmc.structures.LABELS``) of each body type."""

_BODY_FREQUENCY = (0.34, 0.20, 0.23, 0.09, 0.08, 0.04, 0.02)

_SIZES = {  # length, width, height in metres: middle and half range
    "sedan": ((4.65, 0.25), (1.82, 0.06), (1.46, 0.04)),
    "hatchback": ((4.05, 0.25), (1.76, 0.06), (1.50, 0.05)),
    "suv": ((4.65, 0.25), (1.90, 0.06), (1.72, 0.08)),
    "pickup": ((5.40, 0.25), (1.93, 0.07), (1.82, 0.07)),
    "van": ((5.20, 0.45), (1.98, 0.06), (2.15, 0.25)),
    "box_truck": ((7.20, 0.80), (2.35, 0.08), (3.10, 0.20)),
    "bus": ((11.5, 0.60), (2.52, 0.03), (3.05, 0.10)),
    MOTORCYCLE: ((1.90, 0.10), (0.72, 0.05), (1.72, 0.08)),
}

_PAINTS = (  # name, frequency on the road, hue in degrees and spread, saturation range, value range
    ("white", 0.25, 40, 20, (0.00, 0.06), (0.86, 0.97)),
    ("black", 0.19, 220, 60, (0.00, 0.25), (0.07, 0.15)),
    ("gray", 0.17, 215, 25, (0.02, 0.14), (0.26, 0.46)),
    ("silver", 0.12, 210, 30, (0.01, 0.07), (0.62, 0.76)),
    ("blue", 0.10, 216, 16, (0.55, 0.92), (0.28, 0.75)),
    ("red", 0.08, 357, 7, (0.72, 0.95), (0.45, 0.82)),
    ("brown", 0.03, 26, 9, (0.38, 0.62), (0.26, 0.48)),
    ("green", 0.025, 140, 28, (0.35, 0.80), (0.22, 0.55)),
    ("golden", 0.02, 42, 6, (0.22, 0.42), (0.60, 0.78)),
    ("orange", 0.015, 20, 6, (0.82, 0.96), (0.78, 0.95)),
    ("yellow", 0.015, 48, 5, (0.78, 0.96), (0.84, 0.97)),
)

_RIMS = ((0.75, 0.74, 0.73), (0.55, 0.55, 0.55), (0.12, 0.12, 0.13), (0.90, 0.90, 0.90), (0.35, 0.34, 0.33))

PAINT_NAMES: tuple[str, ...] = tuple(row[0] for row in _PAINTS)
"""Names of the paint classes, in a fixed order."""


@dataclass(frozen=True, slots=True)
class Sticker:
    """A coloured patch: ``place`` is side, tail or hood; ``at`` (along, up) and ``size`` are fractions of that
    surface."""

    place: str
    at: tuple[float, float]
    size: tuple[float, float]
    colour: Colour


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One identity: everything that tells it apart. ``shape`` (6,) in [-1, 1] bends the body's lines within its
    type."""

    id: int
    body: str
    paint_name: str
    length_m: float
    width_m: float
    height_m: float
    paint: Colour
    roof_paint: Colour
    lower_paint: Colour
    livery: tuple[Colour, Colour] | None
    stickers: tuple[Sticker, ...]
    rim: Colour
    spokes: int
    wheel_m: float
    tint: float
    trim: Colour
    bumper: Colour
    plate: Colour
    rack: bool
    cargo: int
    sunroof: bool
    dirt: float
    shape: tuple[float, ...]
    load: Load | None = None
    """Who rides a motorcycle, and what they carry; None for other bodies."""

    @property
    def label(self) -> str:
        """Its detection label."""
        return LABEL_OF_BODY[self.body]


def random_vehicle(rng: np.random.Generator, vehicle_id: int, body: str | None = None) -> Vehicle:
    """Draw an identity with the frequencies of real roads; ``body`` fixes its type."""
    body = body or str(rng.choice(BODIES, p=_BODY_FREQUENCY))
    length, width, height = (middle + spread * rng.uniform(-1, 1) for middle, spread in _SIZES[body])
    paint_name, paint = _random_paint(rng, body)
    return Vehicle(
        vehicle_id, body, paint_name, length, width, height, paint,
        roof_paint=_roof_paint(rng, body, paint),
        lower_paint=(0.16, 0.16, 0.16) if rng.random() < _cladding_frequency(body) else paint,
        livery=_random_livery(rng, body),
        stickers=_random_stickers(rng),
        rim=pick(rng, _RIMS),
        spokes=int(rng.choice((0, 4, 5, 6, 8, 10))),
        wheel_m=float(rng.uniform(0.95, 1.08)),
        tint=float(rng.uniform(0.05, 0.30)),
        trim=pick(rng, ((0.10, 0.10, 0.10), (0.80, 0.80, 0.80), paint)),
        bumper=paint if rng.random() < 0.72 else (0.18, 0.18, 0.18),
        plate=pick(rng, ((0.92, 0.92, 0.92), (0.30, 0.82, 0.92), (0.90, 0.93, 0.85), (0.70, 0.55, 0.45))),
        rack=bool(rng.random() < (0.45 if body in ("suv", "van") else 0.10)),
        cargo=int(rng.integers(0, 4)),
        sunroof=bool(rng.random() < 0.25),
        dirt=float(max(0.0, rng.normal(0.10, 0.20))),
        shape=tuple(float(v) for v in rng.uniform(-1, 1, 6)),
        load=random_load(rng) if body == MOTORCYCLE else None,
    )  # fmt: skip


def twin(vehicle: Vehicle, rng: np.random.Generator, vehicle_id: int) -> Vehicle:
    """A look-alike: same make and paint; only dirt, one sticker and perhaps the wheels differ, as between two cars of
    one fleet; between two motorcycles the rider's helmet."""
    if vehicle.load is not None:
        return replace(vehicle, id=vehicle_id, load=another_helmet(vehicle.load, rng))
    stickers = vehicle.stickers[:1] if vehicle.stickers else (_random_sticker(rng),)
    return replace(
        vehicle,
        id=vehicle_id,
        stickers=stickers if rng.random() < 0.5 else (),
        dirt=float(np.clip(vehicle.dirt + rng.uniform(-0.2, 0.2), 0, 1)),
        spokes=int(rng.choice((0, 4, 5, 6, 8, 10))) if rng.random() < 0.5 else vehicle.spokes,
    )


def random_fleet(
    rng: np.random.Generator, count: int, twins: float = 0.0, first_id: int = 1, motorcycles: float = 0.0
) -> list[Vehicle]:
    """``count`` identities, ids from ``first_id``; a fraction ``twins`` of them looks like another one of the fleet, a
    fraction ``motorcycles`` of the others are such."""
    fleet: list[Vehicle] = []
    for number in range(first_id, first_id + count):
        if fleet and rng.random() < twins:
            fleet.append(twin(fleet[int(rng.integers(max(0, len(fleet) - 6), len(fleet)))], rng, number))
        else:
            ridden = motorcycles > 0 and rng.random() < motorcycles
            fleet.append(random_vehicle(rng, number, MOTORCYCLE if ridden else None))
    return fleet


def _random_paint(rng: np.random.Generator, body: str) -> tuple[str, Colour]:
    frequency = np.array([row[1] for row in _PAINTS])
    if body in ("van", "box_truck"):  # fleets are mostly white
        frequency[0] += 0.6
    name, _, hue, spread, saturation, value = _PAINTS[int(rng.choice(len(_PAINTS), p=frequency / frequency.sum()))]
    return name, from_hsv(hue + spread * rng.uniform(-1, 1), rng.uniform(*saturation), rng.uniform(*value))


def _roof_paint(rng: np.random.Generator, body: str, paint: Colour) -> Colour:
    if body in ("hatchback", "suv") and rng.random() < 0.2:
        return (0.08, 0.08, 0.08) if sum(paint) > 0.8 else (0.92, 0.92, 0.92)
    return paint


def _cladding_frequency(body: str) -> float:
    return {"suv": 0.45, "pickup": 0.3, "van": 0.3, "hatchback": 0.1}.get(body, 0.04)


_LIVERY_SHARE: Callable[[str], float] = {"van": 0.45, "box_truck": 0.75, "bus": 1.0, "sedan": 0.04}.get  # type: ignore[assignment]


def _random_livery(rng: np.random.Generator, body: str) -> tuple[Colour, Colour] | None:
    if rng.random() < (_LIVERY_SHARE(body) or 0.0):
        return bright_colour(rng), bright_colour(rng)
    return None


def _random_stickers(rng: np.random.Generator) -> tuple[Sticker, ...]:
    return tuple(_random_sticker(rng) for _ in range(int(rng.choice(4, p=(0.5, 0.3, 0.15, 0.05)))))


def _random_sticker(rng: np.random.Generator) -> Sticker:
    at = float(rng.uniform(0.15, 0.8)), float(rng.uniform(0.2, 0.7))
    size = float(rng.uniform(0.06, 0.16)), float(rng.uniform(0.12, 0.3))
    return Sticker(str(rng.choice(("side", "side", "tail", "hood"))), at, size, bright_colour(rng))
