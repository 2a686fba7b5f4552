"""The one door to the eye: every picture that leaves this package as a file passes ``shown``, which hides what must not
be seen.

Pictures are (height, width, 3) uint8 BGR. Hidden means replaced by a few averages per box, so that nothing can be
computed back.
"""

from __future__ import annotations

import cv2
import numpy as np

from mtmc.report import Hide
from mtmc.structures import Float, Short, label_index
from mtmc.video import Image

CELLS = 4
"""A hidden box keeps at most this many averages along each side."""
PLATE_SHARE = 0.55
"""Share of a vehicle's box, from below, in which its plate may be."""
MARGIN = 0.06
"""Boxes are hidden with this share more on each side, as detectors cut close."""
PERSONS = ("person", "bicycle", "motorcycle")
"""Kinds of boxes that show a person."""


def shown(image: Image, xyxy: Float, labels: Short, hide: Hide) -> Image:
    """The picture as it may be seen: ``xyxy`` (N, 4) boxes of every kind in it, ``labels`` (N,) into ``LABELS``."""
    if hide == "nothing" or len(xyxy) == 0:
        return image
    result = image.copy()
    persons = np.isin(labels, [label_index(name) for name in PERSONS])
    for box, whole in zip(xyxy, persons | (hide == "boxes"), strict=True):
        _average(result, _region(box, bool(whole), image.shape))
    return result


def _region(box: Float, whole: bool, shape: tuple[int, ...]) -> tuple[slice, slice]:
    left, top, right, bottom = box.tolist()
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    upper = top - down if whole else bottom - PLATE_SHARE * (bottom - top)
    rows = slice(max(int(upper), 0), min(int(np.ceil(bottom + down)), shape[0]))
    columns = slice(max(int(left - across), 0), min(int(np.ceil(right + across)), shape[1]))
    return rows, columns


def _average(image: Image, region: tuple[slice, slice]) -> None:
    part = image[region]
    if part.size == 0:
        return
    height, width = part.shape[:2]
    few = cv2.resize(part, (min(CELLS, width), min(CELLS, height)), interpolation=cv2.INTER_AREA)
    image[region] = cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST)
