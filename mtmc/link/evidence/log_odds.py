"""What speaks for and against each candidate pair, as log-likelihood ratios that add up to the log-odds of the link.

Shape shorthand: T tracklets, P candidate pairs, D feature size.
"""

from __future__ import annotations

import numpy as np

from mtmc.link.evidence.candidates import GAP_S, Candidates, drift
from mtmc.link.model.camera_network import CameraNetwork
from mtmc.link.model.entry_exit_zones import PortMap, Ports
from mtmc.structures import Double, Float, Long, TrackletTable

BLOCK = 65_536


def cosine(features: Float, a: Long, b: Long) -> Double:
    """Cosines (P,) of feature rows, NaN where one has no feature; in blocks, so memory stays bounded."""
    result = np.empty(len(a))
    for begin in range(0, len(a), BLOCK):
        rows = slice(begin, begin + BLOCK)
        result[rows] = np.einsum("pd,pd->p", features[a[rows]], features[b[rows]])
    blank = np.abs(features).sum(axis=1) == 0
    return np.where(blank[a] | blank[b], np.nan, result)


def unusual_size(table: TrackletTable, ports: PortMap) -> Double:
    """log size (T,) against the usual of the same camera, entry and exit: what is left is the vehicle's own size."""
    size = np.log(np.maximum(table.size.astype(np.float64), 1e-4))
    way = ports.entry * (int(ports.exit.max(initial=0)) + 1) + ports.exit
    for group, least in ((table.camera.astype(np.int64), 1), (way, 6)):
        size = size - _medians(size, group, least)
    return size


def _medians(values: Double, group: Long, least: int) -> Double:
    """Median of each value's group (T,), 0 for groups of fewer than ``least``."""
    order = np.lexsort((values, group))
    _, first, inverse, count = np.unique(group[order], return_index=True, return_inverse=True, return_counts=True)
    ordered = values[order]
    middle = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
    result = np.empty(len(values))
    result[order] = np.where(count >= least, middle, 0.0)[inverse]
    return result


def weigh(
    network: CameraNetwork,
    table: TrackletTable,
    pairs: Candidates,
    score: Double,
    sizes: Double,
    ground: Double,
    own: Double,
) -> dict[str, Double]:
    """Evidence (P,) of each kind; the sum is the log-odds of the link against both ends staying free.

    ``score``: cosines; ``ground``: evidence of calibrated places, which needs no learning; ``own``: the probabilities from which
    ``network`` was learned (zeros if from other data), so that no pair speaks for itself.
    """
    ports, meaning, travel = network.ports, network.meaning, network.travel
    a, b = pairs.source, pairs.target
    pieces = travel.source[pairs.link] == travel.target[pairs.link]
    time = np.where(pieces, _gap(pairs.seconds, meaning.gap_s), travel.log_density(pairs.link, pairs.seconds, own))
    return {
        "appearance": meaning.appearance(score),
        "time": time,
        "path": network.paths.log_odds(travel, ports, pairs.link, ports.exit[a], ports.entry[b], own),
        "size": meaning.size(np.abs(sizes[a] - sizes[b])),
        "kind": meaning.kind[table.label[a], table.label[b]],
        "place": _place(table, ports, a, b, pieces, meaning.drift),
        "ground": ground,
    }


def _gap(seconds: Double, mean: float) -> Double:
    """Evidence of a gap within one passage: exponential against any time up to the longest gap."""
    return np.asarray(np.log(GAP_S / mean) - np.maximum(seconds, 0.0) / mean)


def _place(table: TrackletTable, ports: PortMap, a: Long, b: Long, pieces: Long, deviation: float) -> Double:
    """Pieces of one passage: where the second begins, against where entries by its port usually begin; 0 for other pairs."""
    evidence = np.zeros(len(a))
    rows = np.flatnonzero(pieces)
    off = (drift(table, a[rows], b[rows]) ** 2).sum(axis=1)
    straight = -np.log(2 * np.pi * deviation**2) - off / (2 * deviation**2)
    evidence[rows] = straight - _usual(table, ports, b[rows])
    return np.clip(evidence, -20.0, 20.0)


def _usual(table: TrackletTable, ports: PortMap, rows: Long) -> Double:
    """log density of an entry's place given its port: a bell about the port's centre, even over the image for "elsewhere"."""
    local = (
        ports.entry[rows] - np.concatenate([[0], np.cumsum([len(p) + 1 for p in ports.entries])])[table.camera[rows]]
    )
    result = np.zeros(len(rows))
    for camera in np.unique(table.camera[rows]):
        at = np.flatnonzero(table.camera[rows] == camera)
        result[at] = _bell(ports.entries[camera], local[at], table.entry_xy[rows[at]])
    return result


def _bell(ports: Ports, local: Long, places: Float) -> Double:
    known = local < len(ports)
    result = np.zeros(len(local))
    k = local[known]
    off = ((places[known] - ports.centre[k, :2]) ** 2).sum(axis=1)
    result[known] = -np.log(2 * np.pi * ports.spread[k] ** 2) - off / (2 * ports.spread[k] ** 2)
    return np.maximum(result, -8.0)
