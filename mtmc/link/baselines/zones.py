"""The 2021 winner's kind of linker: zones and travel times drawn by hand for one scene (Liu et al., CVPR workshops
2021), as a file of ``model.zones_file``.

Without a file every pair of cameras is a link with any travel time. Shape shorthand: T tracklets, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.link.baselines.rerank import rerank
from mtmc.link.model.given_ways import GivenWays, inside
from mtmc.link.model.zones_file import ZoneMap
from mtmc.link.problem import Problem, Solution
from mtmc.link.rules.constraints import join_in_order
from mtmc.structures import Double, Long, TrackletTable


@dataclass(frozen=True, slots=True)
class DrawnZones:
    """Pairs allowed by zone and travel time, re-ranked, matched nearest first between neighbouring cameras and cut at
    ``max_distance``, then united under the camera rule."""

    zones: ZoneMap
    max_distance: float

    def __call__(self, problem: Problem) -> Solution:
        """Link by zones."""
        table = problem.table
        source, target = self._pairs(table)
        similarity = np.einsum("pd,pd->p", table.features[source], table.features[target], dtype=np.float64)
        distance = rerank(len(table), source, target, 1.0 - similarity)
        near = np.flatnonzero(distance <= self.max_distance)
        order = near[np.lexsort((target[near], source[near], distance[near]))]
        order = _one_to_one(table, source, target, order)
        return Solution(join_in_order(table, source, target, order))

    def _pairs(self, table: TrackletTable) -> tuple[Long, Long]:
        """Source and target rows (P,) of all pairs that some link allows, each once."""
        if not self.zones.links:
            source, target = np.nonzero(np.triu(table.camera[:, None] != table.camera[None, :]))
            return source.astype(np.int64), target.astype(np.int64)
        ways = self.zones.ways(table.cameras)
        parts = [np.zeros((2, 0), np.int64), *(_linked(table, ways, way) for way in range(len(ways)))]
        pairs = np.unique(np.concatenate(parts, axis=1), axis=1)
        return pairs[0], pairs[1]


def _linked(table: TrackletTable, ways: GivenWays, way: int) -> Long:
    """Pairs (2, P) of one way."""
    out = np.flatnonzero(table.camera == ways.source[way])
    out = out[inside(ways.left_by[way], table.exit_xy[out])]
    into = np.flatnonzero(table.camera == ways.target[way])
    into = into[inside(ways.entered_by[way], table.entry_xy[into])]
    travel: Double = table.start_s[into][None, :] - table.end_s[out][:, None]
    first, second = np.nonzero((travel >= ways.low_s[way]) & (travel <= ways.high_s[way]))
    return np.stack([out[first], into[second]]).astype(np.int64)


def _one_to_one(table: TrackletTable, source: Long, target: Long, order: Long) -> Long:
    """Of links in ``order``, those whose source has no follower and whose target no predecessor in the other's camera
    yet."""
    taken: set[tuple[int, int, bool]] = set()
    kept = []
    for link in order.tolist():
        a, b = int(source[link]), int(target[link])
        keys = (a, int(table.camera[b]), True), (b, int(table.camera[a]), False)
        if not taken.intersection(keys):
            taken.update(keys)
            kept.append(link)
    return np.array(kept, np.int64)
