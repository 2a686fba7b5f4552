"""Tracklets as traffic counts them: when and by which zones each comes and goes, how fast, what kind.

Shape shorthand: T tracklets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from mtmc.geometry import bottom_centres
from mtmc.link.model.entry_exit_zones import CameraZones as LearnedZones
from mtmc.link.model.entry_exit_zones import end_points
from mtmc.scene import Camera, Scene
from mtmc.structures import Columns, Double, Float, Int, Long, Mask, Short, Tracklet, TrackletTable
from mtmc.visits.motion import speed_error_kmh, speed_kmh, standing
from mtmc.visits.zones import CameraZones

CUT_S = 1.0
"""A stay that reaches the first or last second of the clip is cut by it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces(Columns):
    """Tracklets (T,), each a stay in a camera or a part of one.

    cameras: ids; entry_names, exit_names: zones of each camera by number, 0 being "elsewhere"; camera (T,) index;
    entry, exit (T,) zone numbers; entry_px, exit_px, entry_m, exit_m (T, 2) bottom centres of the first and last box in
    pixels and metres, NaN where unknown; speed_kmh, speed_error_kmh, stopped_s (T,) NaN without calibration; cut_start,
    cut_end (T,): whether the clip's ends cut it.
    """

    SHARED: ClassVar[frozenset[str]] = frozenset({"cameras", "entry_names", "exit_names"})

    cameras: tuple[str, ...]
    entry_names: tuple[tuple[str, ...], ...]
    exit_names: tuple[tuple[str, ...], ...]
    camera: Int
    track_id: Long
    start_s: Double
    end_s: Double
    first_frame: Long
    last_frame: Long
    boxes: Long
    entry: Short
    exit: Short
    entry_px: Float
    exit_px: Float
    entry_m: Double
    exit_m: Double
    label: Short
    score: Double
    speed_kmh: Double
    speed_error_kmh: Double
    stopped_s: Double
    cut_start: Mask
    cut_end: Mask

    def shifted(self, seconds: Double) -> Pieces:
        """The same with each camera's clock (C,) so many seconds later."""
        late = seconds[self.camera]
        return replace(self, start_s=self.start_s + late, end_s=self.end_s + late)

    def keys(self) -> dict[tuple[str, int], int]:
        """Row of each (camera, track id)."""
        cameras = (self.cameras[c] for c in self.camera.tolist())
        return {key: row for row, key in enumerate(zip(cameras, self.track_id.tolist(), strict=True))}


def pieces_of(scene: Scene, tracklets: Sequence[Tracklet], network: Mapping[str, Any] | None = None) -> Pieces:
    """One row per tracklet, in the order given. ``network``: a learned ``network.json``, whose zones name entries and
    exits where none are drawn."""
    cameras = tuple(scene.cameras)
    number = {name: index for index, name in enumerate(cameras)}
    zones = {camera.id: CameraZones.of(camera, network) for camera in scene.cameras.values()}
    limits = {camera.id: camera.time_s(camera.frames[[0, -1]]) for camera in scene.cameras.values()}
    rows = [
        {"camera": number[t.camera_id], **_row(scene.cameras[t.camera_id], t, zones[t.camera_id], limits[t.camera_id])}
        for t in tracklets
    ]
    names = [zones[camera].names() for camera in cameras]
    return Pieces(
        cameras, tuple(entries for entries, _ in names), tuple(exits for _, exits in names), **dict(_columns(rows))
    )


def pieces_of_table(table: TrackletTable, boxes: Long, network: Mapping[str, Any] | None = None) -> Pieces:
    """As ``pieces_of``, of tracklets without boxes, whose cameras look from the first to the last of them all."""
    learned = {} if network is None else network["cameras"]
    zones = [CameraZones.learned(learned.get(name, {})) for name in table.cameras]
    names = [camera.names() for camera in zones]
    ends = [
        _numbers(table, [getattr(camera, side) for camera in zones], places, velocities)
        for side, places, velocities in (
            ("entries", table.entry_xy, table.entry_velocity),
            ("exits", table.exit_xy, table.exit_velocity),
        )
    ]
    unknown, nowhere = np.full(len(table), np.nan), np.full((len(table), 2), np.nan)
    first, last = table.start_s.min(initial=np.inf), table.end_s.max(initial=-np.inf)
    return Pieces(
        table.cameras, tuple(entries for entries, _ in names), tuple(exits for _, exits in names), table.camera,
        table.track_id, table.start_s, table.end_s, np.zeros(len(table), np.int64), boxes - 1, boxes, ends[0], ends[1],
        nowhere.astype(np.float32), nowhere.astype(np.float32), nowhere, nowhere, table.label,
        table.quality.astype(np.float64), unknown, unknown, unknown,
        table.start_s - first < CUT_S, last - table.end_s < CUT_S,
    )  # fmt: skip


def _numbers(table: TrackletTable, centres: Sequence[Double], places: Float, velocities: Float) -> Short:
    """Zone number (T,) of every tracklet's end, from 1; 0 for elsewhere."""
    points, number = end_points(places, velocities), np.zeros(len(table), np.int16)
    for camera, zones in enumerate(centres):
        rows = np.flatnonzero(table.camera == camera)
        assigned = LearnedZones(zones, np.zeros(len(zones)), np.zeros(len(zones))).assign(points[rows])
        number[rows] = np.where(assigned < len(zones), assigned + 1, 0)
    return number


def _columns(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    kinds = {
        "Int": np.int32,
        "Long": np.int64,
        "Short": np.int16,
        "Float": np.float32,
        "Double": np.float64,
        "Mask": bool,
    }
    for field in fields(Pieces):
        if field.name not in Pieces.SHARED:
            shape = (len(rows), 2) if field.name.endswith(("_px", "_m")) else (len(rows),)
            yield field.name, np.array([row[field.name] for row in rows], kinds[str(field.type)]).reshape(shape)


def _row(camera: Camera, tracklet: Tracklet, zones: CameraZones, limits: Double) -> dict[str, Any]:
    times, feet = camera.time_s(tracklet.frames), bottom_centres(tracklet.xyxy)
    metres = camera.ground_points(feet)
    entry, exit_ = zones.ends(times, feet / np.array(camera.size))
    calibrated = camera.image_to_ground is not None
    stretches = standing(times, metres) if calibrated else np.zeros((0, 2), np.int64)
    return {
        "track_id": tracklet.track_id,
        "start_s": times[0],
        "end_s": times[-1],
        "first_frame": tracklet.frames[0],
        "last_frame": tracklet.frames[-1],
        "boxes": len(tracklet),
        "entry": entry,
        "exit": exit_,
        "entry_px": feet[0],
        "exit_px": feet[-1],
        "entry_m": metres[0],
        "exit_m": metres[-1],
        "label": tracklet.label,
        "score": tracklet.scores.mean(dtype=np.float64),
        "speed_kmh": speed_kmh(times, metres),
        "speed_error_kmh": speed_error_kmh(camera, times, feet),
        "stopped_s": (times[stretches[:, 1]] - times[stretches[:, 0]]).sum() if calibrated else np.nan,
        "cut_start": times[0] - limits[0] < CUT_S,
        "cut_end": limits[1] - times[-1] < CUT_S,
    }
