from __future__ import annotations

import logging

import pytest
from PIL import Image

from reid.datasets import load_dataset
from reid.errors import UserError


@pytest.fixture
def market(folder):
    folder.images("bounding_box_train", ["0002_c1s1_000451_03.jpg", "0002_c6s1_000452_03.jpg"])
    folder.images("query", ["0003_c1s1_000001_00.jpg"])
    gallery = ["-1_c1s1_000401_03.jpg", "0000_c2s1_000101_01.jpg", "0003_c3s1_000002_01.jpg"]
    folder.images("bounding_box_test", gallery)
    (folder.root / "bounding_box_test" / "Thumbs.db").write_bytes(b"Windows leaves these in the published archive")
    return folder


def test_junk_is_dropped_and_distractors_stay(market):
    dataset = load_dataset("market1501", market.root)
    assert dataset.gallery.vehicle_ids.tolist() == [0, 3]
    assert dataset.gallery.camera_ids.tolist() == [2, 3]
    assert dataset.train.camera_ids.tolist() == [1, 6]


def test_duke_names(folder):
    for part in ("bounding_box_train", "query", "bounding_box_test"):
        folder.images(part, ["0001_c2_f0046182.jpg", "0007_c8_f0046182.jpg"])
    dataset = load_dataset("dukemtmc", folder.root)
    assert dataset.query.vehicle_ids.tolist() == [1, 7]
    assert dataset.query.camera_ids.tolist() == [2, 8]


def test_files_of_macos_are_no_images_and_other_endings_are(market):
    folder = market.root / "query"
    (folder / "._0003_c1s1_000001_00.jpg").write_bytes(b"macOS leaves these")
    Image.new("RGB", (8, 6)).save(folder / "0004_c1s1_000002_00.png")
    (folder / "0003_c1s1_000001_00.jpg").rename(folder / "0003_c1s1_000001_00.JPG")
    assert load_dataset("market1501", market.root).query.vehicle_ids.tolist() == [3, 4]


def test_counts(market, caplog):
    with caplog.at_level(logging.WARNING, "reid"):
        load_dataset("market1501", market.root)
    assert "2 gallery images (published: 15,913)" in caplog.text


def test_missing_and_empty_folders(market):
    for path in (market.root / "query").iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"query: expected images like 0002_c1s1"):
        load_dataset("market1501", market.root)
    (market.root / "query").rmdir()
    with pytest.raises(UserError, match="expected query in the folder"):
        load_dataset("market1501", market.root)
