"""Data sets whose images stand in text lists: VERI-Wild, VRIC and MSMT17; and VehicleX, which is for training only."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from reid.datasets.cityflow import read_labelled
from reid.datasets.layout import check_counts, find_root, read_rows, require, require_images, require_parts
from reid.datasets.structures import Dataset, ImageSet
from reid.errors import UserError
from reid.files import read_text

KEYS = ("training images", "training vehicles", "queries", "gallery images")
VERI_WILD = {
    size: dict(zip(KEYS, (277_797, 30_671, queries, images - queries), strict=True))
    for size, queries, images in ((3_000, 3_000, 41_861), (5_000, 5_000, 69_389), (10_000, 10_000, 138_517))
}
VRIC = dict(zip(KEYS, (54_808, 2_811, 2_811, 2_811), strict=True))
MSMT17 = dict(zip(KEYS, (30_248, 1_041, 11_659, 82_161), strict=True))
MSMT17_CAMERA = re.compile(r"[^_]+_[^_]+_(\d+)_")
Row = tuple[Path, int, int]


def read_veriwild(root: Path, size: int = 3_000) -> Dataset:
    """Read VERI-Wild with the test of 3,000, 5,000 or 10,000 vehicles, from the folder that holds images.

    Raises UserError where a list or an image is missing, or vehicle_info.txt lacks an image's camera.
    """
    root = find_root(root, "train_test_split")
    lists = root / "train_test_split"
    require(root, "images", "train_test_split/vehicle_info.txt")
    require_parts(lists, "veriwild", "train_list.txt", f"test_{size}_query.txt", f"test_{size}.txt")
    info = lists / "vehicle_info.txt"
    lines = [line.split(";") for line in read_text(info).splitlines()[1:] if line.strip()]
    cameras = {words[0]: int(words[1]) for words in lines if len(words) > 1 and re.fullmatch("[0-9]{1,18}", words[1])}

    def row(words: list[str]) -> Row:
        if words[0] not in cameras:
            raise UserError(info, f"the camera of {words[0]}", "none", "Unpack the data set again.")
        return root / "images" / f"{words[0]}.jpg", int(words[0].partition("/")[0]), cameras[words[0]]

    parts = [_listed(lists / name, row) for name in ("train_list.txt", f"test_{size}_query.txt", f"test_{size}.txt")]
    return _checked(f"veriwild{'' if size == 3_000 else f'_{size}'}", parts, VERI_WILD[size])


read_veriwild_5000 = partial(read_veriwild, size=5_000)
read_veriwild_10000 = partial(read_veriwild, size=10_000)


def read_vric(root: Path) -> Dataset:
    """Read VRIC from the folder that holds train_images; lists of image, vehicle and camera.

    Raises UserError where a list or an image is missing.
    """
    root = find_root(root, "train_images", "probe_images")
    require_parts(root, "vric", "vric_train.txt", "vric_probe.txt", "vric_gallery.txt")
    parts = [
        _listed(root / f"vric_{part}.txt", partial(_vric_row, root / f"{part}_images"))
        for part in ("train", "probe", "gallery")
    ]
    return _checked("vric", parts, VRIC)


def read_msmt17(root: Path) -> Dataset:
    """Read MSMT17 (persons), version 1 or 2, from the folder that holds list_train.txt; list_val.txt is not learned
    from.

    Persons of the test are numbered anew by the lists. Raises UserError where a list or an image is missing.
    """
    root = find_root(root, "list_train.txt", "list_query.txt")
    require_parts(root, "msmt17", "list_train.txt", "list_query.txt", "list_gallery.txt")
    mask = "mask_{}_v2" if (root / "mask_test_v2").exists() or (root / "mask_train_v2").exists() else "{}"
    parts = []
    for name, part in (("train", "train"), ("query", "test"), ("gallery", "test")):
        folder = root / mask.format(part)
        parts.append(_listed(root / f"list_{name}.txt", partial(_msmt17_row, folder)))
    return _checked("msmt17", parts, MSMT17)


def read_vehiclex(root: Path) -> Dataset:
    """Read VehicleX (AIC20_ReID_Simulation: rendered, for training only) from the folder that holds image_train.

    Raises UserError where labels or an image are missing.
    """
    root = find_root(root, "image_train")
    require(root, "image_train", "train_label.xml")
    train = read_labelled(root)
    require_images(train.paths)
    empty = ImageSet.of([])
    return Dataset("vehiclex", train, empty, empty)


def _vric_row(folder: Path, words: list[str]) -> Row:
    return folder / words[0], int(words[1]), int(words[2])


def _msmt17_row(folder: Path, words: list[str]) -> Row:
    match = MSMT17_CAMERA.match(Path(words[0]).name)
    if match is None:
        raise UserError(
            folder / words[0], "a name like 0000_000_01_0303morning_0008_0.jpg", words[0], "Unpack it again."
        )
    return folder / words[0], int(words[1]), int(match[1])


def _listed(path: Path, row: Callable[[list[str]], Row]) -> ImageSet:
    """The images of a list; none where it is not there."""
    if not path.exists():
        return ImageSet.of([])
    try:
        return ImageSet.of([row(words) for words in read_rows(path)])
    except (ValueError, IndexError) as error:
        raise UserError(path, "image, vehicle and camera as published", str(error), "Unpack it again.") from None


def _checked(name: str, parts: list[ImageSet], published: dict[str, int]) -> Dataset:
    train, query, gallery = parts
    require_images(path for part in parts for path in part.paths)
    counts = (len(train), train.vehicle_count, len(query), len(gallery))
    check_counts(name, dict(zip(KEYS, counts, strict=True)), published)
    return Dataset(name, train, query, gallery)
