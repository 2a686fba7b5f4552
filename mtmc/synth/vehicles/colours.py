"""Colours of vehicles and of who rides them: (blue, green, red) in [0, 1]."""

from __future__ import annotations

import cv2
import numpy as np

Colour = tuple[float, float, float]


def from_hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour by its hue in degrees, saturation and value in [0, 1]."""
    pixel = np.array([[[hue % 360, saturation, value]]], np.float32)
    blue, green, red = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0]
    return float(blue), float(green), float(red)


def bright_colour(rng: np.random.Generator) -> Colour:
    """Any hue, as signs and liveries have it."""
    return from_hsv(rng.uniform(0, 360), rng.uniform(0.5, 0.95), rng.uniform(0.45, 0.95))


def pick(rng: np.random.Generator, choices: tuple[Colour, ...]) -> Colour:
    """One of the choices."""
    return choices[int(rng.integers(len(choices)))]
