"""What every tracker promises, checked on a street with misses, ghosts and crossings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtmc.structures import Detections
from mtmc.track import TRACKERS, JdeParams, Tracker, TrackParams, make_tracker
from mtmc.track.repair import rows_by_track
from tests.mtmc.track.clips import SIZE, detections, drive

FUSED: dict[str, Any] = {"association": "fused", "min_score": 0.5, "second_pass_score": 0.5}
MENU = {name: TrackParams(tracker=name) for name in TRACKERS}
for name in ("SORTTracker", "OCSORTTracker", "BoTSORTTracker", "CBIoUTracker"):
    later = {} if name in ("SORTTracker", "OCSORTTracker") else {"instant_first_frame_activation": False}
    MENU[f"trackers, {name}"] = TrackParams(tracker="trackers", options={"name": name, **later})
MENU["jde, fused"] = TrackParams(jde=JdeParams(**FUSED))
MENU["jde, filtered boxes"] = TrackParams(jde=JdeParams(output="kalman"))


@pytest.fixture(params=MENU)
def tracker(request: pytest.FixtureRequest) -> Tracker:
    return make_tracker(MENU[request.param])


def street(feature_size: int = 8, seed: int = 0) -> Detections:
    """Five vehicles each way for 40 frames, 10 % of boxes missing, a ghost in every fifth frame."""
    rng = np.random.default_rng(seed)
    rows = [row for lane in range(5) for row in drive(range(lane, 40), (100, 150 + 70 * lane), (12, 0.5))]
    rows += [row for lane in range(5) for row in drive(range(lane, 40), (900, 180 + 70 * lane), (-12, 0))]
    looks = rng.normal(size=(10, feature_size))[np.repeat(np.arange(10), [40 - lane for lane in range(5)] * 2)]
    seen = rng.random(len(rows)) > 0.1
    ghosts = [(f, [x, 20, x + 50, 60]) for f, x in zip(range(0, 40, 5), rng.uniform(0, 1200, 8), strict=True)]
    kept = [row for row, good in zip(rows, seen, strict=True) if good] + ghosts
    features = np.concatenate([looks[seen], rng.normal(size=(8, feature_size))])
    return detections(kept, scores=rng.uniform(0.3, 1, len(kept)), features=features)


@pytest.mark.parametrize("feature_size", [0, 8])
def test_partition(tracker: Tracker, feature_size: int) -> None:
    """One number per detection (that is the type), no two of a frame alike, numbers 1, 2, ... by first appearance."""
    clip = street(feature_size)
    tracks = tracker.track(clip, 10.0, SIZE)
    groups = rows_by_track(tracks.numbers)
    assert len(groups) >= 10
    assert all((np.diff(clip.frames[rows]) > 0).all() for rows in groups)
    assert [int(tracks.numbers[rows[0]]) for rows in groups] == list(range(1, len(groups) + 1))
    assert (np.diff([rows[0] for rows in groups]) > 0).all()


def test_boxes_reported_sit_on_the_detections(tracker: Tracker) -> None:
    clip = street()
    tracks = tracker.track(clip, 10.0, SIZE)
    owned = tracks.numbers > 0
    off = np.abs(tracks.xyxy - clip.xyxy)[owned]
    assert np.median(off) < 4


def test_deterministic_and_without_memory(tracker: Tracker) -> None:
    clip = street()
    first = tracker.track(clip, 10.0, SIZE)
    tracker.track(street(seed=5), 10.0, SIZE)
    again = tracker.track(clip, 10.0, SIZE)
    assert np.array_equal(first.numbers, again.numbers)
    assert np.array_equal(first.xyxy, again.xyxy)


def test_input_is_not_changed(tracker: Tracker) -> None:
    clip, same = street(), street()
    tracker.track(clip, 10.0, SIZE)
    for name in ("frames", "xyxy", "scores", "labels", "features"):
        assert np.array_equal(getattr(clip, name), getattr(same, name))


def test_order_within_a_frame_does_not_matter(tracker: Tracker) -> None:
    clip = street()
    rng = np.random.default_rng(1)
    order = np.lexsort((rng.random(len(clip)), clip.frames))
    shuffled = Detections(*(getattr(clip, n)[order] for n in ("frames", "xyxy", "scores", "labels", "features")))
    plain = tracker.track(clip, 10.0, SIZE).numbers[order]
    mixed = tracker.track(shuffled, 10.0, SIZE).numbers
    assert len({*zip(plain.tolist(), mixed.tolist(), strict=True)}) == len(set(plain.tolist()))


def test_shift_in_time_changes_nothing(tracker: Tracker) -> None:
    clip = street()
    later = Detections(clip.frames + 1000, clip.xyxy, clip.scores, clip.labels, clip.features)
    assert np.array_equal(tracker.track(clip, 10.0, SIZE).numbers, tracker.track(later, 10.0, SIZE).numbers)


@pytest.mark.parametrize("feature_size", [0, 8])
def test_nothing_in_nothing_out(tracker: Tracker, feature_size: int) -> None:
    assert len(tracker.track(Detections.empty(feature_size), 10.0, SIZE).numbers) == 0


def test_one_box(tracker: Tracker) -> None:
    assert tracker.track(detections([(7, [10, 10, 50, 40])]), 10.0, SIZE).numbers.tolist() == [0]


def test_long_empty_stretches(tracker: Tracker) -> None:
    clip = detections(drive([*range(10), *range(500, 510)], (300, 300), (0, 0)))
    numbers = tracker.track(clip, 10.0, SIZE).numbers
    assert set(numbers[:10].tolist()) - {0} == {1}
    assert set(numbers[10:].tolist()) - {0} == {2}


def test_easy_street_is_tracked_whole(tracker: Tracker) -> None:
    """Five vehicles apart from each other, every box seen: one track each and no other."""
    rows = [row for lane in range(5) for row in drive(range(30), (100, 100 + 120 * lane), (10, 0))]
    clip = detections(rows, features=np.eye(8)[np.repeat(np.arange(5), 30)])
    numbers = tracker.track(clip, 10.0, SIZE).numbers
    for lane in range(5):
        assert len(set(numbers[clip.features[:, lane] == 1].tolist()) - {0}) == 1
    assert numbers.max() == 5
