"""A run's vehicles as tables: boxes, tracklets and vehicles (visits: ``mtmc.visits``), with seconds, metres and speeds
where they are known.

Frames are 0-based; ``time_s`` is scene time, seconds on the clock that all cameras share, ``time_utc`` the same by the
calendar, null where no file tells the day, local where no zone is told. ``x_m y_m`` (east, north),
``lon lat`` and ``speed_kmh`` are of the middle of a box's lower edge, null without calibration.
Shape shorthand: T boxes of a tracklet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from mtmc.geometry import bottom_centres, metres_to_gps
from mtmc.scene import Scene
from mtmc.structures import LABELS, Double, GlobalTrack, Tracklet
from mtmc.visits import moments, stays

SPEED_OVER_S = 1.0
"""A speed is the way between half of this before and half of this after, so that a box's jitter of some pixels does not
count."""

BOX_COLUMNS = {
    "vehicle_id": pa.int64(),
    "camera_id": pa.string(),
    "track_id": pa.int64(),
    "frame": pa.int32(),
    "time_s": pa.float64(),
    "time_utc": pa.timestamp("ms"),
    "x1": pa.float32(),
    "y1": pa.float32(),
    "x2": pa.float32(),
    "y2": pa.float32(),
    "score": pa.float32(),
    "label": pa.string(),
    "x_m": pa.float64(),
    "y_m": pa.float64(),
    "lon": pa.float64(),
    "lat": pa.float64(),
    "speed_kmh": pa.float64(),
}
NOTES = {
    "frame_base": "0",
    "boxes": "x1 y1 x2 y2 in pixels, 0-based, x2 and y2 just outside",
    "time_s": "seconds on the scene's clock",
    "time_utc": "by the calendar, where the day is known; local where no zone is told",
    "x_m": "metres east of the scene's origin, y_m north",
}
"""Stands in the schema's metadata of every table of boxes."""


def box_table(scene: Scene, vehicles: Sequence[GlobalTrack]) -> pa.Table:
    """One row per box, by vehicle, camera and frame; columns as in ``BOX_COLUMNS``."""
    parts = [_box_columns(vehicle.vehicle_id, t, scene) for vehicle, t in _members(vehicles)]
    schema = pa.schema(BOX_COLUMNS, NOTES)
    return pa.concat_tables([pa.table(part, schema=schema) for part in parts] or [schema.empty_table()])


def tracklet_table(scene: Scene, vehicles: Sequence[GlobalTrack]) -> pa.Table:
    """One row per tracklet: vehicle_id camera_id track_id label first_frame last_frame start_s start_utc end_s
    end_utc boxes score."""
    rows = [_tracklet_row(vehicle.vehicle_id, tracklet, scene) for vehicle, tracklet in _members(vehicles)]
    table = pa.Table.from_pylist(rows, pa.schema({
        "vehicle_id": pa.int64(), "camera_id": pa.string(), "track_id": pa.int64(), "label": pa.string(),
        "first_frame": pa.int32(), "last_frame": pa.int32(), "start_s": pa.float64(), "end_s": pa.float64(),
        "boxes": pa.int32(), "score": pa.float64(),
    }, {"frame_base": "0"}))  # fmt: skip
    return _with_calendar(table, scene)


def vehicle_table(scene: Scene, vehicles: Sequence[GlobalTrack]) -> pa.Table:
    """One row per vehicle: vehicle_id label cameras route first_s first_utc last_s last_utc tracklets boxes;
    ``route`` names its cameras in time."""
    rows = []
    for vehicle in vehicles:
        visits = [(stay[0].camera_id, *_span(stay, scene)) for stay in stays(scene, vehicle)]
        longest = max(vehicle.tracklets, key=len)
        rows.append({
            "vehicle_id": vehicle.vehicle_id, "label": LABELS[longest.label], "cameras": len(vehicle.cameras),
            "route": " ".join(camera for camera, _, _ in visits), "first_s": visits[0][1],
            "last_s": max(end for _, _, end in visits), "tracklets": len(vehicle.tracklets),
            "boxes": sum(len(t) for t in vehicle.tracklets),
        })  # fmt: skip
    table = pa.Table.from_pylist(rows, pa.schema({
        "vehicle_id": pa.int64(), "label": pa.string(), "cameras": pa.int32(), "route": pa.string(),
        "first_s": pa.float64(), "last_s": pa.float64(), "tracklets": pa.int32(), "boxes": pa.int64(),
    }))  # fmt: skip
    return _with_calendar(table, scene)


def ground_speed_kmh(metres: Double, time_s: Double) -> Double:
    """Speed (T,) along a path of ``metres`` (T, 2) at ``time_s`` (T,): the way within a second around; NaN where that
    is unknown."""
    half = SPEED_OVER_S / 2
    first = np.searchsorted(time_s, time_s - half - 1e-9)
    last = np.searchsorted(time_s, time_s + half + 1e-9, side="right") - 1
    way = np.hypot(*(metres[last] - metres[first]).T)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(last > first, 3.6 * way / (time_s[last] - time_s[first]), np.nan)


def calendar(scene: Scene, time_s: ArrayLike) -> pa.Array:
    """Moments of scene times (N,), whole milliseconds; null where the scene's day is not known."""
    (zero,), milliseconds = moments(scene, np.zeros(1)), np.rint(np.asarray(time_s, np.float64) * 1000)
    if zero is None:
        return pa.nulls(len(milliseconds), pa.timestamp("ms"))
    return pa.array(np.datetime64(zero, "ms") + milliseconds.astype("timedelta64[ms]"))


def _with_calendar(table: pa.Table, scene: Scene) -> pa.Table:
    """Beside every column of seconds, ``start_s`` say, one of moments, ``start_utc``."""
    for name in [name for name in table.column_names if name.endswith("_s")]:
        place = table.column_names.index(name) + 1
        moment = calendar(scene, table[name].to_numpy())
        table = table.add_column(place, f"{name.removesuffix('_s')}_utc", moment)
    return table


def _members(vehicles: Sequence[GlobalTrack]) -> Iterator[tuple[GlobalTrack, Tracklet]]:
    for vehicle in vehicles:
        for tracklet in sorted(vehicle.tracklets, key=lambda t: (t.camera_id, int(t.frames[0]))):
            yield vehicle, tracklet


def _box_columns(vehicle_id: int, tracklet: Tracklet, scene: Scene) -> dict[str, Any]:
    camera, count = scene.cameras[tracklet.camera_id], len(tracklet)
    time_s = camera.time_s(tracklet.frames)
    metres = camera.ground_points(bottom_centres(tracklet.xyxy))
    gps = np.full((count, 2), np.nan) if scene.origin is None else metres_to_gps(metres, scene.origin)
    places = {"x_m": metres[:, 0], "y_m": metres[:, 1], "lon": gps[:, 1], "lat": gps[:, 0]}
    places["speed_kmh"] = ground_speed_kmh(metres, time_s)
    named = {
        "vehicle_id": vehicle_id,
        "camera_id": camera.id,
        "track_id": tracklet.track_id,
        "label": LABELS[tracklet.label],
    }
    return {
        **{name: pa.array([value] * count, BOX_COLUMNS[name]) for name, value in named.items()},
        **{"frame": tracklet.frames, "time_s": np.round(time_s, 4), "score": tracklet.scores},
        "time_utc": calendar(scene, time_s),
        **{name: np.ascontiguousarray(tracklet.xyxy[:, i]) for i, name in enumerate(("x1", "y1", "x2", "y2"))},
        **{name: pa.array(values, pa.float64(), from_pandas=True) for name, values in places.items()},
    }


def _tracklet_row(vehicle_id: int, tracklet: Tracklet, scene: Scene) -> dict[str, Any]:
    start_s, end_s = scene.cameras[tracklet.camera_id].time_s(tracklet.frames[[0, -1]]).tolist()
    return {
        "vehicle_id": vehicle_id, "camera_id": tracklet.camera_id, "track_id": tracklet.track_id,
        "label": LABELS[tracklet.label], "first_frame": int(tracklet.frames[0]), "last_frame": int(tracklet.frames[-1]),
        "start_s": start_s, "end_s": end_s, "boxes": len(tracklet), "score": float(tracklet.scores.mean()),
    }  # fmt: skip


def _span(stay: Sequence[Tracklet], scene: Scene) -> tuple[float, float]:
    """First and last second of the tracklets of one camera."""
    times = scene.cameras[stay[0].camera_id].time_s(np.array([[t.frames[0], t.frames[-1]] for t in stay]))
    return float(times.min()), float(times.max())
