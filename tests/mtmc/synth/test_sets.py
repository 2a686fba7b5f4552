"""Training sets: frames with masks for detectors, crops in VeRi layout for re-identification; the command and its knobs."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import pytest
from pycocotools.coco import COCO

from mtmc.cli import main
from mtmc.config import known_keys
from mtmc.synth.scene import SynthParams
from mtmc.synth.writers.detection_set import write_detection_set
from mtmc.synth.writers.reid_set import ReidSetParams, write_reid_set

LEVELS = sorted((Path(__file__).parents[3] / "configs" / "synth").glob("level*.toml"))


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


@pytest.mark.parametrize("path", LEVELS, ids=lambda p: p.stem)
def test_levels_load_and_grow_harder(path: Path) -> None:
    params = SynthParams.model_validate(tomllib.loads(path.read_text()))
    assert set(SynthParams.model_fields) - set(tomllib.loads(path.read_text())) == {"seconds", "fps", "width_px"}
    number = LEVELS.index(path)
    if number:
        easier = SynthParams.model_validate(tomllib.loads(LEVELS[number - 1].read_text()))
        for knob in ("parked", "occluders", "clock_error_s", "dropped", "repeated", "cast", "blur_px", "noise", "crf"):
            assert getattr(params, knob) >= getattr(easier, knob)
        assert params.traffic.twins > easier.traffic.twins


def test_command_writes_a_scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(
            [
                "synth",
                str(tmp_path),
                "--preset",
                "tiny",
                "--seconds",
                "0.5",
                "--set",
                "light=dusk",
                "--set",
                "traffic.twins=0.5",
                "--json",
            ]
        )
    assert stop.value.code == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["frames"] == 10
    assert (tmp_path / "S01" / "c002" / "vdo.avi").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--preset", "tokyo"], "preset"),
        (["--set", "rain=7"], "rain"),
        (["--set", "snow=1"], "snow"),
        (["--set", "rain=wet"], "knob rain: expected a valid number, found 'wet'"),
        (["--set", "rian=1"], "Did you mean rain?"),
        (["--set", "traffic=5"], "traffic.vehicles_per_lane_hour"),
        (["--set", "traffic.twins=2"], "traffic.twins"),
        (["--set", "rain=1", "--set", "rain.x=1"], "rain.x"),
        (["--set", "rain"], "knob=value"),
        (["--set", "=1"], "knob=value"),
        (["--config", "absent.toml"], "absent.toml"),
        (["--reid", "--ids", "many"], "--ids"),
        (["--reid", "--tracklets"], "one kind of output"),
        (["--reid", "--set", "light=dusk"], "leave --set out"),
    ],
)
def test_wrong_knobs_are_told(
    tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["synth", str(tmp_path), *options])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not any(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as stop:
        main(["synth", str(tmp_path / "file"), "--preset", "tiny", "--seconds", "0.2"])
    assert stop.value.code == 2
    assert "expected a folder that can be written" in capsys.readouterr().err


def test_help_names_every_knob(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["synth", "--help"])
    assert stop.value.code == 0
    words = set(re.findall(r"[\w.]*\w", capsys.readouterr().out))
    assert words >= set(known_keys(SynthParams))
