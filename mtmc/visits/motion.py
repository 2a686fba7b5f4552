"""How fast a vehicle goes on calibrated ground, how far that can be trusted, and where it stands.

Shape shorthand: N boxes of a tracklet.
"""

from __future__ import annotations

import numpy as np

from mtmc.scene import Camera
from mtmc.structures import Double, Long

SPEED_SPAN_S = 1.0
"""Speeds are measured over this time: shorter, the boxes' jitter would count as movement."""
STANDS_KMH = 5.0
"""Slower is standing: about a walking pace, as queues are counted in capacity manuals."""
LEAST_STAND_S = 2.0
USUAL_ERROR_PX = 2.0
"""How far a box's foot is off, with the calibration's own error, where calibration.txt does not tell one."""


def speed_kmh(times: Double, metres: Double) -> float:
    """Median speed over spans of SPEED_SPAN_S along ``metres`` (N, 2); NaN where nothing is known of the ground or the
    stay is shorter."""
    speeds = _speeds(times, metres)[1]
    return float(np.median(speeds) * 3.6) if len(speeds) else float("nan")


def speed_error_kmh(camera: Camera, times: Double, feet: Double) -> float:
    """One standard deviation that the calibration's error (pixels) gives to the speed between the first and the last of
    ``feet`` (N, 2) pixels; NaN without calibration or time."""
    seconds = float(times[-1] - times[0])
    if camera.calibration is None or seconds <= 0:
        return float("nan")
    off = camera.calibration.error_px or USUAL_ERROR_PX
    moved = np.array([(0, 0), (off, 0), (0, off)])
    ground = camera.ground_points((moved[:, None] + feet[[0, -1]]).reshape(-1, 2)).reshape(3, 2, 2)
    squares = ((ground[1:] - ground[0]) ** 2).sum(axis=(0, 2))  # metres squared that the error means at either end
    return float(3.6 * np.sqrt(squares.sum()) / seconds)


def standing(times: Double, metres: Double) -> Long:
    """Stretches of standing (S, 2): rows of the first and last box of each, at least LEAST_STAND_S long."""
    rows, speeds = _speeds(times, metres)
    slow = np.zeros(len(times) + 1, np.int8)
    for row in rows[speeds * 3.6 < STANDS_KMH].tolist():
        slow[row : np.searchsorted(times, times[row] + SPEED_SPAN_S) + 1] = 1
    slow[-1] = 0
    edges = np.flatnonzero(np.diff(slow, prepend=0))
    stretches = np.stack([edges[::2], edges[1::2] - 1], axis=1).astype(np.int64)
    return stretches[times[stretches[:, 1]] - times[stretches[:, 0]] >= LEAST_STAND_S]


def _speeds(times: Double, metres: Double) -> tuple[Long, Double]:
    """Rows and the metres per second from each to the row a span later; none for feet beyond the horizon."""
    later = np.searchsorted(times, times + SPEED_SPAN_S)
    rows = np.flatnonzero(later < len(times))
    way = np.linalg.norm(metres[later[rows]] - metres[rows], axis=1)
    known = np.isfinite(way)
    rows = rows[known]
    return rows, np.asarray(way[known] / (times[later[rows]] - times[rows]))
