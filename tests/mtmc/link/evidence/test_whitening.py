"""Whitening by a few links must not make the vehicles they are of look surer than any others will."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.link.evidence.appearance import Looks, unit, within_class_whitening
from mtmc.structures import Double, Float


def pairs_of_views(vehicles: int, size: int, seed: int) -> Float:
    """Features (2 V, D): two views of each vehicle, which differ most in the first directions."""
    rng = np.random.default_rng(seed)
    spread = np.where(np.arange(size) < 4, 1.5, 0.5)
    looks = np.repeat(rng.normal(size=(vehicles, size)), 2, axis=0)
    return unit((looks + rng.normal(size=looks.shape) * spread).astype(np.float32))


def cosines(features: Float) -> Double:
    """Between the two views of each vehicle."""
    return np.asarray((features[::2] * features[1::2]).sum(axis=1), np.float64)


@pytest.mark.parametrize(("linked", "size"), [(30, 512), (40, 1280)])
def test_views_of_linked_vehicles_look_as_alike_as_those_of_others(linked: int, size: int) -> None:
    features = pairs_of_views(2 * linked, size, seed=1)
    source, target = 2 * np.arange(linked), 2 * np.arange(linked) + 1
    looks = Looks(features, features).taught(source, target, np.ones(linked))
    alike = cosines(looks.whitened)
    spread = alike[linked:].std() / np.sqrt(linked)
    assert abs(alike[:linked].mean() - alike[linked:].mean()) < 4 * spread
    by_their_own = cosines(looks.of_others(features))[:linked]
    assert by_their_own.mean() > alike[linked:].mean() + 4 * spread


def test_directions_that_vary_within_vehicles_count_less() -> None:
    features = pairs_of_views(2000, 16, seed=2)
    rows = 2 * np.arange(1000)
    looks = Looks(features, features).taught(rows, rows + 1, np.ones(1000))
    assert cosines(looks.whitened)[1000:].mean() > cosines(features)[1000:].mean() + 0.05
    again = looks.taught(rows, rows + 1, np.ones(1000))
    np.testing.assert_allclose(again.of_others(features), again.whitened, atol=1e-5)


def test_few_links_teach_nothing() -> None:
    features = pairs_of_views(20, 16, seed=3)
    rows = 2 * np.arange(20)
    looks = Looks(features, features)
    assert looks.taught(rows[:5], rows[:5] + 1, np.ones(5)) is looks
    assert looks.taught(rows, rows + 1, np.full(20, 0.5)) is looks


@pytest.mark.parametrize("count", [3, 12, 40])
def test_whitening_is_that_of_the_whole_covariance_however_few_the_differences(count: int) -> None:
    differences = np.random.default_rng(4).normal(size=(count, 12)) * np.linspace(2, 0.2, 12)
    shrink = 12 / (12 + count)
    within = differences.T @ differences / count
    within = (1 - shrink) * within + shrink * np.trace(within) / 12 * np.eye(12)
    values, vectors = np.linalg.eigh(within)
    expected = (vectors / np.sqrt(np.maximum(values, np.median(values)))) @ vectors.T
    np.testing.assert_allclose(within_class_whitening(differences), expected, rtol=1e-4, atol=1e-5)
