"""Writes that end whole or not at all, and disk troubles in one sentence."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mtmc.errors import StoreError

TEMPORARY = ".partial-"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a disk that is full, read-only or forbidden into one sentence."""
    reasons = {
        errno.ENOSPC: ("room on the disk", "a full disk", "Free some space and run again; finished tables are kept."),
        errno.EDQUOT: ("room in the quota", "a full quota", "Free some space and run again; finished tables are kept."),
        errno.EACCES: (
            "a writable folder",
            "no permission to write",
            "Choose another --out or change the permissions.",
        ),
        errno.EPERM: ("a writable folder", "no permission to write", "Choose another --out or change the permissions."),
        errno.EROFS: ("a writable folder", "a read-only file system", "Choose another --out."),
        errno.ENOTDIR: ("a folder", "a file in its way", "Choose another --out."),
        errno.EEXIST: ("a folder", "a file in its way", "Choose another --out."),
    }
    try:
        yield
    except OSError as error:
        if error.errno not in reasons:
            raise
        raise StoreError(path, *reasons[error.errno]) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes when it does not."""
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write indented JSON, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=str) + "\n")
