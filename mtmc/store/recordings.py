"""Packet indexes kept in the run folder, one small Parquet table per video file, named by the file's fingerprint."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from mtmc.errors import StoreError
from mtmc.files.atomic import replacing
from mtmc.scene import Recording
from mtmc.store.schemas import Column, Schema, check
from mtmc.store.stamps import fingerprint
from mtmc.store.tables import read_any_table
from mtmc.video.packets import read_packets

VERSION = 3
"""Raised when the index of the same file comes out otherwise."""
KEY = b"mtmc.recording"
COLUMNS = ("stamps", "times_s", "keys", "path")
INDEX: Schema = {"stamp": Column("whole", least=-(2**63)), "time_s": Column("number"), "key": Column("flag")}
Side = Annotated[int, Field(ge=1, le=65536)]
Size = tuple[Side, Side]


class Facts(BaseModel):
    """What the table's metadata say of the whole file, as ``Recording`` has it."""

    model_config = ConfigDict(strict=True, extra="forbid")
    version: Literal[3]
    fps: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    size: Size
    orientation: Annotated[int, Field(ge=1, le=8)]
    exact: bool
    constant: bool
    stamped: bool
    promised: Annotated[int, Field(ge=0)]
    hidden: int
    damaged: Annotated[int, Field(ge=0)]
    last_size: Size | None
    pictures: bool
    jumps: bool


class KeptRecordings:
    """Reads a video file's packets once per run folder: a later look takes the table.

    ``stamp int64, time_s float64, key bool``, one row per frame; what is said of the whole file stands in the table's
    metadata.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, path: Path) -> Recording:
        """The file's index, from its table if there is one. Raises InputError for a file that is no video."""
        known = _load(self._table(path), path) if path.is_file() else None
        return known or read_packets(path)

    def keep(self, recording: Recording) -> None:
        """Write the table of a file unless it is there."""
        table = self._table(recording.path)
        if not table.is_file():
            _save(table, recording)

    def _table(self, path: Path) -> Path:
        return self._folder / f"{fingerprint(path)}.parquet"


def _save(table: Path, recording: Recording) -> None:
    keys = np.zeros(len(recording), np.bool_)
    keys[recording.keys] = True
    facts = {f.name: getattr(recording, f.name) for f in fields(Recording) if f.name not in COLUMNS}
    rows = pa.table({"stamp": recording.stamps, "time_s": recording.times_s, "key": keys})
    rows = rows.replace_schema_metadata({KEY: json.dumps({"version": VERSION, **facts}, sort_keys=True).encode()})
    encoding = {"stamp": "DELTA_BINARY_PACKED", "time_s": "BYTE_STREAM_SPLIT"}
    with replacing(table) as temporary:
        pq.write_table(rows, temporary, compression="zstd", use_dictionary=False, column_encoding=encoding)


def _load(table: Path, path: Path) -> Recording | None:
    """None where there is no table, or one that is damaged or of another version: the file is looked through again."""
    try:
        rows = check(table, read_any_table(table), INDEX)
        told = (rows.schema.metadata or {}).get(KEY, b"").decode()
        facts = Facts.model_validate_json(told).model_dump(exclude={"version"})
    except (StoreError, ValueError):
        return None
    stamps, times_s, keys = (rows.column(name).to_numpy() for name in INDEX)
    return Recording(path=path, stamps=stamps, times_s=times_s, keys=np.flatnonzero(keys), **facts)
