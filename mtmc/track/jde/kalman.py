"""Constant-velocity Kalman filter of (cx, cy, aspect, height), all tracks at once.

Source: algorithm of SORT / Deep SORT / JDE. Transition, measurement and every noise are diagonal in the four measured
quantities, so the 8 x 8 covariance falls apart into four 2 x 2 ones (position and velocity of one quantity): exact, and
one track is a row of 20 numbers instead of 72.

Shape shorthand: T tracks; a state (T, 22) holds five groups of four columns (cx, cy, aspect = width / height, height):
value, velocity per frame, variance of the value, covariance of value and velocity, variance of the velocity; then the
height squared and 1, in which every noise is linear: a step in time is one product with a matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Double = NDArray[np.float64]

VALUE, VELOCITY, VAR_VALUE, COV, VAR_VELOCITY = (slice(4 * k, 4 * k + 4) for k in range(5))
CX, CY, ASPECT, HEIGHT = range(4)
HEIGHT_VELOCITY = 7
HEIGHT_SQUARED, ONE = 20, 21

CHI_SQUARE_95_4 = 9.4877
"""95 % point of the chi-square distribution with 4 degrees of freedom: the gate of Deep SORT and JDE."""

CHI_SQUARE_999_2 = 13.816
"""99.9 % point of the chi-square distribution with 2 degrees of freedom."""

_SCALED = np.array([1.0, 1.0, 0.0, 1.0])  # cx, cy and height have noise in proportion to the height, the aspect has not
_ASPECT = np.array([0.0, 0.0, 1.0, 0.0])


def _transition(frames: float) -> Double:
    """The matrix that takes the first 20 columns t frames on: x += t v, P = F P F' of each 2 x 2 block."""
    step = np.eye(5)
    step[1, 0] = frames  # value += t velocity
    step[3, 2] = 2.0 * frames  # var(value) += 2 t cov + t t var(velocity)
    step[4, 2] = frames * frames
    step[4, 3] = frames  # cov += t var(velocity)
    return np.asarray(np.kron(step, np.eye(4)), np.float64)


class MotionModel:
    """The filter and its noise. Weights are standard deviations in box heights; defaults are the published ones (30
    fps).

    position, velocity: per-frame process noise; initial_position, initial_velocity: multiples of them for a new track.
    """

    def __init__(
        self,
        position: float = 1 / 20,
        velocity: float = 1 / 160,
        initial_position: float = 2.0,
        initial_velocity: float = 10.0,
    ) -> None:
        self.position, self.velocity = position, velocity
        self._initial = initial_position * position, initial_velocity * velocity
        self._one_frame = self._step(1.0)
        self._innovation = np.zeros((22, 4))
        self._innovation[VAR_VALUE] = np.eye(4)
        self._innovation[HEIGHT_SQUARED] = position**2 * _SCALED
        self._innovation[ONE] = 1e-2 * _ASPECT

    def initiate(self, measured: Double) -> Double:
        """New tracks (T, 22) from measurements (T, 4), at rest."""
        state = np.zeros((len(measured), 22))
        state[:, VALUE] = measured
        height = measured[:, HEIGHT, None]
        position, velocity = self._initial
        state[:, VAR_VALUE] = (position * height * _SCALED + 1e-2 * _ASPECT) ** 2
        state[:, VAR_VELOCITY] = (velocity * height * _SCALED + 1e-5 * _ASPECT) ** 2
        state[:, HEIGHT_SQUARED] = height[:, 0] ** 2
        state[:, ONE] = 1.0
        return state

    def _step(self, frames: float) -> Double:
        """The matrix (22, 22) that takes a state some frames on; noise adds up frame by frame."""
        step = np.zeros((22, 22))
        step[:20, :20] = _transition(frames)
        step[HEIGHT_SQUARED, VAR_VALUE] = frames * self.position**2 * _SCALED
        step[HEIGHT_SQUARED, VAR_VELOCITY] = frames * self.velocity**2 * _SCALED
        step[ONE, VAR_VALUE] = frames * 1e-4 * _ASPECT
        step[ONE, VAR_VELOCITY] = frames * 1e-10 * _ASPECT
        step[ONE, ONE] = 1.0
        return step

    def predict(self, state: Double, frames: float = 1.0) -> Double:
        """States (T, 22) one frame later, or after another number of them; noise grows with the height before the
        step."""
        moved = state @ (self._one_frame if frames == 1.0 else self._step(frames))
        np.square(moved[:, HEIGHT], out=moved[:, HEIGHT_SQUARED])
        return moved

    def innovation_variance(self, state: Double) -> Double:
        """Variance (T, 4) of measurement minus prediction; measurement noise is height * position (0.1 for the
        aspect)."""
        return state @ self._innovation

    def place_variance(self, state: Double) -> Double:
        """The same (T, 2) of cx and cy alone, in less time."""
        return state[:, 8:10] + self.position**2 * state[:, HEIGHT_SQUARED, None]

    def update(self, state: Double, measured: Double) -> Double:
        """Posterior (T, 22) of predicted states (T, 22), each with its measurement (T, 4)."""
        shape = len(state), 2, 4  # of value and velocity, and of their covariances with the value
        blocks = state[:, 8:16].reshape(shape)
        gain = blocks / self.innovation_variance(state)[:, None]
        posterior = state.copy()
        posterior[:, :8] += (gain * (measured - state[:, VALUE])[:, None]).reshape(-1, 8)
        posterior[:, 8:16] -= (gain[:, :1] * blocks).reshape(-1, 8)
        posterior[:, VAR_VELOCITY] -= gain[:, 1] * state[:, COV]
        np.square(posterior[:, HEIGHT], out=posterior[:, HEIGHT_SQUARED])
        return posterior


def motion_model(fps: float, noise_fps: float | None) -> MotionModel:
    """The published noise, or the same noise per second: at fewer frames per second a vehicle moves further per
    frame."""
    published = MotionModel()
    ratio = 1.0 if noise_fps is None else max(noise_fps / fps, 1.0)
    return MotionModel(velocity=published.velocity * ratio)


def to_measurements(xyxy: NDArray[np.float64]) -> Double:
    """(cx, cy, width / height, height) (N, 4) of corner boxes (N, 4)."""
    measured = np.empty(xyxy.shape)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    measured[:, :2] = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    measured[:, ASPECT] = sides[:, 0] / sides[:, 1]
    measured[:, HEIGHT] = sides[:, 1]
    return measured


def to_sides(state: Double) -> Double:
    """Widths and heights (T, 2) of states (T, 22) or measurements (T, 4), at least 0.1 px."""
    sides = state[:, 2:4].copy()  # aspect, height
    sides[:, 0] *= sides[:, 1]
    return np.maximum(sides, 0.1, out=sides)


def to_corners(state: Double) -> tuple[Double, Double]:
    """Upper left and lower right corners (T, 2) of states (T, 22) or measurements (T, 4)."""
    half = 0.5 * to_sides(state)
    return state[:, :2] - half, state[:, :2] + half
