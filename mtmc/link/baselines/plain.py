"""The field's plain linkers, as yardsticks: pairwise assignment and complete-linkage clustering on mean features.

Neither knows about time beyond the hard rule that one camera never sees a vehicle twice at one moment.
Shape shorthand: T tracklets, C cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment

from mtmc.errors import ConfigError
from mtmc.link.problem import Problem, Solution
from mtmc.link.rules.constraints import join_in_order
from mtmc.structures import Double, Long, TrackletTable

FORBIDDEN = 1e3
"""Distance of a pair that cannot be one vehicle; real ones are at most 2."""

LARGEST_MATRIX = 20_000
"""Tracklets up to which a full distance matrix fits into about 4 GB."""


@dataclass(frozen=True, slots=True)
class Hungarian:
    """Optimal one-to-one assignment between each two cameras on cosine distance, cut at ``max_distance``; then, nearest
    pair first, pairs are united into vehicles."""

    max_distance: float

    def __call__(self, problem: Problem) -> Solution:
        """Link by pairwise assignment."""
        table = problem.table
        rows = [np.flatnonzero(table.camera == c) for c in range(len(table.cameras))]
        found = [self._assign(table, a, b) for i, a in enumerate(rows) for b in rows[i + 1 :] if len(a) and len(b)]
        if not found:
            return Solution(np.arange(len(table), dtype=np.int64))
        source, target, distance = (np.concatenate(part) for part in zip(*found, strict=True))
        return Solution(join_in_order(table, source, target, np.lexsort((target, source, distance))))

    def _assign(self, table: TrackletTable, a: Long, b: Long) -> tuple[Long, Long, Double]:
        distance = 1.0 - table.features[a] @ table.features[b].T
        first, second = linear_sum_assignment(np.minimum(distance, self.max_distance))
        near = distance[first, second] < self.max_distance
        return a[first[near]], b[second[near]], distance[first, second][near].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Agglomerative:
    """Complete-linkage clustering on cosine distance, cut at ``max_distance``; pairs of one camera that overlap in time
    are kept apart by an infinite distance, which complete linkage carries to whole clusters."""

    max_distance: float

    def __call__(self, problem: Problem) -> Solution:
        """Link by clustering. Raises ConfigError for more tracklets than a full distance matrix can hold."""
        table = problem.table
        if len(table) > LARGEST_MATRIX:
            expected = f"at most {LARGEST_MATRIX} tracklets for link.linker = 'agglomerative'"
            raise ConfigError("link.linker", expected, str(len(table)), "Use the network linker, it has no such limit.")
        if len(table) < 2:
            return Solution(np.arange(len(table), dtype=np.int64))
        tree = linkage(condensed_distances(table), method="complete")
        return Solution(fcluster(tree, self.max_distance, criterion="distance").astype(np.int64))


def condensed_distances(table: TrackletTable) -> Double:
    """Distances of all pairs (T * (T - 1) / 2,) in scipy's order."""
    count = len(table)
    condensed = np.empty(count * (count - 1) // 2, np.float64)
    begin = 0
    for row in range(count - 1):
        later = slice(row + 1, count)
        distance = 1.0 - table.features[later] @ table.features[row]
        together = (table.start_s[later] <= table.end_s[row]) & (table.end_s[later] >= table.start_s[row])
        distance[(table.camera[later] == table.camera[row]) & together] = FORBIDDEN
        condensed[begin : begin + len(distance)] = np.maximum(distance, 0.0)
        begin += len(distance)
    return condensed
