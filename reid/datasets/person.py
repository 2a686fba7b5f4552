"""Market-1501 and DukeMTMC-reID, the person sets of the paper's generalisation table."""

from __future__ import annotations

import re
from pathlib import Path

from reid.datasets.layout import check_counts, find_root, list_images, parse_name, require_parts
from reid.datasets.structures import Dataset, ImageSet
from reid.errors import UserError

NAME = re.compile(r"(-?\d+)_c(\d+)")
JUNK_ID = -1
KEYS = ("training images", "training persons", "queries", "gallery images")
MARKET = dict(zip(KEYS, (12_936, 751, 3_368, 15_913), strict=True))
DUKE = dict(zip(KEYS, (16_522, 702, 2_228, 17_661), strict=True))


def read_market1501(root: Path) -> Dataset:
    """Read Market-1501 from the folder that holds bounding_box_train; cameras 1 to 6.

    Person -1 is junk and dropped; person 0 is a distractor, kept in the gallery: no query has it. Raises UserError for
    a missing folder.
    """
    return _read("market1501", root, "0002_c1s1_000451_03.jpg", MARKET)


def read_dukemtmc(root: Path) -> Dataset:
    """Read DukeMTMC-reID from the folder that holds bounding_box_train; cameras 1 to 8. Raises UserError for a missing
    folder."""
    return _read("dukemtmc", root, "0001_c2_f0046182.jpg", DUKE)


def _read(name: str, root: Path, example: str, published: dict[str, int]) -> Dataset:
    root = find_root(root, "bounding_box_train", "bounding_box_test")
    require_parts(root, name, "bounding_box_train", "query", "bounding_box_test")
    train, query, gallery = (
        _read_part(root / part, example) for part in ("bounding_box_train", "query", "bounding_box_test")
    )
    counts = (len(train), train.vehicle_count, len(query), len(gallery))
    check_counts(name, dict(zip(KEYS, counts, strict=True)), published)
    return Dataset(name, train, query, gallery)


def _read_part(folder: Path, example: str) -> ImageSet:
    rows = [(path, *parse_name(path, NAME, example)) for path in list_images(folder)]
    kept = [row for row in rows if row[1] != JUNK_ID]
    if folder.exists() and not kept:
        raise UserError(folder, f"images like {example}", "none", "Unpack the data set again.")
    return ImageSet.of(kept)
