"""CityFlow-ReID, Track 2 of the AI City Challenge 2020 and 2021; the test's vehicle labels are not public."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reid.datasets.layout import camera_number, check_counts, read_label_xml, read_rows, require, require_images
from reid.datasets.structures import UNKNOWN_ID, Dataset, GalleryTrack, ImageSet
from reid.errors import UserError

UNKNOWN_CAMERA = -1
KEYS = ("training images", "training vehicles", "queries", "gallery images")
PUBLISHED_2020 = dict(zip(KEYS, (36_935, 333, 1_052, 18_290), strict=True))
PUBLISHED_2021 = dict(zip(KEYS, (52_717, 440, 1_103, 31_238), strict=True))


def read_cityflow(root: Path) -> Dataset:
    """Read CityFlow-ReID from the folder that holds image_train; query and gallery carry vehicle id -1.

    The 2020 edition publishes no test cameras either (-1); the 2021 edition does. Raises UserError where a file is
    missing.
    """
    require(root, "image_train", "image_query", "image_test", "train_label.xml", "name_query.txt", "name_test.txt")
    train = _read_train(root)
    query, gallery = (_read_test(root, part) for part in ("query", "test"))
    require_images((*train.paths, *query.paths, *gallery.paths))
    counts = (len(train), train.vehicle_count, len(query), len(gallery))
    check_counts("cityflow", dict(zip(KEYS, counts, strict=True)), PUBLISHED_2020, PUBLISHED_2021)
    return Dataset("cityflow", train, query, gallery, _read_tracks(root, gallery))


def _read_train(root: Path) -> ImageSet:
    path = root / "train_label.xml"
    try:
        return ImageSet.of(
            [
                (
                    root / "image_train" / item["imageName"],
                    int(item["vehicleID"]),
                    camera_number(item["cameraID"], path),
                )
                for item in read_label_xml(path)
            ]
        )
    except (KeyError, ValueError) as error:
        raise UserError(
            path, "imageName, vehicleID and cameraID in each Item", str(error), "Unpack it again."
        ) from None


def _read_test(root: Path, part: str) -> ImageSet:
    names = [row[0] for row in read_rows(root / f"name_{part}.txt")]
    labels = root / f"{part}_label.xml"
    cameras: dict[str, int] = {}
    if labels.exists():
        cameras = {i["imageName"]: camera_number(i.get("cameraID", ""), labels) for i in read_label_xml(labels)}
    return ImageSet.of([(root / f"image_{part}" / n, UNKNOWN_ID, cameras.get(n, UNKNOWN_CAMERA)) for n in names])


def _read_tracks(root: Path, gallery: ImageSet) -> tuple[GalleryTrack, ...]:
    """Lines of image names (2020: a vehicle of a camera each); absent in some copies, and then there are no tracks."""
    path = root / "test_track.txt"
    if not path.exists():
        return ()
    row_of = {image.name: row for row, image in enumerate(gallery.paths)}
    rows = [[row_of[name] for name in words if name in row_of] for words in read_rows(path)]
    return tuple(
        GalleryTrack(str(number), UNKNOWN_ID, int(gallery.camera_ids[images[0]]), np.array(images, dtype=np.int64))
        for number, images in enumerate(rows, start=1)
        if images
    )
