"""The commands of the golden tests: a scene whose true boxes are recorded as detections, and runs over it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from mtmc.cli import main

TRUE_BOXES = ("--detector", "recorded", "--embedder", "histogram")
KEEP_ALL = (
    "detect.recorded=det/true.txt",
    "detect.nms_iou=1.0",
    "track.repair.max_fill_s=0",
    "track.clean.min_length_s=0",
    "track.clean.min_area_px=0",
)
"""True boxes need no mending, and hidden ones count as missing."""


def mtmc(*arguments: object) -> str:
    """Standard output of a command that must succeed."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert not end.value.code, err.getvalue()
    return out.getvalue()


def run(scene: Path, out: Path, arguments: Iterable[object], settings: Iterable[str]) -> None:
    """Run a scene, without videos."""
    words = [word for setting in (*settings, "report.video=false") for word in ("--set", setting)]
    mtmc("run", "--videos", scene, "--out", out, *arguments, *words)


def record_truth(scene: Path) -> None:
    """Every true box, of crossing and of other vehicles, as if a detector had found it."""
    for camera in sorted(scene.glob("c*")):
        rows = [line.split(",") for line in (camera / "gt" / "gt_all.txt").read_text().splitlines()]
        (camera / "det").mkdir()
        lines = [",".join([row[0], "-1", *row[2:6], "0.99", "-1", "-1", "-1"]) for row in rows]
        (camera / "det" / "true.txt").write_text("\n".join(lines) + "\n")
