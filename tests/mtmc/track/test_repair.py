from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.structures import Detections
from mtmc.track import RepairParams, Tracks
from mtmc.track.appearance_scale import learn_scale
from mtmc.track.repair import fill, repair, rows_by_track
from mtmc.track.sorted_detections import SortedDetections
from tests.mtmc.track.clips import box, detections, drive, tracklet

NOISE = 0.15


def street(with_features: bool = True) -> tuple[Detections, np.ndarray]:
    """Six vehicles on parallel lanes for 40 frames, with their true numbers 1..6."""
    rng = np.random.default_rng(5)
    rows = [row for lane in range(6) for row in drive(range(40), (100, 200 + 60 * lane), (12, 0))]
    looks = np.repeat(np.eye(16)[:6], 40, axis=0) + rng.normal(scale=NOISE, size=(240, 16))
    clip = detections(rows, features=looks if with_features else None)
    lane = np.round((clip.xyxy[:, 1] + 20 - 200) / 60).astype(np.int64)
    return clip, lane + 1


def repaired(clip: Detections, numbers: np.ndarray, **changes: Any) -> np.ndarray:
    return repair(clip, Tracks(numbers, clip.xyxy), 10.0, RepairParams(**changes)).numbers


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    return len({*zip(a.tolist(), b.tolist(), strict=True)}) == len(set(a.tolist())) == len(set(b.tolist()))


def test_good_tracks_stay_as_they_are() -> None:
    clip, truth = street()
    assert same_partition(repaired(clip, truth), truth)


def test_switch_is_split_at_its_box() -> None:
    clip, truth = street()
    swapped = truth.copy()
    late = clip.frames >= 23
    swapped[late & (truth == 1)], swapped[late & (truth == 4)] = 4, 1
    found = repaired(clip, swapped, max_join_gap_s=0, max_blind_gap_s=0)
    for number in (1, 4):
        parts = found[truth == number]
        assert len(set(parts[:23])) == len(set(parts[23:])) == 1
    assert len(set(found.tolist())) == 8


def test_split_and_join_undo_a_switch() -> None:
    """Split leaves four halves; each is joined to the one that looks alike and continues its path."""
    clip, truth = street()
    swapped = truth.copy()
    late = clip.frames >= 23
    swapped[late & (truth == 1)], swapped[late & (truth == 2)] = 2, 1
    assert same_partition(repaired(clip, swapped), truth)


def test_short_occlusion_is_no_switch() -> None:
    """Six boxes show the occluder's look; before and after are one vehicle."""
    clip, truth = street()
    looks = clip.features.copy()
    hidden = (truth == 3) & (clip.frames >= 15) & (clip.frames < 21)
    looks[hidden] = np.eye(16)[9]
    masked = Detections(clip.frames, clip.xyxy, clip.scores, clip.labels, looks)
    assert len(set(repaired(masked, truth)[truth == 3].tolist())) == 1


def torn(gap: int) -> tuple[Detections, np.ndarray, np.ndarray]:
    """The street with a gap in lane 1 from frame 15 on, its parts numbered apart; clip, torn numbers, truth."""
    clip, truth = street()
    seen = ~((truth == 1) & (clip.frames >= 15) & (clip.frames < 15 + gap))
    clip, truth = clip.take(seen), truth[seen]
    numbers = truth.copy()
    numbers[(truth == 1) & (clip.frames >= 15)] = 99
    return clip, numbers, truth


def test_gap_is_joined_where_motion_and_look_agree() -> None:
    clip, numbers, truth = torn(12)
    assert same_partition(repaired(clip, numbers), truth)


def test_longer_gaps_stay() -> None:
    clip, numbers, _ = torn(12)
    assert same_partition(repaired(clip, numbers, max_join_gap_s=1.0), numbers)


def test_other_look_is_not_joined() -> None:
    clip, numbers, _ = torn(12)
    looks = clip.features.copy()
    looks[numbers == 99] = np.eye(16)[10]
    other = Detections(clip.frames, clip.xyxy, clip.scores, clip.labels, looks)
    assert same_partition(repaired(other, numbers), numbers)


def test_without_features_motion_joins_short_gaps_only() -> None:
    for gap, joined in [(10, True), (20, False)]:
        clip, numbers, truth = torn(gap)
        plain = Detections(clip.frames, clip.xyxy, clip.scores, clip.labels, clip.features[:, :0])
        assert same_partition(repaired(plain, numbers), truth if joined else numbers)


def test_other_path_is_not_joined() -> None:
    rows = [*drive(range(15), (100, 300), (12, 0)), *drive(range(20, 35), (100, 500), (12, 0))]
    clip = detections(rows)
    numbers = np.repeat([1, 2], 15)
    assert same_partition(repaired(clip, numbers), numbers)


def test_track_that_drifted_off_is_joined_to_the_one_that_began_meanwhile() -> None:
    """Its last three boxes lie beside the vehicle, on which a second track has begun: that one is right there."""
    path = drive(range(40), (100, 300), (12, 0))
    drifted = [(frame, box(100 + 12 * frame, 330)) for frame in range(20, 23)]
    clip = detections([*path, *drifted])
    beside = clip.xyxy[:, 1] > 300
    numbers = np.where((clip.frames < 20) | beside, 1, 2)
    found = repaired(clip, numbers)
    assert (found[beside] == 0).all()
    assert (found[~beside] == 1).all()
    assert same_partition(repaired(clip, numbers, max_join_overlap_s=0), numbers)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_detections_in_tracks_stay_and_frames_stay_unique(seed: int) -> None:
    """However bad the tracks, repair loses no detection, finds none, and never puts two of a frame together."""
    rng = np.random.default_rng(seed)
    clip, truth = street(with_features=bool(seed % 2))
    numbers = np.where(rng.random(len(truth)) < 0.2, 0, truth)
    late = clip.frames >= int(rng.integers(5, 35))
    numbers[late & (numbers > 0)] += 10
    found = repaired(clip, numbers)
    assert ((found > 0) == (numbers > 0)).all()
    for rows in rows_by_track(found):
        assert (np.diff(clip.frames[rows]) > 0).all()


# --- fill ------------------------------------------------------------------------------------------------------------


def test_fill_is_linear_and_takes_the_lower_score() -> None:
    track = tracklet([(0, box(100, 100)), (4, box(140, 120, 88, 40))], scores=[0.9, 0.5])
    filled = fill(track, 3)
    assert filled.frames.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(filled.xyxy[2], box(120, 110, 84, 40))
    assert filled.scores.tolist() == np.array([0.9, 0.5, 0.5, 0.5, 0.5], np.float32).tolist()


def test_longer_gaps_are_not_filled() -> None:
    track = tracklet([(0, box(100, 100)), (4, box(140, 120))])
    assert fill(track, 2) is track


# --- scale --------------------------------------------------------------------------------------------------------


def test_scale_is_learned_from_the_clip() -> None:
    clip, _ = street()
    scale = learn_scale(SortedDetections(clip, 0.0, 0.0))
    assert scale.discriminability > 0.95
    assert 0.3 < scale.near < 0.9 < scale.far < 1.5
    assert scale.cost(np.array([scale.near, scale.far])).tolist() == [0.0, 1.0]


def test_identical_looks_earn_no_trust() -> None:
    clip, _ = street()
    rng = np.random.default_rng(0)
    looks = np.eye(16)[[0] * len(clip)] + rng.normal(scale=NOISE, size=(len(clip), 16))
    same = Detections(clip.frames, clip.xyxy, clip.scores, clip.labels, looks)
    assert learn_scale(SortedDetections(same, 0.0, 0.0)).discriminability < 0.2


def test_no_features_no_trust() -> None:
    clip, _ = street(with_features=False)
    assert learn_scale(SortedDetections(clip, 0.0, 0.0)).discriminability == 0
