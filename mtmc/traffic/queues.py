"""Where vehicles stand on calibrated ground, how many at once, how long the queue is and how long it costs.

Shape shorthand: S stops, one vehicle standing once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from mtmc.geometry import bottom_centres
from mtmc.scene import Scene
from mtmc.structures import Columns as Table
from mtmc.structures import Double, Long, Tracklet
from mtmc.traffic.bins import Bins
from mtmc.traffic.tables import Columns, times
from mtmc.visits.motion import standing

TOGETHER_M = 12.0
"""Vehicles that stand this near to each other, ever, stand in one queue's place: a lorry and a gap."""
VEHICLE_M = 7.0
"""Length of road that the last vehicle of a queue takes."""
LEAST_STOPS = 3
"""Places where fewer stopped are no stop zone."""


@dataclass(frozen=True, slots=True, eq=False)
class Stops(Table):
    """camera (S,) index; start_s, end_s (S,); place_m (S, 2)."""

    camera: Long
    start_s: Double
    end_s: Double
    place_m: Double

    def shifted(self, seconds: Double) -> Stops:
        """The same with each camera's clock (C,) so many seconds later."""
        late = seconds[self.camera]
        return replace(self, start_s=self.start_s + late, end_s=self.end_s + late)


def stops_of(scene: Scene, tracklets: Sequence[Tracklet]) -> Stops:
    """Every stretch of standing in calibrated cameras."""
    number = {name: index for index, name in enumerate(scene.cameras)}
    rows = []
    for tracklet in tracklets:
        camera = scene.cameras[tracklet.camera_id]
        if camera.image_to_ground is None:
            continue
        at, metres = camera.time_s(tracklet.frames), camera.ground_points(bottom_centres(tracklet.xyxy))
        for first, last in standing(at, metres).tolist():
            place = np.nanmedian(metres[first : last + 1], axis=0)
            rows.append((number[camera.id], at[first], at[last], *place))
    table = np.array(rows, np.float64).reshape(-1, 5)
    return Stops(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3:])


def queue_table(stops: Stops, cameras: Sequence[str], bins: Bins, scene: Scene | None) -> pa.Table:
    """``queues``: stop zones by camera, from 1 by use, in every bin: vehicles that stopped, seconds stood, the longest
    queue in vehicles and metres."""
    zone, count = _zones(stops)
    rows = []
    for number in range(count):
        mine = stops.take(zone == number)
        middle = mine.place_m.mean(axis=0)
        for bin_, start in enumerate(bins.starts().tolist()):
            rows.append((number, bin_, *middle, *_queue(mine, start, start + bins.width_s)))
    table = np.array(rows, np.float64).reshape(-1, 9)
    owner, within = _numbered(stops, zone, count)
    which = table[:, 0].astype(np.int64)
    columns: Columns = times(bins, table[:, 1].astype(np.int64), scene)
    columns |= {
        "camera_id": pa.array([cameras[c] for c in owner[which].tolist()], pa.string()),
        "stop_zone": within[which],
        "x_m": table[:, 2],
        "y_m": table[:, 3],
        "stops": table[:, 4].astype(np.int64),
        "stopped_s": table[:, 5],
        "mean_queue": table[:, 6],
        "longest_queue": table[:, 7].astype(np.int64),
        "longest_queue_m": table[:, 8],
    }
    return pa.table(columns)


def _zones(stops: Stops) -> tuple[Long, int]:
    """Zone (S,) of each stop, -1 for those of no zone, and how many zones there are."""
    pairs = np.zeros((0, 2), np.int64)
    for camera in np.unique(stops.camera):
        rows = np.flatnonzero(stops.camera == camera)
        near = KDTree(stops.place_m[rows]).query_pairs(TOGETHER_M, output_type="ndarray")
        pairs = np.concatenate([pairs, rows[near]])
    graph = sparse.coo_array((np.ones(len(pairs)), pairs.T), shape=(len(stops),) * 2)
    group = connected_components(graph, directed=False)[1]
    size = np.bincount(group, minlength=1)
    kept = np.flatnonzero(size >= LEAST_STOPS)
    number = np.full(len(size), -1, np.int64)
    number[kept[np.argsort(-size[kept], kind="stable")]] = np.arange(len(kept))
    return number[group], len(kept)


def _numbered(stops: Stops, zone: Long, count: int) -> tuple[Long, Long]:
    """The camera of each zone, and its number within the camera, from 1."""
    owner = np.array([stops.camera[zone == number][0] for number in range(count)], np.int64)
    within = np.array([1 + (owner[:number] == owner[number]).sum() for number in range(count)], np.int64)
    return owner, within


def _queue(stops: Stops, start: float, end: float) -> tuple[float, float, float, float, float]:
    """Stops that begin in a bin, seconds stood, mean and largest number at once, and the largest one's metres."""
    low, high = np.maximum(stops.start_s, start), np.minimum(stops.end_s, end)
    here = np.flatnonzero(high > low)
    seconds = float((high - low)[here].sum())
    began = float(((stops.start_s >= start) & (stops.start_s < end)).sum())
    if len(here) == 0:
        return began, 0.0, 0.0, 0.0, 0.0
    at_once = (low[here][:, None] >= low[here]) & (low[here][:, None] < high[here])  # who stands when each begins
    most = int(at_once.sum(axis=1).argmax())
    places = stops.place_m[here][at_once[most]]
    extent = np.linalg.norm(places[:, None] - places, axis=2).max()
    return began, seconds, seconds / (end - start), float(len(places)), float(extent) + VEHICLE_M
