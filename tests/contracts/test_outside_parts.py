"""A part of each kind from outside, in a module of the current folder: found, made with (params, device), given its
options."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mtmc.cli import main
from mtmc.detect import DetectParams, make_detector
from mtmc.embed import EmbedParams, make_embedder
from mtmc.errors import ConfigError
from mtmc.link import LinkParams, find_linker
from mtmc.params import StageParams
from mtmc.pipeline.planning import plan_again
from mtmc.store import open_run
from mtmc.track import TrackParams, make_tracker
from tests.builders import make_video

OWN_PARTS = '''
import numpy as np
from mtmc.link import Solution
from mtmc.structures import Detections
from mtmc.track import Tracks

class Boxes:
    """One box in every frame, where the options say."""
    def __init__(self, params, device):
        self.box = params.options["box"]
    def begin(self, camera, frames):
        return self.detect
    def detect(self, clip):
        count = len(clip)
        boxes = np.tile(np.float32(self.box), (count, 1))
        return Detections(clip.frames, boxes, np.ones(count), np.zeros(count), np.zeros((count, 0)))

class Halves:
    """The first half of the clip is one track, the rest another."""
    def __init__(self, params, device):
        self.after = params.options["after"]
    def track(self, detections, fps, size):
        return Tracks(1 + (detections.frames >= self.after), detections.xyxy)

class Ones:
    """The same vector for all."""
    def __init__(self, params, device):
        self.size = params.options["size"]
    def vectors(self, crops):
        return np.full((len(crops), self.size), self.size ** -0.5, np.float32)

def everything(params, device):
    """All tracklets with the same number are one vehicle, plus what the options say."""
    return lambda problem: Solution(problem.table.track_id * params.options["factor"])

def nothing(params, device):
    return None

def fails(params, device):
    raise RuntimeError("out of paper")

def alone():
    return None

number = 3
'''
STAGES: dict[str, tuple[type[StageParams], Callable[..., object]]] = {
    "detect.detector": (DetectParams, make_detector),
    "track.tracker": (TrackParams, make_tracker),
    "embed.embedder": (EmbedParams, make_embedder),
    "link.linker": (LinkParams, find_linker),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with own_parts.py in it and not on the path yet."""
    (tmp_path / "own_parts.py").write_text(OWN_PARTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("own_parts", None)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["run", *arguments])
    return int(end.value.code or 0)


def parts(detector: str = "own_parts:Boxes", linker: str = "own_parts:everything") -> list[str]:
    names = ["--detector", detector, "--tracker", "own_parts:Halves", "--embedder", "own_parts:Ones", "--link", linker]
    options = [
        "detect.options.box=[10,10,50,40]",
        "track.options.after=6",
        "embed.options.size=4",
        "link.options.factor=7",
    ]
    joins = ["track.repair.max_join_gap_s=0", "track.repair.max_blind_gap_s=0"]
    rest = ["track.clean.parked='keep'", "track.clean.min_length_s=0", "report.video=false", *joins]
    return [*names, "--workers", "1", *(word for setting in (*options, *rest) for word in ("--set", setting))]


def test_a_run_of_outside_parts_alone(folder: Path) -> None:
    for name in ("a", "b"):
        make_video(folder / "cams" / f"{name}.avi", frames=12)
    assert run("--videos", "cams", "--out", "run", *parts()) == 0
    done = open_run(folder / "run")
    assert [len(v.tracklets) for v in done.vehicles()] == [2, 2]
    assert (done.vehicles()[0].tracklets[0].xyxy == [10, 10, 50, 40]).all()
    assert done.embeddings()["a"].vectors.shape[1] == 4
    assert json.loads((folder / "run" / "run.json").read_text())["config"]["track"]["options"] == {"after": 6}


def test_changed_code_of_a_part_makes_its_tables_stale(folder: Path) -> None:
    make_video(folder / "cams" / "a.avi", frames=12)
    run("--videos", "cams", "--out", "run", *parts())
    assert not plan_again(open_run(folder / "run")).stale()
    (folder / "own_parts.py").write_text(OWN_PARTS + "# better\n")
    sys.modules.pop("own_parts")
    stale = plan_again(open_run(folder / "run")).stale()
    assert "own_parts" not in sys.modules, "looking at a run loads none of its parts"
    assert {stage for stage, _ in stale} == {"detections", "tracklets", "embeddings", "vehicles", "visits"}


@pytest.mark.parametrize("key", STAGES)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("typo", "one of "),
        ("own_part:Boxes", "No module named 'own_part'"),
        ("own_parts:Boxs", "has no attribute 'Boxs'"),
        ("own_parts:number", "of type int"),
        ("own_parts:", "module:callable"),
        ("own_parts:alone", r"takes \(params, device\)"),
        ("own_parts:fails", r"RuntimeError at .*own_parts\.py:\d+: out of paper"),
        ("own_parts:nothing", "an object with the method"),
    ],
)
def test_what_is_wrong_with_a_part_is_said(key: str, name: str, words: str, folder: Path) -> None:
    params, make = STAGES[key]
    with pytest.raises(ConfigError, match=words) as mistake:
        make(params(**{key.split(".")[1]: name}))
    assert mistake.value.where == key


def test_every_name_is_looked_up_before_anything_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_video(folder / "cams" / "a.avi", frames=12)
    assert run("--videos", "cams", "--out", "run", *parts(linker="netwrk")) == 2
    assert "link.linker" in capsys.readouterr().err
    assert not (folder / "run" / "detections").exists()


def test_options_reach_the_part_as_they_stand() -> None:
    params = TrackParams(options={"a": {"b": [1, "x"]}})
    assert params.options == {"a": {"b": [1, "x"]}}
