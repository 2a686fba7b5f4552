"""The network that learning starts from: delay modes, drawn ways, or a network of before, and prior belief.

Shape shorthand: C cameras, L transitions, G bins of a travel-time density.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mtmc.link.evidence.candidates import GAP_S
from mtmc.link.learning.m_step import (
    COSINES,
    OTHER_COSINE,
    OTHER_SIZE,
    SAME_COSINE,
    SAME_SIZE,
    SIZES,
    USUAL_DEVIATION,
    USUAL_GAP_S,
    label_class_of,
    recorded_s,
)
from mtmc.link.learning.transitions import DelayMode
from mtmc.link.model.camera_network import (
    GRID,
    OUTLIER_FRACTION,
    CameraNetwork,
    Likelihoods,
    Routes,
    Transitions,
)
from mtmc.link.model.densities import fit_log_ratio
from mtmc.link.model.entry_exit_zones import Zones
from mtmc.link.model.given_ways import MARGIN, GivenWays, inside
from mtmc.structures import LABELS, Double, Mask, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
FIRST_GATE_WIDTHS, FIRST_GATE_S = (1.5, 2.0), (5.0, 15.0)
"""First gate before and after a delay mode, in widths of the mode and seconds beside: more to the late side, since
vehicles wait."""
DRAWN_VOTES = 1.0
"""Vehicles that a way which somebody drew is taken to have had at first."""
FIRST_OUTLIER_FRACTION = 0.3
"""Even part of the first travel-time density: a mode says little of its shape yet."""


def initial_network(
    table: TrackletTable, zones: Zones, modes: Sequence[DelayMode], trusted: Mask, given: GivenWays
) -> CameraNetwork:
    """A network that knows its transitions from the delay modes and from ways that somebody drew, and nothing else but
    prior belief."""
    modes = [*modes, *_drawn_modes(table, zones, given, trusted)]
    transitions, groups = initial_transitions(modes, zones, len(table.cameras))
    leaving, entering = _ends(zones)
    span = recorded_s(table)[zones.entry_camera]
    routes = Routes.unused(leaving, entering, (0.5 * entering + 0.5) / span)
    found = [(number, m.exit, m.entry, m.votes) for number, group in enumerate(groups) for m in group]
    if found:
        number, exit_zone, entry_zone, votes = (np.array(column) for column in zip(*found, strict=True))
        routes = routes.counted(number, exit_zone, entry_zone, votes)
    nothing = np.zeros(0)
    likelihoods = Likelihoods(
        fit_log_ratio(nothing, nothing, (SAME_COSINE, OTHER_COSINE), COSINES, True),
        fit_log_ratio(nothing, nothing, (SAME_SIZE, OTHER_SIZE), SIZES, False),
        label_class_of(table, np.zeros((len(LABELS), len(LABELS)))),
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


def adapted(network: CameraNetwork, tracklets: int) -> CameraNetwork:
    """A network from another run, to start from: its counts scaled to this run's number of tracklets, its zones counted
    anew, its gates as wide as those of first modes, for every narrowing leaves a little out."""
    network = network.times(tracklets / max(float(network.routes.leaving.sum()), 1.0))
    leaving, entering = _ends(network.zones)
    every = network.transitions
    low, high, density = every.low_s.copy(), every.high_s.copy(), every.density.copy()
    for k in np.flatnonzero(~every.is_self):
        low[k], high[k], density[k] = _widened(low[k], high[k], density[k])
    return replace(
        network,
        transitions=replace(every, low_s=low, high_s=high, density=density),
        routes=replace(network.routes, leaving=leaving, entering=entering),
    )


def _widened(low: float, high: float, density: Double) -> tuple[float, float, Double]:
    early_s, late_s = FIRST_GATE_S
    centres = low + (high - low) / GRID * (np.arange(GRID) + 0.5)
    low, high = low - early_s, high + late_s
    step = (high - low) / GRID
    curve = np.interp(low + step * (np.arange(GRID) + 0.5), centres, density, left=0.0, right=0.0)
    even = OUTLIER_FRACTION / (high - low)
    return low, high, np.asarray((1 - OUTLIER_FRACTION) * curve / (curve.sum() * step) + even)


def with_modes(network: CameraNetwork, modes: Sequence[DelayMode]) -> CameraNetwork:
    """The network and transitions of those modes that it has none for."""
    zones, every = network.zones, network.transitions
    fresh = [mode for mode in modes if not _covered(mode, every, zones)]
    transitions, groups = initial_transitions(fresh, zones, 0)
    late = len(transitions)
    found = [(number, m.exit, m.entry, m.votes) for number, group in enumerate(groups) for m in group]
    number, exit_zone, entry_zone, votes = np.array(found, np.float64).reshape(-1, 4).T
    routes, ways = network.routes, [column.astype(np.int64) for column in (number, exit_zone, entry_zone)]
    before = routes.transition + late, routes.exit_zone, routes.entry_zone, routes.count
    counted = [np.concatenate(columns) for columns in zip((*ways, votes), before, strict=True)]
    joined = Transitions.joined([transitions, every])
    return replace(network, transitions=joined, routes=routes.counted(*counted))


def _covered(mode: DelayMode, transitions: Transitions, zones: Zones) -> bool:
    source, target = _cameras(mode, zones)
    inside = (transitions.low_s <= mode.centre_s) & (mode.centre_s <= transitions.high_s)
    return bool((inside & (transitions.source == source) & (transitions.target == target)).any())
