"""The M step: transitions, routes and likelihoods that fit the link marginals best.

Shape shorthand: C cameras, L transitions, P candidate pairs, T tracklets.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mtmc.link.evidence.candidates import Candidates, position_residual
from mtmc.link.evidence.sizes import Sizes
from mtmc.link.model.camera_network import (
    GRID,
    OUTLIER_FRACTION,
    PRIOR_COUNT,
    CameraNetwork,
    Likelihoods,
    Routes,
    Transitions,
)
from mtmc.link.model.densities import GaussianPrior, fit_log_ratio
from mtmc.structures import LABELS, Double, TrackletTable

SAME_COSINE, OTHER_COSINE = GaussianPrior(0.55, 0.2, 4.0), GaussianPrior(0.05, 0.2, 4.0)
COSINES = (-1.0, 1.0)
"""Cosines of one vehicle's and of two vehicles' features before any are seen, and their range."""
SAME_SIZE, OTHER_SIZE = GaussianPrior(0.0, 0.15, 8.0), GaussianPrior(0.0, 0.35, 8.0)
SIZES = (0.0, 1.5)
"""The same for absolute differences of log size."""
# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for USUAL_DEVIATION (+.011, -.002).
CLASS_WEIGHT = 20.0
CLASS_AGREES = 0.8
"""Prior of label pairs: one vehicle gets the same class twice with this probability, worth so many links."""
FRAGMENT_WEIGHT = 10.0
USUAL_GAP_S, USUAL_DEVIATION = 0.8, 0.05
"""Prior of the gap between fragments and of their position residual (fraction of the image), worth so many links."""
LEAST_COUNT = 1.0
"""Transitions of fewer vehicles are dropped when gates are narrowed."""
GATE_MARGINS = (0.15, 0.4)
"""Margins of a narrowed gate before and after, as fractions of its width: some wait much longer than most."""
CORE = 2.0
"""A gate is narrowed to where its density is above this many times its outlier part."""
LIKELY = 0.5
"""Least probability of the links that make a route in the end: unlikely ones, each of which speaks for the others,
would add up to a route that nobody took. Till then all count, for a route that few took begins with unlikely ones:
hamlet6 by a tracker, hard strength, seeds 101 to 108, .780 on average, .721 where those never did."""
BANDWIDTH, LEAST_BANDWIDTH = 0.8, 0.7
"""Kernel of a travel-time density: this many robust deviations x count^-1/5 (Silverman's rule), at least so many
bins."""


def recorded_s(table: TrackletTable) -> Double:
    """Seconds (C,) between each camera's first and last tracklet, at least one."""
    first, last = np.full(len(table.cameras), np.inf), np.full(len(table.cameras), -np.inf)
    np.minimum.at(first, table.camera, table.start_s)
    np.maximum.at(last, table.camera, table.end_s)
    return np.where(np.isfinite(first), np.maximum(last - first, 1.0), 1.0)


def update(
    network: CameraNetwork, table: TrackletTable, pairs: Candidates, score: Double, sizes: Sizes, probability: Double,
    last: bool,
) -> CameraNetwork:  # fmt: skip
    """The network that fits probabilities (P,) of links best; ``score``: cosines (P,), ``sizes``: of tracklets (T,);
    ``last``: whether links are judged by it."""
    taken = np.where(probability >= LIKELY, probability, 0.0) if last else probability
    return replace(
        network,
        transitions=_fit_transitions(network.transitions, pairs, probability),
        routes=_fit_routes(network, table, pairs, probability, taken),
        likelihoods=_fit_likelihoods(network, table, pairs, score, sizes, probability),
    )


def _fit_transitions(transitions: Transitions, pairs: Candidates, probability: Double) -> Transitions:
    total = len(transitions)
    count = np.bincount(pairs.transition, probability, total).astype(np.float64)
    # Step 1: histogram of the seconds, weighted, beside the density before as a prior of PRIOR_COUNT vehicles
    step = (transitions.high_s - transitions.low_s) / GRID
    bins = (pairs.seconds - transitions.low_s[pairs.transition]) / step[pairs.transition]
    bins = np.clip(bins, 0, GRID - 1).astype(np.int64)
    histogram = np.bincount(pairs.transition * GRID + bins, probability, total * GRID).reshape(-1, GRID)
    blended = histogram + PRIOR_COUNT * transitions.density * step[:, None]
    # Step 2: smoothed by a kernel that fits the number of vehicles
    width = _bandwidths(blended, count)
    curves = [gaussian_filter1d(b, w, mode="nearest") for b, w in zip(blended, width, strict=True)]
    density = np.array(curves).reshape(-1, GRID)
    density /= density.sum(axis=1, keepdims=True) * step[:, None]
    # Step 3: mixed with the outlier part
    density = (1 - OUTLIER_FRACTION) * density + OUTLIER_FRACTION / (GRID * step)[:, None]
    kernel_peak = (1 - OUTLIER_FRACTION) / (np.sqrt(2 * np.pi) * width * step)
    return replace(transitions, density=density, count=count, kernel_peak=kernel_peak)


def _bandwidths(blended: Double, count: Double) -> Double:
    """Width (L,) of the smoothing kernel in bins, by the interquartile range and the number of vehicles."""
    cumulated = np.cumsum(blended, axis=1) / blended.sum(axis=1, keepdims=True)
    quartiles = (cumulated < 0.75).sum(axis=1) - (cumulated < 0.25).sum(axis=1)
    deviation = quartiles / 1.35  # of a Gaussian
    return np.asarray(np.maximum(BANDWIDTH * deviation * np.maximum(count, 1.0) ** -0.2, LEAST_BANDWIDTH))


def _fit_routes(
    network: CameraNetwork, table: TrackletTable, pairs: Candidates, probability: Double, taken: Double
) -> Routes:
    zones = network.zones
    fresh = np.clip(1.0 - np.bincount(pairs.target, probability, len(table)), 0.0, 1.0)
    arrived = np.bincount(zones.entry, fresh, len(zones.entry_camera)) + 0.5
    routes = replace(network.routes, arrival_rate=arrived / recorded_s(table)[zones.entry_camera])
    return routes.counted(pairs.transition, zones.exit[pairs.source], zones.entry[pairs.target], taken)


def _fit_likelihoods(
    network: CameraNetwork, table: TrackletTable, pairs: Candidates, score: Double, sizes: Sizes, probability: Double
) -> Likelihoods:
    a, b = pairs.source, pairs.target
    # appearance, size, class
    appearance = fit_log_ratio(score, probability, (SAME_COSINE, OTHER_COSINE), COSINES, True)
    size = fit_log_ratio(sizes.differences(a, b)[0], probability, (SAME_SIZE, OTHER_SIZE), SIZES, False)
    joint = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(joint, (table.label[a], table.label[b]), probability)
    # fragments: mean gap and deviation, each shrunk to its prior
    rows = np.flatnonzero(network.transitions.is_self[pairs.transition])
    weight = probability[rows]
    total = weight.sum() + FRAGMENT_WEIGHT
    gap = float(weight @ pairs.seconds[rows]) + FRAGMENT_WEIGHT * USUAL_GAP_S
    square = (position_residual(table, a[rows], b[rows]) ** 2).sum(axis=1)
    variance = float(weight @ square) / 2 + FRAGMENT_WEIGHT * USUAL_DEVIATION**2
    label_class = label_class_of(table, joint)
    return Likelihoods(appearance, size, label_class, float(gap / total), float(np.sqrt(variance / total)))


def label_class_of(table: TrackletTable, joint: Double) -> Double:
    """Evidence (labels, labels) of a pair of labels: how often one vehicle gets both, against chance."""
    usual = np.bincount(table.label, minlength=len(LABELS)) + 0.5
    usual = usual / usual.sum()
    prior = CLASS_AGREES * np.diag(usual) + (1 - CLASS_AGREES) * np.outer(usual, usual)
    both = joint + joint.T
    same = (both + 2 * CLASS_WEIGHT * prior) / (both.sum() + 2 * CLASS_WEIGHT)
    return np.asarray(np.log(same) - np.log(np.outer(usual, usual)))


def narrow_gates(network: CameraNetwork) -> CameraNetwork:
    """Narrow each gate to where its density is above the outlier part, with a margin; drop transitions that nobody
    uses nor drew."""
    transitions = network.transitions
    used = np.flatnonzero((transitions.count >= LEAST_COUNT) | transitions.is_self | network.drawn())
    kept = transitions.take(used)
    low, high, density = kept.low_s.copy(), kept.high_s.copy(), kept.density.copy()
    for number in np.flatnonzero(~kept.is_self):
        low[number], high[number], density[number] = _narrowed(low[number], high[number], density[number])
    kept = replace(kept, low_s=low, high_s=high, density=density)
    return replace(network, transitions=kept, routes=network.routes.of_transitions(used, len(transitions)))


def _narrowed(low: float, high: float, density: Double) -> tuple[float, float, Double]:
    step = (high - low) / GRID
    # the core, and margins of at least two bins about it
    core = np.flatnonzero(density > CORE * OUTLIER_FRACTION / (high - low))
    width = int(core[-1] - core[0]) if len(core) else GRID
    early, late = (max(2, int(margin * width)) for margin in GATE_MARGINS)
    first, last = (max(core[0] - early, 0), min(core[-1] + late + 1, GRID)) if len(core) else (0, GRID)
    # the same curve on a new grid
    edges = low + step * np.array([first, last])
    centres = edges[0] + (edges[1] - edges[0]) / GRID * (np.arange(GRID) + 0.5)
    curve = np.interp(centres, low + step * (np.arange(GRID) + 0.5), density)
    return float(edges[0]), float(edges[1]), curve / (curve.sum() * (edges[1] - edges[0]) / GRID)
