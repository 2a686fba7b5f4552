"""Parts of tables: what a window of time needs, or some vehicles at once; the rest is left where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtmc.errors import StoreError
from mtmc.files import read_parquet
from mtmc.store.schemas import AGAIN, DETECTIONS, TRACKLETS, VEHICLES, Schema, check
from mtmc.store.tables import read_detections, read_embeddings, read_tracklets, read_vehicles
from mtmc.structures import Detections, Embeddings, GlobalTrack, Tracklet

PART = 2_000_000
"""Boxes of vehicles that are read at once: some 300 MB."""


class DetectionsInTime:
    """One camera's detections in tables that follow each other in time: those of frames from a first one to before an
    end, from the tables that have any."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._spans = [_span(path) for path in paths]

    def __call__(self, first: int, end: int) -> Detections:
        """Raises StoreError as ``read_detections``."""
        pairs = zip(self._paths, self._spans, strict=True)
        inside = [path for path, (low, high) in pairs if low < end and high >= first]
        found = read_detections(*(inside or self._paths[:1]))
        return found.take(slice(*np.searchsorted(found.frames, (first, end))))


def _span(path: Path) -> tuple[int, int]:
    """First and last frame of a table; of one that does not tell, all that there may be."""
    try:
        low, high = (end.as_py() for end in pc.min_max(_column(path, DETECTIONS, "frame")).values())
    except (StoreError, pa.ArrowException, IndexError):
        return 0, 2**31
    return (low, high) if isinstance(low, int) and isinstance(high, int) else (0, 2**31)


def tracklets_between(path: Path, camera_id: str, times: Sequence[tuple[int, int]]) -> list[Tracklet]:
    """Those of a camera's tracklets that have a box at any of some ``times``, frames from a first one to before an end,
    whole, by track id. Raises StoreError."""
    frame = pc.field("frame")
    inside = [(frame >= first) & (frame < end) for first, end in times]
    seen = _column(path, TRACKLETS, "track_id", reduce(or_, inside))
    return read_tracklets(path, camera_id, _among("track_id", seen.unique()))


def embeddings_of(tracklets: Sequence[Tracklet], *paths: Path) -> Embeddings:
    """The vectors of some of a camera's tracklets, by track and frame. Raises StoreError."""
    return read_embeddings(*paths, where=_among("track_id", pa.array([t.track_id for t in tracklets])))


def count_tracks(path: Path) -> int:
    """How many tracklets a camera has. Raises StoreError."""
    return pc.count_distinct(_column(path, TRACKLETS, "track_id")).as_py()  # type: ignore[no-any-return]


def highest_track(path: Path) -> int:
    """The highest track id of a camera, 0 for none. Raises StoreError."""
    return pc.max(_column(path, TRACKLETS, "track_id")).as_py() or 0


def vehicles_in_parts(path: Path, column: str, key: Callable[[Any], Any] | None) -> Iterator[list[GlobalTrack]]:
    """The vehicles, some at a time, or what some cameras saw of them: those of the values of a ``column``, in their
    order, or that of a ``key``. One part at least. Raises StoreError."""
    counted = _column(path, VEHICLES, column).value_counts()
    rows = dict(zip(*(counted.field(name).to_pylist() for name in ("values", "counts")), strict=True))
    parts, room = [list[Any]()], PART
    for value in sorted(rows, key=key):
        if rows[value] > room and parts[-1]:
            parts.append([])
            room = PART
        parts[-1].append(value)
        room -= rows[value]
    for values in parts:
        yield read_vehicles(path, None if len(parts) == 1 else _among(column, pa.array(values)))


def _among(column: str, values: pa.Array) -> pc.Expression:
    """Rows with one of these values; the limits spare reading groups of rows that have none."""
    (low, high), field = pc.min_max(values).values(), pc.field(column)
    return field.isin(values) & (field >= low) & (field <= high)


def _column(path: Path, schema: Schema, name: str, where: pc.Expression | None = None) -> pa.ChunkedArray:
    table = read_parquet(path, "a Parquet table", AGAIN, [name], where, error=StoreError)
    return check(path, table, {name: schema[name]}).column(name)
