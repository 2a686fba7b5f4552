"""The four-by-two filter against a dense 8 x 8 one, written from the published matrices in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mtmc.track.jde.kalman import COV, VALUE, VAR_VALUE, VAR_VELOCITY, MotionModel, to_corners, to_measurements

Double = NDArray[np.float64]

TRANSITION = np.eye(8) + np.eye(8, k=4)
MEASUREMENT = np.eye(4, 8)


def stds(height: float, aspect_value: float, aspect_velocity: float, position: float, velocity: float) -> Double:
    p, v = position * height, velocity * height
    return np.array([p, p, aspect_value, p, v, v, aspect_velocity, v])


def dense_initiate(z: Double) -> tuple[Double, Double]:
    return np.concatenate([z, np.zeros(4)]), np.diag(stds(z[3], 1e-2, 1e-5, 2 / 20, 10 / 160) ** 2)


def dense_predict(mean: Double, covariance: Double) -> tuple[Double, Double]:
    noise = np.diag(stds(mean[3], 1e-2, 1e-5, 1 / 20, 1 / 160) ** 2)
    return TRANSITION @ mean, TRANSITION @ covariance @ TRANSITION.T + noise


def dense_innovation(mean: Double, covariance: Double) -> Double:
    noise = np.diag(stds(mean[3], 1e-1, 0, 1 / 20, 0)[:4] ** 2)
    return MEASUREMENT @ covariance @ MEASUREMENT.T + noise


def dense_update(mean: Double, covariance: Double, z: Double) -> tuple[Double, Double]:
    innovation = dense_innovation(mean, covariance)
    gain = covariance @ MEASUREMENT.T @ np.linalg.inv(innovation)
    return mean + gain @ (z - MEASUREMENT @ mean), covariance - gain @ innovation @ gain.T


def as_row(mean: Double, covariance: Double) -> Double:
    diagonal = np.diag(covariance)
    return np.concatenate([mean, diagonal[:4], np.diag(covariance, k=4), diagonal[4:]])


@pytest.fixture
def measured() -> Double:
    """Measurements (30 frames, 5 tracks, 4): wandering boxes."""
    rng = np.random.default_rng(7)
    start = np.stack(
        [rng.uniform(0, 1000, 5), rng.uniform(0, 700, 5), rng.uniform(0.8, 3, 5), rng.uniform(20, 200, 5)], 1
    )
    steps = rng.normal(size=(30, 5, 4)) * [6, 4, 0.05, 2]
    return np.asarray(start + np.cumsum(steps, axis=0))


def test_thirty_frames_equal_the_dense_filter(measured: Double) -> None:
    model = MotionModel()
    state = model.initiate(measured[0])
    dense = [dense_initiate(z) for z in measured[0]]
    for frame, z in enumerate(measured[1:], start=1):
        state = model.predict(state)
        dense = [dense_predict(*d) for d in dense]
        np.testing.assert_allclose(state[:, :20], [as_row(*d) for d in dense], rtol=1e-9, atol=1e-9)
        expected = [np.diag(dense_innovation(*d)) for d in dense]
        np.testing.assert_allclose(model.innovation_variance(state), expected, rtol=1e-9)
        if frame % 3:  # every third frame goes unmatched
            state = model.update(state, z)
            dense = [dense_update(*d, z_one) for d, z_one in zip(dense, z, strict=True)]
            np.testing.assert_allclose(state[:, :20], [as_row(*d) for d in dense], rtol=1e-9, atol=1e-9)


def test_blocks_do_not_mix(measured: Double) -> None:
    """The dense covariance is zero outside the 2 x 2 blocks, which is why a row of 20 numbers is enough."""
    mean, covariance = dense_initiate(measured[0, 0])
    for z in measured[1:, 0]:
        mean, covariance = dense_update(*dense_predict(mean, covariance), z)
    inside = np.eye(8) + np.eye(8, k=4) + np.eye(8, k=-4) > 0
    assert np.abs(covariance[~inside]).max() < 1e-12


def test_variances_stay_positive_and_covariances_valid(measured: Double) -> None:
    model = MotionModel()
    state = model.initiate(measured[0])
    for z in measured:
        state = model.update(model.predict(state), z)
    assert (state[:, VAR_VALUE] > 0).all()
    assert (state[:, VAR_VALUE] * state[:, VAR_VELOCITY] >= state[:, COV] ** 2).all()


def test_constant_velocity_is_learned() -> None:
    model = MotionModel()
    state = model.initiate(np.array([[0.0, 0.0, 2.0, 40.0]]))
    for frame in range(1, 60):
        state = model.update(model.predict(state), np.array([[5.0 * frame, -2.0 * frame, 2.0, 40.0]]))
    np.testing.assert_allclose(model.predict(state)[0, VALUE], [300, -120, 2, 40], atol=0.5)


def test_boxes_and_measurements_are_inverse() -> None:
    boxes = np.array([[10.0, 20.0, 110.0, 70.0], [0.0, 0.0, 1.0, 1.0]])
    np.testing.assert_allclose(to_measurements(boxes)[0], [60, 45, 2, 50])
    np.testing.assert_allclose(np.concatenate(to_corners(to_measurements(boxes)), axis=1), boxes)


def test_boxes_of_collapsed_states_stay_valid() -> None:
    boxes = np.concatenate(to_corners(np.array([[50.0, 50.0, -1.0, -3.0]])), axis=1)
    assert (boxes[:, 2:] > boxes[:, :2]).all()
