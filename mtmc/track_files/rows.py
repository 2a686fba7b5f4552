"""Numeric text rows of the field's files: spaces, tabs or commas, no header; every error names file and line."""

from __future__ import annotations

import gzip
import io
import logging
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mtmc.errors import InputError
from mtmc.files import TEXT_BYTES, check_file, decoded, read_text, unpacked

logger = logging.getLogger(__name__)

MAX_FRAME = 2**31 - 1
MOST_TRACKS = 2**53
"""The largest number of a track that a table of numbers with a fraction holds."""
FARTHEST_PX = 1_000_000
"""No picture is so large."""
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)
"""What readers of archives raise for damaged ones."""
AFTER_BYTES = 1 << 20
"""Bytes behind the last member of a tar archive; it is filled up to ten thousand."""
MOST_MEMBERS = 1000
"""Entries of a tar archive that are looked at: one is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of a file as float64 (N, columns) and the 1-based line (N,) of each; ``path`` is for error messages."""

    path: Path
    values: NDArray[np.float64]
    lines: NDArray[np.int64]

    def reject(self, bad: NDArray[np.bool_], expected: str, column: int | slice, fix: str) -> None:
        """Raise InputError with file and line for the first row where ``bad`` (N,) holds, showing its ``column``."""
        if bad.any():
            row = int(np.argmax(bad))
            shown = " ".join(f"{value:g}" for value in np.atleast_1d(self.values[row, column]))
            raise InputError(f"{self.path}:{self.lines[row]}", expected, shown, fix)

    def integers(self, column: int, name: str, least: int) -> NDArray[np.int64]:
        """A column of whole numbers from ``least`` on. Raises InputError with file and line."""
        values = self.values[:, column]
        whole = np.isfinite(values) & (values == np.floor(values)) & (values >= least) & (values <= MAX_FRAME)
        fix = "Frames count from 1: add 1 to 0-based ones." if name == "frame" else "Correct the line."
        self.reject(~whole, f"a whole {name} number from {least} on in column {column + 1}", column, fix)
        return values.astype(np.int64)

    def boxes(self, first: int) -> NDArray[np.float64]:
        """Four columns left, top, width, height (N, 4), finite with width and height above 0. Raises InputError."""
        xywh, columns = self.values[:, first : first + 4], slice(first, first + 4)
        finite = np.isfinite(xywh.sum(axis=1))
        self.reject(~finite, "a box of four finite numbers", columns, "Correct the line.")
        far = np.asarray((np.abs(xywh) > FARTHEST_PX).any(axis=1))
        self.reject(far, f"a box within {FARTHEST_PX:,} pixels", columns, "Correct the line.")
        near = xywh[:, :2].astype(np.float32)  # as boxes are kept
        flat = np.asarray(((xywh[:, :2] + xywh[:, 2:]).astype(np.float32) <= near).any(axis=1))
        self.reject(flat, "a box of positive width and height", columns, "Correct the line.")
        return xywh


def read_table(path: Path, least: int, most: int, layout: str) -> Table:
    """Read rows of ``least`` to ``most`` numbers each from a .txt or .csv file or the one member of a .zip, .tar.gz or
    .gz.

    Rows need not have equally many columns; the columns that all rows share are kept. Raises InputError with file and
    line, also for a field between commas that is empty.
    """
    text = _read_text(path)
    if not text.strip():
        logger.warning("%s is empty: nothing was seen, or the file is not whole", path)
        return Table(path, np.zeros((0, most)), np.zeros(0, np.int64))
    try:
        values = np.loadtxt(
            io.StringIO(text), np.float64, ndmin=2, comments=None, delimiter="," if "," in text else None
        )
    except ValueError:
        return _read_slowly(path, text, least, most, layout)
    if not least <= values.shape[1] <= most:
        return _read_slowly(path, text, least, most, layout)
    lines = np.arange(1, len(values) + 1)
    if len(values) != text.count("\n") + (not text.endswith("\n")):
        lines = np.array([n for n, line in enumerate(text.splitlines(), start=1) if line.strip()])
    return Table(path, values, lines)


def _read_slowly(path: Path, text: str, least: int, most: int, layout: str) -> Table:
    """Line by line, to name the first line that does not fit, or to cut rows of unequal length to the shortest."""
    rows, lines = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        words = _words(line, f"{path}:{number}", layout)
        if not words:
            continue
        if not least <= len(words) <= most:
            raise InputError(f"{path}:{number}", layout, f"{len(words)} columns", "Correct the file.")
        rows.append(_numbers(words, f"{path}:{number}", line, layout))
        lines.append(number)
    width = min(map(len, rows))
    return Table(path, np.array([row[:width] for row in rows]), np.array(lines, np.int64))


def _words(line: str, where: str, layout: str) -> list[str]:
    """The fields of a line; what stands behind a last comma is none. Raises InputError for an empty field."""
    if "," not in line:
        return line.split()
    fields = [field.split() for field in line.split(",")]
    while fields and not fields[-1]:
        fields.pop()
    if not fields:
        raise InputError(where, layout, "only commas", "Take the line away.")
    for column, field in enumerate(fields, start=1):
        if not field:
            found = f"an empty field in column {column}"
            raise InputError(where, layout, found, "Fill it in: -1 where nothing is known.")
    return [word for field in fields for word in field]


def _numbers(words: list[str], where: str, line: str, layout: str) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError as error:
        fix = "Take a header line away, or correct the line."
        raise InputError(where, layout, repr(line.strip()[:60]), fix) from error


def _read_text(path: Path) -> str:
    """The file's text, unpacked. Raises InputError for a missing, damaged or many-member file."""
    name = path.name.lower()
    opened = next((how for ending, how in ARCHIVES.items() if name.endswith(ending)), None)
    if opened is None:
        return read_text(path)
    check_file(path, "an archive", TEXT_BYTES)
    try:
        with opened(path) as member:
            data = unpacked(member, path)
    except NotImplementedError as error:
        fix = "Pack it again, as a plain .zip or .tar.gz."
        raise InputError(path, "an archive packed by a usual method", _in_short(error), fix) from error
    except RuntimeError as error:  # what zipfile says of a member with a password
        raise InputError(path, "an archive without a password", _in_short(error), "Unpack it first.") from error
    except (*DAMAGED, OSError, ValueError, KeyError) as error:
        raise InputError(path, "a whole archive", "a damaged one", "Copy or pack it again.") from error
    return decoded(data, path)


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:120].replace(". ", ", ") or type(error).__name__


@contextmanager
def _zip_member(path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = [entry for entry in archive.namelist() if not entry.endswith("/")]
        with archive.open(_only(path, members)) as member:
            yield member


@contextmanager
def _tar_member(path: Path) -> Iterator[IO[bytes]]:
    with tarfile.open(path) as archive:
        members = list(islice((entry for entry in archive if entry.isfile()), MOST_MEMBERS))
        _only(path, [entry.name for entry in members])
        member = archive.extractfile(members[0])
        if member is None:
            raise KeyError(members[0].name)
        with member:
            yield member
        archive.fileobj.read(AFTER_BYTES)  # what is cut off shows at the end only


@contextmanager
def _gzip_member(path: Path) -> Iterator[IO[bytes]]:
    with gzip.open(path) as member:
        yield member  # type: ignore[misc]


def _only(path: Path, members: list[str]) -> str:
    if len(members) != 1:
        raise InputError(path, "an archive with exactly one file in it", f"{len(members)} files", "Pack the one file.")
    return members[0]


ARCHIVES: dict[str, Callable[[Path], AbstractContextManager[IO[bytes]]]] = {
    ".zip": _zip_member,
    ".tar.gz": _tar_member,
    ".tgz": _tar_member,
    ".tar": _tar_member,
    ".gz": _gzip_member,
}
