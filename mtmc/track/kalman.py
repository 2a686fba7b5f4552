"""Constant-velocity Kalman filter of (cx, cy, aspect, height), all tracks at once.

Source: algorithm of SORT / Deep SORT / JDE. Transition, measurement and every noise are diagonal in the four measured
quantities, so the 8 x 8 covariance falls apart into four 2 x 2 ones (position and velocity of one quantity): exact, and one
track is a row of 20 numbers instead of 72.

Shape shorthand: T tracks; a state (T, 20) holds five groups of four columns (cx, cy, aspect = width / height, height):
value, velocity per frame, variance of the value, covariance of value and velocity, variance of the velocity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Double = NDArray[np.float64]

VALUE, VELOCITY, VAR_VALUE, COV, VAR_VELOCITY = (slice(4 * k, 4 * k + 4) for k in range(5))
CX, CY, ASPECT, HEIGHT = range(4)
HEIGHT_VELOCITY = 7

CHI_SQUARE_95_4 = 9.4877
"""95 % point of the chi-square distribution with 4 degrees of freedom: the gate of Deep SORT and JDE."""

_SCALED = np.array([1.0, 1.0, 0.0, 1.0])  # cx, cy and height have noise in proportion to the height, the aspect has not
_ASPECT = np.array([0.0, 0.0, 1.0, 0.0])


def _transition() -> Double:
    """The matrix that takes a state row one frame on: x += v, P = F P F' of each 2 x 2 block."""
    step = np.eye(5)
    step[1, 0] = 1.0  # value += velocity
    step[3, 2] = 2.0  # var(value) += 2 cov + var(velocity)
    step[4, 2] = 1.0
    step[4, 3] = 1.0  # cov += var(velocity)
    return np.asarray(np.kron(step, np.eye(4)), np.float64)


_TRANSITION = _transition()


@dataclass(frozen=True, slots=True)
class MotionModel:
    """The noise of the filter. Weights are standard deviations in box heights; defaults are the published ones (30 fps).

    position, velocity: per-frame process noise; initial_position, initial_velocity: multiples of them for a new track.
    """

    position: float = 1 / 20
    velocity: float = 1 / 160
    initial_position: float = 2.0
    initial_velocity: float = 10.0

    def initiate(self, measured: Double) -> Double:
        """New tracks (T, 20) from measurements (T, 4), at rest."""
        state = np.zeros((len(measured), 20))
        state[:, VALUE] = measured
        height = measured[:, HEIGHT, None]
        state[:, VAR_VALUE] = (self.initial_position * self.position * height * _SCALED + 1e-2 * _ASPECT) ** 2
        state[:, VAR_VELOCITY] = (self.initial_velocity * self.velocity * height * _SCALED + 1e-5 * _ASPECT) ** 2
        return state

    def process_noise(self) -> tuple[Double, Double]:
        """(a, b), each (20,): the noise added per frame is height^2 a + b."""
        scaled, fixed = np.zeros(20), np.zeros(20)
        scaled[VAR_VALUE], fixed[VAR_VALUE] = self.position**2 * _SCALED, 1e-4 * _ASPECT
        scaled[VAR_VELOCITY], fixed[VAR_VELOCITY] = self.velocity**2 * _SCALED, 1e-10 * _ASPECT
        return scaled, fixed

    def innovation_variance(self, state: Double) -> Double:
        """Variance (T, 4) of measurement minus prediction; measurement noise is height * position (0.1 for the aspect)."""
        height = state[:, HEIGHT]
        variance = np.multiply.outer(height * height, self.position**2 * _SCALED)
        variance += state[:, VAR_VALUE]
        variance[:, ASPECT] += 1e-2
        return variance

    def update(self, state: Double, measured: Double) -> Double:
        """Posterior (T, 20) of predicted states (T, 20), each with its measurement (T, 4)."""
        shape = len(state), 2, 4
        gain = state[:, 8:16].reshape(shape) / self.innovation_variance(state)[:, None]
        posterior = state.copy()
        posterior[:, :8] += (gain * (measured - state[:, VALUE])[:, None]).reshape(-1, 8)
        posterior[:, VAR_VELOCITY] -= gain[:, 1] * state[:, COV]
        posterior[:, 8:16] -= (gain[:, :1] * state[:, 8:16].reshape(shape)).reshape(-1, 8)
        return posterior


class Predictor:
    """``MotionModel``'s step to the next frame, with its constants laid out once."""

    def __init__(self, model: MotionModel) -> None:
        self._scaled, self._fixed = model.process_noise()

    def __call__(self, state: Double) -> Double:
        """States (T, 20) one frame later; noise grows with the height before the step."""
        noise = np.multiply.outer(state[:, HEIGHT] ** 2, self._scaled)
        noise += self._fixed
        noise += state @ _TRANSITION
        return np.asarray(noise)


def to_measurements(xyxy: NDArray[np.float64]) -> Double:
    """(cx, cy, width / height, height) (N, 4) of corner boxes (N, 4)."""
    measured = np.empty(xyxy.shape)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    measured[:, :2] = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    measured[:, ASPECT] = sides[:, 0] / sides[:, 1]
    measured[:, HEIGHT] = sides[:, 1]
    return measured


def to_bounds(state: Double) -> Double:
    """Bounds (T, 5) = (x1, y1, -x2, -y2, area) of states (T, 20) or measurements (T, 4); sides are at least 0.1 px."""
    height = np.maximum(state[:, HEIGHT], 0.1)
    width = np.maximum(state[:, ASPECT] * height, 0.1)
    bounds = np.empty((len(state), 5))
    bounds[:, 0], bounds[:, 1], bounds[:, 4] = width, height, width * height
    bounds[:, :2] *= -0.5
    bounds[:, 2:4] = bounds[:, :2]
    bounds[:, :2] += state[:, :2]
    bounds[:, 2:4] -= state[:, :2]
    return bounds


def to_boxes(state: Double) -> Double:
    """Corner boxes (T, 4) of states (T, 20) or measurements (T, 4)."""
    return np.asarray(to_bounds(state)[:, :4] * [1.0, 1.0, -1.0, -1.0])
