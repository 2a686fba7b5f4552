"""One vehicle leaves the image and another enters at the same place: one track to a tracker, two to who sees before and
after.

A box cut by the border says little about where its vehicle is, but its inner edge (the one away from that border) does:
it moves outwards while the vehicle leaves and inwards while one enters.

Shape shorthand: N detections of a clip; M of them in tracks, track by track in time; four borders left, top, right,
bottom.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtmc.track.sparse_iou import pair_overlap, to_bounds

_REACH = 2  # the way of the inner edge is looked at over so many boxes before a cut, and as many after
_BORDER_PX = 1.0


def part_at_border(
    numbers: NDArray[np.int64], xyxy: NDArray[np.float32], size: tuple[int, int], least: float
) -> NDArray[np.int64]:
    """Numbers (N,) of tracks, with fresh ones for what follows where one vehicle left and another entered.

    xyxy (N, 4): boxes in time; size: (width, height) of the image. From one box of the track to the next, both at a
    border, the inner edge jumps in after it has moved out and before it moves further in, each by ``least`` box sizes
    or more.
    """
    rows = np.argsort(numbers, kind="stable")
    rows = rows[np.searchsorted(numbers[rows], 1) :]
    last = np.arange(_REACH, len(rows) - _REACH - 1)  # a track's last box before a possible cut
    track = numbers[rows]
    last = last[track[last - _REACH] == track[last + 1 + _REACH]]
    boxes = xyxy[rows].astype(np.float64) * [-1, -1, 1, 1]
    outside = boxes >= np.array([0, 0, *size]) - _BORDER_PX
    inner = -boxes[:, [2, 3, 0, 1]]  # grows on the way out
    area = (boxes[:, :2] + boxes[:, 2:]).prod(axis=1)
    step = least * np.sqrt(np.minimum(area[last], area[last + 1]))[:, None]
    cut = outside[last] & outside[last + 1]
    for earlier, later in ((last + 1, last), (last - _REACH, last), (last + 1 + _REACH, last + 1)):
        cut &= inner[later] - inner[earlier] >= step
    last = last[cut.any(axis=1)]
    last = last[np.diff(last, prepend=-_REACH - 1) > _REACH]  # one turn, one cut
    bounds = to_bounds(xyxy[rows, :2].astype(np.float64), xyxy[rows, 2:].astype(np.float64))
    here, earlier = (pair_overlap(bounds[box], bounds[box + 1]) for box in (last, last - 1))
    return _renamed(numbers, rows, last + (here <= earlier))  # the jump itself may be one step before the turn


def _renamed(numbers: NDArray[np.int64], rows: NDArray[np.intp], starts: NDArray[np.intp]) -> NDArray[np.int64]:
    """Numbers (N,) with a fresh one from each of ``starts`` (indices into M) to the end of its track."""
    result = numbers.copy()
    begins = np.concatenate([[True], np.diff(numbers[rows]) != 0])
    begins[starts] = True
    result[rows] = np.cumsum(begins)
    return result
