"""Zones are the dense places of ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.link.model.entry_exit_zones import find_zones


def test_zones_are_the_dense_places() -> None:
    random = np.random.default_rng(0)
    places = np.array([[0.1, 0.5], [0.9, 0.5], [0.5, 0.95]])
    points = np.zeros((90, 4))
    points[:, :2] = np.repeat(places, 30, axis=0) + random.normal(0, 0.02, (90, 2))
    zones = find_zones(points)
    distance = np.linalg.norm(zones.centre[:, None, :2] - places[None], axis=2)
    assert len(zones) == 3
    assert distance.min(axis=0).max() < 0.02
    assert zones.assign(np.array([[0.5, 0.1, 0, 0]]))[0] == 3  # elsewhere


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_zones_depend_on_the_set_alone(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.random((40, 4)) * [1, 1, 0, 0]
    assert np.allclose(find_zones(points).centre, find_zones(random.permutation(points)).centre)
