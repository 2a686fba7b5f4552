from __future__ import annotations

import logging
import shutil

import pytest

from reid.datasets import load_dataset
from reid.datasets.veri import PUBLISHED
from reid.errors import UserError

TRAIN = ["0001_c001_00000100_0.jpg", "0001_c020_00000200_0.jpg", "0005_c003_00000300_0.jpg"]
QUERY = ["0002_c002_00000400_0.jpg", "0776_c001_00000500_0.jpg"]
TEST = [*QUERY, "0002_c005_00000600_0.jpg", "0002_c005_00000610_1.jpg", "0776_c007_00000700_0.jpg"]
TRACKS = [
    "0002_c005_0001 0002_c005_00000600_0.jpg 0002_c005_00000610_1.jpg ",  # space at the end, as published
    "0776_c007_0002 0776_c007_00000700_0.jpg",
    "0002_c002_0003 0002_c002_00000400_0.jpg",
]


@pytest.fixture
def veri(folder):
    for part, names in {"train": TRAIN, "query": QUERY, "test": TEST}.items():
        folder.images(f"image_{part}", names)
        folder.text(f"name_{part}.txt", names)
    folder.text("test_track.txt", TRACKS)
    return folder


def test_reads_ids_and_cameras_from_names(veri):
    dataset = load_dataset("veri776", veri.root)
    assert dataset.train.vehicle_ids.tolist() == [1, 1, 5]
    assert dataset.train.camera_ids.tolist() == [1, 20, 3]  # as published, from 1
    assert [path.name for path in dataset.gallery.paths] == TEST
    assert dataset.query.paths[0].parent.name == "image_query"


def test_tracks_point_into_the_gallery(veri):
    tracks = load_dataset("veri776", veri.root).tracks
    assert [(t.vehicle_id, t.camera_id, t.images.tolist()) for t in tracks] == [
        (2, 5, [2, 3]),
        (776, 7, [4]),
        (2, 2, [0]),
    ]


def test_the_other_name_of_the_track_list(veri):
    (veri.root / "test_track.txt").rename(veri.root / "test_track_VeRi.txt")
    assert len(load_dataset("veri776", veri.root).tracks) == 3


def test_other_counts_are_one_warning_with_both_numbers(veri, caplog):
    with caplog.at_level(logging.WARNING, "reid"):
        load_dataset("veri776", veri.root)
    (record,) = caplog.records
    assert "3 training images (published: 37,778)" in record.getMessage()
    assert "5 gallery images (published: 11,579)" in record.getMessage()


def test_published_counts_are_silent(veri, caplog, monkeypatch):
    for key, count in zip(PUBLISHED, (3, 2, 2, 5, 2), strict=True):
        monkeypatch.setitem(PUBLISHED, key, count)
    load_dataset("veri776", veri.root)
    assert not caplog.records


def test_a_listed_image_that_is_missing(veri):
    (veri.root / "image_test" / TEST[3]).unlink()
    (veri.root / "image_test" / TEST[4]).unlink()
    with pytest.raises(UserError, match=r"00000610_1\.jpg.*2 listed images are missing"):
        load_dataset("veri776", veri.root)


def test_without_lists_the_folders_images_count_and_there_are_no_tracks(veri):
    whole = load_dataset("veri776", veri.root)
    for name in ("name_train.txt", "name_query.txt", "name_test.txt", "test_track.txt"):
        (veri.root / name).unlink()
    folders = load_dataset("veri776", veri.root)
    assert folders.tracks == ()
    for part in ("train", "query", "gallery"):
        assert sorted(getattr(whole, part).paths) == sorted(getattr(folders, part).paths)


def test_evaluation_needs_no_training_part_and_training_no_test(veri, caplog):
    shutil.rmtree(veri.root / "image_train")
    test_only = load_dataset("veri776", veri.root)
    assert (len(test_only.train), len(test_only.query), len(test_only.gallery)) == (0, 2, 5)
    assert "no training part" in caplog.text
    veri.images("image_train", TRAIN)
    for name in ("image_query", "image_test"):
        shutil.rmtree(veri.root / name)
    train_only = load_dataset("veri776", veri.root)
    assert (len(train_only.train), len(train_only.query)) == (3, 0)


def test_neither_part_or_half_a_test_is_named(veri):
    shutil.rmtree(veri.root / "image_query")
    with pytest.raises(UserError, match="image_query"):
        load_dataset("veri776", veri.root)
    with pytest.raises(UserError, match="image_train"):
        load_dataset("veri776", veri.root / "image_test")


def test_a_folder_unpacked_one_level_too_deep(veri):
    inner = veri.root / "VeRi"
    inner.mkdir()
    for path in list(veri.root.iterdir()):
        if path != inner:
            path.rename(inner / path.name)
    assert len(load_dataset("veri776", veri.root).gallery) == 5


def test_an_empty_list(veri):
    (veri.root / "name_train.txt").write_text("\n")
    with pytest.raises(UserError, match=r"name_train\.txt.*empty"):
        load_dataset("veri776", veri.root)


def test_a_track_of_an_unknown_image(veri):
    veri.text("test_track.txt", ["0002_c005_0001 0002_c005_99999999_0.jpg"])
    with pytest.raises(UserError, match="99999999_0"):
        load_dataset("veri776", veri.root)


def test_names_of_another_data_set(veri):
    veri.text("name_train.txt", ["car.jpg"])
    with pytest.raises(UserError, match=r"car\.jpg.*right data set"):
        load_dataset("veri776", veri.root)


def test_a_root_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="the folder of veri776"):
        load_dataset("veri776", tmp_path / "nowhere")


def test_an_unknown_name(tmp_path):
    with pytest.raises(UserError, match="veri776, cityflow"):
        load_dataset("veri", tmp_path)
