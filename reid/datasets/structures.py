"""What a ReID data set is to the rest of `reid`: lists of images with a vehicle and a camera each, in three parts.

Shape shorthand: N images of a set, M images of one track.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]

UNKNOWN_ID = -1
"""Vehicle id of images whose label is not public (the test part of CityFlow-ReID)."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """N images: paths; vehicle_ids (N,) int64, -1 where not public; camera_ids (N,) int64 as the data set numbers them.

    Raises ValueError where the lengths differ.
    """

    paths: tuple[Path, ...]
    vehicle_ids: Ids
    camera_ids: Ids

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", tuple(self.paths))
        for name in ("vehicle_ids", "camera_ids"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.int64))
        if not len(self.paths) == len(self.vehicle_ids) == len(self.camera_ids):
            raise ValueError("ImageSet: needs one vehicle id and one camera id per path")

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def vehicle_count(self) -> int:
        """Number of different vehicles, unlabelled images left out."""
        return len(np.unique(self.vehicle_ids[self.vehicle_ids != UNKNOWN_ID]))

    @property
    def labelled(self) -> bool:
        """Whether every image has a public vehicle id."""
        return not bool(np.any(self.vehicle_ids == UNKNOWN_ID))

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> ImageSet:
        """The chosen images (mask or indices), in the order given."""
        indices = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return ImageSet(tuple(self.paths[i] for i in indices), self.vehicle_ids[indices], self.camera_ids[indices])

    @staticmethod
    def of(rows: Sequence[tuple[Path, int, int]]) -> ImageSet:
        """From rows of (path, vehicle id, camera id)."""
        return ImageSet(tuple(r[0] for r in rows), np.array([r[1] for r in rows]), np.array([r[2] for r in rows]))


@dataclass(frozen=True, eq=False)
class GalleryTrack:
    """One vehicle's passage through one camera; images (M,) int64 are rows of the gallery, M >= 1."""

    name: str
    vehicle_id: int
    camera_id: int
    images: Ids


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set read from disk: nothing but names and numbers, no pixels.

    train: labelled images to learn from. query and gallery: the test; same vehicle in the same camera is left out of a
        ranking.
    tracks: the gallery's tracks (VeRi-776 only). pools: test images by list name, out of which the VehicleID protocol
    draws random galleries ("800", "1600", "2400"); query and gallery are then its first draw of the smallest list.
    """

    name: str
    train: ImageSet
    query: ImageSet
    gallery: ImageSet
    tracks: tuple[GalleryTrack, ...] = ()
    pools: dict[str, ImageSet] = field(default_factory=dict)


def cross_camera(images: ImageSet) -> tuple[ImageSet, ImageSet]:
    """(query, gallery): each vehicle's images in its lowest-numbered camera ask, all other images answer."""
    query = np.zeros(len(images), dtype=bool)
    for vehicle in np.unique(images.vehicle_ids):
        rows = np.flatnonzero(images.vehicle_ids == vehicle)
        cameras = images.camera_ids[rows]
        query[rows] = (cameras == cameras.min()) & (cameras.min() != cameras.max())
    return images.take(query), images.take(~query)
