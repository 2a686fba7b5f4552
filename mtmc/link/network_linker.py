"""The network linker: learns the camera network from the tracklets it is given, then links under calibrated probabilities, in windows
of time where there are many tracklets, so that memory grows with the window and time with the tracklets.

A network is learned from a few stretches of the run; then window after window, with margins as wide as the longest gate, the
candidates are weighed under it. Only links worth choosing leave the window. Up to ``WHOLE`` tracklets there is one window.

Shape shorthand: T tracklets, C cameras, P candidate pairs, E links worth choosing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mtmc.link.evidence.appearance import compressor, turned, without_camera_bias
from mtmc.link.evidence.ground_handover import against_rivals, find_handovers
from mtmc.link.evidence.ground_overlap import Sightings, find_sightings, on_sure_clocks
from mtmc.link.evidence.log_odds import cosine
from mtmc.link.explain import explain_links, reasons
from mtmc.link.learning.clock_steps import mended
from mtmc.link.learning.em import Learned, apply, learn, on_common_time, relearn
from mtmc.link.model.camera_network import CameraNetwork, Limits
from mtmc.link.problem import Links, Problem, Solution
from mtmc.link.selection import choose, join, unite
from mtmc.link.warnings import warnings_of
from mtmc.structures import Double, Float, Long, TrackletTable


@dataclass(frozen=True, slots=True)
class NetworkLinker:
    """Needs no zones, travel times, calibration or clocks; uses what it is given. ``known``: a network of the same cameras."""

    limits: Limits = field(default_factory=Limits)
    known: CameraNetwork | None = None

    def __call__(self, problem: Problem) -> Solution:
        """Link by the learned network; in windows of time where there are many tracklets."""
        (table, notes), known = compress(problem.table), problem.clock_known
        features = without_camera_bias(table)
        table = replace(table, features=np.zeros((len(table), 0), np.float32))  # from here on they would only take room
        learned, paths = self._learn(table, features, problem.paths, known)
        chosen = Chosen.gather(decided(learned, table, features, paths, self.limits))
        network = learned.network
        late = on_common_time(mended(table, learned.jumps), network.clock_ahead_s)
        places = on_sure_clocks(problem.paths, table.camera, network.clock_error_s)
        seen = _with_looks(find_sightings(late, places), features, learned)
        seen = seen.beside(against_rivals(late, _with_looks(find_handovers(late, places), features, learned)))
        labels, links = self._settle(table, chosen, seen)
        return Solution(labels, links, network, (*notes, *warnings_of(learned, known, _joined(table, links))))

    def _settle(self, table: TrackletTable, chosen: Chosen, seen: Sightings) -> tuple[Long, Links]:
        """Vehicles and the links that made them: the network's, and before them what two cameras saw in one place at once."""
        labels, held = settle(table, chosen, self.limits)
        if len(seen) == 0:
            return labels, _links(chosen, held)
        least = self.limits.least_probability
        ends = chosen.source[held], chosen.target[held], chosen.probability[held]
        labels, sighted, made = unite(table, seen, ends, least)
        near = seen.take(sighted)
        beside = Chosen(near.source, near.target, near.probability(), reasons(table, near, chosen.columns, least))
        both = Chosen.gather([beside, chosen])
        return labels, _links(both, np.concatenate([np.arange(len(sighted)), len(sighted) + held[made]]))

    def _learn(
        self, table: TrackletTable, features: Float, paths: Double, known: NDArray[np.bool_]
    ) -> tuple[Learned, Double]:
        """What is learned, and the paths that could be used for it: those by clocks that are sure to begin with."""
        error = np.where(known, 0.0, np.inf) if self.known is None else self.known.clock_error_s
        paths, rows = on_sure_clocks(paths, table.camera, error), learning_rows(table)
        part = (table, features, paths) if len(rows) == len(table) else (table.take(rows), features[rows], paths[rows])
        return learn(*part, known, self.limits) if self.known is None else relearn(*part, self.known), paths


def _joined(table: TrackletTable, links: Links) -> NDArray[np.bool_]:
    """Cameras (C,) that links join with others."""
    ends = np.stack([table.camera[links.source], table.camera[links.target]])
    return np.isin(np.arange(len(table.cameras)), ends[:, ends[0] != ends[1]])


def _with_looks(seen: Sightings, features: Float, learned: Learned) -> Sightings:
    """The sightings with what looks say of them, as learned."""
    rows, ends = np.unique(np.stack([seen.source, seen.target]), return_inverse=True)
    looks = features[rows]
    for whitener in learned.whiteners:
        looks = turned(looks, whitener)
    score = cosine(looks, *ends.reshape(2, -1))
    return replace(seen, cosine=score, appearance=learned.network.meaning.appearance(score))


def _links(chosen: Chosen, held: Long) -> Links:
    columns = {name: column[held] for name, column in chosen.columns.items()}
    return Links(chosen.source[held], chosen.target[held], chosen.probability[held], columns)


WHOLE = 60_000
"""Tracklets up to which everything is learned from and linked at once."""
WINDOW = 40_000
STRETCHES = 4
LEARNED_FROM = 100_000
COMPRESSED = 128
"""Numbers kept of a feature where there are many tracklets."""


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Links (E,) at least as probable as asked for: rows of the whole table, probability, and their reasons."""

    source: Long
    target: Long
    probability: Double
    columns: dict[str, NDArray[np.generic]]

    @staticmethod
    def gather(parts: Iterable[Chosen]) -> Chosen:
        """The links of all windows."""
        found = list(parts)
        return Chosen(
            np.concatenate([p.source for p in found]),
            np.concatenate([p.target for p in found]),
            np.concatenate([p.probability for p in found]),
            {name: np.concatenate([p.columns[name] for p in found]) for name in found[0].columns},
        )


def compress(table: TrackletTable) -> tuple[TrackletTable, tuple[str, ...]]:
    """The table with shorter features where there are many tracklets, and a sentence that says what was lost."""
    size = table.features.shape[1]
    if len(table) <= WHOLE or size <= COMPRESSED:
        return table, ()
    directions, kept = compressor(table, COMPRESSED)
    shorter = replace(table, features=turned(table.features, directions))
    return shorter, (
        f"Features were compressed from {size} to {COMPRESSED} numbers, which keep {kept:.1%} of their variance.",
    )


def learning_rows(table: TrackletTable) -> Long:
    """Rows (of a table sorted by time) to learn from: all, or a few stretches spread over the run."""
    count = len(table)
    if count <= WHOLE:
        return np.arange(count, dtype=np.int64)
    length = min(LEARNED_FROM, count) // STRETCHES
    starts = np.linspace(0, count - length, STRETCHES).astype(np.int64)
    return np.unique(np.concatenate([np.arange(s, s + length) for s in starts]))


def decided(learned: Learned, table: TrackletTable, features: Float, paths: Double, limits: Limits) -> Iterator[Chosen]:
    """Links worth choosing, window by window."""
    if len(table) <= WHOLE:
        yield _worth_choosing(learned, np.arange(len(table), dtype=np.int64), limits, (-np.inf, np.inf))
        return
    network = learned.network
    table = on_common_time(mended(table, learned.jumps), network.clock_ahead_s)
    margin = _margin_s(learned)
    for first in range(0, len(table), WINDOW):
        begin = table.start_s[first] if first else -np.inf
        end = table.start_s[first + WINDOW] if first + WINDOW < len(table) else np.inf
        rows = np.flatnonzero((table.start_s >= begin - margin) & (table.start_s < end + margin))
        seen = features[rows]
        for whitener in learned.whiteners:
            seen = turned(seen, whitener)
        yield _worth_choosing(apply(network, table.take(rows), seen, paths[rows]), rows, limits, (begin, end))


def _margin_s(learned: Learned) -> float:
    """Seconds around a window in which a tracklet can still matter: two gates and a long stay."""
    travel, table = learned.network.travel, learned.table
    stay = float(np.quantile(table.end_s - table.start_s, 0.999)) if len(table) else 0.0
    return 2.0 * float(np.abs(np.concatenate([travel.low_s, travel.high_s])).max(initial=0.0)) + stay


def _worth_choosing(learned: Learned, rows: Long, limits: Limits, window: tuple[float, float]) -> Chosen:
    pairs, start = learned.pairs, learned.table.start_s
    inside = (start[pairs.source] >= window[0]) & (start[pairs.source] < window[1])
    chosen = np.flatnonzero(inside & (learned.probability >= limits.least_probability))
    columns = explain_links(learned, chosen, limits.least_probability)
    return Chosen(rows[pairs.source[chosen]], rows[pairs.target[chosen]], learned.probability[chosen], columns)


def settle(table: TrackletTable, links: Chosen, limits: Limits) -> tuple[Long, Long]:
    """Labels (T,) and the indices of the links that are made: those of largest summed probability, each tracklet with one follower and
    one predecessor at most, that keep the rule of one place at a time."""
    chosen = choose(len(table), links.source, links.target, links.probability - limits.least_probability)
    labels, held = join(table, links.source[chosen], links.target[chosen], links.probability[chosen])
    return labels, chosen[held]
