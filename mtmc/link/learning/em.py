"""The steps of learning in their order: ports, peaks, then links and what they mean in turn, then clocks.

Shape shorthand: T tracklets, C cameras, P candidate pairs; ``paths`` (T, K, 2) on the ground, NaN without calibration or a sure clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtmc.link.evidence.appearance import noise_whitener, turned
from mtmc.link.evidence.belief_propagation import link_probabilities
from mtmc.link.evidence.candidates import Candidates, Timetable, candidates
from mtmc.link.evidence.ground_overlap import on_the_ground
from mtmc.link.evidence.log_odds import cosine, unusual_size, weigh
from mtmc.link.learning.clock_offsets import Clocks, solve_clocks
from mtmc.link.learning.clock_steps import Jump, find_jump, mended
from mtmc.link.learning.m_step import first_network, regate, scaled, update
from mtmc.link.learning.transitions import discover, port_pairs
from mtmc.link.model.camera_network import CameraNetwork, Limits
from mtmc.link.model.entry_exit_zones import PortMap, map_ports
from mtmc.structures import Double, Float, Long, TrackletTable

ROUNDS = 8
NARROWED = (2, 4)
"""Rounds after which gates are narrowed and features made quieter: once links are good enough, and once more when they are better."""
MOST_JUMPS = 3
GOOD_CLOCK_S = 6.0
"""A clock known better than this is as good as given when links are looked for again."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A network with the last candidates it was learned from: features (T, D) as finally used, after ``whiteners``; ``jumps`` of clocks that were put back; evidence (P,) by kind, cosine and
    probability (P,). ``table`` is on the network's common time."""

    network: CameraNetwork
    table: TrackletTable
    features: Float
    whiteners: tuple[Float, ...]
    pairs: Candidates
    evidence: dict[str, Double]
    cosine: Double
    probability: Double
    jumps: tuple[Jump, ...] = ()


def learn(
    table: TrackletTable, features: Float, paths: Double, clock_known: NDArray[np.bool_], limits: Limits
) -> Learned:
    """Learn the network from unlabelled tracklets in canonical order and their features (T, D) without camera bias.

    Where a clock has jumped in the middle, it is put back and all is learned once more.
    """
    jumps: tuple[Jump, ...] = ()
    while True:
        learned = _learn_clocks(mended(table, jumps), features, paths, clock_known, limits)
        jump = find_jump(learned.table, learned.network.travel, learned.pairs, learned.probability, clock_known)
        if jump is None or len(jumps) == MOST_JUMPS:
            return replace(learned, jumps=jumps)
        own = jump.at_s + float(learned.network.clock_ahead_s[jump.camera])
        jumps = (*jumps, replace(jump, at_s=own))


def _learn_clocks(
    table: TrackletTable, features: Float, paths: Double, clock_known: NDArray[np.bool_], limits: Limits
) -> Learned:
    """With unknown clocks this learns twice: roughly, with wide gates, to find the clocks; then on corrected times."""
    ports, trusted = map_ports(table), clock_known.copy()
    ahead = np.zeros(len(clock_known))
    whiteners: tuple[Float, ...] = ()
    if not clock_known.all() and len(clock_known) > 1:
        rough = _learn(table, features, paths, ports, trusted, limits, rounds=5)
        clocks = _clocks(rough, clock_known)
        ahead, features, whiteners = clocks.ahead_s, rough.features, rough.whiteners
        trusted = _trusted(clocks.error_s, clocks.group)
        table = on_common_time(table, ahead)
    fine = _learn(table, features, paths, ports, trusted, limits, rounds=ROUNDS)
    clocks = _clocks(fine, clock_known)
    travel = fine.network.travel.by_clocks(clocks.ahead_s)
    network = replace(fine.network, travel=travel, clock_ahead_s=ahead + clocks.ahead_s, clock_error_s=clocks.error_s)
    return replace(fine, network=network, whiteners=(*whiteners, *fine.whiteners))


def _clocks(learned: Learned, known: NDArray[np.bool_]) -> Clocks:
    return solve_clocks(learned.network.travel, learned.pairs, learned.probability, known)


def _trusted(error_s: Double, group: Long) -> NDArray[np.bool_]:
    """The largest group of cameras whose clocks are tied together well."""
    good = error_s < GOOD_CLOCK_S
    if not good.any():
        return good
    return np.asarray(good & (group == np.bincount(group[good]).argmax()))


def on_common_time(table: TrackletTable, ahead_s: Double) -> TrackletTable:
    """The table with every camera's clock put right."""
    late = ahead_s[table.camera]
    return replace(table, start_s=table.start_s - late, end_s=table.end_s - late)


def relearn(table: TrackletTable, features: Float, paths: Double, known: CameraNetwork) -> Learned:
    """Adapt a network learned before to a new run of the same cameras: its ports, links, travel times and clocks are where to start."""
    table = on_common_time(table, known.clock_ahead_s)
    ports = map_ports(table, (known.ports.entries, known.ports.exits))
    return _rounds(scaled(replace(known, ports=ports), len(table)), table, features, paths, rounds=4)


def apply(network: CameraNetwork, table: TrackletTable, features: Float, paths: Double) -> Learned:
    """The candidates of other tracklets under a network as it is; ``table`` on its common time, features whitened."""
    ports = map_ports(table, (network.ports.entries, network.ports.exits))
    return _rounds(replace(network, ports=ports), table, features, paths, rounds=1)


def _learn(
    table: TrackletTable, features: Float, paths: Double, ports: PortMap, trusted: NDArray[np.bool_], limits: Limits,
    rounds: int,
) -> Learned:  # fmt: skip
    peaks = discover(table, features, ports, port_pairs(table, features, ports, trusted, limits), trusted, limits)
    nothing = np.zeros(len(table.cameras))
    return _rounds(first_network(table, ports, peaks, trusted, nothing), table, features, paths, rounds)


def _rounds(network: CameraNetwork, table: TrackletTable, features: Float, paths: Double, rounds: int) -> Learned:
    timetable, sizes = Timetable(table), unusual_size(table, network.ports)
    pairs = candidates(table, timetable, network)
    score = cosine(features, pairs.source, pairs.target)
    ground = on_the_ground(table, paths, pairs.source, pairs.target)
    probability = np.zeros(len(pairs))
    whiteners: tuple[Float, ...] = ()
    for number in range(rounds):
        evidence = weigh(network, table, pairs, score, sizes, ground, probability)
        probability = link_probabilities(len(table), pairs.source, pairs.target, log_odds(evidence))
        if number == rounds - 1:
            break
        network = update(network, table, pairs, score, sizes, probability)
        if number in NARROWED:
            whitener = noise_whitener(features, pairs.source, pairs.target, probability)
            if whitener is not None:
                features, whiteners = turned(features, whitener), (*whiteners, whitener)
            network = regate(network)
            before, pairs = pairs, candidates(table, timetable, network)
            probability = _carried(len(table), before, probability, pairs)
            score = cosine(features, pairs.source, pairs.target)
            ground = on_the_ground(table, paths, pairs.source, pairs.target)
    return Learned(network, table, features, whiteners, pairs, evidence, score, probability)


def log_odds(evidence: dict[str, Double]) -> Double:
    """Summed evidence (P,)."""
    return np.asarray(np.sum(list(evidence.values()), axis=0))


def _carried(count: int, before: Candidates, probability: Double, pairs: Candidates) -> Double:
    """Probabilities (P,) of the pairs before, for the pairs now; 0 for new ones."""
    if len(before) == 0:
        return np.zeros(len(pairs))
    old, new = (p.source * count + p.target for p in (before, pairs))
    at = np.minimum(np.searchsorted(old, new), len(old) - 1)
    return np.where(old[at] == new, probability[at], 0.0)
