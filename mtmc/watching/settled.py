"""Vehicles under numbers that stay: what has settled is handed out once, turn after turn, and never called otherwise.

A turn links everything anew and may number vehicles anew. Here a vehicle keeps the number under which most of its boxes
were handed out before, two vehicles never have the same one, and a box waits until every camera has been seen for some
time beyond it, so that linking may still change its mind.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtmc.scene import Camera, Scene
from mtmc.store.schemas import VEHICLES
from mtmc.store.tables import read_table, write_table
from mtmc.structures import Double, Long, Mask

BOX = ["camera_id", "frame", "x1", "y1"]
"""By these a box of one turn is found again in the next."""
QUIET = 2.0
"""A camera that is further behind than so many of its longest recordings has stopped: nobody waits for it."""


class Settled:
    """The tables in a folder, ``000001.parquet`` and so on: the vehicles' columns and ``time_s`` on the scene's clock,
    each box in one of them. Raises StoreError where they cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        parts = [read_table(path, VEHICLES) for path in sorted(folder.glob("[0-9]*.parquet"))]
        self._tables = len(parts)
        self._handed = pa.concat_tables([_pieces(part) for part in parts]) if parts else None

    def add(self, vehicles: pa.Table, scene: Scene, lag_s: float) -> float:
        """Hand out the boxes of a turn's ``vehicles`` (``vehicles.parquet``) that have settled, ``lag_s`` behind the
        cameras; the share of what was handed out before that would now be another vehicle's."""
        names, changed = self._names(vehicles)
        time_s, settled = self._settled(vehicles, scene, lag_s)
        rows = np.flatnonzero(settled)
        if len(rows) == 0:
            return changed
        rows = rows[np.argsort(time_s[rows], kind="stable")]
        new = vehicles.take(rows)
        numbers = _numbered(new, names, self._highest())
        order = np.lexsort((new["frame"].to_numpy(), new["track_id"].to_numpy(), _codes(new["camera_id"]), numbers))
        new = new.set_column(0, "vehicle_id", pa.array(numbers)).take(order)
        columns = {name: new[name] for name in new.column_names} | {"time_s": time_s[rows][order]}
        self._tables += 1
        write_table(self._folder / f"{self._tables:06d}.parquet", columns, {"stage": "settled", "lag_s": lag_s})
        self._handed = pa.concat_tables([*([] if self._handed is None else [self._handed]), _pieces(new)])
        return changed

    def _highest(self) -> int:
        return 0 if self._handed is None else int(pc.max(self._handed["settled_id"]).as_py())

    def _names(self, vehicles: pa.Table) -> tuple[dict[int, int], float]:
        """Settled numbers of a turn's vehicles, and the share of boxes handed out that these leave."""
        if self._handed is None:
            return {}, 0.0
        found = self._handed.join(vehicles.select([*BOX, "vehicle_id"]), BOX, join_type="inner")
        shared = found.group_by(["vehicle_id", "settled_id"]).aggregate([("boxes", "sum")])
        ways = [("boxes_sum", "descending"), ("settled_id", "ascending"), ("vehicle_id", "ascending")]
        names, kept = dict[int, int](), 0
        taken = set[int]()
        for row in shared.sort_by(ways).to_pylist():
            if row["vehicle_id"] not in names and row["settled_id"] not in taken:
                names[row["vehicle_id"]] = row["settled_id"]
                taken.add(row["settled_id"])
                kept += row["boxes_sum"]
        return names, 1 - kept / int(pc.sum(self._handed["boxes"]).as_py())

    def _settled(self, vehicles: pa.Table, scene: Scene, lag_s: float) -> tuple[Double, Mask]:
        """Scene time (N,) of the boxes, and whether each is to be handed out now."""
        time_s, until = _times(vehicles, scene), _seen_until(scene) - lag_s
        last = {} if self._handed is None else _last_frames(self._handed)
        cameras, codes = _dictionary(vehicles["camera_id"])
        handed = np.array([last.get(camera, -1) for camera in cameras], np.int64)
        return time_s, (time_s <= until) & (vehicles["frame"].to_numpy() > handed[codes])


def _pieces(handed: pa.Table) -> pa.Table:
    """One row per tracklet of a table handed out: its first box, its last frame, how many boxes, whose."""
    ordered = handed.sort_by([("camera_id", "ascending"), ("track_id", "ascending"), ("frame", "ascending")])
    codes, tracks = _codes(ordered["camera_id"]), ordered["track_id"].to_numpy()
    first = np.flatnonzero((np.diff(codes, prepend=-1) != 0) | (np.diff(tracks, prepend=-1) != 0))
    ends = np.append(first[1:], len(codes))
    pieces = ordered.take(first).select([*BOX, "vehicle_id"]).rename_columns([*BOX, "settled_id"])
    last = ordered["frame"].take(pa.array(ends - 1))
    return pieces.append_column("last", last).append_column("boxes", pa.array(ends - first)).combine_chunks()


def _last_frames(handed: pa.Table) -> dict[str, int]:
    last = handed.group_by("camera_id").aggregate([("last", "max")])
    return dict(zip(last["camera_id"].to_pylist(), last["last_max"].to_pylist(), strict=True))


def _numbered(boxes: pa.Table, names: dict[int, int], highest: int) -> Long:
    """The numbers (N,) of boxes in order of time: those that their vehicles have, else the next ones."""
    fresh = count(highest + 1)
    known = {vehicle: names.get(vehicle) or next(fresh) for vehicle in boxes["vehicle_id"].unique().to_pylist()}
    return np.array([known[vehicle] for vehicle in boxes["vehicle_id"].to_pylist()], np.int64)


def _times(boxes: pa.Table, scene: Scene) -> Double:
    """Scene time (N,) of boxes."""
    cameras, codes = _dictionary(boxes["camera_id"])
    frames, times = boxes["frame"].to_numpy(), np.zeros(len(boxes))
    for code, camera in enumerate(cameras):
        mine = codes == code
        times[mine] = scene.cameras[camera].time_s(frames[mine])
    return times


def _seen_until(scene: Scene) -> float:
    """Up to when every camera has been seen that has not stopped."""
    cameras = list(scene.cameras.values())
    latest = max((_end_s(camera) for camera in cameras), default=0.0)
    return min((_end_s(camera) for camera in cameras if _end_s(camera) >= latest - _patience_s(camera)), default=0.0)


def _end_s(camera: Camera) -> float:
    return camera.offset_s + camera.duration_s


def _patience_s(camera: Camera) -> float:
    return QUIET * max((recording.duration_s for recording in camera.recordings), default=np.inf)


def _dictionary(words: pa.ChunkedArray) -> tuple[list[str], Long]:
    """Different words, and which of them (N,) each is."""
    encoded = words.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _codes(words: pa.ChunkedArray) -> Long:
    """Numbers (N,) that order words as they are ordered themselves."""
    different, codes = _dictionary(words)
    return np.argsort(np.argsort(np.array(different, np.str_), kind="stable"))[codes].astype(np.int64)
