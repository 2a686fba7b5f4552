"""A vehicle's colour in a word: the paint's, whatever the light and however much of the box is glass, road and
tyres."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.report.colour_words import colour_name
from mtmc.video import Image

ROAD, GLASS, TYRE = (96, 96, 96), (70, 62, 56), (25, 25, 25)
PAINTS = {
    "red": (40, 40, 190), "orange": (30, 110, 235), "yellow": (40, 210, 235), "green": (60, 120, 40),
    "blue": (170, 80, 30), "white": (240, 240, 240), "silver": (178, 176, 172), "grey": (105, 102, 98),
    "black": (28, 26, 26),
}  # fmt: skip
BOX = np.array([40.0, 30.0, 120.0, 90.0])


def car(paint: tuple[int, int, int]) -> Image:
    """A car from the front, its glass above, on a road."""
    image = np.full((130, 160, 3), ROAD, np.uint8)
    image[38:84, 46:114] = paint
    image[40:58, 52:108] = GLASS
    image[80:90, 46:60] = image[80:90, 100:114] = TYRE
    return image


@pytest.mark.parametrize("cast", [(1.0, 1.0, 1.0), (1.15, 1.02, 0.9), (0.9, 1.0, 1.1)])
@pytest.mark.parametrize("name", PAINTS)
def test_paint_is_named_under_any_cast(name: str, cast: tuple[float, float, float]) -> None:
    noise = np.random.default_rng(1).normal(0, 3, (130, 160, 3))
    image = np.clip(car(PAINTS[name]) * np.array(cast) + noise, 0, 255).astype(np.uint8)
    assert colour_name(image, BOX) == name


@pytest.mark.parametrize("name", sorted(set(PAINTS) - {"black"}))
def test_paint_is_named_at_dusk(name: str) -> None:
    assert colour_name((car(PAINTS[name]) * 0.5).astype(np.uint8), BOX) == name


def test_edges_of_the_picture_and_tiny_boxes() -> None:
    image = car(PAINTS["red"])
    assert colour_name(image[30:90, 40:120], BOX - [40, 30, 40, 30]) == "red"  # nothing but the box
    assert colour_name(image, np.array([100.0, 30.0, 220.0, 190.0])) in {*PAINTS, "unclear"}
    assert colour_name(image, np.array([60.0, 50.0, 64.0, 54.0])) == "unclear"
    assert colour_name(image, np.array([400.0, 400.0, 440.0, 440.0])) == "unclear"
