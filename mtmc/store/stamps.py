"""Stamps: what a table was made from, and why it has to be made again."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mtmc.errors import UserError
from mtmc.files import check_file, lies_there, opened, parse_json

Stamp = Mapping[str, Any]
"""Plain JSON: stage, version, params, inputs."""

STAMP_KEY = b"mtmc.stamp"
SAMPLED_BYTES = 1 << 20
MAGIC, MAGIC_BYTES = b"PAR1", 8
"""How a Parquet file ends: the length of its footer, and this word."""
USUAL_BYTES = 1 << 13
"""Most footers are shorter: one read is enough."""


_SPELLER = json.JSONEncoder(sort_keys=True, default=str)


def canonical(stamp: Stamp) -> bytes:
    """One spelling of a stamp."""
    return _SPELLER.encode(stamp).encode()


def plain(stamp: Stamp) -> dict[str, Any]:
    """A stamp as it comes back from a file."""
    return dict(json.loads(canonical(stamp)))


def digest(stamp: Stamp) -> str:
    """Short content hash of a stamp: what a later stage's stamp names as its input."""
    return hashlib.blake2b(canonical(stamp), digest_size=12).hexdigest()


def digest_array(values: NDArray[Any]) -> str:
    """Short content hash of an array."""
    return hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=12).hexdigest()


def stored_stamp(path: Path) -> dict[str, Any] | None:
    """The stamp of a finished table, None if there is no (readable) table."""
    try:
        check_file(path)
        with opened(path) as file:
            stamp = parse_json((pq.read_schema(file).metadata or {})[STAMP_KEY].decode(), path)
    except (UserError, OSError, pa.ArrowException, KeyError, ValueError, MemoryError):
        return None
    return stamp if isinstance(stamp, dict) else None


def staleness(path: Path, stamp: Stamp) -> list[str]:
    """Why the table at ``path`` has to be made (again): [] if fresh, else one reason per difference."""
    if _bears(path, canonical(stamp)):
        return []
    stored = stored_stamp(path)
    if stored is None:
        return ["damaged" if lies_there(path) else "missing"]
    return list(_differences(stored, plain(stamp), ""))


def _bears(path: Path, spelled: bytes) -> bool:
    """Whether a table ends whole and its footer holds the stamp: a hundred thousand are asked in seconds."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
            return False
        with opened(path, buffering=0) as file:
            file.seek(max(0, found.st_size - USUAL_BYTES))
            end = file.read(USUAL_BYTES)
            length = int.from_bytes(end[-MAGIC_BYTES:-4], "little") + MAGIC_BYTES
            if not end.endswith(MAGIC) or length > found.st_size:  # of a damaged file the length is anything
                return False
            if length > len(end):
                file.seek(found.st_size - length)
                end = file.read(length)
    except OSError:
        return False
    return STAMP_KEY in (footer := end[-length:]) and spelled in footer


def _differences(old: Any, new: Any, prefix: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            inner = key if not prefix else f"{prefix}.{key}"
            yield from _differences(old.get(key), new.get(key), inner)
    elif old != new:
        yield f"{prefix} changed" if prefix.startswith("inputs.") else f"{prefix} {old} -> {new}"


def fingerprint(path: Path) -> str:
    """Content hash of a file, of its size and sixteen sampled megabytes if it is larger than that: quick, and
    independent of its date.

    Of a folder: of its files' names and sizes, and the content of sixteen of them. What has not changed is not read
    again.
    """
    if path.is_dir():
        files = sorted(inner for inner in path.iterdir() if inner.is_file() and not inner.name.startswith("."))
        sampled = [files[row] for row in np.linspace(0, len(files) - 1, min(16, len(files))).astype(int)]
        content = [[inner.name, inner.stat().st_size] for inner in files], [fingerprint(inner) for inner in sampled]
        return hashlib.blake2b(json.dumps(content).encode(), digest_size=12).hexdigest()
    found = path.stat()
    return _fingerprint_of(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=4096)
def _fingerprint_of(path: Path, size: int, _changed_ns: int) -> str:
    state = hashlib.blake2b(str(size).encode(), digest_size=12)
    large = size > 16 * SAMPLED_BYTES
    with opened(path) as file:
        for start in np.linspace(0, max(0, size - SAMPLED_BYTES), num=16 if large else 1, dtype=np.int64):
            file.seek(int(start))
            state.update(file.read(SAMPLED_BYTES if large else -1))
    return state.hexdigest()
