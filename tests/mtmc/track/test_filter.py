from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtmc.structures import Tracklet
from mtmc.track import CleanParams
from mtmc.track.filter import clean, inside_roi
from tests.mtmc.track.clips import SIZE, box, drive, tracklet

OFF: dict[str, Any] = {
    "min_length_s": 0,
    "min_best_score": 0,
    "min_area_px": 0,
    "border": "keep",
    "roi": "off",
    "parked": "keep",
    "min_shadow_iou": 1,
}


def kept(track: Tracklet, mask: np.ndarray | None = None, **changes: Any) -> list[int]:
    """Frames that pass with all rules off but those given."""
    result = clean([track], 10.0, SIZE, mask, CleanParams(**{**OFF, **changes}))
    return result[0].frames.tolist() if result else []


DRIVING = drive(range(10), (300, 300), (20, 0))


def test_all_rules_off_keeps_everything() -> None:
    assert kept(tracklet(DRIVING)) == list(range(10))


@pytest.mark.parametrize(("seconds", "passes"), [(1.0, True), (1.01, False)])
def test_length_counts_boxes_in_seconds(seconds: float, passes: bool) -> None:
    assert bool(kept(tracklet(DRIVING), min_length_s=seconds)) is passes


def test_best_score() -> None:
    track = tracklet(DRIVING, scores=[0.2] * 9 + [0.6])
    assert kept(track, min_best_score=0.5)
    assert not kept(track, min_best_score=0.7)


def test_small_boxes_go() -> None:
    rows = [(0, box(300, 300, 20, 10)), (1, box(300, 300, 20, 10.1)), (2, box(300, 300, 40, 30))]
    assert kept(tracklet(rows), min_area_px=200) == [1, 2]


@pytest.mark.parametrize(
    ("cut", "dropped"),
    [
        ([0.9, 50, 80, 90], True),  # int(x1) = 0
        ([50, 0.0, 80, 90], True),
        ([1200, 50, 1280, 90], False),  # right and bottom are not looked at
        ([50, 680, 80, 720], False),
        ([50, 50, 51.9, 90], True),  # int(width) = 1
    ],
)
def test_published_border_rule_drops_the_whole_track(cut: list[float], dropped: bool) -> None:
    rows = [*DRIVING, (10, cut)]
    assert (kept(tracklet(rows), border="drop_left_top") == []) is dropped


def test_trim_takes_border_boxes_off_both_ends() -> None:
    rows = drive(range(64), (10, 300), (20, 0))  # enters at the left, leaves at the right: 80 px wide
    frames = kept(tracklet([(f, np.clip(b, 0, [1280, 720, 1280, 720]).tolist()) for f, b in rows]), border="trim")
    assert frames[0] == 2  # x1 = 10
    assert frames[-1] == 61  # x2 = 1270
    assert frames == list(range(2, 62))


def test_trim_drops_what_never_leaves_the_border() -> None:
    assert kept(tracklet([(f, [0, 50, 80, 90]) for f in range(5)]), border="trim") == []


def left_half() -> np.ndarray:
    roi = np.zeros((720, 1280), bool)
    roi[:, :640] = True
    return roi


def test_roi_by_bottom_centre() -> None:
    rows = drive(range(10), (600, 300), (10, 0))
    assert kept(tracklet(rows), left_half(), roi="bottom_centre") == [0, 1, 2, 3]


def test_roi_by_corners_is_the_challenges_filter() -> None:
    boxes = np.array(
        [[500, 10, 639, 50], [500, 10, 640, 50], [600, 10, 700, 50], [-20, 10, 60, 50]], np.float32
    )  # a corner at 640 is outside; corners outside the image are ignored
    assert inside_roi(boxes, left_half(), "corners").tolist() == [True, False, False, True]


def test_points_on_the_far_edge_belong_to_the_image() -> None:
    roi = np.ones((720, 1280), bool)
    assert inside_roi(np.array([[1200, 680, 1280, 720]], np.float32), roi, "bottom_centre").all()


def test_parked_vehicle_goes_waiting_one_stays() -> None:
    rng = np.random.default_rng(0)
    parked = [(f, box(300 + rng.normal(), 300 + rng.normal())) for f in range(300)]
    waiting = [*[(f, box(300, 300)) for f in range(200)], *drive(range(200, 300), (-3700, 300), (20, 0))]
    assert kept(tracklet(parked), parked="drop") == []
    assert kept(tracklet(waiting), parked="drop")
    assert kept(tracklet(parked[:100]), parked="drop")  # 10 s: may have been waiting


def test_input_order_and_ids_stay() -> None:
    tracks = [tracklet(DRIVING, 7), tracklet(DRIVING[:2], 3), tracklet(DRIVING, 5)]
    params = CleanParams(**{**OFF, "min_length_s": 0.5})
    assert [t.track_id for t in clean(tracks, 10.0, SIZE, None, params)] == [7, 5]


# --- duplicates ------------------------------------------------------------------------------------------------------


def without_duplicates(second: list[tuple[int, list[float]]], score: float = 0.5) -> list[int]:
    """Ids that stay of a vehicle driving for 30 frames (score 0.9) and a second tracklet."""
    tracks = [tracklet(second, 1, score), tracklet(drive(range(30), (100, 300), (20, 0)), 2)]
    params = CleanParams(**{**OFF, "min_shadow_iou": 0.4, "min_shadow_share": 0.6})
    return [t.track_id for t in clean(tracks, 10.0, SIZE, None, params)]


def test_second_tracklet_on_one_vehicle_goes() -> None:
    half_the_car = [(f, [100 + 20 * f - 40, 280, 100 + 20 * f + 10, 320]) for f in range(5, 25)]
    assert without_duplicates(half_the_car) == [2]


def test_vehicle_hidden_for_a_part_of_its_way_stays() -> None:
    slower = [(f, box(100 + 20 * 15 + 14 * (f - 15), 304)) for f in range(30)]
    assert without_duplicates(slower) == [1, 2]


def test_same_place_at_another_time_is_no_duplicate() -> None:
    assert without_duplicates(drive(range(40, 70), (-700, 300), (20, 0))) == [1, 2]


def test_of_two_on_one_spot_the_surer_stays() -> None:
    assert without_duplicates(drive(range(30), (100, 300), (20, 0)), score=0.95) == [1]


def test_a_vehicle_that_stands_for_minutes_and_drives_off_is_kept() -> None:
    stands = drive(range(1900), (300, 300), (0, 0))
    leaves = [(1900 + f, box(300 + 8 * f, 300)) for f in range(30)]
    waiting, parked = tracklet(stands + leaves), tracklet(stands)
    params = CleanParams(**{**OFF, "parked": "drop"})
    assert clean([waiting], 10.0, SIZE, None, params) == [waiting]
    assert clean([parked], 10.0, SIZE, None, params) == []
