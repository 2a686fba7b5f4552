"""The network linker, top down: learns the camera network from the tracklets it is given, then links under calibrated
probabilities.

1. Features lose their cameras' bias; where there are many tracklets they are compressed.
2. The network is learned from all tracklets, or from a few stretches of a long run (``learning.em``).
3. Candidates are scored under it, window after window where there are many tracklets, with margins as wide as the
   longest gate, so that memory grows with the window and time with the tracklets. Only links worth choosing leave a
   window.
4. Calibrated ground speaks for pairs that share time or follow at once (``evidence.ground_overlap``,
   ``ground_handover``).
5. Vehicles are chosen under the hard rule (``choice``): chains first, then, in passes of learning and solving, cliques
   of views where cameras overlap (``evidence.views``, ``learning.view_model``). Every link is explained.

Shape shorthand: T tracklets, C cameras, E links worth choosing; ``trajectories`` (T, K, 2) on the ground.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from mtmc.link.choice.cliques import solve_chains, solve_cliques
from mtmc.link.choice.possible import of_chains, under_wishes, with_matches
from mtmc.link.evidence.appearance import principal_directions, projected, without_camera_bias
from mtmc.link.evidence.ground_handover import against_rivals, find_handovers
from mtmc.link.evidence.ground_overlap import GroundMatches, find_overlaps, with_sure_clocks
from mtmc.link.evidence.log_odds import cosine
from mtmc.link.evidence.views import stands
from mtmc.link.learning.clock_steps import corrected
from mtmc.link.learning.em import Learned, apply, learn, on_common_time, proven, relearn
from mtmc.link.model.camera_network import CameraNetwork, Limits
from mtmc.link.model.zones_file import ZoneMap
from mtmc.link.problem import Links, Possible, Problem, Solution
from mtmc.link.review.explain import explain_links
from mtmc.link.review.warnings import warnings_of
from mtmc.link.review.wishes import still_open
from mtmc.structures import Double, Float, Long, TrackletTable

WHOLE = 60_000
"""Tracklets up to which everything is learned from and linked at once: some 2 GB of memory."""
WINDOW = 40_000
"""Tracklets of a window."""
STRETCHES, LEARNED_FROM = 4, 100_000
"""A long run is learned from so many stretches of so many tracklets in all: different hours, and no more than memory
holds."""
COMPRESSED = 128
"""Numbers kept of a feature where there are many tracklets."""
# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
ALIKE = 4.0
"""Evidence of appearance (natural log) with which what stands and what moves may be one vehicle, that waits."""
STAY_QUANTILE = 0.999
"""Quantile of the stays in view that a window's margin holds."""


@dataclass(frozen=True, slots=True)
class NetworkLinker:
    """Needs no zones, travel times, calibration or clocks; uses what it is given. ``known``: a network of the same
    cameras; ``zones``: zones and travel times that somebody drew."""

    limits: Limits
    known: CameraNetwork | None = None
    zones: ZoneMap = field(default_factory=ZoneMap)

    def __call__(self, problem: Problem) -> Solution:
        """Link by the learned network."""
        table, notes = _compressed(problem.table)
        features = without_camera_bias(table)
        table = replace(table, features=np.zeros((len(table), 0), np.float32))  # from here on they would only take room
        moving = np.flatnonzero(~stands(table))
        learned, trajectories = self._learn(table, features, moving, problem)
        network, least = learned.network, self.limits.least_probability
        features = _as_compared(learned, features, moving)
        part = table.take(moving), features[moving], trajectories[moving]
        scored = list(_score_windows(learned, *part, self.limits))
        links = Links.concatenated(found for found, _ in scored).of_rows(moving)
        possible = Possible.joined([could_be for _, could_be in scored]).of_rows(moving)
        standing = _standing_fragments(learned, table, features, trajectories, moving, least)
        links = Links.concatenated([links, standing])
        if len(problem.wishes):
            links = still_open(table, links, problem.wishes)
        matches = _ground_matches(learned, table, features, problem.trajectories)
        if len(table) <= WHOLE:
            given = table, features, moving, links, possible, matches, problem.wishes.different, self.limits
            labels, made, possible = solve_cliques(learned, *given)
        else:
            labels, made = solve_chains(table, links, matches, least)
        warnings = warnings_of(learned, table, problem.clock_known, made)
        possible = under_wishes(with_matches(possible, matches, standing), problem.wishes)
        return Solution(labels, made, network, (*notes, *warnings), possible)

    def learned(self, problem: Problem) -> CameraNetwork:
        """The network that a problem in canonical order teaches, which is not linked."""
        table, _ = _compressed(problem.table)
        features, moving = without_camera_bias(table), np.flatnonzero(~stands(table))
        return self._learn(table, features, moving, problem)[0].network

    def _learn(self, table: TrackletTable, features: Float, moving: Long, problem: Problem) -> tuple[Learned, Double]:
        """What is learned, and the trajectories that could be used for it: those by clocks that are sure to begin
        with."""
        clock_known = problem.clock_known
        error = np.where(clock_known, 0.0, np.inf) if self.known is None else self.known.clock_error_s
        trajectories = with_sure_clocks(problem.trajectories, table.camera, error)
        rows = moving[_learning_rows(len(moving))]
        part = table.take(rows), features[rows], trajectories[rows]
        given = self.zones.ways(table.cameras)
        if self.known is None:
            return proven(learn(*part, clock_known, self.limits, given), self.limits), trajectories
        learned = relearn(*part, replace(self.known, given=given), self.limits)
        return proven(learned, self.limits), trajectories


def _as_compared(learned: Learned, features: Float, moving: Long) -> Float:
    """Features (T, D) as the network compares them: those that it was learned from as they were in the end."""
    compared = learned.looks.of_others(features)
    compared[moving[_learning_rows(len(moving))]] = learned.looks.whitened
    return compared


def _standing_fragments(
    learned: Learned, table: TrackletTable, features: Float, trajectories: Double, moving: Long, least: float
) -> Links:
    """Fragments of what stands in one camera, joined under the learned network: a parked car is one vehicle.

    With what moves they are joined only if they look alike, a vehicle that waits: one that passes a parked one begins
    or ends beside it too."""
    network = learned.network
    alone = np.flatnonzero(network.transitions.is_self)
    routes = network.routes.of_transitions(alone, len(network.transitions))
    late = on_common_time(corrected(table, learned.clock_steps), network.clock_offset_s)
    fragments = apply(
        replace(network, transitions=network.transitions.take(alone), routes=routes), late,
        features, trajectories,
    )  # fmt: skip
    mobile = np.isin(np.arange(len(table)), moving)
    one, other = mobile[fragments.pairs.source], mobile[fragments.pairs.target]
    waits = (one ^ other) & (fragments.evidence["appearance"] >= ALIKE)
    chosen = np.flatnonzero((fragments.probability >= least) & (waits | ~(one | other)))
    columns = explain_links(fragments, chosen, least)
    pairs = fragments.pairs.take(chosen)
    return Links(pairs.source, pairs.target, fragments.probability[chosen], columns)


def _compressed(table: TrackletTable) -> tuple[TrackletTable, tuple[str, ...]]:
    """The table with shorter features where there are many tracklets, and a sentence that says what was lost."""
    size = table.features.shape[1]
    if len(table) <= WHOLE or size <= COMPRESSED:
        return table, ()
    directions, kept = principal_directions(table, COMPRESSED)
    shorter = replace(table, features=projected(table.features, directions))
    note = f"Features were compressed from {size} to {COMPRESSED} numbers, which keep {kept:.1%} of their variance."
    return shorter, (note,)


def _learning_rows(count: int) -> Long:
    """Which of ``count`` rows in order of time to learn from: all, or a few stretches spread over the run."""
    if count <= WHOLE:
        return np.arange(count, dtype=np.int64)
    length = min(LEARNED_FROM, count) // STRETCHES
    starts = np.linspace(0, count - length, STRETCHES).astype(np.int64)
    return np.unique(np.concatenate([np.arange(s, s + length) for s in starts]))


def _score_windows(
    learned: Learned, table: TrackletTable, features: Float, trajectories: Double, limits: Limits
) -> Iterator[tuple[Links, Possible]]:
    """Links worth choosing and those that could be, window by window; up to WHOLE tracklets there is one."""
    if len(table) <= WHOLE:
        yield _worth_choosing(learned, np.arange(len(table), dtype=np.int64), limits, (-np.inf, np.inf))
        return
    network = learned.network
    table = on_common_time(corrected(table, learned.clock_steps), network.clock_offset_s)
    margin = _margin_s(learned)
    for first in range(0, len(table), WINDOW):
        begin = table.start_s[first] if first else -np.inf
        end = table.start_s[first + WINDOW] if first + WINDOW < len(table) else np.inf
        rows = np.flatnonzero((table.start_s >= begin - margin) & (table.start_s < end + margin))
        scored = apply(network, table.take(rows), features[rows], trajectories[rows])
        yield _worth_choosing(scored, rows, limits, (begin, end))


def _margin_s(learned: Learned) -> float:
    """Seconds around a window in which a tracklet can still matter: two gates and a long stay."""
    transitions, table = learned.network.transitions, learned.table
    stay = float(np.quantile(table.end_s - table.start_s, STAY_QUANTILE)) if len(table) else 0.0
    return 2.0 * float(np.abs(np.concatenate([transitions.low_s, transitions.high_s])).max(initial=0.0)) + stay


def _worth_choosing(
    learned: Learned, rows: Long, limits: Limits, window: tuple[float, float]
) -> tuple[Links, Possible]:
    """Links that start in ``window``, under the rows (T,) of the whole table, with their reasons, and what could be."""
    pairs, start, least = learned.pairs, learned.table.start_s, limits.least_probability
    inside = (start[pairs.source] >= window[0]) & (start[pairs.source] < window[1])
    chosen = np.flatnonzero(inside & (learned.probability >= least))
    columns = explain_links(learned, chosen, least)
    links = Links(rows[pairs.source[chosen]], rows[pairs.target[chosen]], learned.probability[chosen], columns)
    return links, of_chains(learned, rows, inside)


def _ground_matches(learned: Learned, table: TrackletTable, features: Float, trajectories: Double) -> GroundMatches:
    """Pairs that calibrated ground speaks for or against, with what appearance says of them as learned."""
    network = learned.network
    late = on_common_time(corrected(table, learned.clock_steps), network.clock_offset_s)
    places = with_sure_clocks(trajectories, table.camera, network.clock_error_s)
    overlaps = _with_appearance(find_overlaps(late, places), features, learned)
    handovers = _with_appearance(find_handovers(late, places), features, learned)
    return GroundMatches.joined([overlaps, against_rivals(late, handovers)])


def _with_appearance(matches: GroundMatches, features: Float, learned: Learned) -> GroundMatches:
    rows, ends = np.unique(np.stack([matches.source, matches.target]), return_inverse=True)
    score = cosine(features[rows], *ends.reshape(2, -1))
    return replace(matches, cosine=score, appearance=learned.network.likelihoods.appearance(score))
