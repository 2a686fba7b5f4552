"""Jumps of clocks, told from traffic lights and jams."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mtmc.link.evidence.candidates import Candidates
from mtmc.link.learning.clock_steps import ClockStep, best_step, find_clock_step
from mtmc.link.model.camera_network import GRID, Transitions
from tests.mtmc.link.worlds import table_of

Seconds = NDArray[np.float64]
ROAD_S = 20.0


def find(at_s: Seconds, into_s: Seconds, out_s: Seconds, known: bool) -> ClockStep | None:
    """The jump found in the clock of c002 when at each of the times (N,), by its own clock, a vehicle from c001 arrives
    after ``into_s`` and one leaves that c003 sees after ``out_s``."""
    count = len(at_s)
    start = np.concatenate([at_s - into_s - 1, at_s, at_s, at_s + out_s])
    table = table_of(
        list(np.repeat([0, 1, 1, 2], count)), list(start), list(start + np.repeat([1.0, 0.0, 0.0, 1.0], count))
    )
    ends = np.array([0, 1]), np.array([1, 2])
    plain = np.full((2, GRID), 0.01)
    transitions = Transitions(*ends, np.zeros(2), np.full(2, 100.0), plain, np.full(2, float(count)), np.zeros(2))
    row = np.arange(count)
    pairs = Candidates(
        np.concatenate([row, row + 2 * count]), np.concatenate([row + count, row + 3 * count]),
        np.repeat([0, 1], count), np.concatenate([into_s, out_s]),
    )  # fmt: skip
    return find_clock_step(table, transitions, pairs, np.ones(2 * count), np.array([known, known, known]))


def around(random: np.random.Generator, count: int) -> Seconds:
    return ROAD_S + random.normal(0, 0.5, count)


def test_a_step_is_found_where_it_is() -> None:
    time = np.arange(60.0)
    offset = np.where(time > 30, 5.0, 0.0) + np.random.default_rng(0).normal(0, 0.3, 60)
    step = best_step(time, offset)
    assert step is not None
    assert step[1] == pytest.approx(30.5)
    assert step[2] == pytest.approx(5.0, abs=0.3)
    assert best_step(time, offset * 0.05) is None


@pytest.mark.parametrize("known", [False, True])
def test_a_jump_that_both_directions_show_is_one(known: bool) -> None:
    random, time = np.random.default_rng(1), np.arange(0.0, 800.0, 20.0)
    late = np.where(time > 410, 6.0, 0.0)
    step_ = find(time, around(random, 40) + late, around(random, 40) - late, known)
    assert step_ is not None
    assert (step_.camera, step_.at_s) == (1, pytest.approx(410, abs=20))
    assert step_.by_s == pytest.approx(6, abs=0.5)


@pytest.mark.parametrize("known", [False, True])
def test_a_red_light_is_no_jump(known: bool) -> None:
    """Two platoons of a minute: the second one has to wait. The light holds up one direction only."""
    random, time = np.random.default_rng(2), np.arange(0.0, 48.0, 2.0)
    wait = np.where(time > 24, 15.9, 0.0)
    assert find(time, around(random, 24) + wait, around(random, 24), known) is None


@pytest.mark.parametrize("known", [False, True])
def test_a_jam_in_both_directions_is_no_jump(known: bool) -> None:
    random, time = np.random.default_rng(3), np.arange(0.0, 800.0, 20.0)
    wait = np.where(time > 410, 6.0, 0.0)
    assert find(time, around(random, 40) + wait, around(random, 40) + wait, known) is None


def test_platoons_on_correct_clocks_are_hardly_ever_jumps() -> None:
    """A minute of traffic in both directions; red or green at random from platoon to platoon."""
    alarms = 0
    for seed in range(40):
        random, time = np.random.default_rng(seed), np.arange(0.0, 60.0, 2.0)
        waits = [12.0 * np.repeat(random.random(4) < 0.5, 8)[:30] for _ in range(2)]
        alarms += find(time, around(random, 30) + waits[0], around(random, 30) + waits[1], True) is not None
    assert alarms == 0
