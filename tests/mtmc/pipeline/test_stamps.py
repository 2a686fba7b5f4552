"""What a table is made from is in its stamp: a change of it makes the table stale, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.config import load_config
from mtmc.pipeline.planning import Key, plan
from mtmc.store.stamps import Stamp
from tests.builders import make_video

SCENE = "[cameras.c001]\noffset_s = 1.0\n"
ZONES = '[cameras.c001]\nn = [0, 0, 1, 1]\n[cameras.c002]\ns = [0, 0, 1, 1]\n[[links]]\nfrom = "c001.n"\nto = "c002.s"\ntravel_s = [0, {}]\n'  # noqa: E501
ONE, ALL = {("detections", "c001"), ("tracklets", "c001"), ("embeddings", "c001")}, {("vehicles", ""), ("visits", "")}


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    for camera_id in ("c001", "c002"):
        folder = make_video(tmp_path / "S01" / camera_id / "vdo.avi", frames=4).parent
        cv2.imwrite(str(folder / "roi.png"), np.full((64, 96), 255, np.uint8))
        (folder / "det.txt").write_text("1,-1,5,5,20,20,0.9\n")
    for name, text in (("S01/scene.toml", SCENE), ("zones.toml", ZONES.format(9)), ("network.json", "{}")):
        (tmp_path / name).write_text(text)
    (tmp_path / "w.pth").write_bytes(b"weights")
    (tmp_path / "w.yaml").write_text("MODEL: {}\n")
    return tmp_path / "S01"


def said(text: str) -> Callable[[Path], object]:
    return lambda scene: (scene / "scene.toml").write_text(text)


MOTION = ("detect.detector='motion'", "embed.embedder='histogram'")
RECORDED = ("detect.detector='recorded'", "detect.recorded='det.txt'", "embed.embedder='histogram'")
CHANGES: dict[str, tuple[tuple[str, ...], Callable[[Path], object], set[Key]]] = {
    "mask, motion": (MOTION, lambda s: cv2.imwrite(str(s / "c001/roi.png"), np.eye(64, 96) * 255), ONE | ALL),
    "rate, motion": (MOTION, said(SCENE + "fps = 5.0\n"), ONE | ALL),
    "recorded boxes": (RECORDED, lambda s: (s / "c001/det.txt").write_text("1,-1,5,5,20,21,0.9\n"), ONE | ALL),
    "video": (MOTION, lambda s: make_video(s / "c001/vdo.avi", frames=5), ONE | ALL),
    "offset": (MOTION, said("[cameras.c001]\noffset_s = 2.0\n"), ALL),
    "offset told or not": (MOTION, said(SCENE + "[cameras.c002]\noffset_s = 0.0\n"), ALL),
    "zones": ((*MOTION, "link.linker='zones'", "link.zones_file='{0}/zones.toml'"),
              lambda s: (s.parent / "zones.toml").write_text(ZONES.format(8)), ALL),
    "network": ((*MOTION, "link.network_file='{0}/network.json'"),
                lambda s: (s.parent / "network.json").write_text("{ }"), ALL),
    "YAML beside the weights": (("detect.detector='detectron2'", "detect.weights='{0}/w.pth'", "embed.embedder='histogram'"),  # noqa: E501
                                lambda s: (s.parent / "w.yaml").write_text("MODEL: {A: 1}\n"),
                                ONE | ALL | {(stage, "c002") for stage, _ in ONE}),
}  # fmt: skip


def stamps(scene: Path, settings: tuple[str, ...]) -> dict[Key, Stamp]:
    config = load_config(None, [setting.format(scene.parent) for setting in settings])
    return dict(plan(scene, scene.parent / "run", config, "cpu").stamps)


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_table_is_made_from_is_in_its_stamp(what: str, scene: Path) -> None:
    settings, change, expected = CHANGES[what]
    before = stamps(scene, settings)
    change(scene)
    after = stamps(scene, settings)
    assert {key for key in before if before[key] != after[key]} == expected


def test_a_file_of_the_same_name_in_the_current_folder_is_nobodys(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stamps(scene, RECORDED)
    (scene.parent / "det.txt").write_text("1,-1,7,7,20,20,0.9\n")
    monkeypatch.chdir(scene.parent)
    assert stamps(scene, RECORDED) == before


def test_the_same_weights_elsewhere_change_nothing(scene: Path) -> None:
    """A package that is installed again in another folder makes no run stale."""
    elsewhere = scene.parent / "elsewhere"
    elsewhere.mkdir()
    for name in ("w.pth", "w.yaml"):
        (elsewhere / name).write_bytes((scene.parent / name).read_bytes())
    detectron2 = ("detect.detector='detectron2'", "embed.embedder='histogram'")
    here = stamps(scene, (*detectron2, "detect.weights='{0}/w.pth'"))
    assert stamps(scene, (*detectron2, "detect.weights='{0}/elsewhere/w.pth'")) == here
    (elsewhere / "w.pth").write_bytes(b"others")
    other = stamps(scene, (*detectron2, "detect.weights='{0}/elsewhere/w.pth'"))
    assert other["detections", "c001"] != here["detections", "c001"]
