"""A synthetic scene end to end, through the commands that a user types: with true boxes and true links nothing may be lost at all.

Anything below exactly 1.0 is a fault: a frame off by one costs less than five percent here.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from mtmc.cli import main
from tests.golden.true_links import VARIABLE


def mtmc(*arguments: object) -> str:
    """Standard output of a command that must succeed."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert not end.value.code, err.getvalue()
    return out.getvalue()


def record_truth(scene: Path) -> None:
    """Every true box, of crossing and of other vehicles, as if a detector had found it."""
    for camera in sorted(scene.glob("c*")):
        rows = [line.split(",") for line in (camera / "gt" / "gt_all.txt").read_text().splitlines()]
        (camera / "det").mkdir()
        lines = [",".join([row[0], "-1", *row[2:6], "0.99", "-1", "-1", "-1"]) for row in rows]
        (camera / "det" / "true.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module", params=[2, 9], ids="seed{}".format)
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wider than the preset, so that no true vehicle is so small that its box comes and goes."""
    city = tmp_path_factory.mktemp("city")
    mtmc("synth", city, "--preset", "tiny", "--seed", request.param, "--set", "width_px=640")
    record_truth(city / "S01")
    return city / "S01"


KEEP_ALL = (
    "detect.recorded=det/true.txt",
    "detect.nms_iou=1.0",
    "track.repair.max_fill_s=0",
    "track.clean.min_length_s=0",
    "track.clean.min_area_px=0",
    "track.clean.parked=keep",
    "report.video=false",
)
"""True boxes need no mending, and hidden ones count as missing."""


def test_true_boxes_score_exactly_one(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(scene))
    parts = ["--detector", "recorded", "--embedder", "histogram", "--link", "tests.golden.true_links:make"]
    settings = [word for setting in KEEP_ALL for word in ("--set", setting)]
    mtmc("run", "--videos", scene, "--out", tmp_path / "run", "--workers", 1, *parts, *settings)
    scores: dict[str, Any] = json.loads(mtmc("score", tmp_path / "run", "--json"))
    assert scores["idf1"] == 1.0
    assert scores["loss"]["total"] == 0.0
    assert scores["links"]["wrong"] == scores["links"]["missed"] == 0
