"""CityFlow-ReID, Track 2 of the AI City Challenge 2020 and 2021; the test's vehicle labels are not public."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from reid.datasets.layout import (
    camera_number,
    check_counts,
    find_root,
    list_images,
    read_label_xml,
    read_rows,
    require_images,
    require_parts,
)
from reid.datasets.structures import UNKNOWN_ID, Dataset, GalleryTrack, ImageSet
from reid.errors import UserError

UNKNOWN_CAMERA = -1
KEYS = ("training images", "training vehicles", "queries", "gallery images")
PUBLISHED_2020 = dict(zip(KEYS, (36_935, 333, 1_052, 18_290), strict=True))
PUBLISHED_2021 = dict(zip(KEYS, (52_717, 440, 1_103, 31_238), strict=True))


def read_cityflow(root: Path) -> Dataset:
    """Read CityFlow-ReID from the folder that holds image_train; query and gallery carry vehicle id -1, unless
    copies of query_label.xml and test_label.xml tell it.

    The 2020 edition publishes no test cameras either (-1); the 2021 edition does. Raises UserError where a file is
    missing.
    """
    root = find_root(root, "image_train", "image_test")
    require_parts(root, "cityflow", "image_train", "image_query", "image_test")
    train = read_labelled(root) if (root / "image_train").exists() else ImageSet.of([])
    query, gallery = (_read_test(root, part) for part in ("query", "test"))
    require_images((*train.paths, *query.paths, *gallery.paths))
    counts = (len(train), train.vehicle_count, len(query), len(gallery))
    check_counts("cityflow", dict(zip(KEYS, counts, strict=True)), PUBLISHED_2020, PUBLISHED_2021)
    return Dataset("cityflow", train, query, gallery, _read_tracks(root, gallery))


def read_labelled(root: Path) -> ImageSet:
    """The images of image_train by train_label.xml; a camera that is not given there stands in the name
    (..._c012_...)."""
    path = root / "train_label.xml"
    try:
        return ImageSet.of(
            [
                (
                    root / "image_train" / item["imageName"],
                    int(item["vehicleID"]),
                    camera_number(item.get("cameraID") or _camera_in(item["imageName"]), path),
                )
                for item in read_label_xml(path)
            ]
        )
    except (KeyError, ValueError) as error:
        raise UserError(
            path, "imageName, vehicleID and cameraID in each Item", str(error), "Unpack it again."
        ) from None


def _camera_in(name: str) -> str:
    match = re.search(r"_c(\d+)_", name)
    return match[1] if match else ""


def _read_test(root: Path, part: str) -> ImageSet:
    folder, listed = root / f"image_{part}", root / f"name_{part}.txt"
    if not folder.exists():
        return ImageSet.of([])
    names = [row[0] for row in read_rows(listed)] if listed.exists() else [path.name for path in list_images(folder)]
    labels = root / f"{part}_label.xml"
    items = {item.get("imageName", ""): item for item in read_label_xml(labels)} if labels.exists() else {}

    def labelled(name: str) -> tuple[Path, int, int]:
        item = items.get(name, {})
        camera = camera_number(item["cameraID"], labels) if "cameraID" in item else UNKNOWN_CAMERA
        return root / f"image_{part}" / name, int(item.get("vehicleID", UNKNOWN_ID)), camera

    return ImageSet.of([labelled(name) for name in names])


def _labels(images: ImageSet, row: int) -> tuple[int, int]:
    return int(images.vehicle_ids[row]), int(images.camera_ids[row])


def _read_tracks(root: Path, gallery: ImageSet) -> tuple[GalleryTrack, ...]:
    """Lines of image names (2020: a vehicle of a camera each); absent in some copies, and then there are no tracks."""
    path = root / "test_track.txt"
    if not path.exists():
        return ()
    row_of = {image.name: row for row, image in enumerate(gallery.paths)}
    rows = [[row_of[name] for name in words if name in row_of] for words in read_rows(path)]
    return tuple(
        GalleryTrack(str(number), *_labels(gallery, images[0]), np.array(images, dtype=np.int64))
        for number, images in enumerate(rows, start=1)
        if images
    )
