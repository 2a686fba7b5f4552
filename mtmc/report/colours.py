"""One colour per vehicle: golden-angle hues in OKLCH, so that neighbours in number lie far apart and none is favoured.

The results page computes the same colours in CSS (``page/colours.js``). Source of the matrices: B. Ottosson, "A
perceptual color space for image processing", 2020.
"""

from __future__ import annotations

import math

Colour = tuple[int, int, int]
"""Blue, green, red in [0, 255], as OpenCV wants them."""

GOLDEN_ANGLE_DEG = 137.508
LIGHTNESS = (0.62, 0.92, 0.86, 0.74, 0.68)
"""Taken in turn: of all orders of six steps the one whose ids up to three apart differ most for normal, protan, deutan
and tritan eyes."""
CHROMA = 0.16


def colour_of(vehicle_id: int) -> Colour:
    """BGR of a vehicle: depends on its id alone."""
    hue = math.radians(vehicle_id * GOLDEN_ANGLE_DEG % 360)
    return oklch(LIGHTNESS[vehicle_id % len(LIGHTNESS)], CHROMA, hue)


def oklch(lightness: float, chroma: float, hue: float) -> Colour:
    """BGR of a colour in OKLCH (hue in radians), clipped into sRGB."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return _byte(blue), _byte(green), _byte(red)


def _byte(linear: float) -> int:
    """A linear share as a gamma-coded byte of sRGB."""
    share = min(max(linear, 0.0), 1.0)
    coded = 12.92 * share if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055
    return round(255 * coded)
