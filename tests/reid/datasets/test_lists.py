"""VERI-Wild, VRIC, MSMT17 and VehicleX as their archives hold them."""

from __future__ import annotations

import pytest

from reid.datasets import load_dataset
from reid.errors import UserError


@pytest.fixture
def veriwild(folder):
    for vehicle in ("00001", "00007"):
        folder.images(f"images/{vehicle}", ["000001.jpg", "000002.jpg"])
    info = [f"{vehicle}/{image};{camera};2018-03-11 09:00:00;Model;Type;Colour" for vehicle, image, camera in (
        ("00001", "000001", 144), ("00001", "000002", 35), ("00007", "000001", 3), ("00007", "000002", 4)
    )]  # fmt: skip
    folder.text("train_test_split/vehicle_info.txt", ["id/image;Camera ID;Time;Model;Type;Color", *info])
    folder.text("train_test_split/train_list.txt", ["00001/000001", "00001/000002"])
    for size in (3000, 5000):
        folder.text(f"train_test_split/test_{size}_query.txt", ["00007/000001"])
        folder.text(f"train_test_split/test_{size}.txt", ["00007/000002"])
    return folder


@pytest.mark.parametrize("name", ["veriwild", "veriwild_5000"])
def test_veriwild(veriwild, name):
    data = load_dataset(name, veriwild.root)
    assert data.name == name
    assert (data.train.vehicle_ids.tolist(), data.train.camera_ids.tolist()) == ([1, 1], [144, 35])
    assert (data.query.vehicle_ids.tolist(), data.gallery.camera_ids.tolist()) == ([7], [4])


def test_veriwild_without_a_camera_or_the_test_asked_for(veriwild):
    assert len(load_dataset("veriwild_10000", veriwild.root).query) == 0
    (veriwild.root / "train_test_split/train_list.txt").unlink()
    with pytest.raises(UserError, match=r"train_list\.txt"):
        load_dataset("veriwild_10000", veriwild.root)
    veriwild.text("train_test_split/test_3000.txt", ["00009/000002"])
    with pytest.raises(UserError, match="the camera of 00009/000002"):
        load_dataset("veriwild", veriwild.root)


def test_vric(folder):
    for part, line in (("train", "a.jpg 5 17"), ("probe", "b.jpg 9 1"), ("gallery", "c.jpg 9 2")):
        folder.images(f"{part}_images", [line.split()[0]])
        folder.text(f"vric_{part}.txt", [line])
    data = load_dataset("vric", folder.root)
    assert (data.train.vehicle_ids.tolist(), data.train.camera_ids.tolist()) == ([5], [17])
    assert data.query.vehicle_ids.tolist() == data.gallery.vehicle_ids.tolist() == [9]
    folder.text("vric_probe.txt", ["b.jpg nine 1"])
    with pytest.raises(UserError, match="as published"):
        load_dataset("vric", folder.root)


@pytest.mark.parametrize("mask", ["{}", "mask_{}_v2"])
def test_msmt17_of_both_versions(folder, mask):
    name = "{0}/{0}_000_{1}_0303morning_0008_0.jpg"
    for part, in_part, person, camera in (
        ("train", "train", 3, "01"),
        ("query", "test", 0, "15"),
        ("gallery", "test", 0, "07"),
    ):
        image = name.format(f"{person:04d}", camera)
        folder.images(f"{mask.format(in_part)}/{person:04d}", [image.split("/")[1]])
        folder.text(f"list_{part}.txt", [f"{image} {person}"])
    data = load_dataset("msmt17", folder.root)
    assert data.train.vehicle_ids.tolist() == [3]
    assert (data.query.camera_ids.tolist(), data.gallery.camera_ids.tolist()) == ([15], [7])


def test_vehiclex_takes_cameras_from_labels_or_names(folder):
    folder.images("image_train", ["0001_c003_1.jpg", "0002_c004_1.jpg"])
    items = [
        '<Item imageName="0001_c003_1.jpg" vehicleID="0001" cameraID="c009"/>',
        '<Item imageName="0002_c004_1.jpg" vehicleID="0002" orientation="90"/>',
    ]
    folder.text("train_label.xml", ['<?xml version="1.0" encoding="gb2312"?>', "<T><Items>", *items, "</Items></T>"])
    data = load_dataset("vehiclex", folder.root)
    assert (data.train.vehicle_ids.tolist(), data.train.camera_ids.tolist()) == ([1, 2], [9, 4])
    assert len(data.query) == 0
