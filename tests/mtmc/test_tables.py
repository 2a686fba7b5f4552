"""The store's door: whatever a table of a run folder holds, it is as it should be or refused with its column."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtmc.errors import StoreError
from mtmc.store import schemas
from mtmc.store.parts import DetectionsInTime
from mtmc.store.tables import (
    keep_embeddings,
    read_detections,
    read_embeddings,
    read_table,
    read_tracklets,
    read_vehicles,
    write_detections,
    write_embeddings,
    write_tracklets,
    write_vehicles,
)
from mtmc.structures import Detections, Embeddings, GlobalTrack, Tracklet

BOXES = np.array([[0, 0, 10, 10], [5, 5, 20, 20], [8, 8, 30, 30]], np.float32)
TRACKLET = Tracklet("c001", 1, np.arange(3), BOXES, np.ones(3), 0)
DETECTIONS = Detections(np.arange(3), BOXES, np.ones(3), np.zeros(3), np.ones((3, 2)))
STAMP: dict[str, Any] = {"stage": "x"}
READERS: dict[str, tuple[Callable[[Path], None], Callable[[Path], object], schemas.Schema]] = {
    "detections": (
        lambda path: write_detections(path, DETECTIONS, STAMP),
        read_detections,
        schemas.DETECTIONS,
    ),
    "tracklets": (
        lambda path: write_tracklets(path, [TRACKLET], STAMP),
        lambda path: read_tracklets(path, "c001"),
        schemas.TRACKLETS,
    ),
    "embeddings": (
        lambda path: write_embeddings(path, Embeddings(np.eye(3), np.ones(3), range(3), np.ones(3)), STAMP),
        read_embeddings,
        schemas.EMBEDDINGS,
    ),
    "vehicles": (
        lambda path: write_vehicles(path, [GlobalTrack(1, (TRACKLET,))], STAMP),
        read_vehicles,
        schemas.VEHICLES,
    ),
}
WRONG: dict[str, Callable[[int], pa.Array]] = {
    "words": lambda n: pa.array(["x"] * n),
    "nothing": lambda n: pa.nulls(n, pa.int64()),
    "no floats": lambda n: pa.nulls(n, pa.float32()),
    "NaN": lambda n: pa.array(np.full(n, np.nan)),
    "infinity": lambda n: pa.array(np.full(n, np.inf, np.float32)),
    "negative": lambda n: pa.array(np.full(n, -5, np.int64)),
    "huge": lambda n: pa.array(np.full(n, 2**62, np.int64)),
    "lists": lambda n: pa.array([[1]] * n),
    "flags": lambda n: pa.array([True] * n),
}


@pytest.mark.parametrize(("name", "column"), [(name, column) for name, row in READERS.items() for column in row[2]])
def test_a_column_that_is_wrong_is_named(name: str, column: str, tmp_path: Path) -> None:
    write, read, _ = READERS[name]
    write(path := tmp_path / "t.parquet")
    table = pq.read_table(path)
    at = table.column_names.index(column)
    for kind, values in WRONG.items():
        if (kind == "huge" and column.endswith("_id")) or (kind == "words" and column == "camera_id"):
            continue
        pq.write_table(table.set_column(at, column, values(len(table))), path)
        with pytest.raises(StoreError, match=rf"t\.parquet: expected .*{column}.*, found .+ Delete it and run"):
            read(path)
    pq.write_table(table.drop_columns([column]), path)
    with pytest.raises(StoreError, match=f"column {column} .*found 0 of that name"):
        read(path)


@pytest.mark.parametrize("name", READERS)
def test_rows_in_another_order_are_refused_or_the_same(name: str, tmp_path: Path) -> None:
    write, read, _ = READERS[name]
    write(path := tmp_path / "t.parquet")
    table = pq.read_table(path)
    pq.write_table(table.take([2, 0, 1]), path)
    if name == "embeddings":  # in no order
        read(path)
        return
    with pytest.raises(StoreError, match="rows that fit each other"):
        read(path)


def test_a_tracklet_in_two_vehicles_is_refused(tmp_path: Path) -> None:
    write_vehicles(tmp_path / "t.parquet", [GlobalTrack(1, (TRACKLET,)), GlobalTrack(2, (TRACKLET,))], STAMP)
    with pytest.raises(StoreError, match="in one vehicle"):
        read_vehicles(tmp_path / "t.parquet")


@given(st.integers(0, 10**6), st.integers(0, 7))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_turned_bit_is_seen_or_harmless(tmp_path: Path, at: int, bit: int) -> None:
    write, read, schema = READERS["detections"]
    write(path := tmp_path / "t.parquet")
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1 << bit
    path.write_bytes(content)
    with contextlib.suppress(StoreError):
        assert set(schema) <= set(read_table(path, schema).column_names)
        read(path)


@given(st.integers(0, 10**6), st.integers(0, 7))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_turned_bit_in_a_slice_of_a_day_is_seen_or_harmless(tmp_path: Path, at: int, bit: int) -> None:
    """Of a damaged footer's column statistics Arrow makes a crash, no error."""
    paths = [tmp_path / "00001.parquet", tmp_path / "00002.parquet"]
    for path in paths:
        write_detections(path, DETECTIONS, STAMP)
    content = bytearray(paths[1].read_bytes())
    content[-(at % (len(content) * 2 // 3)) - 1] ^= 1 << bit
    paths[1].write_bytes(content)
    with contextlib.suppress(StoreError):
        DetectionsInTime(paths)(0, 2)


def test_a_pipe_in_a_tables_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.parquet")
    assert not keep_embeddings(tmp_path / "t.parquet", STAMP, "source")
    with pytest.raises(StoreError, match="a pipe"):
        read_embeddings(tmp_path / "t.parquet")
