"""Writes that end whole or not at all, one run at a time in a folder, and disk troubles in one sentence."""

from __future__ import annotations

import errno
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mtmc.errors import StoreError, trouble

TEMPORARY = ".partial-"
LOCK = ".lock"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a disk that is full, read-only, forbidden or otherwise unwilling into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # no trouble of the disk, but of what is written (a codec's, say)
            raise
        raise StoreError(path, *trouble(error)) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes when it does not.

    What takes the place is on the disk before: after a power cut there is the old file or the new one, never half of
    it.
    """
    temporary = path.with_name(f"{TEMPORARY}{platform.node()}-{os.getpid()}-{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _to_disk(temporary)
            os.replace(temporary, path)
            _to_disk(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    if path.is_dir() and os.name != "posix":  # only POSIX systems open folders
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that knows no such thing
            raise
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write indented JSON, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=str) + "\n")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process alone, and clear it of half-written files that killed runs and lost workers
    left.

    Raises StoreError while another process holds it. A lock dies with its process, so a killed run leaves none.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            fix = "Wait for it to end, or choose another --out."
            raise StoreError(folder, "a run folder that nobody writes to", "another run at work in it", fix) from error
    try:
        _clear(folder)
        yield
        _clear(folder)
    finally:
        lock.release()


def _clear(folder: Path) -> None:
    for left in folder.rglob(f"{TEMPORARY}*"):
        left.unlink(missing_ok=True)
