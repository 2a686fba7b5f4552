"""The network linker: learns the camera network from the tracklets it is given, then links under calibrated probabilities.

Shape shorthand: T tracklets, C cameras, P candidate pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mtmc.link.evidence.appearance import turned, without_camera_bias
from mtmc.link.evidence.ground_handover import against_rivals, find_handovers
from mtmc.link.evidence.ground_overlap import Sightings, find_sightings, on_sure_clocks, reasons, unite
from mtmc.link.evidence.log_odds import cosine
from mtmc.link.learning.clock_steps import mended
from mtmc.link.learning.em import Learned, learn, on_common_time, relearn
from mtmc.link.model.camera_network import CameraNetwork
from mtmc.link.model.limits import Limits
from mtmc.link.problem import Links, Problem, Solution
from mtmc.link.warnings import warnings_of
from mtmc.link.windows import Chosen, compress, decided, learning_rows, settle
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
