from __future__ import annotations

import numpy as np
import pytest

from reid.datasets import load_dataset
from reid.datasets.vehicleid import draw_gallery
from reid.errors import UserError


@pytest.fixture
def vehicleid(folder):
    folder.images("image", [f"{number:07d}.jpg" for number in range(10)])
    folder.text("train_test_split/train_list.txt", [f"{number:07d} {number // 2}" for number in range(4)])
    folder.text("train_test_split/test_list_800.txt", [f"{number:07d} {number // 3}" for number in range(4, 10)])
    return folder


def test_pools_and_first_draw(vehicleid):
    dataset = load_dataset("vehicleid", vehicleid.root)
    assert dataset.train.vehicle_ids.tolist() == [0, 0, 1, 1]
    assert list(dataset.pools) == ["800"]
    assert len(dataset.pools["800"]) == 6
    assert sorted(dataset.gallery.vehicle_ids) == [1, 2, 3]
    assert len(dataset.query) == 3
    assert not set(dataset.query.paths) & set(dataset.gallery.paths)
    assert not set(dataset.query.camera_ids) & set(dataset.gallery.camera_ids)


def test_draws_are_one_image_per_vehicle_and_differ():
    ids = np.repeat(np.arange(50), 4)
    rng = np.random.default_rng(1)
    draws = [draw_gallery(ids, rng) for _ in range(10)]
    for query, gallery in draws:
        assert ids[gallery].tolist() == sorted(set(ids.tolist()))
        assert sorted([*query, *gallery]) == list(range(200))
    assert len({tuple(gallery) for _, gallery in draws}) == 10


def test_either_list_is_enough(vehicleid):
    lists = vehicleid.root / "train_test_split"
    (lists / "test_list_800.txt").rename(lists / "elsewhere")
    assert len(load_dataset("vehicleid", vehicleid.root).query) == 0
    (lists / "train_list.txt").unlink()
    with pytest.raises(UserError, match=r"train_list\.txt"):
        load_dataset("vehicleid", vehicleid.root)
    (lists / "elsewhere").rename(lists / "test_list_800.txt")
    test_only = load_dataset("vehicleid", vehicleid.root)
    assert len(test_only.train) == 0
    assert list(test_only.pools) == ["800"]


def test_a_line_without_a_vehicle(vehicleid):
    vehicleid.text("train_test_split/train_list.txt", ["0000001"])
    with pytest.raises(UserError, match="image name and vehicle id"):
        load_dataset("vehicleid", vehicleid.root)
