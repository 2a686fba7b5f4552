"""Expectation maximisation: the steps of learning in their order.

1. ``assign_zones``, ``zone_pairs``, ``discover``: entry and exit zones, and modes of the delays between them, make a
   first network.
2. E step (``evidence_of``, ``link_marginals``) and M step (``update``) in turn; twice on the way gates are narrowed and
   features whitened by what sure links say.
3. ``solve_clocks``: clock offsets from the travel times of both directions. With unknown clocks 1-3 run twice: roughly,
   with wide gates, to find the clocks; then on corrected times.
4. ``find_clock_step``: a clock that changed in the middle is corrected and all is learned once more.

Shape shorthand: T tracklets, C cameras, P candidate pairs; ``trajectories`` (T, K, 2) on the ground, NaN without
calibration or a sure clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtmc.link.evidence.appearance import Looks
from mtmc.link.evidence.belief_propagation import link_marginals
from mtmc.link.evidence.candidates import Candidates, Timetable, candidates
from mtmc.link.evidence.ground_overlap import ground_evidence
from mtmc.link.evidence.log_odds import cosine, evidence_of
from mtmc.link.evidence.sizes import size_residuals
from mtmc.link.learning.clock_offsets import Clocks, solve_clocks
from mtmc.link.learning.clock_steps import ClockStep, corrected, find_clock_step
from mtmc.link.learning.first_network import adapted, initial_network, with_modes
from mtmc.link.learning.m_step import narrow_gates, update
from mtmc.link.learning.transitions import discover, zone_pairs
from mtmc.link.model.camera_network import CameraNetwork, Limits
from mtmc.link.model.entry_exit_zones import Zones, assign_zones
from mtmc.link.model.given_ways import GivenWays
from mtmc.structures import Double, Float, Long, Mask, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
ROUNDS = 8
ROUGH_ROUNDS = 5
"""E and M steps: to learn, and to find unknown clocks and what varies within one vehicle first."""
NARROWED = (2, 4)
"""Rounds after which gates are narrowed and features whitened: once links are good enough, and once more when they are
better."""
LEAST_DOUBT = 1e-3
"""Doubt that remains of every link."""
MOST_CLOCK_STEPS = 3
"""Changes of clocks that are looked for at most, each with all learning anew."""
GOOD_CLOCK_S = 6.0
"""A clock known better than this is as good as given when links are looked for again."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A network with the last candidates it was learned from: ``looks`` of tracklets (T,) as finally compared,
    ``clock_steps`` that were corrected; evidence (P,) by kind, cosine and probability (P,). ``table`` is on the
    network's common time."""

    network: CameraNetwork
    table: TrackletTable
    looks: Looks
    pairs: Candidates
    evidence: dict[str, Double]
    cosine: Double
    probability: Double
    clock_steps: tuple[ClockStep, ...] = ()


def learn(
    table: TrackletTable, features: Float, trajectories: Double, clock_known: Mask, limits: Limits, given: GivenWays
) -> Learned:
    """Learn the network from unlabelled tracklets in canonical order and their features (T, D) without camera bias, and
    from ways that somebody drew."""
    steps: tuple[ClockStep, ...] = ()
    while True:
        learned = _learn_clocks(corrected(table, steps), features, trajectories, clock_known, limits, given)
        transitions = learned.network.transitions
        found = find_clock_step(learned.table, transitions, learned.pairs, learned.probability, clock_known)
        if found is None or len(steps) == MOST_CLOCK_STEPS:
            return replace(learned, clock_steps=steps)
        own_time_s = found.at_s + float(learned.network.clock_offset_s[found.camera])
        steps = (*steps, replace(found, at_s=own_time_s))


def _learn_clocks(
    table: TrackletTable, features: Float, trajectories: Double, clock_known: Mask, limits: Limits, given: GivenWays
) -> Learned:
    """Learns twice: roughly, with wide gates where clocks are unknown, to find them and what varies within one vehicle;
    then on corrected times."""
    zones, trusted, looks = assign_zones(table), clock_known.copy(), Looks(features, features)
    offset = np.zeros(len(clock_known))
    if len(clock_known) > 1:
        rough = _learn(table, looks, trajectories, zones, trusted, limits, given, ROUGH_ROUNDS)
        clocks = _clocks(rough, clock_known)
        offset, looks = clocks.offset_s, rough.looks
        trusted = _trusted(clocks.error_s, clocks.group)
        table = on_common_time(table, offset)
    fine = _learn(table, looks, trajectories, zones, trusted, limits, given, ROUNDS)
    clocks = _clocks(fine, clock_known)
    network = replace(
        fine.network,
        transitions=fine.network.transitions.by_clocks(clocks.offset_s),
        clock_offset_s=offset + clocks.offset_s,
        clock_error_s=clocks.error_s,
    )
    return replace(fine, network=network)


def proven(learned: Learned, limits: Limits) -> Learned:
    """Without the transitions that nobody drew and whose links do not pay for their choice: one of as many as there are
    zones of the two cameras, gates in the time looked at, and times in a gate that its density tells apart is likely to
    fit by chance."""
    network, pairs = learned.network, learned.pairs
    transitions, zones = network.transitions, network.zones
    exits, entries = np.bincount(zones.exit_camera), np.bincount(zones.entry_camera)
    low_s, high_s = limits.span_s(clocks_agree=True)
    gates = np.maximum((high_s - low_s) / (transitions.high_s - transitions.low_s), 1.0)
    count, told = (
        np.bincount(pairs.transition, weight, len(transitions))
        for weight in (learned.probability, learned.probability * learned.evidence["time"])
    )
    price = np.log(exits[transitions.source] * entries[transitions.target] * gates)
    price += np.maximum(told / np.maximum(count, LEAST_DOUBT), 0.0)
    gain = np.bincount(pairs.transition, -np.log(np.maximum(1 - learned.probability, LEAST_DOUBT)), len(transitions))
    kept = np.flatnonzero((gain >= price) | transitions.is_self | network.drawn())
    number = np.full(len(transitions), -1)
    number[kept] = np.arange(len(kept))
    rows = np.flatnonzero(number[pairs.transition] >= 0)
    return replace(
        learned,
        network=replace(
            network, transitions=transitions.take(kept), routes=network.routes.of_transitions(kept, len(transitions))
        ),
        pairs=replace(pairs.take(rows), transition=number[pairs.transition[rows]]),
        evidence={kind: values[rows] for kind, values in learned.evidence.items()},
        cosine=learned.cosine[rows],
        probability=learned.probability[rows],
    )


def _clocks(learned: Learned, known: Mask) -> Clocks:
    return solve_clocks(learned.network.transitions, learned.pairs, learned.probability, known)


def _trusted(error_s: Double, group: Long) -> Mask:
    """The largest group of cameras (C,) whose clocks are tied together well."""
    good = error_s < GOOD_CLOCK_S
    if not good.any():
        return good
    return np.asarray(good & (group == np.bincount(group[good]).argmax()))


def on_common_time(table: TrackletTable, offset_s: Double) -> TrackletTable:
    """The table with every camera's clock, ``offset_s`` (C,) seconds ahead, put right."""
    late = offset_s[table.camera]
    return replace(table, start_s=table.start_s - late, end_s=table.end_s - late)


def relearn(
    table: TrackletTable, features: Float, trajectories: Double, known: CameraNetwork, limits: Limits
) -> Learned:
    """Adapt a network learned before to a new run of the same cameras: its zones, transitions and clocks are where to
    start, and the ways given to it. What it does not know is looked for as if nothing were known."""
    table = on_common_time(table, known.clock_offset_s)
    zones, trusted = assign_zones(table, (known.zones.entries, known.zones.exits)), known.clock_trusted
    network = adapted(replace(known, zones=zones), len(table))
    rough = _rounds(network, table, Looks(features, features), trajectories, ROUGH_ROUNDS)
    pairs = zone_pairs(table, rough.looks.whitened, zones, trusted, limits)
    modes = discover(table, rough.looks.whitened, zones, pairs, trusted, limits)
    return _rounds(with_modes(rough.network, modes), table, rough.looks, trajectories, ROUNDS)


def apply(network: CameraNetwork, table: TrackletTable, features: Float, trajectories: Double) -> Learned:
    """The candidates of other tracklets under a network as it is; ``table`` on its common time, features whitened."""
    zones = assign_zones(table, (network.zones.entries, network.zones.exits))
    return _rounds(replace(network, zones=zones), table, Looks(features, features), trajectories, rounds=1)


def _learn(
    table: TrackletTable, looks: Looks, trajectories: Double, zones: Zones, trusted: Mask, limits: Limits,
    given: GivenWays, rounds: int,
) -> Learned:  # fmt: skip
    pairs = zone_pairs(table, looks.whitened, zones, trusted, limits)
    modes = discover(table, looks.whitened, zones, pairs, trusted, limits)
    return _rounds(initial_network(table, zones, modes, trusted, given), table, looks, trajectories, rounds)


def _rounds(network: CameraNetwork, table: TrackletTable, looks: Looks, trajectories: Double, rounds: int) -> Learned:
    timetable, sizes = Timetable(table), size_residuals(table, network.zones)
    pairs = candidates(table, timetable, network)
    score = cosine(looks.whitened, pairs.source, pairs.target)
    ground = ground_evidence(table, trajectories, pairs.source, pairs.target)
    probability = np.zeros(len(pairs))
    for number in range(rounds):
        # E step
        evidence = evidence_of(network, table, pairs, score, sizes, ground, probability)
        probability = link_marginals(len(table), pairs.source, pairs.target, log_odds(evidence))
        if number == rounds - 1:
            break
        # M step
        network = update(network, table, pairs, score, sizes, probability, last=number == rounds - 2)
        if number in NARROWED:
            looks = looks.taught(pairs.source, pairs.target, probability)
            network = narrow_gates(network)
            before, pairs = pairs, candidates(table, timetable, network)
            probability = _carried(len(table), before, probability, pairs)
            score = cosine(looks.whitened, pairs.source, pairs.target)
            ground = ground_evidence(table, trajectories, pairs.source, pairs.target)
    return Learned(network, table, looks, pairs, evidence, score, probability)


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
