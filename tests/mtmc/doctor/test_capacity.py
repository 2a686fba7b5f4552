"""``mtmc plan``: sums by hand, and the command on a small run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtmc.doctor.capacity import Rates, needs, rates_of
from mtmc.errors import StoreError
from mtmc.store import open_run
from tests.builders import make_video
from tests.golden.commands import mtmc

RATES = Rates(
    frames=1000,
    seconds={"detections": 0.1, "tracklets": 0.001, "embeddings": 0.019},
    table_bytes={"detections": 400.0, "tracklets": 40.0, "embeddings": 60.0},
    video_bytes=250_000.0,
    tracklets=0.002,
)


def test_sums_by_hand() -> None:
    found = {need.what: need.amount for need in needs(RATES, cameras=10, hours=1, fps=10, workers=4)}
    assert found["frames"] == 360_000
    assert found["detect"] == pytest.approx(10)  # 36,000 s
    assert found["to keep up"] == pytest.approx(12)  # 43,200 s of work in an hour
    assert found["tracklets"] == pytest.approx(720)
    assert found["whole job"] == pytest.approx(3 + 720 * 82e-6 / 3600)
    assert found["videos"] == pytest.approx(9e9)
    assert found["run folder"] == pytest.approx(1.8e8)
    assert found["network"] == pytest.approx(18e9 / (3600 * found["whole job"]))


def test_linking_that_takes_much_memory_is_offered_windows() -> None:
    def words(cameras: int) -> str:
        return next(n.words for n in needs(RATES, cameras, hours=24, fps=10, workers=4) if n.what == "linking")

    assert words(100).endswith("207.4 MB memory")
    assert words(10_000).endswith("20.7 GB memory, or 4.0 GB with --set link.window_h=4")


def test_rates_of_a_run(tmp_path: Path) -> None:
    make_video(tmp_path / "scene" / "cam1.avi", frames=40)
    how = [
        "--detector",
        "motion",
        "--embedder",
        "histogram",
        "--set",
        "report.video=false",
        "--set",
        "report.page=false",
    ]
    mtmc("run", tmp_path / "scene", "--out", tmp_path / "run", *how)
    answer = {
        n["what"]: n for n in json.loads(mtmc("plan", tmp_path / "run", "--cameras", 100, "--hours", 2, "--json"))
    }
    assert answer["frames"]["amount"] == 100 * 2 * 3600 * 10
    assert answer["videos"]["amount"] == pytest.approx((tmp_path / "scene" / "cam1.avi").stat().st_size / 4 * 720_000)
    assert answer["detect"]["amount"] > 0
    (tmp_path / "run" / "timings.json").unlink()
    with pytest.raises(StoreError, match="the times of a finished run"):
        rates_of(open_run(tmp_path / "run"))
