"""Numbers in lines of text."""

from __future__ import annotations

from mtmc.errors import InputError


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
