from __future__ import annotations

import numpy as np

from mtmc.structures import Long
from mtmc.track.duplicates import cut_duplicate_ends
from tests.mtmc.track.clips import drive

Rows = list[tuple[int, list[float]]]


def cut(*tracks: Rows, min_iou: float = 0.4) -> list[list[int]]:
    """The frames that are left of each track."""
    frames = np.array([frame for rows in tracks for frame, _ in rows], np.int64)
    xyxy = np.array([box for rows in tracks for _, box in rows], np.float32)
    numbers: Long = np.repeat(np.arange(1, len(tracks) + 1), [len(rows) for rows in tracks]).astype(np.int64)
    left = cut_duplicate_ends(frames, xyxy, numbers, min_iou)
    assert np.isin(left, [0, *numbers]).all()
    return [frames[left == number].tolist() for number in range(1, len(tracks) + 1)]


def test_vehicle_that_is_handed_over_keeps_one_track_at_a_time() -> None:
    early, late = drive(range(0, 20), (100, 100), (5, 0)), drive(range(15, 40), (104, 100), (5, 0))
    assert cut(early, late) == [list(range(15)), list(range(15, 40))]


def test_track_that_drifts_onto_a_neighbour_ends_where_it_left_its_vehicle() -> None:
    neighbour = drive(range(0, 60), (300, 100), (0, 0))
    drifted = [*drive(range(0, 30), (100, 100), (1, 0)), *drive(range(30, 40), (296, 100), (0, 0))]
    assert cut(neighbour, drifted) == [list(range(60)), list(range(30))]


def test_track_that_begins_on_a_neighbour_begins_where_it_finds_its_vehicle() -> None:
    neighbour = drive(range(0, 60), (300, 100), (0, 0))
    drifted = [*drive(range(20, 30), (296, 100), (0, 0)), *drive(range(30, 70), (500, 100), (1, 0))]
    assert cut(neighbour, drifted) == [list(range(60)), list(range(30, 70))]


def test_vehicles_that_pass_each_other_are_left_alone() -> None:
    there, back = drive(range(0, 60), (100, 100), (5, 0)), drive(range(0, 60), (395, 104), (-5, 0))
    assert cut(there, back) == [list(range(60)), list(range(60))]


def test_overlap_at_the_limit_is_no_duplicate_and_no_boxes_are_no_trouble() -> None:
    early, late = drive(range(0, 20), (100, 100), (5, 0)), drive(range(15, 40), (104, 100), (5, 0))
    assert cut(early, late, min_iou=0.95) == [list(range(20)), list(range(15, 40))]
    nothing = np.zeros(0, np.int64)
    assert len(cut_duplicate_ends(nothing, np.zeros((0, 4), np.float32), nothing, 0.4)) == 0
