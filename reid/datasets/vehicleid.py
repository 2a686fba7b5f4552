"""PKU VehicleID: 26,267 vehicles, no cameras; the test draws one image per vehicle as gallery."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.datasets.layout import check_counts, find_root, read_rows, require, require_images
from reid.datasets.structures import Dataset, ImageSet
from reid.errors import UserError

TEST_IMAGES = {"800": 6_493, "1600": 13_377, "2400": 19_777}
QUERY_CAMERA, GALLERY_CAMERA = 0, 1
"""The set has no cameras; two made-up ones keep the same-camera rule from removing anything."""


def read_vehicleid(root: Path) -> Dataset:
    """Read VehicleID from the folder that holds image and train_test_split; every test list found becomes a pool.

    Either of training and test lists is enough. Raises UserError where both, or an image, are missing.
    """
    root = find_root(root, "train_test_split")
    require(root, "image", "train_test_split")
    lists = root / "train_test_split"
    train = _read_list(root, "train_list") if (lists / "train_list.txt").exists() else ImageSet.of([])
    found = [size for size in TEST_IMAGES if (lists / f"test_list_{size}.txt").exists()]
    if not found and not len(train):
        require(root, "train_test_split/train_list.txt")
    pools = {size: _read_list(root, f"test_list_{size}") for size in found}
    require_images(path for images in (train, *pools.values()) for path in images.paths)
    _check_counts(train, pools)
    if not found:
        return Dataset("vehicleid", train, ImageSet.of([]), ImageSet.of([]))
    smallest = pools[found[0]]
    query, gallery = draw_gallery(smallest.vehicle_ids, np.random.default_rng(0))
    parts = _of_camera(smallest, query, QUERY_CAMERA), _of_camera(smallest, gallery, GALLERY_CAMERA)
    return Dataset("vehicleid", train, *parts, pools=pools)


def draw_gallery(vehicle_ids: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(query rows, gallery rows): one random image per vehicle to the gallery, the rest are queries; both ascending."""
    order = rng.permutation(len(vehicle_ids))
    _, first = np.unique(vehicle_ids[order], return_index=True)
    gallery = np.sort(order[first])
    return np.setdiff1d(np.arange(len(vehicle_ids)), gallery), gallery


def _read_list(root: Path, name: str) -> ImageSet:
    path = root / "train_test_split" / f"{name}.txt"
    rows = read_rows(path)
    wrong = [row for row in rows if len(row) != 2 or not re.fullmatch("[0-9]{1,18}", row[1])]
    if wrong:
        raise UserError(path, "lines of image name and vehicle id", " ".join(wrong[0]), "Unpack the data set again.")
    return ImageSet.of([(root / "image" / f"{image}.jpg", int(vehicle), GALLERY_CAMERA) for image, vehicle in rows])


def _of_camera(images: ImageSet, rows: NDArray[np.intp], camera: int) -> ImageSet:
    chosen = images.take(rows)
    return ImageSet(chosen.paths, chosen.vehicle_ids, np.full(len(chosen), camera))


def _check_counts(train: ImageSet, pools: dict[str, ImageSet]) -> None:
    found = {"training images": len(train), "training vehicles": train.vehicle_count}
    published = {"training images": 113_346, "training vehicles": 13_164}
    for size, images in pools.items():
        found |= {f"images of {size}": len(images), f"vehicles of {size}": images.vehicle_count}
        published |= {f"images of {size}": TEST_IMAGES[size], f"vehicles of {size}": int(size)}
    check_counts("vehicleid", found, published)
