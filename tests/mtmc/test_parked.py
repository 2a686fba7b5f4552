"""Who stands beside where traffic drives, in all views, is parked; who stands on a lane waits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mtmc.link import Links, Solution
from mtmc.link.problem import Possible
from mtmc.parked import find_lanes, side_of_kerb, without_parked
from mtmc.scene import Scene
from mtmc.structures import Tracklet
from tests.mtmc.track.clips import SIZE, box, camera, drive, tracklet

PASSING = tracklet(drive(range(30), (100, 300), (15, 0)), 1)  # to the right along y = 300, from 100 to 535
COMING = tracklet(drive(range(30), (535, 250), (-15, 0)), 2)  # the other way, on its left: traffic keeps right
SCENE = Scene("S01", {name: replace(camera(), id=name) for name in ("c001", "c002", "c003")})
KERB, LANE = (300, 345), (300, 302)


def standing(x: float, y: float, track_id: int = 9, seconds: float = 20) -> Tracklet:
    return tracklet([(f, box(x, y)) for f in range(round(10 * seconds))], track_id)


def elsewhere(one: Tracklet, camera_id: str = "c002") -> Tracklet:
    return replace(one, camera_id=camera_id)


def labels_left(*vehicles: Sequence[Tracklet], beside: float = 0.3, least_s: float = 15.0) -> list[int]:
    """The vehicles, numbered from 1, that are not parked."""
    tracklets = [t for members in vehicles for t in members]
    labels = np.repeat(np.arange(1, len(vehicles) + 1), [len(members) for members in vehicles])
    left = without_parked(SCENE, tracklets, Solution(labels), beside, least_s).labels
    assert set(left[left != labels].tolist()) <= {-1}
    return sorted(set(left[left >= 0].tolist()))


BOTH_DRIVE = PASSING, elsewhere(PASSING)


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
    assert labels_left([PASSING], [standing(x, y)]) == ([1, 2] if stays else [1])


def test_towards_the_other_direction_there_is_road_though_nobody_drives_there_now() -> None:
    """In the second view that direction waits: who stands there is on the road, who stands at the kerb is parked."""
    waits, parked = elsewhere(standing(300, 255)), elsewhere(standing(300, 345))
    assert labels_left([PASSING], [COMING], [elsewhere(PASSING)], [waits], [parked]) == [1, 2, 3, 4]


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_side_that_traffic_keeps_to_is_told_by_its_two_directions(mirrored: bool) -> None:
    def seen(one: Tracklet) -> Tracklet:
        x1, y1, x2, y2 = one.xyxy.T
        return replace(one, xyxy=np.stack([SIZE[0] - x2, y1, SIZE[0] - x1, y2], axis=1)) if mirrored else one

    lanes = find_lanes([seen(PASSING), seen(COMING)], SIZE)
    assert side_of_kerb([lanes]) == (-1 if mirrored else 1)
    assert side_of_kerb([find_lanes([seen(PASSING)], SIZE)]) == 0
    assert labels_left([seen(PASSING)], [seen(COMING)], [seen(standing(*KERB))]) == [1, 2]
    assert labels_left([seen(PASSING)], [seen(COMING)], [seen(standing(300, 275))]) == [1, 2, 3]


def test_views_that_contradict_each_other_do_not_say_the_side() -> None:
    right = find_lanes([PASSING, COMING], SIZE)
    left = find_lanes([tracklet(drive(range(30), (100, 200), (15, 0)), 1), COMING], SIZE)
    assert side_of_kerb([right]) == 1
    assert side_of_kerb([left]) == -1
    assert side_of_kerb([right, left]) == 0


def test_one_view_that_shows_it_on_a_lane_outweighs_one_that_does_not() -> None:
    at_kerb, on_lane = standing(*KERB), elsewhere(standing(*LANE))
    assert labels_left(BOTH_DRIVE, [at_kerb, on_lane]) == [1, 2]
    assert labels_left(BOTH_DRIVE, [at_kerb, elsewhere(at_kerb)]) == [1]


def test_a_view_counts_once_however_often_it_lost_the_vehicle() -> None:
    near = [standing(300, 310, track_id, seconds=5) for track_id in (9, 10, 11)]
    far = elsewhere(standing(300, 356))
    assert labels_left(BOTH_DRIVE, [near[0], far]) == [1]
    later = [replace(t, frames=t.frames + 60 * row) for row, t in enumerate(near)]
    assert labels_left(BOTH_DRIVE, [*later, far]) == [1]


def test_whoever_moves_in_any_view_is_not_parked() -> None:
    came = elsewhere(tracklet(drive(range(40), (100, 600), (10, 0)), 9))
    assert labels_left(BOTH_DRIVE, [standing(*KERB), came]) == [1, 2]


def test_whoever_drives_off_in_the_end_shows_by_itself_that_it_stood_on_the_road() -> None:
    waits = [(f, box(300 + 15 * max(0, f - 200), 345)) for f in range(230)]
    assert labels_left([PASSING], [tracklet(waits, 9)]) == [1, 2]


def test_views_outweigh_a_track_that_takes_somebody_else_for_the_vehicle() -> None:
    switched = [(f, box(*KERB) if f < 200 else box(300 + 15 * (f - 200), 300)) for f in range(230)]
    views = [standing(300, 360), elsewhere(standing(300, 360)), elsewhere(tracklet(switched, 9), "c003")]
    assert labels_left([*BOTH_DRIVE, elsewhere(PASSING, "c003")], views) == [1]


def test_a_box_that_jitters_while_something_hides_it_still_stands() -> None:
    hidden = [(f, box(300, 345, 80 - 30 * (f > 150), 40)) for f in range(200)]
    assert labels_left([PASSING], [tracklet(hidden, 9)]) == [1]


def test_a_view_in_which_nobody_drives_says_nothing() -> None:
    at_kerb = standing(*KERB)
    assert labels_left([at_kerb]) == [1]
    assert labels_left([PASSING], [at_kerb, elsewhere(standing(600, 600))]) == [1]
    assert labels_left([PASSING], [standing(*LANE), elsewhere(standing(600, 600))]) == [1, 2]
    assert math.isnan(find_lanes([], SIZE).offset(at_kerb))


def test_who_is_seen_briefly_is_not_asked_and_brief_pieces_of_a_long_one_are() -> None:
    brief = standing(*KERB, seconds=5)
    assert labels_left([PASSING], [brief]) == [1, 2]
    assert labels_left([PASSING], [brief], least_s=4.0) == [1]
    assert labels_left(BOTH_DRIVE, [standing(*KERB), elsewhere(brief)]) == [1]


def test_links_of_parked_vehicles_go_with_them() -> None:
    tracklets = [*BOTH_DRIVE, standing(*KERB), elsewhere(standing(*KERB))]
    one, other, odds = np.array([0, 2]), np.array([1, 3]), np.array([0.9, 0.8])
    solution = Solution(np.array([1, 1, 2, 2]), Links(one, other, odds), possible=Possible(one, other, odds, one, one))
    left = without_parked(SCENE, tracklets, solution, 0.3, 15.0)
    assert left.labels.tolist() == [1, 1, -1, -1]
    assert left.links is not None
    assert left.links.target.tolist() == [1]
    assert left.possible is not None
    assert left.possible.target.tolist() == [1]


def test_no_tracklets() -> None:
    assert len(without_parked(SCENE, [], Solution(np.zeros(0, np.int64)), 0.3, 15.0).labels) == 0


def test_a_path_that_turns_at_its_end_does_not_go_on_straight() -> None:
    angles = np.linspace(0, np.pi / 2, 30)
    bend = tracklet([(f, box(300 + 70 * np.sin(a), 500 - 70 * np.cos(a))) for f, a in enumerate(angles)], 1)
    lanes = find_lanes([bend], SIZE)
    assert abs(lanes.offset(standing(370, 495))) < 0.2
    assert lanes.offset(standing(370, 640)) > 0.5  # straight on from the bend's end, were it straight


def test_standing_and_cut_off_boxes_show_no_lane() -> None:
    assert len(find_lanes([standing(300, 300)], SIZE).start) == 0
    entering = [(f, [0.0, 280.0, 20.0 + 8 * f, 320.0]) for f in range(30)]  # only its right side moves
    assert find_lanes([tracklet(entering)], SIZE).end[:, 0].max() < 130  # as far as its middle came, and not on
