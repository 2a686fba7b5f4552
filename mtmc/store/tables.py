"""The typed tables: arrays to Parquet and back, the same content giving the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mtmc.errors import StoreError
from mtmc.files import check_file, lies_there, opened, read_parquet
from mtmc.files.atomic import replacing
from mtmc.store.schemas import AGAIN, DETECTIONS, EMBEDDINGS, TRACKLETS, VEHICLES, Schema, built, check
from mtmc.store.stamps import STAMP_KEY, Stamp, canonical
from mtmc.structures import LABELS, Detections, Embeddings, GlobalTrack, Tracklet

SOURCE_KEY = b"mtmc.source"
GROUP = 1 << 16
"""Rows of a table that are read together: who wants some reads few more."""


def write_table(path: Path, columns: Mapping[str, Any], stamp: Stamp, source: str = "") -> None:
    """Write a Parquet table with its stamp, atomically; the same content gives the same bytes. ``source``: a digest of
    what it was really made from, where that is less than the stamp says."""
    with appending(path, stamp, source) as add:
        add(columns)


@contextmanager
def appending(path: Path, stamp: Stamp, source: str = "") -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A table that is written piece by piece, all of the first one's columns, and takes its place when the block ends
    well; none of no pieces."""
    told = {STAMP_KEY: canonical(stamp), b"frame_base": b"0", **({SOURCE_KEY: source.encode()} if source else {})}
    writer: pq.ParquetWriter | None = None

    def add(columns: Mapping[str, Any]) -> None:
        nonlocal writer
        table = pa.table(dict(columns)).replace_schema_metadata(told)
        if writer is None:
            temporary = whole.enter_context(replacing(path))
            how = {"compression": "zstd", "write_page_checksum": True}
            writer = whole.enter_context(pq.ParquetWriter(temporary, table.schema, **how))
        writer.write_table(table.cast(writer.schema), GROUP)

    with ExitStack() as whole:
        yield add


def read_table(path: Path, schema: Schema, where: pc.Expression | None = None) -> pa.Table:
    """Read a Parquet table of a run folder, or the rows of it for which ``where`` holds. Raises StoreError if it is
    missing, damaged or not of the schema."""
    return check(path, read_any_table(path, where), schema)


def read_optional_table(path: Path, schema: Schema) -> pa.Table | None:
    """The same; None where there is none, or one without columns: the linker had nothing to say."""
    if not lies_there(path):
        return None
    table = read_any_table(path)
    return check(path, table, schema) if table.num_columns else None


def read_any_table(path: Path, where: pc.Expression | None = None) -> pa.Table:
    """A Parquet table of whatever columns, its pages checked. Raises StoreError."""
    check_file(path, "a table of this run", error=StoreError, fix="Finish the run first: `mtmc run` resumes it.")
    return read_parquet(path, "a Parquet table", AGAIN, where=where, error=StoreError)


def _box_columns(xyxy: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    return {name: np.ascontiguousarray(xyxy[:, i]) for i, name in enumerate(("x1", "y1", "x2", "y2"))}


def _label_column(labels: NDArray[np.integer[Any]]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(labels, pa.int8()), pa.array(LABELS))


def _vector_column(vectors: NDArray[np.floating[Any]], dtype: type[np.floating[Any]]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(vectors, dtype=dtype).ravel())
    return (
        pa.FixedSizeListArray.from_arrays(flat, max(vectors.shape[1], 1))
        if vectors.shape[1]
        else pa.nulls(len(vectors))
    )


def _column(table: pa.Table, name: str) -> NDArray[Any]:
    return np.asarray(table.column(name).to_numpy())


def _boxes(table: pa.Table) -> NDArray[np.float32]:
    return np.stack([_column(table, name) for name in ("x1", "y1", "x2", "y2")], axis=1).astype(np.float32)


def _labels(table: pa.Table) -> NDArray[np.int16]:
    return np.asarray(pc.index_in(table.column("label"), pa.array(LABELS)).to_numpy(), np.int16)


def _vectors(table: pa.Table, name: str) -> NDArray[np.float32]:
    column = table.column(name).combine_chunks()
    if pa.types.is_null(column.type) or len(column) == 0:
        return np.zeros((len(column), 0 if pa.types.is_null(column.type) else column.type.list_size), np.float32)
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(len(column), -1)


def write_detections(path: Path, detections: Detections, stamp: Stamp) -> None:
    """Save one camera's detections; features as float16, which costs the tracker's distances less than 1e-3."""
    columns = {
        "frame": detections.frames,
        **_box_columns(detections.xyxy),
        "score": detections.scores,
        "label": _label_column(detections.labels),
        "feature": _vector_column(detections.features, np.float16),
    }
    write_table(path, columns, stamp)


def read_detections(*paths: Path) -> Detections:
    """Load one camera's detections from one table, or from several that follow each other in time."""
    parts = [_detections(path) for path in paths]
    return built(paths[0], lambda: Detections.concatenate([part for part in parts if len(part)] or parts[:1]))


def _detections(path: Path) -> Detections:
    table = read_table(path, DETECTIONS)
    columns = (
        _column(table, "frame"),
        _boxes(table),
        _column(table, "score"),
        _labels(table),
        _vectors(table, "feature"),
    )
    return built(path, lambda: Detections(*columns))


def _tracklet_columns(tracklets: Sequence[Tracklet]) -> dict[str, Any]:
    def joined(arrays: list[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate(arrays) if arrays else empty

    lengths = [len(t) for t in tracklets]
    return {
        "track_id": np.repeat(np.array([t.track_id for t in tracklets], np.int64), lengths),
        "frame": joined([t.frames for t in tracklets], np.zeros(0, np.int32)),
        **_box_columns(joined([t.xyxy for t in tracklets], np.zeros((0, 4), np.float32))),
        "score": joined([t.scores for t in tracklets], np.zeros(0, np.float32)),
        "label": _label_column(np.repeat(np.array([t.label for t in tracklets], np.int16), lengths)),
    }


def write_tracklets(path: Path, tracklets: Sequence[Tracklet], stamp: Stamp) -> None:
    """Save one camera's tracklets, one row per box."""
    write_table(path, _tracklet_columns(tracklets), stamp)


def _grouped(keys: NDArray[Any], build: Callable[[NDArray[np.intp]], Tracklet]) -> list[Tracklet]:
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order][:1] - 1)) if len(keys) else np.zeros(0, np.intp)
    return [build(rows) for rows in np.split(order, starts[1:])] if len(keys) else []


def read_tracklets(path: Path, camera_id: str, where: pc.Expression | None = None) -> list[Tracklet]:
    """Load one camera's tracklets, by track id."""
    table = read_table(path, TRACKLETS, where)
    track_ids, frames, boxes = _column(table, "track_id"), _column(table, "frame"), _boxes(table)
    scores, labels = _column(table, "score"), _labels(table)

    def build(rows: NDArray[np.intp]) -> Tracklet:
        first = rows[0]
        return Tracklet(camera_id, int(track_ids[first]), frames[rows], boxes[rows], scores[rows], int(labels[first]))

    return built(path, lambda: _grouped(track_ids, build))


def write_embeddings(path: Path, embeddings: Embeddings, stamp: Stamp, source: str = "") -> None:
    """Save one camera's embeddings; vectors as float16. ``source`` as for ``write_table``."""
    columns = {
        "track_id": embeddings.track_ids,
        "frame": embeddings.frames,
        "quality": embeddings.quality,
        "vector": _vector_column(embeddings.vectors, np.float16),
    }
    write_table(path, columns, stamp, source)


def keep_embeddings(path: Path, stamp: Stamp, source: str) -> bool:
    """Give embeddings that were made from the same ``source`` their new stamp; False where there are none."""
    if not path.is_file():  # a pipe would be waited for
        return False
    try:
        with opened(path) as file:
            if (pq.read_schema(file).metadata or {}).get(SOURCE_KEY) != source.encode():
                return False
    except (OSError, pa.ArrowException):
        return False
    table = read_table(path, EMBEDDINGS)
    columns = {name: _column(table, name) for name in ("track_id", "frame", "quality")}
    write_table(path, columns | {"vector": _vector_column(_vectors(table, "vector"), np.float16)}, stamp, source)
    return True


def read_embeddings(*paths: Path, where: pc.Expression | None = None) -> Embeddings:
    """Load one camera's embeddings from one table or several, by track and frame; unit rows again after the rounding on
    disk."""
    parts = [_embeddings(path, where) for path in paths]
    found = built(paths[0], lambda: Embeddings.joined([part for part in parts if len(part)] or parts[:1]))
    return found.take(np.lexsort((found.frames, found.track_ids)))


def _embeddings(path: Path, where: pc.Expression | None) -> Embeddings:
    table = read_table(path, EMBEDDINGS, where)
    vectors = _vectors(table, "vector")
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    columns = _column(table, "track_id"), _column(table, "frame"), _column(table, "quality")
    return built(path, lambda: Embeddings(vectors, *columns))


def write_vehicles(path: Path, vehicles: Sequence[GlobalTrack], stamp: Stamp) -> None:
    """Save the vehicles, one row per box."""
    write_table(path, vehicle_columns(vehicles), stamp)


def vehicle_columns(vehicles: Sequence[GlobalTrack]) -> dict[str, Any]:
    """The table of vehicles, one row per box, by vehicle, camera and frame."""
    ordered = sorted(vehicles, key=lambda v: v.vehicle_id)
    tracklets = [
        (v.vehicle_id, t) for v in ordered for t in sorted(v.tracklets, key=lambda t: (t.camera_id, t.track_id))
    ]
    lengths = [len(t) for _, t in tracklets]
    return {
        "vehicle_id": np.repeat(np.array([vehicle_id for vehicle_id, _ in tracklets], np.int64), lengths),
        "camera_id": pa.array(np.repeat(np.array([t.camera_id for _, t in tracklets], object), lengths), pa.string()),
        **_tracklet_columns([t for _, t in tracklets]),
    }


def read_vehicles(path: Path, where: pc.Expression | None = None) -> list[GlobalTrack]:
    """Load the vehicles, by vehicle id."""
    table = read_table(path, VEHICLES, where)
    return built(path, lambda: _vehicles(table))


def _vehicles(table: pa.Table) -> list[GlobalTrack]:
    """Of a run that was linked in windows a vehicle's rows stand in several places."""
    vehicle_ids, track_ids = _column(table, "vehicle_id"), _column(table, "track_id")
    cameras = np.array(table.column("camera_id").to_pylist(), object)
    frames, boxes, scores, labels = _column(table, "frame"), _boxes(table), _column(table, "score"), _labels(table)
    changes = (np.diff(vehicle_ids) != 0) | (np.diff(track_ids) != 0) | (cameras[1:] != cameras[:-1])
    by_vehicle: dict[int, list[Tracklet]] = {}
    for rows in np.split(np.arange(len(vehicle_ids)), np.flatnonzero(changes) + 1) if len(vehicle_ids) else []:
        first = rows[0]
        tracklet = Tracklet(
            str(cameras[first]), int(track_ids[first]), frames[rows], boxes[rows], scores[rows], int(labels[first])
        )
        by_vehicle.setdefault(int(vehicle_ids[first]), []).append(tracklet)
    keys = [tracklet.key for found in by_vehicle.values() for tracklet in found]
    if len(set(keys)) < len(keys):
        raise ValueError("a tracklet's rows stand together, in one vehicle")
    return [
        GlobalTrack(vehicle_id, tuple(sorted(found, key=lambda t: (t.camera_id, t.track_id))))
        for vehicle_id, found in sorted(by_vehicle.items())
    ]
