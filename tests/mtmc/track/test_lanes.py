"""Who stands beside where traffic drives is parked, who stands on a lane waits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mtmc.structures import Tracklet
from mtmc.track import CleanParams
from mtmc.track.filter import clean
from mtmc.track.lanes import find_lanes
from tests.mtmc.track.clips import SIZE, box, drive, tracklet
from tests.mtmc.track.test_filter import OFF

PASSING = tracklet(drive(range(30), (100, 300), (15, 0)), 1)  # along y = 300 from 100 to 535


def standing(x: float, y: float, track_id: int = 9, seconds: float = 20) -> Tracklet:
    return tracklet([(f, box(x, y)) for f in range(round(10 * seconds))], track_id)


def left(*tracks: Tracklet, **changes: object) -> list[int]:
    params = CleanParams(**{**OFF, "parked": "beside", **changes})
    return [t.track_id for t in clean(tracks, 10.0, SIZE, None, params)]


@pytest.mark.parametrize(
    ("x", "y", "stays"),
    [
        (300, 300, True),  # on the way itself
        (800, 303, True),  # ahead of where the path ends: a queue that nobody passed
        (60, 300, True),  # behind where it begins
        (300, 345, False),  # at the kerb
        (800, 255, False),
        (1230, 300, False),  # the lane is not thought to go on for ever
    ],
)
def test_a_standing_vehicle_stays_on_a_lane_and_goes_beside_it(x: float, y: float, stays: bool) -> None:
    assert left(PASSING, standing(x, y)) == ([1, 9] if stays else [1])


def test_keep_keeps_and_drop_drops_whatever_drives() -> None:
    tracks = PASSING, standing(300, 300, 8), standing(300, 360, 9)
    assert left(*tracks, parked="keep") == [1, 8, 9]
    assert left(*tracks, parked="drop") == [1]
    assert left(*tracks) == [1, 8]


def test_where_nobody_drives_whoever_stands_long_is_parked_and_whoever_stands_briefly_is_not_asked() -> None:
    assert left(standing(300, 300), standing(600, 400, 8, seconds=5)) == [8]
    assert math.isinf(find_lanes([], SIZE).distance(standing(300, 300)))


def test_a_path_that_turns_at_its_end_does_not_go_on_straight() -> None:
    angles = np.linspace(0, np.pi / 2, 30)
    bend = tracklet([(f, box(300 + 70 * np.sin(a), 500 - 70 * np.cos(a))) for f, a in enumerate(angles)], 1)
    lanes = find_lanes([bend], SIZE)
    assert lanes.distance(standing(370, 495)) < 0.2
    assert lanes.distance(standing(370, 640)) > 0.5  # straight on from the bend's end
    assert len(lanes.ends) == 0


def test_standing_and_cut_off_boxes_show_no_lane() -> None:
    assert len(find_lanes([standing(300, 300)], SIZE).places) == 0
    entering = [(f, [0, 280, 20 + 4 * f, 320]) for f in range(20)]  # only its right side moves
    assert len(find_lanes([tracklet(entering)], SIZE).ends) == 0
