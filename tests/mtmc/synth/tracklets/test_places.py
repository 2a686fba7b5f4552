"""Tracklets of whole places: what is true of the truth, what a tracker makes of it, how it is scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtmc.synth.scene import SynthParams
from mtmc.synth.tracklets.appearance import DIMENSION, STRENGTHS, Appearance, Crops, single_crop_rank1
from mtmc.synth.tracklets.places import Place
from mtmc.synth.tracklets.tracker_noise import TrackerNoise
from mtmc.synth.writers.tracklet_files import read_tracklets, write_tracklets


@pytest.fixture(scope="module")
def hamlet() -> Place:
    return Place(SynthParams(preset="hamlet6"), 1)


@pytest.mark.parametrize(("strength", "rank1"), [("easy", 0.80), ("mid", 0.65), ("hard", 0.50)])
def test_strengths_are_what_their_rank_1_says(strength: str, rank1: float) -> None:
    crops = Crops(np.repeat(np.arange(1, 51), 4)[:, None], np.tile(np.arange(4), 50))
    found = [
        single_crop_rank1(Appearance(seed, 4).vectors(crops, STRENGTHS[strength])[:, 0], crops) for seed in range(20)
    ]
    assert np.mean(found) == pytest.approx(rank1, abs=0.02)


def test_the_truth_holds_moving_vehicles_of_two_cameras_and_scores_one(hamlet: Place) -> None:
    scene = hamlet.tracklets()
    cameras = {v: set(scene.table.camera[scene.vehicle_id == v].tolist()) for v in set(scene.vehicle_id.tolist())}
    assert min(len(seen) for seen in cameras.values()) > 1
    assert scene.identity_f1(scene.vehicle_id) == 1.0
    assert scene.identity_f1(np.arange(len(scene.table))) == 0.0  # all left in one camera


def test_a_tracker_finds_pieces_and_much_that_is_nobodys(hamlet: Place) -> None:
    true, noisy = hamlet.tracklets(), hamlet.tracklets(noise=TrackerNoise())
    lone = noisy.covered == 0
    assert lone.sum() > 2 * (~lone).sum()
    assert (noisy.vehicle_id[lone] < 0).all()
    assert len(set(noisy.vehicle_id[lone].tolist())) == lone.sum()
    assert set(noisy.vehicle_id[~lone].tolist()) <= set(true.vehicle_id.tolist())
    assert (noisy.covered <= noisy.boxes).all()
    assert 0.7 < noisy.identity_f1(noisy.vehicle_id) < 0.95


def test_without_noise_a_tracker_finds_the_truth_and_the_parked(hamlet: Place) -> None:
    nothing = TrackerNoise(
        late_s=0,
        early_s=0,
        missed=0,
        hidden=1,
        burst_rate=0,
        switch=0,
        double=0,
        parked_seen=0,
        clutter_rate=0,
        jitter=0,
    )
    true, found = hamlet.tracklets(), hamlet.tracklets(noise=nothing)
    kept = found.covered > 0
    np.testing.assert_array_equal(found.table.start_s[kept], true.table.start_s)
    np.testing.assert_array_equal(found.boxes[kept], true.boxes)
    np.testing.assert_array_equal(found.vehicle_id[kept], true.vehicle_id)


def test_a_place_that_nobody_crosses_has_no_tracklets() -> None:
    scene = Place(SynthParams(preset="unrelated11", seconds=8.0), 101).tracklets()
    assert len(scene.table) == 0
    assert scene.table.features.shape == (0, DIMENSION)


def test_wrong_clocks_shift_times_and_nothing_else(hamlet: Place) -> None:
    right, wrong = hamlet.tracklets(), hamlet.tracklets(max_offset_s=30.0)
    np.testing.assert_allclose(wrong.table.start_s - wrong.offset_s[wrong.table.camera], right.table.start_s)
    np.testing.assert_array_equal(wrong.table.features, right.table.features)
    assert right.clock_known
    assert not wrong.clock_known


def test_a_switched_half_counts_for_the_vehicle_that_it_shows(hamlet: Place) -> None:
    """Two vehicles of two tracklets each: one wrong join costs what the boxes say."""
    scene = hamlet.tracklets()
    rows = np.flatnonzero(np.isin(scene.vehicle_id, np.unique(scene.vehicle_id)[:2]))
    small = replace(
        scene,
        table=scene.table.take(rows),
        vehicle_id=scene.vehicle_id[rows],
        boxes=scene.boxes[rows],
        covered=scene.boxes[rows],
        truth_boxes=None,
    )
    joined = small.identity_f1(np.zeros(len(rows), np.int64))
    largest = max(small.boxes[small.vehicle_id == v].sum() for v in set(small.vehicle_id.tolist()))
    assert joined == pytest.approx(2 * largest / (2 * small.boxes.sum()))


def test_files_hold_it_all(hamlet: Place, tmp_path: Path) -> None:
    scene = hamlet.tracklets("easy", TrackerNoise(), 30.0)
    write_tracklets(tmp_path, scene)
    back = read_tracklets(tmp_path)
    np.testing.assert_array_equal(back.covered, scene.covered)
    assert back.identity_f1(scene.vehicle_id) == scene.identity_f1(scene.vehicle_id)
    assert back.clock_known == scene.clock_known
