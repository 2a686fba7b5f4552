"""The network linker: learns the camera network from the tracklets it is given, then links under calibrated probabilities.

Shape shorthand: T tracklets, C cameras, P candidate pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mtmc.link.learner import Learned, learn, relearn
from mtmc.link.limits import Limits
from mtmc.link.network import CameraNetwork
from mtmc.link.problem import Links, Problem, Solution
from mtmc.link.reasons import explain_links
from mtmc.link.solve import choose, join
from mtmc.link.warnings import warnings_of
from mtmc.structures import Long, TrackletTable


@dataclass(frozen=True, slots=True)
class NetworkLinker:
    """Needs no zones, travel times, calibration or clocks; uses what it is given. ``known``: a network of the same cameras."""

    limits: Limits = field(default_factory=Limits)
    known: CameraNetwork | None = None

    def __call__(self, problem: Problem) -> Solution:
        """Link by the learned network."""
        order, table = canonical(problem.table)
        known = _by_name(problem)
        learned = learn(table, known, self.limits) if self.known is None else relearn(table, self.known)
        chosen, labels = decide(learned, self.limits)
        reasons = explain_links(learned, chosen, self.limits.least_probability)
        links = Links(
            order[learned.pairs.source[chosen]],
            order[learned.pairs.target[chosen]],
            learned.probability[chosen],
            reasons,
        )
        original = np.empty(len(order), np.int64)
        original[order] = labels
        return Solution(original, links, learned.network, warnings_of(learned, known))


def _by_name(problem: Problem) -> NDArray[np.bool_]:
    """Known clocks (C,) of the cameras sorted by name."""
    return problem.clock_known[np.argsort(np.array(problem.table.cameras, dtype=np.str_), kind="stable")]


def canonical(table: TrackletTable) -> tuple[Long, TrackletTable]:
    """Rows in an order of their own, and the table in that order with cameras sorted by name: the order given plays no role."""
    by_name = np.argsort(np.array(table.cameras, dtype=np.str_), kind="stable")
    rank = np.empty(len(by_name), np.int32)
    rank[by_name] = np.arange(len(by_name))
    camera = rank[table.camera] if len(table) else table.camera
    order = np.lexsort((table.track_id, camera, table.end_s, table.start_s))
    named = replace(table, cameras=tuple(table.cameras[i] for i in by_name), camera=camera)
    return order, named.take(order)


def decide(learned: Learned, limits: Limits) -> tuple[Long, Long]:
    """Indices of the chosen pairs, and labels (T,): the links that gain most probability over the least that is asked for."""
    pairs, table, probability = learned.pairs, learned.table, learned.probability
    chosen = choose(len(table), pairs.source, pairs.target, probability - limits.least_probability)
    labels, held = join(table, pairs.source[chosen], pairs.target[chosen], probability[chosen])
    return chosen[held], labels
