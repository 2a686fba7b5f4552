"""The best set of links, against trying all; vehicles put together from pairs of views."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.link.choice.selection import AGAIN_S, PairedLinks, assemble, choose
from mtmc.link.evidence.ground_overlap import GroundMatches
from mtmc.link.learning.m_step import COSINES, SAME_COSINE
from mtmc.link.model.densities import log_ratio
from tests.mtmc.link.worlds import groups, table_of, views_of


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_choose_is_the_best_of_all(seed: int) -> None:
    gain = np.random.default_rng(seed).normal(0.1, 1, (3, 3)).round(2)
    source, target = (index.ravel() for index in np.indices(gain.shape))
    chosen = choose(source, target, gain.ravel())
    best = max(sum(max(gain[r, c], 0) for r, c in enumerate(order)) for order in permutations(range(3)))
    assert gain.ravel()[chosen].sum() == pytest.approx(best)
    assert len(set(source[chosen])) == len(set(target[chosen])) == len(chosen)


def test_choose_without_gain() -> None:
    assert len(choose(np.array([0]), np.array([1]), np.array([-0.1]))) == 0


def _assembled(later_s: float) -> set[frozenset[int]]:
    """Two vehicles of one look that two cameras see, the second ``later_s`` after the first, and a link between them
    that is likelier than not."""
    starts = np.array([0.0, 8.0, later_s, later_s + 8.0])
    table = table_of([0, 1, 0, 1], starts.tolist(), (starts + 5.0).tolist())
    views = views_of(table, np.arange(4), np.ones((4, 1), np.float32))
    links = PairedLinks(np.array([0, 2, 1]), np.array([1, 3, 2]), np.array([6.0, 6.0, 1.5]), np.zeros(3))
    matches = GroundMatches(*(np.zeros(0, kind) for kind in (np.int64, np.int64, *[np.float64] * 5)))
    different = np.zeros((0, 2), np.int64)
    even = log_ratio(*[(np.array([0.0]), np.ones(1))] * 2, (SAME_COSINE, SAME_COSINE), COSINES, True)
    return groups(assemble(table, views, matches, links, even, different, 0.42)[0])


def test_a_vehicle_that_a_camera_lost_for_a_moment_is_one() -> None:
    assert _assembled(later_s=AGAIN_S) == {frozenset({0, 1, 2, 3})}


def test_a_vehicle_seldom_comes_again() -> None:
    assert _assembled(later_s=AGAIN_S + 60.0) == {frozenset({0, 1}), frozenset({2, 3})}
