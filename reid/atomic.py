"""Writes that end whole or not at all, one process at a time in a folder, and disk troubles in one sentence.

It lives here, with ``reid.errors``, because ``reid`` stands alone and ``mtmc`` stands on it: mtmc comes in by
``mtmc/files/atomic.py`` only.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from reid.errors import UserError, trouble
from reid.storage import is_local, put

TEMPORARY = ".partial-"
LOCK = ".lock"


@contextmanager
def writing(path: Path, error: type[UserError] = UserError) -> Iterator[None]:
    """Turn a disk that is full, read-only, forbidden or otherwise unwilling into one sentence."""
    try:
        yield
    except OSError as refused:
        if refused.errno is None:  # no trouble of the disk, but of what is written (a codec's, say)
            raise
        raise error(path, *trouble(refused)) from refused


def part_of(path: Path) -> Path:
    """Where a file is written before it takes its place: beside it, by a name of this process's own that no name makes
    too long; that of a URL among this machine's temporary files."""
    if not is_local(path):
        return Path(tempfile.gettempdir()) / _name_of_part(str(path), path.suffix)
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not (path.is_file() or path.is_dir()):  # replacing /dev/null breaks a machine
        raise OSError(errno.ENODEV, "a device, pipe or socket, which no file replaces", str(path))
    return path.with_name(_name_of_part(path.name, path.suffix))


def _name_of_part(name: str, suffix: str) -> str:
    return f"{TEMPORARY}{platform.node()[:40]}-{os.getpid()}-{_hashed(name)}{suffix[:20]}"


def _hashed(name: str) -> str:
    return hashlib.blake2b(name.encode(errors="replace"), digest_size=6).hexdigest()


@contextmanager
def replacing(path: Path, error: type[UserError] = UserError) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes when it does not."""
    temporary = part_of(path)
    with writing(path, error):
        if is_local(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            put_in_place(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path) -> None:
    """Let a whole file take its place. It is on the disk before: after a power cut there is the old file or the new
    one, never half of it. At a URL it is put all at once."""
    if not is_local(path):
        put(temporary, path)
        return
    _to_disk(temporary)
    os.replace(temporary, path)
    _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
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


@contextmanager
def locked(folder: Path, error: type[UserError] = UserError, what: str = "run") -> Iterator[None]:
    """Hold a folder for this process alone, and clear it of half-written files that killed ones and lost workers left.

    Raises while another process holds it. A lock dies with its process, so a killed one leaves none. A URL is held
    against this machine's processes only.
    """
    with writing(folder, error):
        if is_local(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / LOCK)
        else:
            lock = FileLock(Path(tempfile.gettempdir()) / f"mtmc-{_hashed(str(folder))}{LOCK}")
        try:
            lock.acquire(timeout=0)
        except Timeout as held:
            expected, found = f"a folder of {what} that nobody writes to", f"another {what} at work in it"
            raise error(folder, expected, found, "Wait for it to end, or choose another --out.") from held
    try:
        _clear(folder)
        yield
        _clear(folder)
    finally:
        lock.release()


def _clear(folder: Path) -> None:
    for left in folder.rglob(f"{TEMPORARY}*") if is_local(folder) else ():
        left.unlink(missing_ok=True)
