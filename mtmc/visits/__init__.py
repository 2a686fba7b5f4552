"""Visits: one row per vehicle and stay in a camera, the table that traffic figures, searches and the results page start
from.

    vehicle_id camera_id visit       the how-manieth stay of the vehicle in this camera, from 1
    start_s end_s                    first and last box on the scene's clock
    start_utc end_utc                the same by the calendar, null where no file tells the day; local where no zone is
    first_frame last_frame boxes     of the camera's video, 0-based
    entry exit                       entry and exit zone of the camera, from 1; 0 = elsewhere or none known
    entry_zone exit_zone             their names: as drawn in scene.toml, else in1 in2 ... and out1 out2 ... as learned
    entry_x_px … exit_y_px           bottom centres of the first and last box
    entry_x_m … exit_y_m             the same in metres east and north of the scene's origin, null without calibration
    speed_kmh speed_error_kmh        median over the stay, and what the calibration's error makes of it (one deviation)
    stopped_s                        seconds of standing, null without calibration
    label score                      kind by most boxes, mean detection score
    confidence                       probability of the surest link to another stay of the vehicle, null without one
    cut_start cut_end                whether the stay reaches the first or last second of the clip

What lives where: ``zones`` (by which way does a tracklet come and go?), ``motion`` (how fast, where does it stand?),
``pieces`` (tracklets as traffic counts them), ``stays`` (pieces of one passage belong together),
``moving`` (a way over the map that other tools play).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from mtmc.scene import Scene
from mtmc.structures import LABELS, Double, GlobalTrack, Long, Tracklet
from mtmc.visits.pieces import Pieces, pieces_of
from mtmc.visits.stays import Stays, grouped, stays_of

QUANTILES = (0.15, 0.5, 0.85)

SCHEMA: Mapping[str, pa.DataType] = {
    "vehicle_id": pa.int64(),
    "camera_id": pa.string(),
    "visit": pa.int32(),
    **dict.fromkeys(("start_s", "end_s"), pa.float64()),
    **dict.fromkeys(("start_utc", "end_utc"), pa.timestamp("ms")),
    **dict.fromkeys(("first_frame", "last_frame", "boxes"), pa.int32()),
    **dict.fromkeys(("entry", "exit"), pa.int16()),
    **dict.fromkeys(("entry_zone", "exit_zone"), pa.string()),
    **dict.fromkeys(("entry_x_px", "entry_y_px", "exit_x_px", "exit_y_px"), pa.float32()),
    **dict.fromkeys(("entry_x_m", "entry_y_m", "exit_x_m", "exit_y_m"), pa.float64()),
    **dict.fromkeys(("speed_kmh", "speed_error_kmh", "stopped_s"), pa.float32()),
    "label": pa.string(),
    **dict.fromkeys(("score", "confidence"), pa.float32()),
    **dict.fromkeys(("cut_start", "cut_end"), pa.bool_()),
}


def visits(
    scene: Scene,
    vehicles: Sequence[GlobalTrack],
    network: Mapping[str, Any] | None = None,
    links: pa.Table | None = None,
) -> dict[str, Any]:
    """Columns of the table, by vehicle and time. ``network``: a learned ``network.json``, whose zones name entries and
    exits where none are drawn; ``links``: the table of links, which tells how sure a stay is."""
    tracklets = [tracklet for vehicle in vehicles for tracklet in vehicle.tracklets]
    owner = np.repeat([v.vehicle_id for v in vehicles], [len(v.tracklets) for v in vehicles]).astype(np.int64)
    pieces = pieces_of(scene, tracklets, network)
    stays = stays_of(pieces, owner)
    columns = dict(_columns(scene, pieces, stays)) | {"confidence": confidence(pieces, stays, links)}
    return {name: pa.array(columns[name], kind, from_pandas=True) for name, kind in SCHEMA.items()}


def _columns(scene: Scene, pieces: Pieces, stays: Stays) -> Iterator[tuple[str, Any]]:
    first, last = stays.first, stays.last
    yield "vehicle_id", stays.vehicle
    yield "camera_id", [pieces.cameras[c] for c in stays.camera]
    for name in ("visit", "start_s", "end_s", "boxes", "entry", "exit", "speed_kmh", "speed_error_kmh", "stopped_s",
                 "cut_start", "cut_end"):  # fmt: skip
        yield name, getattr(stays, name)
    yield "start_utc", moments(scene, stays.start_s)
    yield "end_utc", moments(scene, stays.end_s)
    yield "first_frame", pieces.first_frame[first]
    yield "last_frame", pieces.last_frame[last]
    for end, names in (("entry", pieces.entry_names), ("exit", pieces.exit_names)):
        zones = getattr(stays, end)
        yield f"{end}_zone", [names[c][z] for c, z in zip(stays.camera.tolist(), zones.tolist(), strict=True)]
        for unit in ("px", "m"):
            places = getattr(pieces, f"{end}_{unit}")[first if end == "entry" else last]
            yield f"{end}_x_{unit}", np.ascontiguousarray(places[:, 0])
            yield f"{end}_y_{unit}", np.ascontiguousarray(places[:, 1])
    yield "label", [LABELS[k] for k in stays.label]
    weight = np.bincount(stays.stay, pieces.boxes, len(stays))
    yield "score", np.bincount(stays.stay, pieces.score * pieces.boxes, len(stays)) / np.maximum(weight, 1)


def moments(scene: Scene, times_s: Double) -> list[Any]:
    """Calendar times of scene times, in UTC where the clock's zone is known, else local; None where no day is known."""
    zero = scene.clock_zero
    if zero is None:
        return [None] * len(times_s)
    if zero.tzinfo is not None:
        zero = (zero - (zero.utcoffset() or timedelta())).replace(tzinfo=None)
    return [zero + timedelta(seconds=second) for second in times_s.tolist()]


def confidence(pieces: Pieces, stays: Stays, links: pa.Table | None) -> Double:
    """Probability (V,) of the surest link between a stay and another of its vehicle, NaN without any."""
    surest = np.full(len(stays), np.nan)
    if links is None:
        return surest
    keys = pieces.keys()

    def stay_at(end: str) -> Long:
        ends = zip(links[f"{end}_camera"].to_pylist(), links[f"{end}_track"].to_pylist(), strict=True)
        rows = np.array([keys.get(key, -1) for key in ends], np.int64)
        return np.where(rows < 0, -1, stays.stay[rows]) if len(stays.stay) else rows

    a, b, probability = stay_at("from"), stay_at("to"), links["probability"].to_numpy().astype(np.float64)
    apart = (a != b) & (a >= 0) & (b >= 0)
    for end in (a, b):
        np.fmax.at(surest, end[apart], probability[apart])
    return surest


def stays(scene: Scene, vehicle: GlobalTrack) -> Iterator[list[Tracklet]]:
    """The vehicle's tracklets, in groups of one stay each, by start."""
    tracklets = sorted(vehicle.tracklets, key=lambda t: (t.camera_id, int(t.frames[0])))
    times = np.array([scene.cameras[t.camera_id].time_s(t.frames[[0, -1]]) for t in tracklets])
    camera = np.unique([t.camera_id for t in tracklets], return_inverse=True)[1].astype(np.int64)
    order, first = grouped(np.zeros(len(tracklets), np.int64), camera, times[:, 0], times[:, 1])
    groups = np.split(order, np.flatnonzero(first)[1:])
    for rows in sorted(groups, key=lambda rows: (times[rows[0], 0], camera[rows[0]])):
        yield [tracklets[row] for row in rows]


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
