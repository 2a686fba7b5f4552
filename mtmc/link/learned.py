"""The network linker: learns the camera network from the tracklets it is given, then links under calibrated probabilities.

Shape shorthand: T tracklets, C cameras, P candidate pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mtmc.link.appearance import without_camera_bias
from mtmc.link.learner import Learned, learn, relearn
from mtmc.link.limits import Limits
from mtmc.link.network import CameraNetwork
from mtmc.link.problem import Links, Problem, Solution
from mtmc.link.warnings import warnings_of
from mtmc.link.windows import Chosen, compress, decided, learning_rows, settle
from mtmc.structures import Float, Long, TrackletTable


@dataclass(frozen=True, slots=True)
class NetworkLinker:
    """Needs no zones, travel times, calibration or clocks; uses what it is given. ``known``: a network of the same cameras."""

    limits: Limits = field(default_factory=Limits)
    known: CameraNetwork | None = None

    def __call__(self, problem: Problem) -> Solution:
        """Link by the learned network; in windows of time where there are many tracklets."""
        compressed, notes = compress(problem.table)
        order, table = canonical(compressed)
        known = _by_name(problem)
        features = without_camera_bias(table)
        learned = self._learn(table, features, known)
        chosen = Chosen.gather(decided(learned, table, features, self.limits))
        labels, held = settle(table, chosen, self.limits)
        links = Links(
            order[chosen.source[held]], order[chosen.target[held]], chosen.probability[held],
            {name: column[held] for name, column in chosen.columns.items()},
        )  # fmt: skip
        original = np.empty(len(order), np.int64)
        original[order] = labels
        return Solution(original, links, learned.network, (*notes, *warnings_of(learned, known)))

    def _learn(self, table: TrackletTable, features: Float, known: NDArray[np.bool_]) -> Learned:
        rows = learning_rows(table)
        part, seen = (table, features) if len(rows) == len(table) else (table.take(rows), features[rows])
        return learn(part, seen, known, self.limits) if self.known is None else relearn(part, seen, self.known)


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
