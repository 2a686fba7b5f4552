"""The best set of links, against trying all."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.link.choice.selection import choose


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
