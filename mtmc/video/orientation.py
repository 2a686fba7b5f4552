"""Pictures turned as players show them, and of one shape.

Codes are EXIF's: 1 upright, 2 mirrored, 3 upside down, ..., 6 and 8 a quarter turn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mtmc.errors import InputError
from mtmc.structures import Image

ASPECT_TOLERANCE = 0.02
"""Sizes whose sides' ratio differs by less are the same view, scaled."""
CODES = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
"""Signs of a display matrix (a, b, c, d), x' = a x + c y and y' = b x + d y, to the code that it stands for."""


def orientation_of(picture: Any) -> int:
    """Code of a decoded picture, by its display matrix (nine numbers of 16.16 fixed point); 1 without one."""
    data = next((bytes(side) for side in picture.side_data if side.type.name == "DISPLAYMATRIX"), b"")
    if len(data) < 36:
        return 1
    a, b, _, c, d = np.sign(np.frombuffer(data, np.int32)[:5]).tolist()
    matrix = np.abs(np.frombuffer(data, np.int32).astype(np.int64))
    straight = matrix[0] + matrix[4] >= matrix[1] + matrix[3]
    return CODES.get((a, 0, 0, d) if straight else (0, b, c, 0), 1)


def turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(width, height) as shown of a stored size."""
    return size if orientation < 5 else (size[1], size[0])


def turned(image: Image, orientation: int) -> Image:
    """The picture (height, width, 3) as it is shown."""
    if orientation == 1:
        return image
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    down, right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return np.ascontiguousarray(image[:: -1 if down else 1, :: -1 if right else 1])


def refuse_other_shape(path: Path, size: tuple[int, int], found: tuple[int, int]) -> None:
    """Raise InputError where pictures of the size ``found`` are no view of ``size`` at another scale."""
    if abs(found[0] * size[1] / (found[1] * size[0]) - 1) > ASPECT_TOLERANCE:
        expected = f"pictures of one shape ({size[0]} x {size[1]} at first)"
        later = f"{found[0]} x {found[1]} later"
        raise InputError(path, expected, later, "Put what was recorded with other settings into a scene of its own.")
