"""``mtmc synth``: the command and its knobs."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from mtmc.cli import main
from mtmc.params import known_keys
from mtmc.synth.scene import SynthParams
from mtmc.synth.tracklets.places import PlaceParams
from mtmc.synth.writers.tracklet_files import read_tracklets

LEVELS = sorted((Path(__file__).parents[3] / "configs" / "synth").glob("level*.toml"))


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


def test_command_writes_the_tracklets_of_a_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["synth", str(tmp_path), "--tracklets", "--preset", "tiny", "--set", "strength=hard", "--set", "noisy=true"]
    with pytest.raises(SystemExit) as stop:
        main([*place, "--json"])
    assert stop.value.code == 0
    summary = json.loads(capsys.readouterr().out)
    assert len(read_tracklets(tmp_path).table) == summary["tracklets"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--preset", "tokyo"], "preset"),
        (["--set", "rain=7"], "rain"),
        (["--set", "snow=1"], "snow"),
        (["--set", "rain=wet"], "rain: expected a valid number, found 'wet'"),
        (["--set", "rian=1"], "Did you mean rain?"),
        (["--set", "traffic=5"], "traffic.vehicles_per_lane_hour"),
        (["--set", "traffic.twins=2"], "traffic.twins"),
        (["--set", "rain=1", "--set", "rain.x=1"], "rain.x"),
        (["--set", "rain"], "key=value"),
        (["--set", "=1"], "key=value"),
        (["--config", "absent.toml"], "absent.toml"),
        (["--reid", "--ids", "many"], "--ids"),
        (["--reid", "--tracklets"], "one kind of output"),
        (["--tracklets", "--preset", "tiny", "--level", "3"], "Leave out --level"),
        (["--tracklets", "--set", "tracker.missed=2"], "tracker.missed"),
        (["--reid", "--set", "light=dusk"], "Known are box_jitter"),
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


def test_a_picture_in_the_way_of_the_last_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "S01" / "map.png").mkdir(parents=True)
    with pytest.raises(SystemExit) as end:
        main(["synth", str(tmp_path), "--preset", "tiny", "--set", "seconds=0.2"])
    assert end.value.code == 2
    assert re.search(r"error: .+: expected .+, found .+\. \S", capsys.readouterr().err)


def test_help_names_every_knob(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["synth", "--help"])
    assert stop.value.code == 0
    words = set(re.findall(r"[\w.]*\w", capsys.readouterr().out))
    assert words >= set(known_keys(PlaceParams))
