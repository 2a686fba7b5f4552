"""Data sets out of data sets: several learned from at once, and a validation part held out of what is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reid.datasets.structures import Dataset, Ids, ImageSet, cross_camera
from reid.errors import UserError


def join(datasets: Sequence[Dataset]) -> Dataset:
    """The training parts of all, their vehicles and cameras numbered anew so that none meet; the test of the first."""
    first, *others = datasets
    if not others:
        return first
    parts, vehicles, cameras = [], 0, 0
    for data in datasets:
        ids, seen_by = (
            np.unique(numbers, return_inverse=True) for numbers in (data.train.vehicle_ids, data.train.camera_ids)
        )
        parts.append(ImageSet(data.train.paths, ids[1] + vehicles, seen_by[1] + cameras))
        vehicles, cameras = vehicles + len(ids[0]), cameras + len(seen_by[0])
    together = ImageSet(
        tuple(path for part in parts for path in part.paths),
        np.concatenate([part.vehicle_ids for part in parts]),
        np.concatenate([part.camera_ids for part in parts]),
    )
    return replace(first, name="+".join(data.name for data in datasets), train=together)


def hold_out(data: Dataset, share: float, seed: int) -> Dataset:
    """A random share of the training vehicles as query and gallery instead of the test, the others to learn from.

    Drawn among vehicles of several cameras; each vehicle's images in its first camera ask, the others answer. In a data
    set without cameras each vehicle's first image asks.

    Raises UserError where fewer than two vehicles of two images would be held out.
    """
    train = data.train
    if len(np.unique(train.camera_ids)) == 1:
        train = replace(train, camera_ids=_first_of_each(train.vehicle_ids))
    seen = {
        int(vehicle): set(train.camera_ids[train.vehicle_ids == vehicle]) for vehicle in np.unique(train.vehicle_ids)
    }
    able = sorted(vehicle for vehicle, cameras in seen.items() if len(cameras) > 1)
    count = round(share * len(able))
    if count < 2:
        found = f"{share:g} of {len(able)} vehicles that two cameras saw"
        raise UserError("--validation", "two vehicles or more to hold out", found, "Raise it, or learn without.")
    held = np.isin(train.vehicle_ids, np.random.default_rng((seed, count)).permutation(able)[:count])
    query, gallery = cross_camera(train.take(held))
    return Dataset(f"{data.name}, {count} vehicles held out", data.train.take(~held), query, gallery)


def _first_of_each(vehicle_ids: Ids) -> Ids:
    """0 for the first image of each vehicle, 1 for the others."""
    cameras = np.ones(len(vehicle_ids), np.int64)
    cameras[np.unique(vehicle_ids, return_index=True)[1]] = 0
    return cameras
