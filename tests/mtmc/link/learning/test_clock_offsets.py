"""Clock offsets from the travel times of both directions."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.link.evidence.candidates import Candidates
from mtmc.link.learning.clock_offsets import solve_clocks
from mtmc.link.model.camera_network import GRID, Transitions


def two_way(there_s: float, back_s: float, count: int = 12) -> tuple[Transitions, Candidates]:
    nothing = np.full((2, GRID), 0.01)
    ends = np.array([0, 1]), np.array([1, 0])
    transitions = Transitions(*ends, np.zeros(2), np.full(2, 100.0), nothing, np.full(2, float(count)), np.zeros(2))
    link = np.repeat([0, 1], count)
    row = np.arange(2 * count)
    return transitions, Candidates(row, row + 1, link, np.where(link == 0, there_s, back_s))


def test_half_the_difference_is_the_offset() -> None:
    transitions, pairs = two_way(20 + 7, 20 - 7)  # the second clock is 7 s ahead
    clocks = solve_clocks(transitions, pairs, np.ones(len(pairs)), np.array([True, False]))
    assert clocks.offset_s == pytest.approx([0.0, 7.0])
    unknown = solve_clocks(transitions, pairs, np.ones(len(pairs)), np.zeros(2, bool))
    assert unknown.offset_s[1] - unknown.offset_s[0] == pytest.approx(7.0)


def test_a_few_journeys_that_happen_to_take_equally_long_are_no_better_clock() -> None:
    transitions, pairs = two_way(27, 13, 24)
    varied = np.where(pairs.transition == 0, 27.0, 13 + np.random.default_rng(0).normal(0, 6, len(pairs)))
    pairs = Candidates(pairs.source, pairs.target, pairs.transition, varied)
    sure = np.where((pairs.transition == 1) | (np.arange(len(pairs)) < 4), 1.0, 0.0)  # 4 there, 24 back
    clocks = solve_clocks(transitions, pairs, sure, np.array([True, False]))
    assert clocks.error_s[1] > 0.5 * 5 / np.sqrt(4)


def test_one_way_traffic_says_nothing_about_clocks() -> None:
    transitions, pairs = two_way(20, 20)
    clocks = solve_clocks(transitions, pairs, (pairs.transition == 0).astype(float), np.zeros(2, bool))
    assert np.isinf(clocks.error_s).all()
