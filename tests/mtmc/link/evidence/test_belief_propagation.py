"""Marginals of links, against counting all sets of links."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mtmc.link.evidence.belief_propagation import link_marginals


def exact_probabilities(odds: np.ndarray) -> np.ndarray:
    """Marginals of all one-to-one sets of links, by counting them all."""
    rows, columns = odds.shape
    total, marginal = 0.0, np.zeros_like(odds)
    for targets in product(range(columns + 1), repeat=rows):
        used = [t for t in targets if t < columns]
        if len(set(used)) == len(used):
            links = [(r, t) for r, t in enumerate(targets) if t < columns]
            weight = float(np.exp(sum(odds[link] for link in links)))
            total += weight
            for link in links:
                marginal[link] += weight
    return marginal / total


@pytest.mark.parametrize("seed", range(5))
def test_belief_is_near_the_exact_marginals(seed: int) -> None:
    odds = np.random.default_rng(seed).normal(0, 3, (3, 3))
    source, target = (index.ravel() for index in np.indices(odds.shape))
    found = link_marginals(6, source, target + 3, odds.ravel()).reshape(3, 3)
    assert np.abs(found - exact_probabilities(odds)).max() < 0.12


def test_belief_of_one_pair_is_exact() -> None:
    assert link_marginals(2, np.array([0]), np.array([1]), np.array([1.5]))[0] == pytest.approx(1 / (1 + np.exp(-1.5)))


def test_of_two_tracklets_one_comes_first() -> None:
    odds = np.array([1.0, 2.0])
    found = link_marginals(2, np.array([0, 1]), np.array([1, 0]), odds)
    assert found == pytest.approx(np.exp(odds) / (1 + np.exp(odds).sum()))
