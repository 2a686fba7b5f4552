"""Simulated appearance of tracklets as measured on real embedders: identities with a 1/k spectrum, a shift per camera,
and noise of which most is common to all crops of a vehicle in one view.

Shape shorthand: T tracklets, D dimensions, K crops of a tracklet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.structures import Double, Float, Long

DIMENSION = 128
CROPS = 6
CAMERA_BIAS = 0.3
"""Norm of a camera's shift against an identity's norm of 1."""
VIEW_NOISE = 0.6
"""Fraction of the noise's variance that all crops of a vehicle in one camera have in common."""
STRENGTHS: dict[str, float] = {"easy": 1.06, "mid": 1.235, "hard": 1.43}
"""Norm of the noise at which the nearest single crop of another camera shows the same vehicle .80, .65 and .50 of the
time, among 50 vehicles in four cameras (the test beside this file measures it)."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """owner (T, K) int64: who is on each crop; camera (T,) int64."""

    owner: Long
    camera: Long


class Appearance:
    """Draws vectors for the vehicles and cameras of one world; the same seed gives the same ones."""

    def __init__(self, seed: int, cameras: int) -> None:
        self.seed = seed
        self.bias = CAMERA_BIAS * self._draw((2,), cameras)

    def vectors(self, crops: Crops, noise: float) -> Float:
        """Unit vectors (T, K, D) of crops under noise of this norm."""
        count, per = crops.owner.shape
        flat, camera = crops.owner.ravel(), np.repeat(crops.camera, per)
        view = self._of(np.stack([flat, camera], axis=1), (1,))
        crop = self._draw((3,), len(flat))
        signal = self._of(flat[:, None], (0,)) + self.bias[camera]
        mixed = signal + noise * (np.sqrt(VIEW_NOISE) * view + np.sqrt(1 - VIEW_NOISE) * crop)
        return unit(mixed).reshape(count, per, DIMENSION).astype(np.float32)

    def _of(self, keys: Long, purpose: tuple[int, ...]) -> Double:
        """One vector per row of ``keys``, the same whenever the row comes up."""
        distinct, row = np.unique(keys, axis=0, return_inverse=True)
        drawn = [self._draw((*purpose, *key), 1)[0] for key in distinct.tolist()]
        return np.array(drawn).reshape(-1, DIMENSION)[row.ravel()]

    def _draw(self, purpose: tuple[int, ...], count: int) -> Double:
        """``count`` vectors of norm about 1, with variances proportional to 1/k."""
        variance = 1 / np.arange(1, DIMENSION + 1)
        rng = np.random.default_rng((self.seed, 31, *(abs(p) for p in purpose)))
        return np.asarray(rng.standard_normal((count, DIMENSION)) * np.sqrt(variance / variance.sum()))


def single_crop_rank1(vectors: Double | Float, crops: Crops) -> float:
    """How often the nearest crop of another camera shows the same vehicle: vectors (T, D) of the tracklets' first
    crops, asked for the tracklets whose vehicle another camera sees."""
    owner = crops.owner[:, 0]
    other = crops.camera[:, None] != crops.camera
    same = owner[:, None] == owner
    asked = (same & other).any(axis=1)
    nearest = np.where(other, vectors @ vectors.T, -2.0).argmax(axis=1)
    return float(same[np.arange(len(owner)), nearest][asked].mean())


def unit(vectors: Double | Float) -> Double:
    """The vectors at length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
