"""Training sets: frames with masks for detectors, crops in VeRi layout for re-identification."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import pytest
from pycocotools.coco import COCO

from mtmc.synth.writers.detection_set import write_detection_set
from mtmc.synth.writers.reid_set import ReidSetParams, write_reid_set


def test_detection_set_reads_as_coco(tmp_path: Path) -> None:
    assert write_detection_set(tmp_path, 3, 7)["images"] == 3
    coco = COCO(str(tmp_path / "coco.json"))
    for image in coco.imgs.values():
        picture = cv2.imread(str(tmp_path / "images" / image["file_name"]))
        assert picture.shape[:2] == (image["height"], image["width"])
    assert {a["category_id"] for a in coco.anns.values()} <= set(coco.cats)


@pytest.fixture(scope="module")
def reid_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reid")
    write_reid_set(folder, ReidSetParams(train_ids=10, test_ids=8, cameras=3, cameras_per_id=3, views=2), 1)
    return folder


def names(folder: Path, part: str) -> list[str]:
    return (folder / f"name_{part}.txt").read_text().split()


def test_reid_set_has_veris_layout(reid_set: Path) -> None:
    train, test, query = (names(reid_set, part) for part in ("train", "test", "query"))
    for part, listed in (("train", train), ("test", test), ("query", query)):
        assert sorted(p.name for p in (reid_set / f"image_{part}").iterdir()) == sorted(listed)
    assert not {n[:4] for n in train} & {n[:4] for n in test}
    assert set(query) <= set(test)
    assert len({n.rsplit("_", 2)[0] for n in query}) == len(query)  # one per identity and camera
    tracks = [line.split() for line in (reid_set / "test_track.txt").read_text().splitlines()]
    assert sorted(n for _, *members in tracks for n in members) == sorted(test)
    assert all(m.startswith(token[:9]) for token, *members in tracks for m in members)


def test_reid_labels_and_indices_agree_with_the_names(reid_set: Path) -> None:
    test, query = names(reid_set, "test"), names(reid_set, "query")
    items = ElementTree.parse(reid_set / "test_label.xml").getroot().findall("Items/Item")
    assert {i.get("imageName") for i in items} == set(test)
    assert all(i.get("imageName", "").startswith(f"{i.get('vehicleID')}_{i.get('cameraID')}") for i in items)
    good = (reid_set / "gt_index.txt").read_text().splitlines()
    junk = (reid_set / "jk_index.txt").read_text().splitlines()
    for line_good, line_junk, name in zip(good, junk, query, strict=True):
        assert {test[int(i) - 1] for i in line_junk.split()} == {n for n in test if n[:9] == name[:9]}
        assert {test[int(i) - 1] for i in line_good.split()} == {
            n for n in test if n[:4] == name[:4] and n[:9] != name[:9]
        }


def test_a_set_of_motorcycles_seen_from_one_side(tmp_path: Path) -> None:
    params = ReidSetParams(
        train_ids=6, test_ids=2, cameras=2, cameras_per_id=2, views=2, twins=0,
        motorcycles=1, one_side=True, field_deg=(30, 40), least_visible=0.8,
    )  # fmt: skip
    write_reid_set(tmp_path, params, 2)
    items = ElementTree.parse(tmp_path / "train_label.xml").getroot().findall("Items/Item")
    assert items
    assert {i.get("typeID") for i in items} == {"8"}
