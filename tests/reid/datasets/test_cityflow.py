from __future__ import annotations

import logging

import numpy as np
import pytest

from reid.datasets import UNKNOWN_ID, load_dataset
from reid.errors import UserError


def xml(items):
    lines = ['<?xml version="1.0" encoding="gb2312"?>', '<TrainingImages Version="1.0">', "<Items number='2'>"]
    lines += ["<Item " + " ".join(f'{key}="{value}"' for key, value in item.items()) + " />" for item in items]
    return [*lines, "</Items>", "</TrainingImages>"]


@pytest.fixture
def cityflow(folder):
    names = [f"{number:06d}.jpg" for number in range(1, 4)]
    folder.images("image_train", names)
    folder.images("image_query", names[:1])
    folder.images("image_test", names)
    folder.text("name_query.txt", names[:1])
    folder.text("name_test.txt", names)
    cameras = ("c001", "c010", "c040")
    items = [
        {"imageName": name, "vehicleID": f"{7 + i // 2:04d}", "cameraID": camera}
        for i, (name, camera) in enumerate(zip(names, cameras, strict=True))
    ]
    folder.text("train_label.xml", xml(items))
    return folder


def test_labels_of_a_gb2312_header(cityflow):
    train = load_dataset("cityflow", cityflow.root).train
    assert train.vehicle_ids.tolist() == [7, 7, 8]
    assert train.camera_ids.tolist() == [1, 10, 40]


def test_test_labels_are_not_public(cityflow):
    dataset = load_dataset("cityflow", cityflow.root)
    assert np.all(dataset.gallery.vehicle_ids == UNKNOWN_ID)
    assert not dataset.gallery.labelled
    assert dataset.gallery.vehicle_count == 0
    assert dataset.train.labelled


def test_test_cameras_of_the_2021_edition(cityflow):
    cityflow.text("test_label.xml", xml([{"imageName": "000002.jpg", "cameraID": "c006"}]))
    assert load_dataset("cityflow", cityflow.root).gallery.camera_ids.tolist() == [-1, 6, -1]


def test_vehicle_ids_of_label_files_are_kept(cityflow):
    """Some copies publish them; figures are then possible."""
    cityflow.text("query_label.xml", xml([{"imageName": "000001.jpg", "vehicleID": "0008", "cameraID": "c001"}]))
    items = [{"imageName": f"00000{i}.jpg", "vehicleID": f"000{6 + i}", "cameraID": "c002"} for i in (1, 2, 3)]
    cityflow.text("test_label.xml", xml(items))
    cityflow.text("test_track.txt", ["000002.jpg 000003.jpg"])
    dataset = load_dataset("cityflow", cityflow.root)
    assert dataset.query.vehicle_ids.tolist() == [8]
    assert dataset.gallery.vehicle_ids.tolist() == [7, 8, 9]
    assert dataset.gallery.labelled
    assert [(track.vehicle_id, track.camera_id) for track in dataset.tracks] == [(8, 2)]


def test_the_archives_parent_folder_is_accepted(cityflow):
    inner = cityflow.root / "AIC20_ReID"
    inner.mkdir()
    for path in list(cityflow.root.iterdir()):
        if path != inner:
            path.rename(inner / path.name)
    assert len(load_dataset("cityflow", cityflow.root).train) == 3


def test_tracks_with_a_space_at_the_end(cityflow):
    cityflow.text("test_track.txt", ["000003.jpg 000001.jpg ", "000002.jpg "])
    tracks = load_dataset("cityflow", cityflow.root).tracks
    assert [track.images.tolist() for track in tracks] == [[2, 0], [1]]


def test_warns_beside_the_nearest_edition(cityflow, caplog):
    with caplog.at_level(logging.WARNING, "reid"):
        load_dataset("cityflow", cityflow.root)
    assert "2 training vehicles (published: 333)" in caplog.text


def test_damaged_labels(cityflow):
    (cityflow.root / "train_label.xml").write_text("<TrainingImages><Items>")
    with pytest.raises(UserError, match=r"train_label\.xml.*damaged"):
        load_dataset("cityflow", cityflow.root)


def test_labels_without_a_vehicle(cityflow):
    cityflow.text("train_label.xml", xml([{"imageName": "000001.jpg", "cameraID": "c001"}]))
    with pytest.raises(UserError, match="vehicleID"):
        load_dataset("cityflow", cityflow.root)
