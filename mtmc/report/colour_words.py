"""The plain word for a vehicle's colour.

The road beside the box tells the camera's cast and is taken for grey, and for a middling one at dusk. The lower half
of the body decides first: it is paint rather than glass. Limits were chosen on the rendered demo cities 101 to 103, on
clip S90 and, for the dusk, on the ladder's scenes of seed 1001. Of the crops of demo cities 0 and 6, on which none was
chosen, 70 % get the right word; of those at dusk in rain a quarter to a half.
"""

from __future__ import annotations

import cv2
import numpy as np

from mtmc.structures import Float
from mtmc.video import Image

HUES = (
    (45, "red"), (62, "orange"), (98, "yellow"), (190, "green"), (305, "blue"), (345, "purple"), (361, "red"),
)  # fmt: skip
"""Hue in the Lab plane, degrees, up to which a name holds."""
GREYS = ((58, "grey"), (80, "silver"), (101, "white"))
"""Lightness of the brightest tenth up to which a name holds, for vehicles without colour."""
BLACK = 15
"""Lightness of the lower half up to which a vehicle without colour is black."""
EARTH = (45, 98)
"""Hues that are called brown where they are darker than BROWN, beige where they are paler than BEIGE."""
BROWN, BEIGE = 25, 28
LEAST_CHROMA, CONCENTRATION = 15, 0.8
"""What counts as coloured, and how much the coloured pixels must agree on their hue."""
SHARES = (0.35, 0.3)
"""Shares of coloured pixels in the lower half, in the whole body, from which on a vehicle has a colour."""
MOST_GAIN = 1.3
DUSK, DAY = 0.3, 0.36
"""A road darker than the one is brightened to the other, of 1."""
AROUND = 0.35
"""Share of the box within which beside and below it the road is looked for."""
LEAST_BODY_PX = 60


def colour_name(image: Image, box: Float) -> str:
    """The word for the vehicle in a box (4,) of a picture; "unclear" for a tiny one."""
    size = box[2:] - box[:2]
    left, top = np.maximum(box[:2] - size * (AROUND, 0), 0).astype(int)
    right, bottom = np.ceil(box[2:] + size * AROUND).astype(int)
    part = image[top:bottom, left:right].astype(np.float32) / 255
    y, x = np.indices(part.shape[:2])
    across, down = (x + left - box[0]) / size[0] * 2 - 1, (y + top - box[1]) / size[1] * 2 - 1  # -1 to 1 in the box
    beside = ((np.abs(across) > 1) | (down > 1)) & (down > -0.2)
    body, low = (np.abs(across) < 0.72) & (down > -0.75) & (down < 0.55), (down > 0) & (down < 0.5)
    if body.sum() < LEAST_BODY_PX:
        return "unclear"
    lab = cv2.cvtColor(_balanced(part, part[beside]), cv2.COLOR_BGR2LAB)
    return _hue_name(lab[body & low], SHARES[0]) or _hue_name(lab[body], SHARES[1]) or _grey_name(lab, body, body & low)


def _balanced(part: np.ndarray, road: np.ndarray) -> np.ndarray:
    """The picture (height, width, 3) of 0 to 1 as under daylight in which the road (N, 3) is grey."""
    if len(road) == 0:
        return part
    colour = np.maximum(np.median(road, axis=0), 0.05)
    gain = np.clip(colour.mean() / colour, 1 / MOST_GAIN, MOST_GAIN)
    if colour.mean() < DUSK:
        gain = gain * DAY / colour.mean()
    return np.asarray(np.minimum(part * gain, 1), np.float32)


def _hue_name(lab: np.ndarray, share: float) -> str:
    """The name of a colour that at least ``share`` of the pixels (N, 3) agree on; "" where there is none."""
    plane = lab[:, 1] + 1j * lab[:, 2]
    coloured = np.abs(plane) > LEAST_CHROMA
    total = plane[coloured].sum()
    if coloured.mean() <= share or np.abs(total) <= CONCENTRATION * np.abs(plane[coloured]).sum():
        return ""
    hue = np.degrees(np.angle(total)) % 360
    if EARTH[0] < hue < EARTH[1]:
        if np.median(lab[coloured, 0]) < BROWN:
            return "brown"
        if np.median(np.abs(plane[coloured])) < BEIGE:
            return "beige"
    return next(name for limit, name in HUES if hue < limit)


def _grey_name(lab: np.ndarray, body: np.ndarray, low: np.ndarray) -> str:
    if np.median(lab[low, 0]) < BLACK:
        return "black"
    brightest = np.percentile(lab[body, 0], 90)
    return next(name for limit, name in GREYS if brightest < limit)
