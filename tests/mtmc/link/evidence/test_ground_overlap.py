"""Two calibrated cameras that see one vehicle at once see it in one place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtmc.link.choice.selection import merge
from mtmc.link.evidence.ground_overlap import APART_M, find_overlaps, ground_evidence, with_sure_clocks
from mtmc.link.problem import overlapping
from tests.mtmc.link.worlds import straight, table_of

NONE = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def test_one_vehicle_in_two_views_is_joined_and_its_neighbour_is_not() -> None:
    table = table_of([0, 1, 1], [0.0, 1.0, 1.5], [6.0, 7.0, 8.0])
    trajectories = straight(table, [0.0, 1.0, 0.0]) + np.array([0.0, 0.0, 9.0])[:, None, None] * [1.0, 0.0]
    seen = find_overlaps(table, trajectories)
    np.testing.assert_allclose(seen.away_m, [1.0, 9.0])
    labels, sighted, made = merge(table, seen, NONE, 0.5)
    assert labels[0] == labels[1] != labels[2]
    assert (len(sighted), len(made)) == (1, 0)


def test_looks_decide_between_neighbours() -> None:
    table = table_of([0, 1, 1], [0.0, 1.0, 1.5], [6.0, 7.0, 8.0])
    seen = find_overlaps(table, straight(table, [0.0, 3.0, -3.5]))
    told_apart = replace(seen, appearance=np.array([-3.0, 3.0]))
    for found, same in ((seen, 1), (told_apart, 2)):
        labels, _, _ = merge(table, found, NONE, 0.4)
        assert [row for row in (1, 2) if labels[row] == labels[0]] == [same]


def test_a_turn_and_a_wait_are_followed() -> None:
    table = table_of([0, 1], [0.0, 2.0], [8.0, 10.0])

    def place(time: NDArray[np.float64]) -> NDArray[np.float64]:
        """Drive 40 m, wait two seconds, turn left."""
        return np.stack([np.clip(10 * time, 0, 40), np.clip(10 * (time - 6), 0, None)], axis=-1)

    times = table.start_s[:, None] + (table.end_s - table.start_s)[:, None] * np.linspace(0, 1, 64)
    assert find_overlaps(table, place(times)).away_m[0] < 0.5


def test_two_places_at_once_forbid_a_link() -> None:
    table = table_of([0, 1, 2], [0.0, 1.0, 9.0], [6.0, 7.0, 12.0])
    seen = find_overlaps(table, straight(table, [0.0, 2 * APART_M, 0.0]))
    wrong = (np.array([0, 1]), np.array([2, 2]), np.array([0.9, 0.8]))
    labels, _, made = merge(table, seen, wrong, 0.4)
    assert made.tolist() == [0]  # 0 and 1 were seen apart, so they cannot both be 2
    assert labels[0] == labels[2] != labels[1]


@pytest.mark.parametrize("trajectories", [np.zeros((2, 0, 2)), np.full((2, 8, 2), np.nan)])
def test_without_calibration_nothing_is_said(trajectories: NDArray[np.float64]) -> None:
    assert len(find_overlaps(table_of([0, 1], [0.0, 1.0], [5.0, 6.0]), trajectories).source) == 0


@given(st.integers(0, 10_000))
def test_no_camera_sees_a_vehicle_twice_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = np.sort(rng.uniform(0, 20, 12))
    table = table_of(rng.integers(0, 3, 12).tolist(), start.tolist(), (start + rng.uniform(1, 9, 12)).tolist())
    seen = find_overlaps(table, straight(table, rng.uniform(0, 12, 12).tolist()))
    a, b = (ends.ravel() for ends in np.triu_indices(12, 1))
    links = (a, b, rng.uniform(0, 1, len(a)))
    labels, _, _ = merge(table, seen, links, 0.4)
    together = labels[a] == labels[b]
    assert not overlapping(table, a[together], b[together]).any()
    apart = seen.away_m > APART_M
    assert (labels[seen.source[apart]] != labels[seen.target[apart]]).all()


def test_ground_says_who_can_be_who() -> None:
    # row 0 stands at zero from 0 to 4 s; row 1 enters beside it at 2 s, row 2 far off at 2 s, row 3 is 900 m off at 6 s
    table = table_of([0, 1, 2, 1], [0.0, 2.0, 2.0, 6.0], [4.0, 5.0, 5.0, 8.0])
    trajectories = np.broadcast_to(np.array([[0.0, 0], [1, 0], [50, 0], [900, 0]])[:, None], (4, 8, 2))
    first, later = np.zeros(3, np.int64), np.array([1, 2, 3])
    same, apart, too_fast = ground_evidence(table, trajectories, first, later)
    assert same > 2 > 0 > apart
    assert too_fast < -2
    assert not ground_evidence(table, np.full((4, 8, 2), np.nan), first, later).any()
    assert not ground_evidence(table, np.zeros((4, 0, 2)), first, later).any()


def test_places_by_an_unsure_clock_say_nothing() -> None:
    table = table_of([0, 1], [0.0, 1.0], [6.0, 7.0])
    trajectories = straight(table, [0.0, 0.0])
    unsure = with_sure_clocks(trajectories, table.camera, np.array([0.0, 5.0, 0.0]))
    assert len(find_overlaps(table, trajectories).source) == 1
    assert len(find_overlaps(table, unsure).source) == 0
    assert ground_evidence(table, trajectories, np.array([0]), np.array([1]))[0] > 2
    assert ground_evidence(table, unsure, np.array([0]), np.array([1]))[0] == 0
