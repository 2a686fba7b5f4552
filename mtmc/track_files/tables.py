"""Tracks in tables with named columns: CSV, as `mtmc export` writes it or with the usual other names, and Parquet.

Shape shorthand: N boxes.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from mtmc.errors import InputError
from mtmc.files import TEXT_BYTES, check_file, read_parquet
from mtmc.geometry import xywh_to_xyxy
from mtmc.scene import FASTEST_FPS, MOST_SECONDS
from mtmc.structures import Double, Float, Long, Rows, Tracklet, label_index, label_of
from mtmc.track_files.rows import FARTHEST_PX, MAX_FRAME, MOST_TRACKS
from mtmc.track_files.told import CameraTracks

NAMES: Mapping[str, tuple[str, ...]] = {
    "camera": ("camera_id", "camera", "cam", "cam_id", "camera_name"),
    "track": ("track_id", "id", "object_id", "tracker_id", "obj_id", "track", "vehicle_id"),
    "frame": ("frame", "frame_id", "frame_number", "frame_index", "fn"),
    "time": ("time_s", "timestamp_s"),
    "score": ("score", "confidence", "conf"),
    "label": ("label", "class", "class_name", "type"),
}
"""Column to the names that it goes by; of those that are there the first counts."""
HIGHEST_SCORE = 1e6
CORNERS = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"))
SIDES = (
    ("left", "top", "width", "height"), ("bb_left", "bb_top", "bb_width", "bb_height"), ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
)  # fmt: skip


def read_csv_tracks(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    """Tracks of a CSV with a header. Raises InputError naming the column or the row."""
    check_file(path, "a CSV with a header", TEXT_BYTES)
    try:
        table = pa_csv.read_csv(path)
        _ = table.column_names  # they may be no text
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(path, "a CSV with a header", _told(error), "Correct the file.") from error
    return _tracks(path, table, camera_id, 0 if first_frame is None else first_frame)


def read_parquet_tracks(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    """Tracks of a Parquet table; its schema may say ``frame_base``. Raises InputError naming the column or the row."""
    table = read_parquet(path, "a Parquet table", "Correct the file.")
    told = (table.schema.metadata or {}).get(b"frame_base", b"0")
    if told not in (b"0", b"1"):
        raise InputError(f"{path}, frame_base", "0 or 1", f"{told[:80]!r}", "Correct the file.")
    return _tracks(path, table, camera_id, int(told) if first_frame is None else first_frame)


def kind_of(name: object) -> int:
    """Our label for somebody's class; ``vehicle`` for what we have no word for."""
    label = label_of(name)
    return label_index("vehicle") if label is None else label


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The columns of a table, one row per box: cameras (N,) names, ids, frames from 0, xyxy (N, 4), scores, labels,
    times in seconds or None (N,)."""

    path: Path
    cameras: NDArray[Any]
    ids: Long
    frames: Long
    xyxy: Float
    scores: Double
    labels: Long
    times: Double | None

    def camera(self, name: str, first_frame: int) -> CameraTracks:
        """The tracks of one camera."""
        mine = np.flatnonzero(self.cameras == name)
        order = mine[np.lexsort((self.frames[mine], self.ids[mine]))]
        parts = np.split(order, np.flatnonzero(np.diff(self.ids[order])) + 1)
        fps, offset_s = (None, None) if self.times is None else _clock(self.frames[order], self.times[order])
        return CameraTracks(name, [self._tracklet(name, r) for r in parts], first_frame, fps=fps, offset_s=offset_s)

    def _tracklet(self, camera_id: str, rows: Rows) -> Tracklet:
        number, frames = int(self.ids[rows[0]]), self.frames[rows].astype(np.int32)
        if (np.diff(frames) == 0).any():
            found = f"two of track {number} in camera {camera_id}"
            raise InputError(self.path, "one box per camera, track and frame", found, "Take one of the two away.")
        label, scores = int(np.bincount(self.labels[rows]).argmax()), self.scores[rows].astype(np.float32)
        return Tracklet(camera_id, number, frames, self.xyxy[rows], scores, label)


def _tracks(path: Path, table: pa.Table, camera_id: str, first_frame: int) -> list[CameraTracks]:
    """A file per camera is of that camera, whatever its column of cameras says."""
    table = _once_named(path, table)
    columns = {kind: name for kind, names in NAMES.items() if (name := _first(names, table.column_names))}
    for kind in ("track", "frame", *(() if camera_id else ("camera",))):
        if kind not in columns:
            raise InputError(path, f"a column {NAMES[kind][0]}", _only(table), "Add it, or name it so.")
    count = len(table)
    cameras = [camera_id] * count if camera_id else _words(path, table, columns["camera"])
    if "" in cameras:
        found = f"none in row {cameras.index('') + 1}"
        raise InputError(path, f"a camera in each row of column {columns['camera']}", found, "Fill it in.")
    labels = _words(path, table, columns["label"]) if "label" in columns else ["vehicle"] * count
    known = {name: kind_of(name) for name in set(labels)}
    rows = _Rows(
        path,
        np.array(cameras, object),
        _whole(path, table, columns["track"], 0, MOST_TRACKS),
        _whole(path, table, columns["frame"], first_frame, MAX_FRAME),
        _boxes(path, table),
        _numbers(path, table, columns["score"], HIGHEST_SCORE) if "score" in columns else np.ones(count),
        np.array([known[name] for name in labels], np.int64),
        _numbers(path, table, columns["time"], MOST_SECONDS) if "time" in columns else None,
    )
    return [rows.camera(name, first_frame) for name in dict.fromkeys(cameras)]


def _once_named(path: Path, table: pa.Table) -> pa.Table:
    """The table with its columns' names in small letters. Raises InputError for a name that stands twice."""
    names = [name.strip().lower() for name in table.column_names]
    name, often = Counter(names).most_common(1)[0] if names else ("", 1)
    if often > 1:
        raise InputError(path, "each column once", f"{often} called {name!r}", "Take the others away.")
    return table.rename_columns(names)


def _words(path: Path, table: pa.Table, name: str) -> list[str]:
    """A column of words, or of numbers as words; "" where nothing stands."""
    try:
        return pc.fill_null(table.column(name).cast(pa.string()), "").to_pylist()  # type: ignore[no-any-return]
    except pa.ArrowException as error:
        raise InputError(path, f"words in column {name}", _told(error), "Correct it.") from error


def _whole(path: Path, table: pa.Table, name: str, first: int, most: int) -> Long:
    """A column of whole numbers from ``first`` on, counted from 0."""
    values = _numbers(path, table, name)
    bad = (values != np.floor(values)) | (values < first) | (values > most)
    _reject(path, bad, f"whole numbers in column {name}, from {first} to {most}", values)
    return values.astype(np.int64) - first


def _clock(frames: Long, times: Double) -> tuple[float | None, float | None]:
    """Frames per second and start that explain the times best; none where there is one frame only."""
    if len(np.unique(frames)) < 2:
        return None, None
    period, start = np.polyfit(frames, times, 1)
    return (round(1 / period, 4), round(float(start), 4)) if period > 1 / (2 * FASTEST_FPS) else (None, None)


def _boxes(path: Path, table: pa.Table) -> Float:
    for names in (*CORNERS, *SIDES):
        if all(name in table.column_names for name in names):
            values = np.stack([_numbers(path, table, name, FARTHEST_PX) for name in names], axis=1)
            xyxy = (values if names in CORNERS else xywh_to_xyxy(values)).astype(np.float32)
            flat = ~((xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1]))
            _reject(path, flat, "a box of positive width and height", values)
            return np.asarray(xyxy, np.float32)
    expected = "boxes as x1 y1 x2 y2 or left top width height"
    raise InputError(path, expected, _only(table), "Name the columns so.")


def _only(table: pa.Table) -> str:
    return textwrap.shorten(f"only {', '.join(table.column_names)}", 200, placeholder=" ...")


def _numbers(path: Path, table: pa.Table, name: str, most: float = np.inf) -> Double:
    """A column of finite numbers, none further from 0 than ``most``."""
    try:
        values = table.column(name).cast(pa.float64()).to_numpy()
    except pa.ArrowException as error:
        raise InputError(path, f"numbers in column {name}", _told(error), "Correct it.") from error
    bad = ~np.isfinite(values) | (np.abs(values) > most)
    _reject(path, bad, f"a finite number in column {name}" + (f", within {most:,}" if most < np.inf else ""), values)
    return np.asarray(values, np.float64)


def _reject(path: Path, bad: Any, expected: str, values: Double) -> None:
    if np.any(bad):
        row = int(np.argmax(bad))
        raise InputError(f"{path}, row {row + 1}", expected, f"{np.round(values[row], 3)}", "Correct the row.")


def _first(names: tuple[str, ...], there: list[str]) -> str | None:
    return next((name for name in names if name in there), None)


def _told(error: Exception) -> str:
    """The first line of what Arrow says."""
    return (str(error) or type(error).__name__).splitlines()[0].removeprefix("CSV parse error: ")
