"""What people see fits a terminal of 80 columns: scores whole, one bar for all, only running cameras."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from mtmc.box_table import Boxes
from mtmc.cli.network_picture import sentences
from mtmc.cli.progress import _Bars
from mtmc.score import score
from mtmc.score.table import renderables
from tests.builders import make_tracklet, make_vehicle


def shown(explain: bool, everything: bool, width: int) -> str:
    truth = [make_vehicle(n, *(make_tracklet(f"c{c:03d}", n, step=(n, 1)) for c in (1, 2, 41))) for n in range(1, 6)]
    guess = [make_vehicle(v.vehicle_id * 10**6, *v.tracklets[: 1 + v.vehicle_id % 3]) for v in truth]
    out = Console(file=io.StringIO(), width=width, force_terminal=False)
    for part in renderables(score(Boxes.from_tracks(truth), Boxes.from_tracks(guess)), explain, everything):
        out.print(part, soft_wrap=not hasattr(part, "columns"))
    return out.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_scores_are_whole_at_80_columns() -> None:
    text = shown(explain=True, everything=False, width=80)
    assert "…" not in text
    assert max(len(line) for line in text.splitlines() if line[:1] in "┏┃┡│├└") <= 80
    for heading in ("IDF1", "IDP", "IDR", "HOTA", "MOTA", "switches"):
        assert heading in text


def test_all_metrics_where_asked_for() -> None:
    text = shown(explain=False, everything=True, width=140)
    assert all(heading in text for heading in ("MOTP", "DetA", "AssA", "LocA", "frag.", "MT/PT/ML"))
    assert "…" not in text


def test_one_bar_for_all_and_one_for_each_running_camera() -> None:
    progress = Progress(console=Console(file=io.StringIO()))
    tables = [("detections", "a/1"), ("detections", "a/2"), ("detections", "b"), ("tracklets", "b"), ("vehicles", "")]
    bars = _Bars(progress, [*tables, ("tracklets", "a"), ("embeddings", "a"), ("embeddings", "b")])

    def at() -> list[tuple[str, float]]:
        return [(task.description, round(task.completed, 3)) for task in progress.tasks]

    bars("a/2", "detect", 50, 100)
    bars("b", "detect", 100, 100)
    assert at() == [("all cameras", 1.0), ("a/2 detect", 50), ("b detect", 100)]
    bars("b", "detect", 1, 1)
    bars("b", "track", 1, 1)
    bars("b", "embed", 7, 0)
    assert at()[2] == ("b embed", 7)
    bars("b", "embed", 1, 1)
    assert at() == [("all cameras", 1.2), ("a/2 detect", 50)]
    for name, stage in (("a/1", "detect"), ("a/2", "detect"), ("a", "track"), ("a", "embed"), ("", "link")):
        bars(name, stage, 1, 1)
    assert at() == [("all cameras", 2.0), ("link", 1)]


@pytest.mark.parametrize(
    ("travel", "said"),
    [
        ((2.0, 5.0, 8.0), "5.0 s (2.0 to 8.0)"),
        ((-12.0, -9.7, -1.0), "seen by both for 9.7 s (1.0 to 12.0)"),
        ((-0.6, 0.1, 0.7), "0.1 s later (from 0.6 s in both to 0.7 s later)"),
    ],
)
def test_overlapping_views_are_seen_by_both(travel: tuple[float, float, float], said: str) -> None:
    street = {"from": "a", "to": "b", "travel_s": list(travel), "vehicles": 3}
    (line,) = sentences({"cameras": {}, "streets": [street]}, {("a", "b"): 2})
    assert said in line
    assert line.endswith("3 vehicles expected, 2 linked")
    assert np.char.count(line, "-") == 1, "no negative seconds"
