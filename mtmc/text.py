"""The one way in for text files: UTF-8 with or without a byte-order mark, any line ends; what is no such text is
named."""

from __future__ import annotations

from pathlib import Path

from mtmc.errors import InputError

UTF16_MARKS = b"\xff\xfe", b"\xfe\xff"


def read_text(path: Path) -> str:
    """A text file's content, its lines ended by a single newline. Raises InputError where it cannot be read or is no
    UTF-8."""
    try:
        return decoded(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise InputError(path, "a file", "nothing", "Check the path.") from error
    except OSError as error:
        raise InputError(path, "a readable file", str(error.strerror or error), "Check the path and rights.") from error


def decoded(data: bytes, path: Path | str) -> str:
    """The text of a file's bytes. Raises InputError that names UTF-16 or other bytes."""
    if data.startswith(UTF16_MARKS) or b"\0" in data[:4096:2] or b"\0" in data[1:4096:2]:
        kind = "UTF-16" if data.startswith(UTF16_MARKS) or data[:4096].count(0) * 3 > len(data[:4096]) else "binary"
        found = "UTF-16 text (Windows calls it Unicode)" if kind == "UTF-16" else "bytes that are no text"
        raise InputError(path, "a text file in UTF-8", found, "Save it as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"bytes that are no text, at line {data[: error.start].count(10) + 1}"
        raise InputError(path, "a text file in UTF-8", place, "Save it as UTF-8.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def numbers(text: str, where: str) -> list[float]:
    """Finite numbers of a line, separated by blanks, commas or semicolons, none of them empty. Raises InputError with
    ``where``."""
    words = [word for part in text.replace(";", ",").split(",") for word in (part.split() or [""])]
    while words and not words[-1]:
        words.pop()
    for column, word in enumerate(words, start=1):
        if not word:
            raise InputError(where, "numbers", f"an empty field in column {column}", "Fill it in.")
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise InputError(where, "numbers", f"{text.strip()!r}", "Correct the line.") from error
    if not all(abs(value) < float("inf") for value in values):
        raise InputError(where, "finite numbers", f"{text.strip()!r}", "Correct the line.")
    return values
