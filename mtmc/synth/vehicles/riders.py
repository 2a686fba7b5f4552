"""Who rides a motorcycle and what they carry: as much of a motorcycle's identity as the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtmc.synth.vehicles.colours import Colour, bright_colour, from_hsv, pick

BANDS, COLUMNS = 8, 12
"""Cells of a jacket: bands from hip to shoulder, columns around the body from the left; the first half is the back."""

_DARK: Colour = (0.09, 0.09, 0.09)
_WHITE: Colour = (0.92, 0.92, 0.92)


@dataclass(frozen=True, slots=True)
class Person:
    """A rider: helmet (shell, stripe), skin, ``jacket`` (BANDS * COLUMNS,) colours of its cells, band by band;
    a hood on the shoulders; ``build`` in [-1, 1] from slight to broad; ``posture`` (elbows, knees, lean) in [-1, 1]."""

    helmet: tuple[Colour, Colour]
    skin: Colour
    jacket: tuple[Colour, ...]
    sleeves: Colour
    short_sleeves: bool
    trousers: Colour
    shoes: Colour
    hood: bool
    bag: tuple[Colour, Colour] | None
    build: float
    posture: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Load:
    """Who sits on a motorcycle and what it carries: ``box`` (length, width, height) metres and its two colours."""

    rider: Person
    pillion: Person | None
    box: tuple[float, float, float] | None
    box_colours: tuple[Colour, Colour]


def random_load(rng: np.random.Generator) -> Load:
    """A rider; one in seven has somebody behind, one in six a box."""
    behind, boxed = rng.random() < 0.15, rng.random() < 0.17
    size = float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.35, 0.95)), float(rng.uniform(0.3, 0.75))
    return Load(
        rider=_random_person(rng),
        pillion=_random_person(rng) if behind else None,
        box=size if boxed and not behind else None,
        box_colours=(_cloth(rng), bright_colour(rng)),
    )


def another_helmet(load: Load, rng: np.random.Generator) -> Load:
    """The same load under another helmet."""
    return replace(load, rider=replace(load.rider, helmet=_random_helmet(rng)))


def _random_person(rng: np.random.Generator) -> Person:
    cloth, trousers = _cloth(rng), _cloth(rng)
    tan = rng.uniform(0.45, 0.85)
    bags = (cloth, _DARK, bright_colour(rng), _cloth(rng))
    return Person(
        helmet=_random_helmet(rng),
        skin=(0.50 * tan, 0.62 * tan, 0.86 * tan),
        jacket=_random_jacket(rng, cloth),
        sleeves=cloth if rng.random() < 0.75 else _cloth(rng),
        short_sleeves=bool(rng.random() < 0.3),
        trousers=trousers if rng.random() < 0.5 else pick(rng, (_DARK, (0.22, 0.17, 0.14), (0.45, 0.34, 0.25))),
        shoes=pick(rng, (_DARK, _WHITE, (0.3, 0.3, 0.35), bright_colour(rng))),
        hood=bool(rng.random() < 0.25),
        bag=(bags[int(rng.integers(1, 4))], bright_colour(rng)) if rng.random() < 0.22 else None,
        build=float(rng.uniform(-1, 1)),
        posture=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))),
    )


def _random_helmet(rng: np.random.Generator) -> tuple[Colour, Colour]:
    grey = rng.uniform(0.25, 0.75)
    shell = pick(rng, (_WHITE, _DARK, (grey, grey, grey), bright_colour(rng), bright_colour(rng)))
    return shell, pick(rng, (shell, shell, _DARK, _WHITE, bright_colour(rng)))


def _cloth(rng: np.random.Generator) -> Colour:
    """Clothes are black or white, greyish, and at times bright."""
    kind, grey = rng.random(), rng.uniform(0.15, 0.85)
    if kind < 0.42:
        return pick(rng, ((0.07, 0.07, 0.07), (0.12, 0.11, 0.11), _WHITE, (0.85, 0.86, 0.88), (grey, grey, grey)))
    if kind < 0.72:
        return from_hsv(rng.uniform(0, 360), rng.uniform(0.08, 0.45), rng.uniform(0.15, 0.85))
    return bright_colour(rng)


def _random_jacket(rng: np.random.Generator, cloth: Colour) -> tuple[Colour, ...]:
    """Plain, hooped, in blocks, with bright stripes, spotted, or with a print on the back."""
    second, third = _cloth(rng), bright_colour(rng)
    cells = np.zeros((BANDS, COLUMNS), int)
    kind = int(rng.choice(6, p=(0.34, 0.12, 0.16, 0.08, 0.12, 0.18)))
    if kind == 1:
        cells[:: int(rng.integers(2, 4))] = 1
    elif kind == 2:
        cells[: int(rng.integers(2, BANDS - 1))] = 1
    elif kind == 3:
        cells[int(rng.integers(1, BANDS - 1))] = 2
        cells[:, 1:6:3] = 2
    elif kind == 4:
        cells = (rng.random(cells.shape) < rng.uniform(0.25, 0.6)).astype(int) * (1 + (rng.random(cells.shape) < 0.15))
    elif kind == 5:
        left, low = int(rng.integers(1, 3)), int(rng.integers(2, 5))
        wide, high = int(rng.integers(2, 6 - left)), int(rng.integers(1, 4))
        cells[low : low + high, left : left + wide] = 1 + (rng.random((high, wide)) < 0.4)
    return tuple((cloth, second, third)[k] for k in cells.ravel())
