"""The one way in for files: regular ones only, of a size that makes sense, text that is text, documents of a known
shape.

It lives here, with ``reid.errors``, because ``reid`` stands alone and ``mtmc`` stands on it: mtmc comes in by
``mtmc/files`` only. Every function raises ``error``, a UserError, with what was expected, what was found and what to
do.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import textwrap
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from reid.errors import UserError
from reid.storage import is_local

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

TEXT_BYTES = 512 << 20
"""Text that is larger is no list of boxes, and no configuration."""
LARGEST_PIXELS = 1 << 27
"""Pictures of more pixels (134 million) are refused before they are decoded."""
LARGEST_RATIO = 100
"""How much smaller than its content an archive of text may be ..."""
ANY_RATIO_BYTES = 32 << 20
"""... if it holds more than this."""

ANY_VALUES = 1 << 26
"""Values that a Parquet table may hold whatever its size ..."""
VALUES_PER_BYTE = 8
"""... and for each byte of a larger one."""

PIECE = 1 << 20
UTF16_MARKS = b"\xff\xfe", b"\xfe\xff"
CHECK_PATH = "Check the path."
CHECK_RIGHTS = "Check the path and rights."


def check_file(
    path: Path,
    expected: str = "a file",
    most: int | None = None,
    error: type[UserError] = UserError,
    fix: str = CHECK_PATH,
) -> None:
    """Raise unless there is a regular file at ``path`` that may be read, of at most ``most`` bytes; ``fix`` is said
    where there is none.

    Pipes and devices would be waited for, or never end.
    """
    try:
        found = path.stat()
        if is_local(path) and stat.S_ISREG(found.st_mode) and not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileNotFoundError:
        raise error(_shown(path), expected, "no such file", fix) from None
    except (OSError, ValueError) as refused:
        raise error(_shown(path), expected, _reason(refused), CHECK_RIGHTS) from None
    if not stat.S_ISREG(found.st_mode):
        raise error(path, expected, _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file"), CHECK_PATH)
    if most is not None and found.st_size > most:
        size = f"one of {found.st_size:,} bytes"
        raise error(path, f"{expected} of at most {most:,} bytes", size, "Give another file.")


_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def _shown(path: Path) -> str:
    """A path that fits into a sentence."""
    text = str(path).replace("\0", "\\0")
    return text if len(text) <= 300 else f"{text[:300]}..."


def _reason(refused: OSError | ValueError) -> str:
    return str(getattr(refused, "strerror", None) or refused).lower()


def read_bytes(
    path: Path, expected: str = "a file", most: int = TEXT_BYTES, error: type[UserError] = UserError
) -> bytes:
    """The content of a regular file."""
    check_file(path, expected, most, error)
    try:
        return path.read_bytes()
    except OSError as refused:
        raise error(path, expected, _reason(refused), CHECK_RIGHTS) from refused


def read_text(path: Path, expected: str = "a text file", error: type[UserError] = UserError) -> str:
    """A text file's content: UTF-8 with or without a byte-order mark, its lines ended by a single newline."""
    return decoded(read_bytes(path, expected, error=error), path, error)


def decoded(data: bytes, path: Path | str, error: type[UserError] = UserError) -> str:
    """The text of a file's bytes; UTF-16 and other bytes are named."""
    zeros = data.count(0)
    if data.startswith(UTF16_MARKS) or zeros:
        wide = data.startswith(UTF16_MARKS) or (len(data) / 3 < zeros <= len(data) / 2 + 1 and bool(data.strip(b"\0")))
        found = "UTF-16 text (Windows calls it Unicode)" if wide else "bytes that are no text"
        raise error(path, "a text file in UTF-8", found, "Save it as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as refused:
        place = f"bytes that are no text, at line {data[: refused.start].count(10) + 1}"
        raise error(path, "a text file in UTF-8", place, "Save it as UTF-8.") from refused
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_toml(text: str, where: object, error: type[UserError] = UserError) -> dict[str, Any]:
    """The tables of a TOML text."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as refused:
        raise error(where, "TOML", _told(refused), "Correct the file.") from refused


def parse_json(text: str, where: object, error: type[UserError] = UserError) -> Any:
    """The content of a JSON text, whose numbers are finite and whose keys stand once."""
    try:
        return json.loads(text, parse_constant=_refused_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as refused:
        raise error(where, "JSON", _told(refused), "Correct the file, or have it made again.") from refused


Model = TypeVar("Model", bound=BaseModel)


def read_json(path: Path, model: type[Model], expected: str, fix: str, error: type[UserError] = UserError) -> Model:
    """A JSON document, checked; ``expected`` says what it is, ``fix`` how to get another."""
    try:
        text = read_text(path, expected, error)
        parse_json(text, path, error)  # pydantic's own parser takes numbers that are none, and keys twice
        return model.model_validate_json(text)
    except ValidationError as mistake:
        raise error(path, expected, first_mistake(mistake), fix) from mistake
    except UserError as mistake:
        raise error(mistake.where, expected, mistake.found, fix) from mistake


def first_mistake(mistake: ValidationError) -> str:
    """What pydantic refused first, in one line."""
    first = mistake.errors()[0]
    key = ".".join(map(str, first["loc"])) or "the whole"
    return f"{key} = {textwrap.shorten(repr(first['input']), 60, placeholder=' ...')} ({first['msg'].lower()})"


def _told(refused: ValueError | RecursionError) -> str:
    return "brackets nested too deep" if isinstance(refused, RecursionError) else _one_line(str(refused))


def _one_line(text: str) -> str:
    return textwrap.shorten(text.replace("\0", "\\0"), 200, placeholder=" ...")


def _refused_constant(name: str) -> float:
    raise ValueError(f"the number {name}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} twice")
    return found


def unpacked(member: IO[bytes], path: Path, error: type[UserError] = UserError) -> bytes:
    """All bytes of a member of the archive at ``path``, unpacked piece by piece: a bomb is refused where it grows
    beyond what text is."""
    parts, size, packed = [], 0, path.stat().st_size
    while part := member.read(PIECE):
        parts.append(part)
        size += len(part)
        if size > TEXT_BYTES or size > max(ANY_RATIO_BYTES, LARGEST_RATIO * packed):
            found = f"one that unpacks to more than {size >> 20} MB"
            raise error(path, "an archive of a text file", found, "Unpack it first, and look into it.")
    return b"".join(parts)


def read_parquet(
    path: Path, expected: str, fix: str, columns: Sequence[str] | None = None, where: pc.Expression | None = None,
    error: type[UserError] = UserError,
) -> pa.Table:  # fmt: skip
    """A Parquet table, its pages checked, or some of its columns, and of its rows those for which ``where`` holds; a
    bomb is refused by what its footer counts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_file(path, expected, error=error, fix=fix)
    try:
        source = path if is_local(path) else pa.BufferReader(path.read_bytes())
        with pq.ParquetFile(source) as file:
            # Of damaged footers only the outermost numbers can be asked without a crash.
            width = sum(getattr(field.type, "list_size", 1) for field in file.schema_arrow)
            values = file.metadata.num_rows * max(1, width)
        if values > max(ANY_VALUES, VALUES_PER_BYTE * path.stat().st_size):
            raise error(path, expected, f"one that unpacks to {values:,} values", fix)
        how = {"page_checksum_verification": True, "partitioning": None}
        table = pq.read_table(source, columns=columns, filters=where, **how)
        _ = table.column_names  # they may be no text
    except (pa.ArrowException, OSError, KeyError, ValueError, MemoryError) as refused:
        raise error(path, expected, f"a damaged file ({_one_line(str(refused).splitlines()[0])})", fix) from refused
    return table


def check_archive(path: Path, error: type[UserError] = UserError) -> None:
    """Raise for a zip of weights whose content is far larger than the file: weights do not shrink when packed."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as refused:
        raise error(path, "a whole archive", _one_line(str(refused)), "Fetch the file again.") from refused
    if total > max(ANY_RATIO_BYTES, 4 * path.stat().st_size):
        raise error(path, "a file of weights", f"an archive that unpacks to {total:,} bytes", "Give another file.")
