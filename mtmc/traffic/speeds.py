"""Speeds on calibrated ground, by camera and movement: mean over vehicles (time-mean) and over the road (space-mean,
their harmonic mean), with what the calibration's error and the number of vehicles leave open.

Shape shorthand: V stays, K cells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from mtmc.scene import Scene
from mtmc.structures import Double, Long
from mtmc.traffic.cells import Keys, quantiles
from mtmc.traffic.measures import QUANTILES, Frame
from mtmc.traffic.tables import Columns, times
from mtmc.visits.stays import Stays

FASTEST_KMH = 180.0
"""Faster is implausible: flagged, not left out."""
LEAST_KMH = 1.0
"""Slower counts as this in the harmonic mean, which one standing vehicle would draw to zero."""
NORMAL = 1.645
"""Standard deviations from the middle to the 5th and the 95th percentile."""


def speed_tables(frame: Frame, stays: Stays, scene: Scene | None) -> Iterator[tuple[str, pa.Table]]:
    """``speeds`` and ``speeds_by_bin``, of stays whose speed is known; bins without any are left out."""
    bins = frame.bins.of(stays.start_s)
    rows = np.flatnonzero(np.isfinite(stays.speed_kmh) & (bins >= 0))
    whole = Keys(frame.movement.names[:3], frame.movement.sizes[:3])
    axes = [axis[rows].astype(np.int64) for axis in (stays.camera, stays.entry, stays.exit)]
    speed, error = stays.speed_kmh[rows], stays.speed_error_kmh[rows]
    yield "speeds", _table(frame, whole, whole.pack(*axes), speed, error, scene)
    by_bin = frame.by_bin(whole)
    yield "speeds_by_bin", _table(frame, by_bin, by_bin.pack(*axes, bins[rows]), speed, error, scene)


def _table(frame: Frame, keys: Keys, cell: Long, speed: Double, error: Double, scene: Scene | None) -> pa.Table:
    code, place, count = np.unique(cell, return_inverse=True, return_counts=True)
    axes, pieces = keys.unpack(code), frame.pieces
    camera = axes["camera"].tolist()

    def mean(values: Double) -> Double:
        return np.asarray(np.bincount(place, values, len(code)) / np.maximum(count, 1))

    columns: Columns = times(frame.bins, axes["bin"], scene) if "bin" in axes else {}
    columns["camera_id"] = [pieces.cameras[c] for c in camera]
    for end, names in (("entry", pieces.entry_names), ("exit", pieces.exit_names)):
        columns[end] = [names[c][z] for c, z in zip(camera, axes[end].tolist(), strict=True)]
    average = mean(speed)
    spread = np.maximum(mean(speed**2) - average**2, 0.0) / np.maximum(count, 1)
    unsure = NORMAL * np.sqrt(spread + mean(error) ** 2)  # a calibration's error is that of all vehicles alike
    columns |= {"vehicles": count, "time_mean_kmh": average, "low_kmh": average - unsure, "high_kmh": average + unsure}
    columns["space_mean_kmh"] = 1 / np.maximum(mean(1 / np.maximum(speed, LEAST_KMH)), 1e-9)
    for fraction, column in zip(QUANTILES, quantiles(cell, speed, QUANTILES).T, strict=True):
        columns[f"p{100 * fraction:.0f}_kmh"] = column
    columns["implausible"] = np.bincount(place, speed > FASTEST_KMH, len(code)).astype(np.int64)
    return pa.table(columns)
