"""``mtmc compare`` and ``mtmc tune`` on runs of a small synthetic city."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mtmc.cli import main
from mtmc.errors import InputError
from mtmc.experiments.differences import differences
from mtmc.store import open_run
from tests.builders import make_video

QUICK = ["--detector", "motion", "--embedder", "histogram", "--workers", "1", "--set", "report.video=false"]


def call(*arguments: object) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    assert not end.value.code, arguments


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``a`` by the network linker, ``b`` by hungarian, ``c`` of another scene."""
    folder = tmp_path_factory.mktemp("runs")
    call("synth", folder / "city", "--preset", "tiny", "--seconds", 12)
    scene = folder / "city" / "S01"
    call("run", scene, "--out", folder / "a", *QUICK)
    call(
        "run", scene, "--out", folder / "b", *QUICK, "--link", "hungarian", "--set", "link.hungarian_max_distance=0.01"
    )
    make_video(folder / "other" / "x.avi")
    call("run", folder / "other", "--out", folder / "c", *QUICK)
    for name in ("a", "b"):
        call("score", folder / name)
    return folder


def test_a_run_does_not_differ_from_itself(runs: Path) -> None:
    found = differences(open_run(runs / "a"), open_run(runs / "a"))
    assert (found.settings, found.agreement, found.split, found.merged) == ({}, 1.0, {}, {})
    assert len(found.same) == len(open_run(runs / "a").vehicles())
    assert all(before == after for before, after in [*found.scores.values(), *found.same])


def test_another_linker_splits_and_merges(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = differences(open_run(runs / "a"), open_run(runs / "b"))
    assert found.settings == {"link.linker": ("network", "hungarian"), "link.hungarian_max_distance": (0.45, 0.01)}
    assert found.agreement < 1
    assert found.split
    back = differences(open_run(runs / "b"), open_run(runs / "a"))
    assert (back.split, back.merged) == (found.merged, found.split)
    capsys.readouterr()
    call("compare", runs / "a", runs / "b")
    said = capsys.readouterr().out
    assert 'link.linker: "network" -> "hungarian"' in said
    assert "idf1: " in said


def test_runs_of_other_cameras_cannot_be_compared(runs: Path) -> None:
    with pytest.raises(InputError, match="cameras of"):
        differences(open_run(runs / "a"), open_run(runs / "c"))


@pytest.mark.parametrize(("name", "stage", "trials"), [("b", "link", 12), ("a", "track", 6)])
def test_what_is_tuned_is_judged_on_time_it_was_not_tuned_on(
    runs: Path, name: str, stage: str, trials: int, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    found: list[dict[str, Any]] = []
    for _ in range(2):
        capsys.readouterr()
        call("tune", runs / name, "--stage", stage, "--trials", trials, "--json")
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1], "the same seed finds the same"
    assert found[0]["fitted_after"] >= found[0]["fitted_before"]
    if name == "b":  # a distance of .01 links nothing
        assert found[0]["fitted_after"] > found[0]["fitted_before"]
        (value,) = found[0]["settings"].values()
        assert value >= 0.05


def test_a_run_without_truth_cannot_be_tuned(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna")
    with pytest.raises(SystemExit) as end:
        main(["tune", str(runs / "c")])
    assert end.value.code == 2
    assert "ground truth" in capsys.readouterr().err
