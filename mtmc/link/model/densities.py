"""One-dimensional densities and log-likelihood ratios learned from weighted samples, shrunk where data are few.

Shape shorthand: N samples, B bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import isotonic_regression

from mtmc.structures import Double

BINS = 96
"""Bins of a score's density: finer than any kernel that some hundred samples allow."""
# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for MOST_EVIDENCE (-.023, -.002).
MOST_EVIDENCE = 9.0
"""No single kind of evidence speaks louder than this (natural log): 1 in 8,000, what calibration can support."""
GAUSSIAN_WEIGHT = 20.0
GAUSSIAN_FRACTION = 0.02
"""The fitted Gaussian counts as this many samples and this fraction of all beside the smoothed histogram."""
FLOOR = 1e-6
"""Added to the Gaussian, of peak 1, so that no density is ever zero."""


@dataclass(frozen=True, slots=True, eq=False)
class LogRatio:
    """Log-likelihood ratio of a score under "one vehicle" against "two vehicles": value (B,) at bin centres from low to
    high."""

    low: float
    high: float
    value: Double

    def __call__(self, score: Double) -> Double:
        """Evidence (N,) of scores (N,), linear between bin centres, constant beyond; 0 for NaN."""
        step = (self.high - self.low) / len(self.value)
        centres = self.low + step * (np.arange(len(self.value)) + 0.5)
        return np.asarray(np.where(np.isnan(score), 0.0, np.interp(score, centres, self.value)))


@dataclass(frozen=True, slots=True)
class GaussianPrior:
    """A normal density that stands in for ``weight`` samples until there are data."""

    mean: float
    deviation: float
    weight: float


Sample = tuple[Double, Double]
"""Scores (N,) and the weight (N,) of each; scores that are NaN say nothing."""


def fit_log_ratio(
    score: Double, same: Double, priors: tuple[GaussianPrior, GaussianPrior], span: tuple[float, float], rising: bool
) -> LogRatio:
    """Learn the evidence of scores (N,) from the probability (N,) that each belongs to a pair of one vehicle."""
    return log_ratio((score, same), (score, 1.0 - same), priors, span, rising)


def log_ratio(
    one: Sample, two: Sample, priors: tuple[GaussianPrior, GaussianPrior], span: tuple[float, float], rising: bool
) -> LogRatio:
    """Evidence of a score, from scores of pairs of one vehicle and of pairs of two.

    ``rising``: whether a larger score must never speak less for one vehicle; then the ratio is made monotone (isotonic
    regression).
    """
    top, bottom = (smooth_density(*_seen(s), prior, span) for s, prior in zip((one, two), priors, strict=True))
    ratio = np.clip(np.log(top) - np.log(bottom), -MOST_EVIDENCE, MOST_EVIDENCE)
    return LogRatio(*span, np.asarray(isotonic_regression(ratio, weights=top + bottom).x) if rising else ratio)


def _seen(sample: Sample) -> Sample:
    score, weight = sample
    seen = ~np.isnan(score)
    return score[seen], weight[seen]


def smooth_density(samples: Double, weight: Double, prior: GaussianPrior, span: tuple[float, float]) -> Double:
    """Density (B,) over ``span``: a smoothed histogram mixed with a Gaussian fitted to the same samples, the Gaussian
    for the tails and for small counts; never zero."""
    low, high = span
    step = (high - low) / BINS
    centres = low + step * (np.arange(BINS) + 0.5)
    inside = np.clip(samples, low, high - 1e-9)
    total = float(weight.sum())
    # the Gaussian
    mean, deviation = _fit(inside, weight, prior)
    gaussian = np.exp(-0.5 * ((centres - mean) / deviation) ** 2) + FLOOR
    gaussian /= gaussian.sum() * step
    # the histogram, smoothed by Scott's rule for the effective number of samples
    histogram = np.bincount(((inside - low) / step).astype(np.int64), weight, BINS)[:BINS]
    effective = total**2 / max(float((weight**2).sum()), 1e-9)
    width = max(deviation * max(effective, 1.0) ** -0.2, step)
    curve = gaussian_filter1d(histogram, width / step, mode="nearest") / step
    gaussian_weight = GAUSSIAN_WEIGHT + GAUSSIAN_FRACTION * total
    return np.asarray((curve + gaussian_weight * gaussian) / (total + gaussian_weight))


def _fit(samples: Double, weight: Double, prior: GaussianPrior) -> tuple[float, float]:
    """Mean and deviation of weighted samples (N,) and the prior's own."""
    total = float(weight.sum()) + prior.weight
    mean = (float(weight @ samples) + prior.weight * prior.mean) / total
    square = float(weight @ (samples - mean) ** 2) + prior.weight * (prior.deviation**2 + (prior.mean - mean) ** 2)
    return mean, max(float(np.sqrt(square / total)), 1e-3)
