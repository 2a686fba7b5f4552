"""A real road: counts per direction as counted by hand, travel times as the truth file has them."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtmc.store import open_run
from mtmc.track_files.formats import read_mot_tracks
from mtmc.traffic import Question, Traffic, observe
from tests.golden.commands import run

ZONES = """
[cameras.c901]
zones.far = [[0.0, 0.3], [1.0, 0.3]]
zones.near = [[0.0, 0.8], [1.0, 0.8]]
[cameras.c902]
zones.far = [[0.0, 0.35], [1.0, 0.35]]
zones.near = [[0.0, 0.85], [1.0, 0.85]]
"""
BY_HAND = {
    ("c901", "far", "near"): 11,
    ("c901", "near", "far"): 6,
    ("c902", "far", "near"): 11,
    ("c902", "near", "far"): 5,
}
"""Vehicles that cross both lines, counted on every sixth frame of the unsplit clip: eleven come nearer (red people
carrier, silver hatchback, silver estate, three white vans, silver saloon, blue car, bus, dark hatchback, black small
car), six drive off (dark hatchback, yellow-green, red, grey people carrier, dark estate, white SUV), of whom the first
had left the near part before its camera starts."""


pytestmark = [pytest.mark.shared, pytest.mark.slow]
Legs = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def road(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Traffic]:
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(shared / "data" / "uab-road", folder / "road")
    scene = folder / "road" / "S90"
    (scene / "scene.toml").write_text(ZONES)
    run(scene, folder / "run", ("--detector", "motion", "--workers", 1), ("report.page=false",))
    return scene, Traffic(observe(open_run(folder / "run")), Question(classes="one"))


def legs_of(traffic: Traffic) -> Legs:
    return {(r["from"], r["to"]): r for r in traffic.tables["legs"].to_pylist()}


def test_the_road_is_counted_as_by_hand(road: tuple[Path, Traffic]) -> None:
    scene, traffic = road
    found = {(r["camera_id"], r["entry"], r["exit"]): r for r in traffic.tables["counts"].to_pylist()}
    assert {key: found[key]["vehicles"] for key in BY_HAND} == BY_HAND
    assert all(found[key]["low"] <= n <= found[key]["high"] for key, n in BY_HAND.items())
    legs = legs_of(traffic)
    for leg, seconds in true_times(scene).items():
        assert legs[leg]["low"] <= len(seconds) <= legs[leg]["high"]
        assert legs[leg]["entry_to_entry_p50_s"] == pytest.approx(np.median(seconds), abs=0.3)


def test_journeys_are_as_many_as_were_made(road: tuple[Path, Traffic]) -> None:
    scene, traffic = road
    assert {leg: legs_of(traffic)[leg]["vehicles"] for leg in true_times(scene)} == {
        leg: len(seconds) for leg, seconds in true_times(scene).items()
    }


def true_times(scene: Path) -> dict[tuple[str, str], list[float]]:
    """Seconds from coming into one view to coming into the other, of each vehicle of the truth file."""
    starts = {"c901": 0.0, "c902": 3.7}
    first = {
        (camera, track.track_id): starts[camera] + float(track.frames[0]) / 10
        for camera in starts
        for track in read_mot_tracks(scene / camera / "gt" / "gt.txt", camera)
    }
    both = Counter(vehicle for _, vehicle in first)
    times: dict[tuple[str, str], list[float]] = {}
    for vehicle in (v for v, n in both.items() if n == 2):
        a, b = sorted(starts, key=lambda camera: first[camera, vehicle])
        times.setdefault((a, b), []).append(first[b, vehicle] - first[a, vehicle])
    return times
