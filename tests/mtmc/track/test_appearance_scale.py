"""The scale of smoothed features is the one on which simulated vehicles are measured."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mtmc.track.appearance_scale import AppearanceScale

SMOOTHING = 0.9


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.median(np.linalg.norm(a - b, axis=-1)))


@pytest.mark.parametrize("noise", [0.3, 1.0])
@pytest.mark.parametrize("updates", [0, 3, 40])
def test_smoothed_features_come_nearer_to_their_own(noise: float, updates: int) -> None:
    rng = np.random.default_rng(updates)
    vehicles = unit(rng.normal(size=(400, 128)) + rng.normal(size=128))
    looks = unit(vehicles + noise * rng.normal(size=(updates + 3, 400, 128)) / np.sqrt(128))
    track = looks[0]
    for look in looks[1 : updates + 1]:
        track = unit(SMOOTHING * track + (1 - SMOOTHING) * look)
    one, other = looks[-2:]
    scale = AppearanceScale(apart(one, other), apart(one, np.roll(other, 1, axis=0)), 1.0)
    smoothed = scale.smoothed(SMOOTHING)
    assert smoothed.near[updates] == pytest.approx(apart(track, one), rel=0.03)
    assert smoothed.far[updates] == pytest.approx(apart(track, np.roll(one, 1, axis=0)), rel=0.03)
    assert smoothed.cost(np.array([updates] * 2), np.array([smoothed.near[updates], 2.0])).tolist() == [0.0, 1.0]
