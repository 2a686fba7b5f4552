"""Boxes, names and paths on pictures, one look per vehicle.

Pictures are (height, width, 3) uint8 BGR and are drawn on in place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.geometry import bottom_centres
from mtmc.report.colours import Colour, colour_of
from mtmc.structures import GlobalTrack
from mtmc.video import Image

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One vehicle in one frame: its box (4,), its path so far (P, 2), whether other cameras know it too."""

    vehicle_id: int
    box: NDArray[np.float32]
    path: NDArray[np.float64]
    linked: bool


def marks_of(vehicles: Iterable[GlobalTrack], camera_id: str, trail_frames: int) -> dict[int, list[Mark]]:
    """Frame to what is to be drawn in one camera; paths reach back ``trail_frames`` frames."""
    marks: dict[int, list[Mark]] = defaultdict(list)
    for vehicle in vehicles:
        linked = len(vehicle.cameras) > 1
        for tracklet in vehicle.tracklets:
            if tracklet.camera_id != camera_id:
                continue
            feet = bottom_centres(tracklet.xyxy)
            starts = np.searchsorted(tracklet.frames, tracklet.frames - trail_frames)
            for row, frame in enumerate(tracklet.frames.tolist()):
                marks[frame].append(Mark(vehicle.vehicle_id, tracklet.xyxy[row], feet[starts[row] : row + 1], linked))
    return dict(marks)


def paint(picture: Image, marks: Sequence[Mark], scale: float) -> None:
    """Draw the marks, whose pixels are ``scale`` times smaller than the picture's; nearer vehicles over farther
    ones."""
    for mark in sorted(marks, key=lambda m: float(m.box[3])):
        colour = colour_of(mark.vehicle_id)
        _path(picture, mark.path * scale, colour)
        _frame(picture, mark.box * scale, colour, 3 if mark.linked else 1)
    for mark in marks:
        left, top = (mark.box[:2] * scale).tolist()
        tag(picture, str(mark.vehicle_id), (left, top), colour_of(mark.vehicle_id))


def _path(picture: Image, points: NDArray[np.float64], colour: Colour) -> None:
    if len(points) > 1:
        line = points.round().astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(picture, [line], False, colour, 2, cv2.LINE_AA)


def _frame(picture: Image, box: NDArray[np.float32], colour: Colour, thickness: int) -> None:
    """A coloured frame with a dark rim, so that it shows on any ground."""
    left, top, right, bottom = (round(float(v)) for v in box)
    cv2.rectangle(picture, (left, top), (right, bottom), BLACK, thickness + 2, cv2.LINE_AA)
    cv2.rectangle(picture, (left, top), (right, bottom), colour, thickness, cv2.LINE_AA)


def tag(picture: Image, text: str, corner: tuple[float, float], colour: Colour, size: float = 0.5) -> None:
    """A label with dark or light letters on ``colour``, standing on ``corner`` (x, y), kept inside the picture."""
    (width, height), below = cv2.getTextSize(text, FONT, size, 1)
    right, bottom = picture.shape[1], picture.shape[0]
    x = round(min(max(corner[0], 0), max(right - width - 6, 0)))
    y = round(min(max(corner[1], height + below + 4), bottom))
    cv2.rectangle(picture, (x, y - height - below - 3), (x + width + 6, y), colour, cv2.FILLED)
    letters = BLACK if 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2] > 110 else WHITE
    cv2.putText(picture, text, (x + 3, y - below), FONT, size, letters, 1, cv2.LINE_AA)
