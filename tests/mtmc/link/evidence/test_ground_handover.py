"""A vehicle that leaves one calibrated view and soon enters another is found again without anything learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtmc.link import LinkParams, Problem, Solution, solve
from mtmc.link.evidence.ground_handover import against_rivals, find_handovers
from mtmc.link.evidence.ground_overlap import find_overlaps
from mtmc.structures import TrackletTable
from tests.mtmc.link.worlds import groups, straight, table_of


def ends(table: TrackletTable, trajectories: NDArray[np.float64]) -> set[tuple[int, int]]:
    found = find_handovers(table, trajectories)
    return set(zip(found.source.tolist(), found.target.tolist(), strict=True))


@pytest.mark.parametrize("gap", [-0.3, 0.0, 1.0])
def test_a_path_goes_on_in_the_next_view(gap: float) -> None:
    table = table_of([0, 1], [0.0, 5.0 + gap], [5.0, 9.0])
    assert ends(table, straight(table, [0.0, 1.0])) == {(0, 1)}
    assert ends(table, straight(table, [0.0, 12.0])) == set()


def test_oncoming_vehicles_are_others() -> None:
    table = table_of([0, 1], [0.0, 5.2], [5.0, 9.0])
    trajectories = straight(table, [0.0, 3.5])
    trajectories[1, :, 0] = 2 * trajectories[1, 0, 0] - trajectories[1, :, 0]
    assert ends(table, trajectories) == set()


def test_nobody_waits_for_long() -> None:
    table = table_of([0, 1, 0], [0.0, 9.0, 20.0], [5.0, 12.0, 25.0])
    assert ends(table, straight(table, [0.0, 0.0, 0.0])) == set()


def test_a_path_that_stands_still_at_the_border_goes_on() -> None:
    table = table_of([0, 1], [0.0, 5.2], [5.0, 9.2])
    trajectories = straight(table, [0.0, 0.0], speed=14.0, places=32)
    trajectories[0, 24:] = trajectories[0, 24]  # the last 1.1 s were cut by the image border
    trajectories[1, :5] = trajectories[1, 5]
    found = find_handovers(table, trajectories)
    assert found.away_m.tolist() == pytest.approx([0.0], abs=1e-6)


def test_another_who_fits_makes_it_less_sure() -> None:
    table = table_of([0, 0, 1], [0.0, 0.0, 5.5], [5.0, 5.0, 9.0])
    trajectories = straight(table, [0.0, 1.0, 0.0])
    one = against_rivals(table, find_handovers(table, trajectories).take(np.array([0])))
    both = against_rivals(table, find_handovers(table, trajectories))
    assert both.probability()[0] < 0.6 < one.probability()[0]


def test_rows_need_no_order() -> None:
    table = table_of([0, 1], [0.0, 5.5], [5.0, 9.0])
    trajectories = straight(table, [0.0, 1.0])
    back = np.array([1, 0])
    assert ends(table.take(back), trajectories[back]) == {(1, 0)}


@pytest.mark.parametrize("trajectories", [np.zeros((2, 0, 2)), np.full((2, 8, 2), np.nan)])
def test_without_calibration_nothing_is_said(trajectories: NDArray[np.float64]) -> None:
    assert ends(table_of([0, 1], [0.0, 5.5], [5.0, 9.0]), trajectories) == set()


@given(st.integers(0, 10_000))
def test_handovers_are_no_overlaps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = np.sort(rng.uniform(0, 20, 12))
    table = table_of(rng.integers(0, 3, 12).tolist(), start.tolist(), (start + rng.uniform(0, 6, 12)).tolist())
    trajectories = straight(table, rng.uniform(0, 12, 12).tolist())
    seen = find_overlaps(table, trajectories)
    assert not ends(table, trajectories) & set(zip(seen.source.tolist(), seen.target.tolist(), strict=True))


def of_three_vehicles() -> tuple[TrackletTable, NDArray[np.float64]]:
    """Three vehicles, each first in c001, then in c002 half a second later."""
    begin = np.array([0.0, 3.0, 7.0])
    start = np.concatenate([begin, begin + 4.5])
    table = table_of([0, 0, 0, 1, 1, 1], start.tolist(), (start + 4.0).tolist())
    trajectories = straight(table, [0.0] * 6) - 10.0 * np.tile(begin, 2)[:, None, None] * [1.0, 0.0]
    return replace(table, features=np.zeros((6, 4), np.float32)), trajectories


def linked(table: TrackletTable, trajectories: NDArray[np.float64], clocks: bool = True) -> Solution:
    return solve(replace(Problem.of(table, clocks), trajectories=trajectories), LinkParams())


def test_three_vehicles_are_enough() -> None:
    table, trajectories = of_three_vehicles()
    solution = linked(table, trajectories)
    assert groups(solution.labels) == {frozenset({0, 3}), frozenset({1, 4}), frozenset({2, 5})}
    assert not any("No vehicles" in sentence for sentence in solution.warnings)
    assert solution.links is not None
    columns = solution.links.columns
    assert columns["decisive"].tolist() == ["ground"] * 3
    log_odds = sum(columns[name].astype(np.float64) for name in ("prior", "ground", "appearance"))
    np.testing.assert_allclose(solution.links.probability, 1 / (1 + np.exp(-log_odds)))


def test_without_calibration_or_clocks_they_stay_alone() -> None:
    table, trajectories = of_three_vehicles()
    for solution in (linked(table, trajectories, False), linked(table, np.full_like(trajectories, np.nan))):
        assert len(np.unique(solution.labels)) == 6
        assert any("No vehicles" in sentence for sentence in solution.warnings)


def test_order_given_plays_no_role() -> None:
    table, trajectories = of_three_vehicles()
    order = np.random.default_rng(1).permutation(6)
    labels = linked(table.take(order), trajectories[order]).labels
    assert groups(labels[np.argsort(order)]) == groups(linked(table, trajectories).labels)
