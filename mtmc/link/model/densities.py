"""One-dimensional densities learned from weighted samples, shrunk where data are few.

Shape shorthand: N samples, B bins, L links.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mtmc.structures import Double

BINS = 96
MOST_EVIDENCE = 9.0
"""No single kind of evidence speaks louder than this (natural log): 1 in 8,000, what calibration can support."""


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """Log-likelihood ratio of a score under "one vehicle" against "two vehicles": value (B,) at bin centres from low to high."""

    low: float
    high: float
    value: Double

    def __call__(self, score: Double) -> Double:
        """Evidence (N,) of scores (N,), linear between bin centres, constant beyond; 0 for NaN."""
        step = (self.high - self.low) / len(self.value)
        centres = self.low + step * (np.arange(len(self.value)) + 0.5)
        return np.asarray(np.where(np.isnan(score), 0.0, np.interp(score, centres, self.value)))


@dataclass(frozen=True, slots=True)
class Bell:
    """A normal density that stands in for ``weight`` samples until there are data."""

    mean: float
    deviation: float
    weight: float


def learn_ratio(
    score: Double, same: Double, priors: tuple[Bell, Bell], span: tuple[float, float], rising: bool
) -> Ratio:
    """Learn the evidence of scores (N,) from the probability (N,) that each belongs to a pair of one vehicle.

    ``rising``: whether a larger score must never speak less for one vehicle; the ratio is made monotone by pooling.
    """
    top = smooth_density(score, same, priors[0], span)
    bottom = smooth_density(score, 1.0 - same, priors[1], span)
    ratio = np.clip(np.log(top) - np.log(bottom), -MOST_EVIDENCE, MOST_EVIDENCE)
    return Ratio(*span, _monotone(ratio, top + bottom) if rising else ratio)


def smooth_density(samples: Double, weight: Double, prior: Bell, span: tuple[float, float]) -> Double:
    """Density (B,) over ``span``: a smoothed histogram mixed with a bell fitted to the same samples, the bell for the tails and for
    small counts; never zero."""
    low, high = span
    step = (high - low) / BINS
    centres = low + step * (np.arange(BINS) + 0.5)
    inside = np.clip(samples, low, high - 1e-9)
    total = float(weight.sum())
    mean, deviation = _fit(inside, weight, prior)
    bell = np.exp(-0.5 * ((centres - mean) / deviation) ** 2) + 1e-6
    bell /= bell.sum() * step
    histogram = np.bincount(((inside - low) / step).astype(np.int64), weight, BINS)[:BINS]
    effective = total**2 / max(float((weight**2).sum()), 1e-9)
    width = max(deviation * max(effective, 1.0) ** -0.2, step)
    curve = gaussian_filter1d(histogram, width / step, mode="nearest") / step
    share = 20.0 + 0.02 * total
    return np.asarray((curve + share * bell) / (total + share))


def _fit(samples: Double, weight: Double, prior: Bell) -> tuple[float, float]:
    total = float(weight.sum()) + prior.weight
    mean = (float(weight @ samples) + prior.weight * prior.mean) / total
    square = float(weight @ (samples - mean) ** 2) + prior.weight * (prior.deviation**2 + (prior.mean - mean) ** 2)
    return mean, max(float(np.sqrt(square / total)), 1e-3)


def _monotone(value: Double, weight: Double) -> Double:
    """Nearest rising curve in the weighted least-squares sense (pool adjacent violators)."""
    level: list[list[float]] = []
    for v, w in zip(value.tolist(), weight.tolist(), strict=True):
        level.append([v, w, 1])
        while len(level) > 1 and level[-2][0] >= level[-1][0]:
            v2, w2, n2 = level.pop()
            v1, w1, n1 = level.pop()
            level.append([(v1 * w1 + v2 * w2) / (w1 + w2), w1 + w2, n1 + n2])
    return np.repeat([v for v, _, _ in level], [int(n) for _, _, n in level])
