"""The stage as a whole: detections in, tracklets out."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.errors import ConfigError
from mtmc.structures import LABELS, Detections, Tracklet
from mtmc.track import JdeParams, RepairParams, TrackParams, Tracks, make_tracker, to_tracklets, track
from mtmc.track.tracks import renumber
from tests.mtmc.track.clips import SIZE, box, camera, detections, drive, tracklet


def run(clip: Detections, params: TrackParams | None = None, fps: float = 10.0) -> list[Tracklet]:
    chosen = params or TrackParams()
    return track(camera(fps), clip, make_tracker(chosen), chosen)


def test_two_vehicles_two_tracklets_ids_from_one() -> None:
    clip = detections(drive(range(20), (100, 200), (15, 0)) + drive(range(5, 25), (900, 500), (-15, 0)))
    found = run(clip)
    assert [t.track_id for t in found] == [1, 2]
    assert [t.camera_id for t in found] == ["c001", "c001"]
    assert found[0].frames.tolist() == list(range(20))
    np.testing.assert_allclose(found[1].xyxy[0], box(825, 500))


def test_ids_start_at_one_in_every_call() -> None:
    clip = detections(drive(range(20), (100, 200), (15, 0)))
    tracker = make_tracker(TrackParams())
    ids = [[t.track_id for t in track(camera(), clip, tracker, TrackParams())] for _ in range(2)]
    assert ids == [[1], [1]]


def test_empty_clip() -> None:
    assert run(Detections.empty()) == []
    assert run(Detections.empty(16)) == []


def test_label_is_the_one_with_most_score() -> None:
    clip = detections(drive(range(6), (100, 200), (5, 0)), scores=[0.9, 0.9, 0.5, 0.5, 0.5, 0.5])
    labels = np.array([LABELS.index(name) for name in ["bus", "bus", "truck", "truck", "truck", "car"]], np.int16)
    mixed = Detections(clip.frames, clip.xyxy, clip.scores, labels, clip.features)
    assert LABELS[run(mixed)[0].label] == "bus"  # 1.8 against 1.5 and 0.5


def test_gaps_are_filled_unless_switched_off() -> None:
    clip = detections(drive([*range(10), *range(13, 20)], (100, 200), (5, 0)))
    assert run(clip)[0].frames.tolist() == list(range(20))
    off = TrackParams(repair=RepairParams(max_fill_s=0))
    assert len(run(clip, off)[0]) == 17


def test_region_of_interest_of_the_camera(tmp_path: Path) -> None:
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    mask[:360] = 255
    path = tmp_path / "roi.png"
    cv2.imwrite(str(path), mask)
    clip = detections(drive(range(20), (100, 200), (15, 0)) + drive(range(20), (900, 500), (-15, 0)))
    params = TrackParams()
    found = track(replace(camera(), roi_path=path), clip, make_tracker(params), params)
    assert len(found) == 1
    assert found[0].xyxy[:, 3].max() <= 360


def test_seconds_not_frames() -> None:
    """The same street filmed at 10 and at 30 frames per second gives the same vehicles."""
    slow = detections(drive(range(20), (100, 200), (15, 0)) + drive(range(20), (900, 500), (-15, 0)))
    fast = detections(drive(range(60), (100, 200), (5, 0)) + drive(range(60), (900, 500), (-5, 0)))
    assert [len(t) for t in run(slow)] == [20, 20]
    assert [len(t) for t in run(fast, fps=30.0)] == [60, 60]


class OneForAll:
    """An outsider's tracker: the best box of every frame is one track."""

    def __init__(self, params: TrackParams, device: str) -> None:
        pass

    def track(self, found: Detections, fps: float, size: tuple[int, int]) -> Tracks:
        best = [
            int(i[np.argmax(found.scores[i])])
            for i in np.split(np.arange(len(found)), np.unique(found.frames, return_index=True)[1][1:])
        ]
        numbers = np.zeros(len(found), np.int64)
        numbers[best] = 1
        return Tracks(numbers, found.xyxy)


def test_outside_tracker_by_name() -> None:
    sys.modules["outside_tracker"] = sys.modules[__name__]
    try:
        params = TrackParams(tracker="outside_tracker:OneForAll")
        assert len(run(detections(drive(range(20), (100, 200), (15, 0))), params)) == 1
    finally:
        del sys.modules["outside_tracker"]


@pytest.mark.parametrize("name", ["deep", "nowhere:tracker", "math:nothing"])
def test_unknown_tracker_is_a_config_error(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        make_tracker(TrackParams(tracker=name))


def test_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="max_lost"):
        JdeParams(max_lost=3)


@given(st.lists(st.integers(0, 5), max_size=30))
@settings(max_examples=50, deadline=None)
def test_renumber_keeps_the_partition_in_order_of_appearance(owners: list[int]) -> None:
    numbers = renumber(owners).tolist()
    assert [n == 0 for n in numbers] == [o == 0 for o in owners]
    assert len({*zip(owners, numbers, strict=True)}) == len(set(owners)) == len(set(numbers))
    seen = list(dict.fromkeys(n for n in numbers if n))
    assert seen == list(range(1, len(seen) + 1))


def test_tracks_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="numbers"):
        Tracks(np.array([1, 2]), np.zeros((1, 4)))
    with pytest.raises(ValueError, match=">= 0"):
        Tracks(np.array([-1]), np.zeros((1, 4)))


def test_to_tracklets_leaves_unowned_rows_out() -> None:
    clip = detections(drive(range(4), (100, 200), (5, 0)))
    found = to_tracklets("c001", clip, Tracks(np.array([0, 2, 0, 2]), clip.xyxy))
    assert [(t.track_id, t.frames.tolist()) for t in found] == [(2, [1, 3])]
    assert tracklet(drive(range(2), (0, 0), (1, 1))).key == ("c001", 1)
