"""Linking in windows of time, so that memory grows with the window and time with the tracklets.

A network is learned from a few stretches of the run; then window after window, with margins as wide as the longest gate, the
candidates are weighed under it. Only links worth choosing leave the window. Up to ``WHOLE`` tracklets there is one window.

Shape shorthand: T tracklets, P candidate pairs, E links worth choosing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtmc.link.evidence.appearance import compressor, turned
from mtmc.link.explain import explain_links
from mtmc.link.learning.clock_steps import mended
from mtmc.link.learning.em import Learned, apply, on_common_time
from mtmc.link.model.limits import Limits
from mtmc.link.selection import choose, join
from mtmc.structures import Double, Float, Long, TrackletTable

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
