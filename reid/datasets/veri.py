"""VeRi-776: 776 vehicles, 20 cameras; the queries are part of the gallery, as published."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from reid.datasets.layout import (
    check_counts,
    find_root,
    list_images,
    parse_name,
    read_rows,
    require_images,
    require_parts,
)
from reid.datasets.structures import Dataset, GalleryTrack, ImageSet
from reid.errors import UserError

NAME = re.compile(r"(\d+)_c(\d+)_")
EXAMPLE = "0002_c002_00030600_0.jpg"
TRACK_LISTS = ("test_track.txt", "test_track_VeRi.txt")
PUBLISHED = {
    "training images": 37_778,
    "training vehicles": 576,
    "queries": 1_678,
    "gallery images": 11_579,
    "gallery vehicles": 200,
}


def read_veri(root: Path) -> Dataset:
    """Read VeRi-776 from the folder that holds image_train; cameras 1 to 20 everywhere, tracks included.

    Lists are optional: without name_*.txt a folder's images count, without test_track.txt there is no image-to-track
    figure. So is either of training and test. Raises UserError where both, or a listed image is missing.
    """
    root = find_root(root, "image_train", "image_test")
    require_parts(root, "veri776", "image_train", "image_query", "image_test")
    train, query, gallery = (_read_part(root, part) for part in ("train", "query", "test"))
    require_images((*train.paths, *query.paths, *gallery.paths))
    counts = (len(train), train.vehicle_count, len(query), len(gallery), gallery.vehicle_count)
    check_counts("veri776", dict(zip(PUBLISHED, counts, strict=True)), PUBLISHED)
    return Dataset("veri776", train, query, gallery, _read_tracks(root, gallery))


def _read_part(root: Path, part: str) -> ImageSet:
    folder, names = root / f"image_{part}", root / f"name_{part}.txt"
    paths = [folder / row[0] for row in read_rows(names)] if names.exists() and folder.exists() else list_images(folder)
    return ImageSet.of([(path, *parse_name(path, NAME, EXAMPLE)) for path in paths])


def _read_tracks(root: Path, gallery: ImageSet) -> tuple[GalleryTrack, ...]:
    """Each line: the track's name, which tells vehicle and camera, then its images."""
    found = [root / name for name in TRACK_LISTS if (root / name).exists()]
    if not found or not len(gallery):
        return ()
    row_of = {path.name: row for row, path in enumerate(gallery.paths)}
    return tuple(_track(found[0], words, row_of) for words in read_rows(found[0]))


def _track(path: Path, words: list[str], row_of: dict[str, int]) -> GalleryTrack:
    vehicle_id, camera_id = parse_name(path.with_name(words[0]), NAME, EXAMPLE)
    unknown = [name for name in words[1:] if name not in row_of]
    if unknown or len(words) < 2:
        found = f"{words[0]} with {unknown[0] if unknown else 'no images'}"
        raise UserError(path, "tracks of images that name_test.txt lists", found, "Unpack the data set again.")
    return GalleryTrack(words[0], vehicle_id, camera_id, np.array([row_of[name] for name in words[1:]], dtype=np.int64))
