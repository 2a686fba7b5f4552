"""What speaks for and against each candidate pair, as log-likelihood ratios that add up to the log-odds of the link.

Shape shorthand: T tracklets, P candidate pairs, D feature size.
"""

from __future__ import annotations

import numpy as np

from mtmc.link.evidence.candidates import GAP_S, Candidates, position_residual
from mtmc.link.evidence.sizes import Sizes
from mtmc.link.model.camera_network import CameraNetwork, Likelihoods
from mtmc.link.model.entry_exit_zones import CameraZones, Zones
from mtmc.structures import Double, Float, Long, Mask, TrackletTable

BLOCK = 65_536
"""Pairs compared at once: bounds the memory of their features."""
# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
MOST_APART = 0.6
"""Difference of log size up to which two fragments may be of one vehicle: nearly twice as large, four times what their
boxes vary."""
MOST_PLACE_EVIDENCE = 20.0
"""Bound of a place's evidence (natural log): far tails of a Gaussian are not to be believed."""
LEAST_LOG_DENSITY = -1.0
"""Bound of the log density of an entry's place given its zone: one in twenty lies anywhere in its reach. (At -8 whoever
entered where no one did before was a fragment.)"""


def cosine(features: Float, a: Long, b: Long) -> Double:
    """Cosines (P,) of feature rows, NaN where one has no feature; in blocks, so memory stays bounded."""
    result = np.empty(len(a))
    for begin in range(0, len(a), BLOCK):
        rows = slice(begin, begin + BLOCK)
        result[rows] = np.einsum("pd,pd->p", features[a[rows]], features[b[rows]])
    blank = np.abs(features).sum(axis=1) == 0
    return np.where(blank[a] | blank[b], np.nan, result)


def evidence_of(
    network: CameraNetwork, table: TrackletTable, pairs: Candidates, score: Double, sizes: Sizes, ground: Double,
    self_count: Double,
) -> dict[str, Double]:  # fmt: skip
    """Evidence (P,) of each kind, under its column in links.parquet; the sum is the log-odds of the link against both
    ends staying free.

    ``score``: cosines; ``ground``: evidence of calibrated places, which needs no learning; ``self_count``: the
    probabilities from which ``network`` was learned (zeros if from other data), so that no pair speaks for itself.
    """
    zones, likelihoods, transitions = network.zones, network.likelihoods, network.transitions
    a, b, transition = pairs.source, pairs.target, pairs.transition
    fragments = transitions.is_self[transition]
    travel_time = transitions.log_density(transition, pairs.seconds, self_count)
    exit_zone, entry_zone = zones.exit[a], zones.entry[b]
    return {
        "appearance": likelihoods.appearance(score),
        "time": np.where(fragments, _log_gap(pairs.seconds, likelihoods.gap_s), travel_time),
        "path": network.routes.log_odds(transitions, zones, transition, exit_zone, entry_zone, self_count)
        + _given(network, table, pairs, self_count),
        "size": _size(table, likelihoods, sizes, a, b, fragments),
        "kind": likelihoods.label_class[table.label[a], table.label[b]],
        "place": _place(table, zones, a, b, fragments, likelihoods.position_deviation),
        "ground": ground,
    }


def _size(table: TrackletTable, likelihoods: Likelihoods, sizes: Sizes, a: Long, b: Long, fragments: Mask) -> Double:
    """Evidence (P,) of the sizes of vehicles. As far as nobody knows what is usual, sizes that are far apart speak
    against fragments all the same: they are of one camera, and one begins where the other ended."""
    evidence = sizes.evidence(likelihoods.size, a, b)
    rows = np.flatnonzero(fragments)
    apart = np.abs(np.diff(np.log(np.maximum(table.size[[a[rows], b[rows]]], 1e-4)), axis=0)[0])
    trust = sizes.differences(a[rows], b[rows])[1]
    against = np.where(apart > MOST_APART, np.minimum(likelihoods.size(apart), 0.0), 0.0)
    evidence[rows] = np.minimum(evidence[rows], (1.0 - trust) * against)
    return evidence


def _given(network: CameraNetwork, table: TrackletTable, pairs: Candidates, self_count: Double) -> Double:
    """Evidence of the ways that somebody drew, where clocks agree."""
    if len(network.given) == 0:
        return np.zeros(len(pairs))
    cameras = table.camera[pairs.source], table.camera[pairs.target]
    ends = table.exit_xy[pairs.source], table.entry_xy[pairs.target]
    count = network.transitions.count[pairs.transition] - self_count
    evidence = network.given.evidence(cameras, *ends, pairs.seconds, count)
    return np.where(network.agree(*cameras), evidence, 0.0)


def _log_gap(seconds: Double, mean: float) -> Double:
    """Evidence of a gap within one traversal: exponential against any time up to the longest gap."""
    return np.asarray(np.log(GAP_S / mean) - np.maximum(seconds, 0.0) / mean)


def _place(table: TrackletTable, zones: Zones, a: Long, b: Long, fragments: Mask, deviation: float) -> Double:
    """Fragments of one traversal: where the second begins, against where entries by its zone usually begin; 0 for other
    pairs."""
    evidence = np.zeros(len(a))
    rows = np.flatnonzero(fragments)
    off = (position_residual(table, a[rows], b[rows]) ** 2).sum(axis=1)
    straight = -np.log(2 * np.pi * deviation**2) - off / (2 * deviation**2)
    evidence[rows] = straight - _log_entry_density(table, zones, b[rows])
    return np.clip(evidence, -MOST_PLACE_EVIDENCE, MOST_PLACE_EVIDENCE)


def _log_entry_density(table: TrackletTable, zones: Zones, rows: Long) -> Double:
    """log density of an entry's place given its zone: a Gaussian about the zone's centre, even over the image for
    "elsewhere"."""
    number = zones.entry[rows] - zones.entry_offsets[table.camera[rows]]
    result = np.zeros(len(rows))
    for camera in np.unique(table.camera[rows]):
        at = np.flatnonzero(table.camera[rows] == camera)
        result[at] = _log_gaussian(zones.entries[camera], number[at], table.entry_xy[rows[at]])
    return result


def _log_gaussian(zones: CameraZones, number: Long, places: Float) -> Double:
    known = number < len(zones)
    result = np.zeros(len(number))
    k = number[known]
    off = ((places[known] - zones.centre[k, :2]) ** 2).sum(axis=1)
    result[known] = -np.log(2 * np.pi * zones.deviation[k] ** 2) - off / (2 * zones.deviation[k] ** 2)
    return np.maximum(result, LEAST_LOG_DENSITY)
