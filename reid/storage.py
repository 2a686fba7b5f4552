"""Paths by URL (``s3://bucket/cams``), through fsspec; those of this machine stay ``pathlib``'s, as quick and as safe.

A URL takes whole files: one put, or a rename where a store has files that grow. It has no locks, and nothing is told of
its disk. What is said there is ``pathlib``'s too (universal_pathlib): what reads a ``Path`` reads it.
"""

from __future__ import annotations

import errno
import os
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import IO, Any, cast

from reid.errors import UserError

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "memory"})
"""Here an object is there when all of it is: putting is atomic."""
BLOCK = 1 << 20
"""Bytes fetched at once."""
STORES = "MTMC_STORES"
"""Environment variable: stores (``s3://bucket``), with blanks between them, that files may name too."""

_named: set[str] = set()
"""Stores that whoever started this process has named."""


def to_path(name: Path | str, error: type[UserError] = UserError) -> Path:
    """The path that a user names: of this machine, also as ``file://``, or a URL. Raises UserError for one that is not
    reached."""
    if not isinstance(name, str):
        return name
    scheme, separator, rest = name.partition("://")
    if not separator or scheme == "file":
        return Path(rest if separator else name)
    if find_spec("upath") is None:
        fix = 'Install it with pip install "mtmc[storage]".'
        raise error(name, "a path of this machine, or the package universal_pathlib", "none", fix)
    from upath import UPath

    try:
        found = UPath(f"{scheme}://{rest.rstrip('/')}", use_listings_cache=False)  # other processes write there too
        found.exists()
    except Exception as refused:  # every store has errors of its own
        said = (str(refused) or type(refused).__name__).splitlines()[0]
        fix = f"Check the name and the rights, and that fsspec can open {scheme}:// (s3:// by s3fs, gs:// by gcsfs)."
        raise error(name, "a URL that can be reached", said, fix) from refused
    _named.add(_store(name))
    return cast(Path, found)


def named_by_file(name: str, where: object, error: type[UserError] = UserError) -> Path:
    """The path that a file names. Raises UserError for a URL in a store that no user has named: a file alone reaches no
    network."""
    store = _store(name)
    if store and store not in _named.union(os.environ.get(STORES, "").split()):
        raise error(where, "a folder, or a store that you name", name, f"If you trust it, set {STORES}={store}.")
    return to_path(name, error)


def _store(name: str) -> str:
    """``s3://bucket`` of a URL, "" of a path of this machine."""
    scheme, separator, rest = name.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if separator and scheme != "file" else ""


def is_local(path: Path) -> bool:
    """Whether a path is one of this machine."""
    return isinstance(path, os.PathLike)


def lies_there(path: Path) -> bool:
    """Whether there is anything at a path: a broken link is something."""
    return os.path.lexists(path) if is_local(path) else path.exists()


def inside(path: Path, folder: Path) -> PurePath:
    """Where a path lies below a folder. Of an s3:// URL universal_pathlib takes the first name below for a bucket."""
    return PurePath(str(path)).relative_to(str(folder))


def opened(path: Path, buffering: int = -1, block: int = BLOCK) -> IO[bytes]:
    """A file to be read here and there; of a URL ``block`` bytes and more at once."""
    if is_local(path):
        return path.open("rb", buffering=buffering)
    remote = cast(Any, path)
    return cast(IO[bytes], remote.fs.open(remote.path, "rb", block_size=block))


def put(whole: Path, path: Path) -> None:
    """Let a file of this machine be the one at a URL, all at once. Raises OSError."""
    remote = cast(Any, path)
    try:
        if OBJECT_STORES.isdisjoint([remote.protocol]):
            part = remote.with_name(whole.name)
            remote.fs.makedirs(remote.parent.path, exist_ok=True)
            remote.fs.put_file(str(whole), part.path)
            remote.fs.mv(part.path, remote.path)
        else:
            remote.fs.put_file(str(whole), remote.path)
    except Exception as refused:
        raise OSError(errno.EIO, (str(refused) or type(refused).__name__).splitlines()[0]) from refused
