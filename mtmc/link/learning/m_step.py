"""The M step: transitions, routes and likelihoods that fit the link marginals best; and the first network, from prior
belief.

Shape shorthand: C cameras, L transitions, G bins of a travel-time density, P candidate pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mtmc.link.evidence.candidates import GAP_S, Candidates, position_residual
from mtmc.link.learning.transitions import DelayMode
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
from mtmc.link.model.entry_exit_zones import Zones
from mtmc.link.model.given_ways import MARGIN, GivenWays, inside
from mtmc.structures import LABELS, Double, Mask, TrackletTable

SAME_COSINE, OTHER_COSINE = GaussianPrior(0.55, 0.2, 4.0), GaussianPrior(0.05, 0.2, 4.0)
COSINES = (-1.0, 1.0)
"""Cosines of one vehicle's and of two vehicles' features before any are seen, and their range."""
SAME_SIZE, OTHER_SIZE = GaussianPrior(0.0, 0.15, 8.0), GaussianPrior(0.0, 0.35, 8.0)
SIZES = (0.0, 1.5)
"""The same for absolute differences of log size."""
CLASS_WEIGHT = 20.0
CLASS_AGREES = 0.8
"""Prior of label pairs: one vehicle gets the same class twice with this probability, worth so many links."""
FRAGMENT_WEIGHT = 10.0
USUAL_GAP_S, USUAL_DEVIATION = 0.8, 0.05
"""Prior of the gap between fragments and of their position residual (fraction of the image), worth so many links."""
FIRST_GATE_WIDTHS, FIRST_GATE_S = (1.5, 2.0), (5.0, 15.0)
"""First gate before and after a delay mode, in widths of the mode and seconds beside: more to the late side, since
vehicles wait."""
DRAWN_VOTES = 1.0
"""Vehicles that a way which somebody drew is taken to have had at first."""
FIRST_OUTLIER_FRACTION = 0.3
"""Even part of the first travel-time density: a mode says little of its shape yet."""
LEAST_COUNT = 1.0
"""Transitions of fewer vehicles are dropped when gates are narrowed."""
GATE_MARGINS = (0.15, 0.4)
"""Margins of a narrowed gate before and after, as fractions of its width: some wait much longer than most."""
CORE = 2.0
"""A gate is narrowed to where its density is above this many times its outlier part."""
BANDWIDTH, LEAST_BANDWIDTH = 0.8, 0.7
"""Kernel of a travel-time density: this many robust deviations x count^-1/5 (Silverman's rule), at least so many
bins."""


def initial_network(
    table: TrackletTable, zones: Zones, modes: Sequence[DelayMode], trusted: Mask, given: GivenWays
) -> CameraNetwork:
    """A network that knows its transitions from the delay modes and from ways that somebody drew, and nothing else but
    prior belief."""
    modes = [*modes, *_drawn_modes(table, zones, given, trusted)]
    transitions, groups = initial_transitions(modes, zones, len(table.cameras))
    leaving, entering = _ends(zones)
    span = _recorded_s(table)[zones.entry_camera]
    routes = Routes.unused(leaving, entering, (0.5 * entering + 0.5) / span)
    found = [(number, m.exit, m.entry, m.votes) for number, group in enumerate(groups) for m in group]
    if found:
        number, exit_zone, entry_zone, votes = (np.array(column) for column in zip(*found, strict=True))
        routes = routes.counted(number, exit_zone, entry_zone, votes)
    nothing = np.zeros(0)
    likelihoods = Likelihoods(
        fit_log_ratio(nothing, nothing, (SAME_COSINE, OTHER_COSINE), COSINES, True),
        fit_log_ratio(nothing, nothing, (SAME_SIZE, OTHER_SIZE), SIZES, False),
        _label_class(table, np.zeros((len(LABELS), len(LABELS)))),
        USUAL_GAP_S,
        USUAL_DEVIATION,
    )
    nothing = np.zeros(len(trusted))
    return CameraNetwork(table.cameras, zones, transitions, routes, likelihoods, trusted, nothing, nothing, given)


def _drawn_modes(table: TrackletTable, zones: Zones, given: GivenWays, trusted: Mask) -> list[DelayMode]:
    """A mode for every exit and entry zone that a way which somebody drew leads between, where clocks agree."""
    modes: list[DelayMode] = []
    for way in np.flatnonzero(trusted[given.source] & trusted[given.target]).tolist():
        out = (table.camera == given.source[way]) & inside(given.left_by[way], table.exit_xy, MARGIN)
        into = (table.camera == given.target[way]) & inside(given.entered_by[way], table.entry_xy, MARGIN)
        low, high = float(given.low_s[way]), float(given.high_s[way])
        modes += [
            DelayMode(exit_, entry, (low + high) / 2, (high - low) / 2, DRAWN_VOTES, np.inf)
            for exit_ in np.unique(zones.exit[out]).tolist()
            for entry in np.unique(zones.entry[into]).tolist()
        ]
    return modes


def initial_transitions(
    modes: Sequence[DelayMode], zones: Zones, cameras: int
) -> tuple[Transitions, Sequence[Sequence[DelayMode]]]:
    """Transitions out of modes, those between the same cameras at about the same delay in one; then each camera to
    itself."""
    groups: list[list[DelayMode]] = []
    for mode in sorted(modes, key=lambda m: (*_cameras(m, zones), m.centre_s)):
        last = groups[-1] if groups else []
        together = bool(last) and _cameras(last[0], zones) == _cameras(mode, zones)
        if together and _first_gate(mode)[0] <= max(_first_gate(m)[1] for m in last):
            last.append(mode)
        else:
            groups.append([mode])
    ends = [_cameras(group[0], zones) for group in groups] + [(c, c) for c in range(cameras)]
    low = [min(_first_gate(m)[0] for m in group) for group in groups] + [0.0] * cameras
    high = [max(_first_gate(m)[1] for m in group) for group in groups] + [GAP_S] * cameras
    count = [sum(m.votes for m in group) for group in groups] + [1.0] * cameras
    density = [_first_density(group, a, b) for group, a, b in zip(groups, low, high, strict=False)]
    density += [np.full(GRID, 1.0 / GAP_S)] * cameras
    source, target = np.array(ends, np.int64).reshape(-1, 2).T
    grid = np.array(density).reshape(-1, GRID)
    unknown = np.zeros(len(count))
    return Transitions(
        source, target, np.array(low), np.array(high), grid, np.array(count, np.float64), unknown
    ), groups


def _cameras(mode: DelayMode, zones: Zones) -> tuple[int, int]:
    return int(zones.exit_camera[mode.exit]), int(zones.entry_camera[mode.entry])


def _first_gate(mode: DelayMode) -> tuple[float, float]:
    (early, late), (early_s, late_s) = FIRST_GATE_WIDTHS, FIRST_GATE_S
    return mode.centre_s - early * mode.width_s - early_s, mode.centre_s + late * mode.width_s + late_s


def _first_density(group: Sequence[DelayMode], low: float, high: float) -> Double:
    """Gaussians about the modes, and an even part."""
    step = (high - low) / GRID
    centres = low + step * (np.arange(GRID) + 0.5)
    curve = sum(m.votes * np.exp(-0.5 * ((centres - m.centre_s) / (m.width_s / 2 + 1)) ** 2) for m in group)
    even = FIRST_OUTLIER_FRACTION / (high - low)
    return np.asarray((1 - FIRST_OUTLIER_FRACTION) * curve / (np.sum(curve) * step) + even)


def _ends(zones: Zones) -> tuple[Double, Double]:
    """Tracklets that leave by each exit zone and enter by each entry zone."""
    leaving = np.bincount(zones.exit, minlength=len(zones.exit_camera))
    entering = np.bincount(zones.entry, minlength=len(zones.entry_camera))
    return leaving.astype(np.float64), entering.astype(np.float64)


def rescaled(network: CameraNetwork, tracklets: int) -> CameraNetwork:
    """A network from another run, its counts scaled to this run's number of tracklets and its zones counted anew."""
    routes = network.routes
    ratio = tracklets / max(float(routes.leaving.sum()), 1.0)
    leaving, entering = _ends(network.zones)
    return replace(
        network,
        transitions=replace(network.transitions, count=network.transitions.count * ratio),
        routes=replace(routes, count=routes.count * ratio, leaving=leaving, entering=entering),
    )


def _recorded_s(table: TrackletTable) -> Double:
    """Seconds (C,) between each camera's first and last tracklet, at least one."""
    first, last = np.full(len(table.cameras), np.inf), np.full(len(table.cameras), -np.inf)
    np.minimum.at(first, table.camera, table.start_s)
    np.maximum.at(last, table.camera, table.end_s)
    return np.where(np.isfinite(first), np.maximum(last - first, 1.0), 1.0)


def update(
    network: CameraNetwork, table: TrackletTable, pairs: Candidates, score: Double, sizes: Double, probability: Double
) -> CameraNetwork:
    """The network that fits the links' probabilities (P,) best; ``score``: cosines (P,), ``sizes``: residuals (T,)."""
    return replace(
        network,
        transitions=_fit_transitions(network.transitions, pairs, probability),
        routes=_fit_routes(network, table, pairs, probability),
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


def _fit_routes(network: CameraNetwork, table: TrackletTable, pairs: Candidates, probability: Double) -> Routes:
    zones = network.zones
    fresh = np.clip(1.0 - np.bincount(pairs.target, probability, len(table)), 0.0, 1.0)
    arrived = np.bincount(zones.entry, fresh, len(zones.entry_camera)) + 0.5
    routes = replace(network.routes, arrival_rate=arrived / _recorded_s(table)[zones.entry_camera])
    return routes.counted(pairs.transition, zones.exit[pairs.source], zones.entry[pairs.target], probability)


def _fit_likelihoods(
    network: CameraNetwork, table: TrackletTable, pairs: Candidates, score: Double, sizes: Double, probability: Double
) -> Likelihoods:
    a, b = pairs.source, pairs.target
    # appearance, size, class
    appearance = fit_log_ratio(score, probability, (SAME_COSINE, OTHER_COSINE), COSINES, True)
    size = fit_log_ratio(np.abs(sizes[a] - sizes[b]), probability, (SAME_SIZE, OTHER_SIZE), SIZES, False)
    joint = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(joint, (table.label[a], table.label[b]), probability)
    # fragments: mean gap and deviation, each shrunk to its prior
    rows = np.flatnonzero(network.transitions.is_self[pairs.transition])
    weight = probability[rows]
    total = weight.sum() + FRAGMENT_WEIGHT
    gap = float(weight @ pairs.seconds[rows]) + FRAGMENT_WEIGHT * USUAL_GAP_S
    square = (position_residual(table, a[rows], b[rows]) ** 2).sum(axis=1)
    variance = float(weight @ square) / 2 + FRAGMENT_WEIGHT * USUAL_DEVIATION**2
    label_class = _label_class(table, joint)
    return Likelihoods(appearance, size, label_class, float(gap / total), float(np.sqrt(variance / total)))


def _label_class(table: TrackletTable, joint: Double) -> Double:
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
