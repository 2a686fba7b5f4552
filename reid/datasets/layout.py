"""What every reader shares: files that must be there, lists inside them, and counts held against the published ones."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from reid.errors import UserError
from reid.files import read_bytes, read_text

log = logging.getLogger("reid")

IMAGE_SUFFIXES = frozenset([".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"])
UNPACK = "Give --root the folder that holds it, or unpack the data set again."


def require(root: Path, *names: str) -> None:
    """Raise UserError naming the first file or folder of ``names`` that is missing under the root."""
    for name in names:
        if not (root / name).exists():
            raise UserError(root, f"{name} in the folder", _inventory(root), UNPACK)


def find_root(root: Path, *names: str) -> Path:
    """The folder itself, or the one folder in it that holds any of the names: archives are unpacked one level too
    high."""
    if any((root / name).exists() for name in names) or not root.is_dir():
        return root
    inner = [path for path in sorted(root.iterdir()) if path.is_dir() and any((path / n).exists() for n in names)]
    return inner[0] if len(inner) == 1 else root


def require_parts(root: Path, data: str, train: str, *test: str) -> None:
    """Raise UserError unless the training folder or all of the test is there; a part that is not is a warning.

    Training needs no test on disk, and evaluation no training part.
    """
    trains, tests = (root / train).exists(), [(root / name).exists() for name in test]
    if any(tests) and not all(tests):
        require(root, *test)
    if not trains and not any(tests):
        require(root, train, *test)
    for part, there in (("training", trains), ("test", all(tests))):
        if not there:
            log.warning("%s: no %s part in %s", data, part, root)


def list_images(folder: Path) -> list[Path]:
    """Image files of a folder, sorted, whatever their ending's case; hidden ones (``._*``, as macOS leaves) are
    none."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))


def require_images(paths: Iterable[Path]) -> None:
    """Raise UserError where a listed image is not on disk, naming the first one and how many are missing."""
    missing: list[Path] = []
    for folder, group in groupby(sorted(paths), key=lambda path: path.parent):
        present = set(os.listdir(folder)) if folder.is_dir() else set()
        missing += [path for path in group if path.name not in present]
    if missing:
        raise UserError(missing[0], "an image", f"no such file ({len(missing):,} listed images are missing)", UNPACK)


def split_fields(line: str, where: str) -> list[str]:
    """Fields between blanks or commas. Raises UserError for an empty one between commas: it would shift the others."""
    if "," not in line:
        return line.split()
    fields = [field.strip() for field in line.rstrip().rstrip(",").split(",")]
    if not all(fields):
        column = fields.index("") + 1
        raise UserError(where, "a value in each field", f"an empty one in column {column}", "Fill it in.")
    return [word for field in fields for word in field.split()]


def read_rows(path: Path) -> list[list[str]]:
    """Words of each line that is not blank: spaces at the end, as some copies have them, do not count."""
    rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
    if not rows:
        raise UserError(path, "a list", "an empty file", UNPACK)
    return rows


def read_label_xml(path: Path) -> list[dict[str, str]]:
    """Attributes of each Item of a ``*_label.xml``.

    The header says gb2312, which Python's parser refuses though the files are plain ASCII: the encoding is given from
    outside. Raises UserError where the file is missing or no XML.
    """
    data = read_bytes(path, "a label file")
    try:
        tree = ElementTree.fromstring(data, ElementTree.XMLParser(encoding="utf-8"))
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise UserError(path, "labels in XML", f"a damaged file ({error})", UNPACK) from None
    return [dict(item.attrib) for item in tree.iter("Item")]


def parse_name(path: Path, pattern: re.Pattern[str], example: str) -> tuple[int, int]:
    """(vehicle id, camera id) that a file name carries. Raises UserError for a name of another shape."""
    match = pattern.match(path.name)
    if match is None:
        raise UserError(
            path, f"a name like {example}", repr(path.name), "Check that --dataset names the right data set."
        )
    return int(match[1]), int(match[2])


def camera_number(text: str, path: Path) -> int:
    """7 of "c007". Raises UserError where there is no number."""
    digits = text.strip().lstrip("cC")
    if not re.fullmatch(r"[0-9]{1,9}", digits):
        raise UserError(path, "a camera like c007", repr(text[:40]), UNPACK)
    return int(digits)


def check_counts(name: str, found: dict[str, int], *editions: dict[str, int]) -> None:
    """Warn in one line where the counts are those of no published edition; the nearest edition is named. Parts that are
    not on disk (0) are not counted."""
    found = {key: count for key, count in found.items() if count}
    nearest = min(editions, key=lambda edition: sum(count != edition[key] for key, count in found.items()))
    differing = [
        f"{count:,} {key} (published: {nearest[key]:,})" for key, count in found.items() if count != nearest[key]
    ]
    if not differing:
        return
    log.warning("%s: %s; figures from this copy do not compare with published ones.", name, ", ".join(differing))


def _inventory(root: Path) -> str:
    if not root.is_dir():
        return "a file"
    names = sorted(os.listdir(root))
    return f"only {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}" if names else "an empty folder"
