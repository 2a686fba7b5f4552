"""Visits: one row per vehicle and stay in a camera, the table that traffic figures, searches and the results page start
from.

    vehicle_id camera_id visit       the how-manieth stay of the vehicle in this camera, from 1
    start_s end_s                    first and last box on the scene's clock
    first_frame last_frame boxes     of the camera's video, 0-based
    entry exit                       learned entry and exit zone of the camera, from 1; 0 = elsewhere or none learned
    entry_x_px … exit_y_px           bottom centres of the first and last box
    entry_x_m … exit_y_m             the same in metres east and north of the scene's origin, null without calibration
    speed_kmh                        median over the stay, null without calibration
    label score                      kind by most boxes, mean detection score
    cut_start cut_end                whether the stay reaches the first or last second of the clip

Shape shorthand: V visits, T boxes of one visit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mtmc.geometry import bottom_centres
from mtmc.link.model.entry_exit_zones import HEADING_WEIGHT, RADIUS
from mtmc.scene import Camera, Scene
from mtmc.structures import LABELS, Double, GlobalTrack, Tracklet

LONGEST_GAP_S = 10.0
"""A vehicle out of sight for longer than this in one camera comes back as another visit ..."""
SHORT_GAP_S = 2.0
"""... or for longer than this, if another camera saw it between."""
CUT_S = 1.0
QUANTILES = (0.15, 0.5, 0.85)
SPEED_SPAN_S = 1.0
"""Speeds are measured over this time: shorter, the boxes' jitter would count as movement."""


def visits(scene: Scene, vehicles: Sequence[GlobalTrack], network: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Columns of the table, by vehicle and time. ``network``: a learned ``network.json``, whose zones name entries and
    exits."""
    zones = {} if network is None else network["cameras"]
    unknown: Mapping[str, Any] = {"entries": (), "exits": ()}
    rows = [
        _row(vehicle.vehicle_id, scene.cameras[stay[0].camera_id], stay, zones.get(stay[0].camera_id, unknown))
        for vehicle in sorted(vehicles, key=lambda v: v.vehicle_id)
        for stay in stays(scene, vehicle)
    ]
    seen: dict[tuple[int, str], int] = {}
    for row in rows:
        key = row["vehicle_id"], row["camera_id"]
        row["visit"] = seen[key] = seen.get(key, 0) + 1
    return {name: pa.array([row[name] for row in rows], kind, from_pandas=True) for name, kind in SCHEMA.items()}


SCHEMA: Mapping[str, pa.DataType] = {
    "vehicle_id": pa.int64(),
    "camera_id": pa.string(),
    "visit": pa.int32(),
    **dict.fromkeys(("start_s", "end_s"), pa.float64()),
    **dict.fromkeys(("first_frame", "last_frame", "boxes"), pa.int32()),
    **dict.fromkeys(("entry", "exit"), pa.int16()),
    **dict.fromkeys(("entry_x_px", "entry_y_px", "exit_x_px", "exit_y_px"), pa.float32()),
    **dict.fromkeys(("entry_x_m", "entry_y_m", "exit_x_m", "exit_y_m"), pa.float64()),
    "speed_kmh": pa.float32(),
    "label": pa.string(),
    "score": pa.float32(),
    **dict.fromkeys(("cut_start", "cut_end"), pa.bool_()),
}


def stays(scene: Scene, vehicle: GlobalTrack) -> Iterator[list[Tracklet]]:
    """The vehicle's tracklets, in groups of one stay each, by start: pieces of one passage belong together."""
    clock = {t.key: scene.cameras[t.camera_id].time_s(t.frames[[0, -1]]) for t in vehicle.tracklets}
    ordered = sorted(vehicle.tracklets, key=lambda t: (clock[t.key][0], t.camera_id))
    here: dict[str, list[Tracklet]] = {}
    groups: list[list[Tracklet]] = []
    for tracklet in ordered:
        start = clock[tracklet.key][0]
        group = here.get(tracklet.camera_id)
        end = clock[group[-1].key][1] if group else -np.inf
        elsewhere = any(end < clock[t.key][0] < start for t in ordered if t.camera_id != tracklet.camera_id)
        if group is None or start - end > (SHORT_GAP_S if elsewhere else LONGEST_GAP_S):
            group = here[tracklet.camera_id] = []
            groups.append(group)
        group.append(tracklet)
    yield from groups


def _row(vehicle_id: int, camera: Camera, stay: Sequence[Tracklet], zones: Mapping[str, Any]) -> dict[str, Any]:
    frames = np.concatenate([t.frames for t in stay])
    order = np.argsort(frames, kind="stable")
    frames, xyxy = frames[order], np.concatenate([t.xyxy for t in stay])[order]
    times, feet = camera.time_s(frames), bottom_centres(xyxy)
    metres = camera.ground_points(feet)
    labels = np.concatenate([np.full(len(t), t.label) for t in stay])
    limits = camera.time_s(np.array([0, max(camera.frame_count - 1, 0)]))
    half = _direction(times, feet / np.array(camera.size))
    return {
        "vehicle_id": vehicle_id,
        "camera_id": camera.id,
        "start_s": times[0],
        "end_s": times[-1],
        "first_frame": frames[0],
        "last_frame": frames[-1],
        "boxes": len(frames),
        "entry": _zone(zones["entries"], feet[0] / np.array(camera.size), half[0]),
        "exit": _zone(zones["exits"], feet[-1] / np.array(camera.size), half[1]),
        **_ends("px", feet),
        **_ends("m", metres),
        "speed_kmh": _speed_kmh(times, metres),
        "label": LABELS[int(np.bincount(labels).argmax())],
        "score": float(np.concatenate([t.scores for t in stay]).mean()),
        "cut_start": bool(times[0] - limits[0] < CUT_S),
        "cut_end": bool(limits[1] - times[-1] < CUT_S),
    }


def _ends(unit: str, places: Double) -> dict[str, float]:
    (ax, ay), (bx, by) = places[0], places[-1]
    return {f"entry_x_{unit}": ax, f"entry_y_{unit}": ay, f"exit_x_{unit}": bx, f"exit_y_{unit}": by}


def _direction(times: Double, places: Double) -> tuple[Double, Double]:
    """Unit headings (2,) over the first and the last half second; zero for a vehicle that stands or is seen once."""
    begin = places[np.searchsorted(times, times[0] + 0.5, side="right") - 1] - places[0]
    end = places[-1] - places[np.searchsorted(times, times[-1] - 0.5)]
    first, last = (v / max(float(np.linalg.norm(v)), 1e-9) for v in (begin, end))
    return first, last


def _zone(zones: Iterable[Mapping[str, Any]], place: Double, heading: Double) -> int:
    """Number of the nearest learned zone within reach, from 1; 0 for none. Distances as the learner's: place and
    weighted heading."""
    centres = np.array([zone["centre"] for zone in zones], np.float64).reshape(-1, 4)
    if len(centres) == 0:
        return 0
    distance = np.linalg.norm(centres - np.concatenate([place, HEADING_WEIGHT * heading]), axis=1)
    return int(distance.argmin()) + 1 if distance.min() <= 1.5 * RADIUS else 0


def _speed_kmh(times: Double, metres: Double) -> float:
    """Median speed over spans of SPEED_SPAN_S; NaN where nothing is known of the ground or the stay is shorter."""
    later = np.searchsorted(times, times + SPEED_SPAN_S)
    rows = np.flatnonzero(later < len(times))
    if len(rows) == 0:
        return float("nan")
    way = np.linalg.norm(metres[later[rows]] - metres[rows], axis=1)
    speeds = (way / (times[later[rows]] - times[rows]))[np.isfinite(way)]  # none for feet beyond the horizon
    return float(np.median(speeds) * 3.6) if len(speeds) else float("nan")


def flows(table: pa.Table) -> list[dict[str, Any]]:
    """Camera to camera: how many vehicles, and 15th, 50th and 85th percentile of the seconds from leaving one to
    entering the other.

    A visit counts from the vehicle's visit before it, whose camera is another one. Most used first.
    """
    vehicle, start, end = (table.column(name).to_numpy() for name in ("vehicle_id", "start_s", "end_s"))
    camera = np.array(table.column("camera_id").to_pylist(), object)
    order = np.lexsort((start, vehicle))
    seconds: dict[tuple[str, str], list[float]] = {}
    for a, b in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        if vehicle[a] == vehicle[b] and camera[a] != camera[b]:
            seconds.setdefault((camera[a], camera[b]), []).append(float(start[b] - end[a]))
    rows = [
        {"from": a, "to": b, "vehicles": len(times), "seconds": np.round(np.quantile(times, QUANTILES), 2).tolist()}
        for (a, b), times in seconds.items()
    ]
    return sorted(rows, key=lambda row: (-row["vehicles"], row["from"], row["to"]))
