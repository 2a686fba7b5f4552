"""Two calibrated cameras that see one vehicle at once see it in one place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtmc.link.evidence.ground_overlap import APART_M, find_sightings, on_sure_clocks, on_the_ground
from mtmc.link.problem import overlapping
from mtmc.link.selection import unite
from mtmc.structures import TrackletTable

NONE = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def table_of(camera: list[int], start: list[float], end: list[float]) -> TrackletTable:
    count = len(camera)
    plane = np.zeros((count, 2))
    return TrackletTable(
        cameras=("c001", "c002", "c003"),
        camera=np.array(camera, np.int32), track_id=np.arange(count), start_s=np.array(start), end_s=np.array(end),
        entry_xy=plane, exit_xy=plane, entry_velocity=plane, exit_velocity=plane, size=np.ones(count), label=np.zeros(count, np.int16),
        quality=np.ones(count), features=np.zeros((count, 0), np.float32),
    )  # fmt: skip


def straight(table: TrackletTable, lane_m: list[float], speed: float = 10.0, places: int = 16) -> NDArray[np.float64]:
    """Paths along x at one speed on a common clock, each on its own lane."""
    share = np.linspace(0, 1, places)
    times = table.start_s[:, None] + (table.end_s - table.start_s)[:, None] * share
    return np.stack([speed * times, np.broadcast_to(np.array(lane_m)[:, None], times.shape)], axis=2)


def test_one_vehicle_in_two_views_is_joined_and_its_neighbour_is_not() -> None:
    table = table_of([0, 1, 1], [0.0, 1.0, 1.5], [6.0, 7.0, 8.0])
    paths = straight(table, [0.0, 1.0, 0.0]) + np.array([0.0, 0.0, 9.0])[:, None, None] * [1.0, 0.0]
    seen = find_sightings(table, paths)
    np.testing.assert_allclose(seen.away_m, [1.0, 9.0])
    labels, sighted, made = unite(table, seen, NONE, 0.5)
    assert labels[0] == labels[1] != labels[2]
    assert (len(sighted), len(made)) == (1, 0)


def test_looks_decide_between_neighbours() -> None:
    table = table_of([0, 1, 1], [0.0, 1.0, 1.5], [6.0, 7.0, 8.0])
    seen = find_sightings(table, straight(table, [0.0, 3.0, -3.5]))
    told_apart = replace(seen, appearance=np.array([-3.0, 3.0]))
    for found, same in ((seen, 1), (told_apart, 2)):
        labels, _, _ = unite(table, found, NONE, 0.4)
        assert [row for row in (1, 2) if labels[row] == labels[0]] == [same]


def test_a_turn_and_a_wait_are_followed() -> None:
    table = table_of([0, 1], [0.0, 2.0], [8.0, 10.0])

    def place(time: NDArray[np.float64]) -> NDArray[np.float64]:
        """Drive 40 m, wait two seconds, turn left."""
        return np.stack([np.clip(10 * time, 0, 40), np.clip(10 * (time - 6), 0, None)], axis=-1)

    times = table.start_s[:, None] + (table.end_s - table.start_s)[:, None] * np.linspace(0, 1, 64)
    assert find_sightings(table, place(times)).away_m[0] < 0.5


def test_two_places_at_once_forbid_a_link() -> None:
    table = table_of([0, 1, 2], [0.0, 1.0, 9.0], [6.0, 7.0, 12.0])
    seen = find_sightings(table, straight(table, [0.0, 2 * APART_M, 0.0]))
    wrong = (np.array([0, 1]), np.array([2, 2]), np.array([0.9, 0.8]))
    labels, _, made = unite(table, seen, wrong, 0.4)
    assert made.tolist() == [0]  # 0 and 1 were seen apart, so they cannot both be 2
    assert labels[0] == labels[2] != labels[1]


@pytest.mark.parametrize("paths", [np.zeros((2, 0, 2)), np.full((2, 8, 2), np.nan)])
def test_without_calibration_nothing_is_said(paths: NDArray[np.float64]) -> None:
    assert len(find_sightings(table_of([0, 1], [0.0, 1.0], [5.0, 6.0]), paths).source) == 0


@given(st.integers(0, 10_000))
def test_no_camera_sees_a_vehicle_twice_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = np.sort(rng.uniform(0, 20, 12))
    table = table_of(rng.integers(0, 3, 12).tolist(), start.tolist(), (start + rng.uniform(1, 9, 12)).tolist())
    seen = find_sightings(table, straight(table, rng.uniform(0, 12, 12).tolist()))
    a, b = (ends.ravel() for ends in np.triu_indices(12, 1))
    links = (a, b, rng.uniform(0, 1, len(a)))
    labels, _, _ = unite(table, seen, links, 0.4)
    together = labels[a] == labels[b]
    assert not overlapping(table, a[together], b[together]).any()
    apart = seen.away_m > APART_M
    assert (labels[seen.source[apart]] != labels[seen.target[apart]]).all()


def test_ground_says_who_can_be_who() -> None:
    # row 0 stands at zero from 0 to 4 s; row 1 enters beside it at 2 s, row 2 far off at 2 s, row 3 is 900 m off at 6 s
    table = table_of([0, 1, 2, 1], [0.0, 2.0, 2.0, 6.0], [4.0, 5.0, 5.0, 8.0])
    paths = np.broadcast_to(np.array([[0.0, 0], [1, 0], [50, 0], [900, 0]])[:, None], (4, 8, 2))
    first, later = np.zeros(3, np.int64), np.array([1, 2, 3])
    same, apart, too_fast = on_the_ground(table, paths, first, later)
    assert same > 2 > 0 > apart
    assert too_fast < -2
    assert not on_the_ground(table, np.full((4, 8, 2), np.nan), first, later).any()
    assert not on_the_ground(table, np.zeros((4, 0, 2)), first, later).any()


def test_places_by_an_unsure_clock_say_nothing() -> None:
    table = table_of([0, 1], [0.0, 1.0], [6.0, 7.0])
    paths = straight(table, [0.0, 0.0])
    unsure = on_sure_clocks(paths, table.camera, np.array([0.0, 5.0, 0.0]))
    assert len(find_sightings(table, paths).source) == 1
    assert len(find_sightings(table, unsure).source) == 0
    assert on_the_ground(table, paths, np.array([0]), np.array([1]))[0] > 2
    assert on_the_ground(table, unsure, np.array([0]), np.array([1]))[0] == 0
