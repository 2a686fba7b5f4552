"""Packet indexes kept in the run folder, one small Parquet table per video file, named by the file's fingerprint."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mtmc.atomic import replacing
from mtmc.scene import Recording
from mtmc.store.stamps import fingerprint
from mtmc.video.packets import read_packets

VERSION = 3
"""Raised when the index of the same file comes out otherwise."""
KEY = b"mtmc.recording"
COLUMNS = ("stamps", "times_s", "keys", "path")


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
    try:
        rows = pq.read_table(table)
        facts: dict[str, Any] = json.loads(rows.schema.metadata[KEY])
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, json.JSONDecodeError):
        return None
    if facts.pop("version", None) != VERSION:
        return None
    stamps, times_s, keys = (rows.column(name).to_numpy() for name in ("stamp", "time_s", "key"))
    facts |= {name: tuple(facts[name]) for name in ("size", "last_size") if facts[name]}
    return Recording(path=path, stamps=stamps, times_s=times_s, keys=np.flatnonzero(keys), **facts)
