"""Learning the network: expectation (probabilities of links) and maximization (densities, paths, meanings) in turn.

Shape shorthand: as in ``network``; P candidate pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mtmc.link.evidence.candidates import GAP_S, Candidates, drift
from mtmc.link.learning.transitions import Peak
from mtmc.link.model.camera_network import GRID, PRIOR_FLOW, STRAY, CameraNetwork, Meaning, Paths, Travel
from mtmc.link.model.densities import Bell, learn_ratio
from mtmc.link.model.entry_exit_zones import PortMap
from mtmc.structures import LABELS, Double, Long, TrackletTable

SAME_LOOK, OTHER_LOOK = Bell(0.55, 0.2, 4.0), Bell(0.05, 0.2, 4.0)
SAME_SIZE, OTHER_SIZE = Bell(0.0, 0.15, 8.0), Bell(0.0, 0.35, 8.0)
LOOKS, SIZES = (-1.0, 1.0), (0.0, 1.5)
KIND_WEIGHT = 20.0
KIND_AGREES = 0.8
PIECES_WEIGHT = 10.0
USUAL_GAP_S, USUAL_DRIFT = 0.8, 0.05
LEAST_FLOW = 1.0
EARLY, LATE = 0.15, 0.4
"""Margins of a narrowed gate, as shares of its width: some wait much longer than most."""


def first_travel(peaks: Sequence[Peak], ports: PortMap, cameras: int) -> tuple[Travel, Sequence[Sequence[Peak]]]:
    """Links out of peaks, those between the same cameras at about the same time in one; then each camera to itself."""
    groups: list[list[Peak]] = []
    for peak in sorted(peaks, key=lambda p: (*_cameras(p, ports), p.centre_s)):
        last = groups[-1][-1] if groups else None
        together = last is not None and _cameras(last, ports) == _cameras(peak, ports)
        if last is not None and together and _gate(peak)[0] <= max(_gate(p)[1] for p in groups[-1]):
            groups[-1].append(peak)
        else:
            groups.append([peak])
    ends = [_cameras(group[0], ports) for group in groups] + [(c, c) for c in range(cameras)]
    low = [min(_gate(p)[0] for p in group) for group in groups] + [0.0] * cameras
    high = [max(_gate(p)[1] for p in group) for group in groups] + [GAP_S] * cameras
    flow = [sum(p.votes for p in group) for group in groups] + [1.0] * cameras
    density = [_first_density(group, a, b) for group, a, b in zip(groups, low, high, strict=False)]
    density += [np.full(GRID, 1.0 / GAP_S)] * cameras
    source, target = np.array(ends, np.int64).reshape(-1, 2).T
    travel = Travel(
        source, target, np.array(low), np.array(high), np.array(density).reshape(-1, GRID),
        np.array(flow, np.float64), np.zeros(len(flow)),
    )  # fmt: skip
    return travel, groups


def _cameras(peak: Peak, ports: PortMap) -> tuple[int, int]:
    return int(ports.exit_camera[peak.exit]), int(ports.entry_camera[peak.entry])


def _gate(peak: Peak) -> tuple[float, float]:
    """Generous at first, more so to the late side: waiting is more usual than flying."""
    return peak.centre_s - 1.5 * peak.width_s - 5.0, peak.centre_s + 2.0 * peak.width_s + 15.0


def _first_density(group: Sequence[Peak], low: float, high: float) -> Double:
    step = (high - low) / GRID
    centres = low + step * (np.arange(GRID) + 0.5)
    curve = sum(p.votes * np.exp(-0.5 * ((centres - p.centre_s) / (p.width_s / 2 + 1)) ** 2) for p in group)
    return np.asarray(0.7 * curve / (np.sum(curve) * step) + 0.3 / (high - low))


def first_network(
    table: TrackletTable, ports: PortMap, peaks: Sequence[Peak], trusted: NDArray[np.bool_], clock_ahead_s: Double
) -> CameraNetwork:
    """A network that knows its links from the peaks, and nothing else but prior belief."""
    travel, groups = first_travel(peaks, ports, len(table.cameras))
    leaving = np.bincount(ports.exit, minlength=len(ports.exit_camera)).astype(np.float64)
    entering = np.bincount(ports.entry, minlength=len(ports.entry_camera)).astype(np.float64)
    span = _recorded_s(table)[ports.entry_camera]
    paths = Paths(np.zeros(0, np.int64), np.zeros(0), leaving, entering, (0.5 * entering + 0.5) / span)
    found = [(link, p.exit, p.entry, p.votes) for link, group in enumerate(groups) for p in group]
    if found:
        link, exit_, entry, votes = (np.array(column) for column in zip(*found, strict=True))
        paths = _counted(paths, paths.number(link, exit_, entry), votes)
    nothing = np.zeros(0)
    meaning = Meaning(
        learn_ratio(nothing, nothing, (SAME_LOOK, OTHER_LOOK), LOOKS, True),
        learn_ratio(nothing, nothing, (SAME_SIZE, OTHER_SIZE), SIZES, False),
        _kinds(table, np.zeros((len(LABELS), len(LABELS)))),
        USUAL_GAP_S,
        USUAL_DRIFT,
    )
    return CameraNetwork(table.cameras, ports, travel, paths, meaning, trusted, clock_ahead_s, np.zeros(len(trusted)))


def scaled(network: CameraNetwork, tracklets: int) -> CameraNetwork:
    """A network from another run, its counts scaled to this run's number of tracklets and its ports counted anew."""
    ports, paths = network.ports, network.paths
    ratio = tracklets / max(float(paths.leaving.sum()), 1.0)
    leaving, entering = (
        np.bincount(number, minlength=len(owner)).astype(np.float64)
        for number, owner in ((ports.exit, ports.exit_camera), (ports.entry, ports.entry_camera))
    )
    return replace(
        network,
        travel=replace(network.travel, flow=network.travel.flow * ratio),
        paths=replace(paths, count=paths.count * ratio, leaving=leaving, entering=entering),
    )


def _recorded_s(table: TrackletTable) -> Double:
    """Seconds (C,) between each camera's first and last tracklet, at least one."""
    first, last = np.full(len(table.cameras), np.inf), np.full(len(table.cameras), -np.inf)
    np.minimum.at(first, table.camera, table.start_s)
    np.maximum.at(last, table.camera, table.end_s)
    return np.where(np.isfinite(first), np.maximum(last - first, 1.0), 1.0)


def _counted(paths: Paths, number: Long, weight: Double) -> Paths:
    key, inverse = np.unique(number, return_inverse=True)
    return replace(paths, key=key, count=np.bincount(inverse, weight).astype(np.float64))


def update(
    network: CameraNetwork, table: TrackletTable, pairs: Candidates, score: Double, sizes: Double, probability: Double
) -> CameraNetwork:
    """The network that fits the links' probabilities (P,) best."""
    return replace(
        network,
        travel=_travel(network.travel, pairs, probability),
        paths=_paths(network, table, pairs, probability),
        meaning=_meaning(network, table, pairs, score, sizes, probability),
    )


def _travel(travel: Travel, pairs: Candidates, probability: Double) -> Travel:
    flow = np.bincount(pairs.link, probability, len(travel)).astype(np.float64)
    step = (travel.high_s - travel.low_s) / GRID
    bins = np.clip((pairs.seconds - travel.low_s[pairs.link]) / step[pairs.link], 0, GRID - 1).astype(np.int64)
    histogram = np.bincount(pairs.link * GRID + bins, probability, len(travel) * GRID).reshape(-1, GRID)
    blended = histogram + PRIOR_FLOW * travel.density * step[:, None]
    width = _bandwidths(blended, flow)
    curves = [gaussian_filter1d(b, w, mode="nearest") for b, w in zip(blended, width, strict=True)]
    density = np.array(curves).reshape(-1, GRID)
    density /= density.sum(axis=1, keepdims=True) * step[:, None]
    density = (1 - STRAY) * density + STRAY / (GRID * step)[:, None]
    height = (1 - STRAY) / (np.sqrt(2 * np.pi) * width * step)
    return replace(travel, density=density, flow=flow, height=height)


def _bandwidths(blended: Double, flow: Double) -> Double:
    """Width (L,) of the smoothing kernel in bins, by the interquartile range and the number of vehicles."""
    cumulated = np.cumsum(blended, axis=1) / blended.sum(axis=1, keepdims=True)
    quartiles = (cumulated < 0.75).sum(axis=1) - (cumulated < 0.25).sum(axis=1)
    return np.asarray(np.maximum(0.8 * quartiles / 1.35 * np.maximum(flow, 1.0) ** -0.2, 0.7))


def _paths(network: CameraNetwork, table: TrackletTable, pairs: Candidates, probability: Double) -> Paths:
    ports, paths = network.ports, network.paths
    number = paths.number(pairs.link, ports.exit[pairs.source], ports.entry[pairs.target])
    fresh = 1.0 - np.bincount(pairs.target, probability, len(table))
    born = np.bincount(ports.entry, np.clip(fresh, 0.0, 1.0), len(ports.entry_camera))
    unborn = (born + 0.5) / _recorded_s(table)[ports.entry_camera]
    return _counted(replace(paths, unborn=unborn), number, probability)


def _meaning(
    network: CameraNetwork, table: TrackletTable, pairs: Candidates, score: Double, sizes: Double, probability: Double
) -> Meaning:
    a, b = pairs.source, pairs.target
    seen = ~np.isnan(score)
    look = learn_ratio(score[seen], probability[seen], (SAME_LOOK, OTHER_LOOK), LOOKS, True)
    size = learn_ratio(np.abs(sizes[a] - sizes[b]), probability, (SAME_SIZE, OTHER_SIZE), SIZES, False)
    joint = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(joint, (table.label[a], table.label[b]), probability)
    pieces = np.flatnonzero(network.travel.source[pairs.link] == network.travel.target[pairs.link])
    weight = probability[pieces]
    total = weight.sum() + PIECES_WEIGHT
    gap = float(weight @ pairs.seconds[pieces]) + PIECES_WEIGHT * USUAL_GAP_S
    off = float(weight @ (drift(table, a[pieces], b[pieces]) ** 2).sum(axis=1)) / 2 + PIECES_WEIGHT * USUAL_DRIFT**2
    return Meaning(look, size, _kinds(table, joint), float(gap / total), float(np.sqrt(off / total)))


def _kinds(table: TrackletTable, joint: Double) -> Double:
    """Evidence (labels, labels) of a pair of labels: how often one vehicle gets both, against chance."""
    usual = np.bincount(table.label, minlength=len(LABELS)) + 0.5
    usual = usual / usual.sum()
    prior = KIND_AGREES * np.diag(usual) + (1 - KIND_AGREES) * np.outer(usual, usual)
    both = joint + joint.T
    same = (both + 2 * KIND_WEIGHT * prior) / (both.sum() + 2 * KIND_WEIGHT)
    return np.asarray(np.log(same) - np.log(np.outer(usual, usual)))


def regate(network: CameraNetwork) -> CameraNetwork:
    """Narrow each gate to where its density is above the outlier part, with a margin; drop links that nobody uses."""
    travel = network.travel
    used = np.flatnonzero((travel.flow >= LEAST_FLOW) | (travel.source == travel.target))
    kept = travel.take(used)
    low, high, density = kept.low_s.copy(), kept.high_s.copy(), kept.density.copy()
    for link in np.flatnonzero(kept.source != kept.target):
        low[link], high[link], density[link] = _narrowed(low[link], high[link], density[link])
    kept = replace(kept, low_s=low, high_s=high, density=density)
    return replace(network, travel=kept, paths=_renumbered(network.paths, used, len(travel)))


def _renumbered(paths: Paths, used: Long, count: int) -> Paths:
    """Paths of the links ``used`` out of ``count``, under their new numbers."""
    number = np.full(count, -1, np.int64)
    number[used] = np.arange(len(used))
    block = len(paths.leaving) * len(paths.entering)
    link = number[paths.key // block]
    rows = link >= 0
    return replace(paths, key=link[rows] * block + paths.key[rows] % block, count=paths.count[rows])


def _narrowed(low: float, high: float, density: Double) -> tuple[float, float, Double]:
    step = (high - low) / GRID
    core = np.flatnonzero(density > 2.0 * STRAY / (high - low))
    width = int(core[-1] - core[0]) if len(core) else GRID
    early, late = max(2, int(EARLY * width)), max(2, int(LATE * width))
    first, last = (max(core[0] - early, 0), min(core[-1] + late + 1, GRID)) if len(core) else (0, GRID)
    edges = low + step * np.array([first, last])
    centres = edges[0] + (edges[1] - edges[0]) / GRID * (np.arange(GRID) + 0.5)
    curve = np.interp(centres, low + step * (np.arange(GRID) + 0.5), density)
    return float(edges[0]), float(edges[1]), curve / (curve.sum() * (edges[1] - edges[0]) / GRID)
