"""Sampled solutions follow the model's posterior, whole, under the exclusions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mtmc.traffic.matchings import sample_matchings


def exact(left: np.ndarray, right: np.ndarray, odds: np.ndarray) -> dict[tuple[bool, ...], float]:
    weights = {}
    for made in product((False, True), repeat=len(odds)):
        chosen = np.flatnonzero(made)
        if len(set(left[chosen])) == len(set(right[chosen])) == len(chosen):
            weights[made] = float(np.exp(odds[chosen].sum()))
    total = sum(weights.values())
    return {made: weight / total for made, weight in weights.items()}


@pytest.mark.parametrize("seed", range(3))
def test_whole_solutions_have_the_models_probabilities(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = rng.permutation([(a, b) for a in range(4) for b in range(4)])[:9]
    left, right, odds = pairs[:, 0], pairs[:, 1], rng.normal(1, 3, 9)
    wanted = exact(left, right, odds)
    drawn = sample_matchings(left, right, odds, 8000, np.random.default_rng(1))
    found, times = np.unique(drawn, axis=0, return_counts=True)
    share = {tuple(row.tolist()): n / 8000 for row, n in zip(found, times, strict=True)}
    assert share.keys() <= wanted.keys()
    assert sum(abs(p - share.get(made, 0)) for made, p in wanted.items()) / 2 < 0.05  # total variation


def test_two_likely_pairings_swap() -> None:
    left, right, odds = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.full(4, 9.0)
    drawn = sample_matchings(left, right, odds, 4000, np.random.default_rng(2))
    assert drawn[:, 0].mean() == pytest.approx(0.5, abs=0.03)
    assert (drawn[:, 0] != drawn[:, 1]).mean() > 0.99


def test_lone_links_are_coins() -> None:
    drawn = sample_matchings(np.arange(3), np.arange(3), np.array([0.0, 2.0, -2.0]), 20_000, np.random.default_rng(3))
    assert drawn.mean(axis=0) == pytest.approx(1 / (1 + np.exp([0, -2, 2])), abs=0.015)
    assert sample_matchings(*np.zeros((3, 0), int), 5, np.random.default_rng(0)).shape == (5, 0)
