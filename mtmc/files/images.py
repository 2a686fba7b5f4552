"""The one way in and out for pictures: regular files of a bearable size, decoded from memory."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtmc.errors import InputError
from mtmc.files import LARGEST_PIXELS, read_bytes

FIX = "Replace it, or take it away."


def read_image(
    path: Path, grey: bool = False, expected: str = "a picture", fix: str = FIX, size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """A picture, upright, 8 bits deep: (height, width) if ``grey``, else (height, width, 3) BGR.

    Raises InputError for a file that is none, has more than LARGEST_PIXELS, or is not of ``size`` (width, height),
    before its pixels are unpacked.
    """
    data = read_bytes(path, expected)
    found = _size(data)
    if found is not None and size is not None and sorted(found) != sorted(size):
        raise _of_other_size(path, expected, found, size, fix)
    if found is not None and found[0] * found[1] > LARGEST_PIXELS:
        of = f"one of {found[0]:,} x {found[1]:,}"
        raise InputError(path, f"{expected} of at most {LARGEST_PIXELS:,} pixels", of, fix)
    try:
        code = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
        image = cv2.imdecode(np.frombuffer(data, np.uint8), code) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise InputError(path, expected, "a file that is none", fix)
    if size is not None and image.shape[1::-1] != size:
        raise _of_other_size(path, expected, image.shape[1::-1], size, fix)
    return np.asarray(image, np.uint8)


def write_image(path: Path, image: NDArray[np.uint8], quality: int | None = None) -> None:
    """Write a picture in the form that its name tells, a JPEG of ``quality``. Raises OSError where the disk does not
    take it: OpenCV's own writer leaves half a file and says nothing."""
    options = [] if quality is None else [cv2.IMWRITE_JPEG_QUALITY, quality]
    path.write_bytes(cv2.imencode(path.suffix, image, options)[1].tobytes())


def _size(data: bytes) -> tuple[int, int] | None:
    """(width, height) as the file's header says, None where only the decoder can tell."""
    try:
        with Image.open(BytesIO(data)) as image:
            return image.size
    except Image.DecompressionBombError:
        return LARGEST_PIXELS, LARGEST_PIXELS
    except Exception:  # Pillow's plugins raise what they like for damaged headers; the decoder has the last word
        return None


def _of_other_size(path: Path, expected: str, found: tuple[int, int], size: tuple[int, int], fix: str) -> InputError:
    return InputError(path, f"{expected} of {size[0]} x {size[1]} pixels", f"{found[0]} x {found[1]}", fix)
