"""Held-out vehicles and joined data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reid.datasets import Dataset, ImageSet
from reid.datasets.combine import hold_out, join
from reid.errors import UserError


def images(rows: list[tuple[int, int]], folder: str = "a") -> ImageSet:
    return ImageSet.of([(Path(folder) / f"{number}.jpg", *row) for number, row in enumerate(rows)])


def data(rows: list[tuple[int, int]], folder: str = "a") -> Dataset:
    return Dataset(folder, images(rows, folder), images([(99, 1)], folder), images([(99, 2)], folder))


TWENTY = [(vehicle, camera) for vehicle in range(20) for camera in (3, 5, 5)]


def test_held_out_vehicles_are_not_learned_and_ask_across_cameras() -> None:
    split = hold_out(data(TWENTY), 0.25, seed=1)
    held = set(split.query.vehicle_ids)
    assert len(held) == 5
    assert held.isdisjoint(split.train.vehicle_ids)
    assert set(split.gallery.vehicle_ids) == held
    assert (split.query.camera_ids == 3).all()
    assert (split.gallery.camera_ids == 5).all()
    assert len(split.train) + len(split.query) + len(split.gallery) == len(TWENTY)
    assert np.array_equal(hold_out(data(TWENTY), 0.25, seed=1).query.vehicle_ids, split.query.vehicle_ids)


def test_vehicles_of_one_camera_only_are_always_learned() -> None:
    split = hold_out(data([*TWENTY, (50, 3), (50, 3)]), 0.9, seed=0)
    assert 50 in split.train.vehicle_ids


def test_a_set_without_cameras_asks_with_first_images() -> None:
    split = hold_out(data([(vehicle, 1) for vehicle in range(6) for _ in range(3)]), 0.5, seed=0)
    assert len(split.query) == 3
    assert len(split.gallery) == 6
    assert set(split.train.camera_ids) == {1}


def test_too_few_to_hold_out() -> None:
    with pytest.raises(UserError, match="two vehicles or more"):
        hold_out(data(TWENTY[:9]), 0.1, seed=0)


def test_joined_sets_share_no_vehicle_and_no_camera_and_keep_the_first_test() -> None:
    one, other = data([(7, 1), (7, 2), (9, 1)], "a"), data([(7, 1), (8, 4)], "b")
    both = join([one, other])
    assert both.train.vehicle_ids.tolist() == [0, 0, 1, 2, 3]
    assert both.train.camera_ids.tolist() == [0, 1, 0, 2, 3]
    assert [path.parent.name for path in both.train.paths] == ["a", "a", "a", "b", "b"]
    assert both.query is one.query
    assert join([one]) is one
