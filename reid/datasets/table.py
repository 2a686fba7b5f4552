"""Crops of one's own: a CSV table of path, vehicle_id, camera_id, split.

Paths are relative to the table. Vehicle and camera ids are numbers or names. Splits: ``train``; and one test, given
either as ``query`` and ``gallery``, or as ``val``, ``test`` or ``gallery`` alone, of which each vehicle's images in its
first camera are the queries and all other images the gallery (a vehicle of one camera goes to the gallery whole, as a
distractor).
Vehicle -1 is junk, as in Market-1501, and left out.
Further columns are ignored.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.datasets.layout import log, require_images
from reid.datasets.structures import Dataset, ImageSet, cross_camera
from reid.errors import UserError
from reid.files import read_text

COLUMNS = ("path", "vehicle_id", "camera_id", "split")
SPLITS = ("train", "query", "gallery", "val", "test")
DEFAULT_TABLE = "index.csv"
JUNK = "-1"
LONGEST_PATH = 4000
NUMBER = re.compile(r"[0-9]{1,18}")
FORM = "See `reid crops --help` for the form."


def read_csv(root: Path) -> Dataset:
    """Read a table, or index.csv of a folder. Raises UserError for a missing column, an unknown split, two tests, or a
    missing image."""
    path = root / DEFAULT_TABLE if root.is_dir() else root
    rows = _read_table(path)
    junk = [row for row in rows if row["vehicle_id"].strip() == JUNK]
    if junk:
        log.warning("%s: %d rows of vehicle %s are junk and left out", path, len(junk), JUNK)
        rows = [row for row in rows if row["vehicle_id"].strip() != JUNK]
    images = _images(path, rows)
    require_images(images.paths)
    split = np.array([row["split"].strip() for row in rows])
    query, gallery = _test_part(path, images, split)
    return Dataset("csv", images.take(split == "train"), query, gallery)


def _read_table(path: Path) -> list[dict[str, str]]:
    reader = csv.DictReader(read_text(path).split("\n"))
    try:
        names, rows = reader.fieldnames or (), list(reader)
    except csv.Error as error:
        raise UserError(path, "a table of comma-separated values", str(error), FORM) from error
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise UserError(path, f"columns {', '.join(COLUMNS)}", f"no column {missing[0]}", FORM)
    if len(set(names)) < len(names):
        raise UserError(path, "columns of different names", f"{', '.join(names)}"[:200], FORM)
    if not rows:
        raise UserError(path, "rows", "only a header", FORM)
    for number, row in enumerate(rows, start=2):
        _check_row(path, number, row)
    return rows


def _check_row(path: Path, line: int, row: dict[str, str]) -> None:
    empty = [column for column in COLUMNS if not (row[column] or "").strip()]
    if empty:
        raise UserError(f"{path}, line {line}", "a value in each column", f"no {empty[0]}", FORM)
    if "\0" in row["path"] or len(row["path"]) > LONGEST_PATH or None in row:  # None: fields beyond the last column
        raise UserError(f"{path}, line {line}", "a path, and a value in each column", repr(row["path"][:60]), FORM)
    if row["split"].strip() not in SPLITS:
        raise UserError(f"{path}, line {line}", f"a split of {', '.join(SPLITS)}", repr(row["split"]), FORM)


def _images(path: Path, rows: list[dict[str, str]]) -> ImageSet:
    paths = tuple(path.parent / row["path"].strip() for row in rows)
    return ImageSet(paths, _numbers([row["vehicle_id"] for row in rows]), _numbers([row["camera_id"] for row in rows]))


def _numbers(texts: list[str]) -> NDArray[np.int64]:
    """The numbers themselves; or, where some are names, their places in sorted order, from 0."""
    stripped = [text.strip() for text in texts]
    if all(NUMBER.fullmatch(text) for text in stripped):
        return np.array([int(text) for text in stripped], dtype=np.int64)
    return np.unique(stripped, return_inverse=True)[1].astype(np.int64)


def _test_part(path: Path, images: ImageSet, split: NDArray[np.str_]) -> tuple[ImageSet, ImageSet]:
    """(query, gallery); both empty where the table has nothing but train."""
    present = set(split) - {"train"}
    if len(present - {"gallery", "query"}) + bool(present & {"gallery", "query"}) > 1:
        raise UserError(
            path, "one test", f"splits {', '.join(sorted(present))}", "Put the other test into its own table."
        )
    if "query" in present or not present:
        return images.take(split == "query"), images.take(split == "gallery")
    return cross_camera(images.take(split == present.pop()))
