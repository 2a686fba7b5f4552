"""IDF1 (Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.assignment import best_assignment
from mtmc.score.compare import Comparison, pair_codes

Long = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Identities:
    """The one-to-one assignment of ids over the whole time line that agrees in the most boxes.

    partner (U,) predicted code of each true vehicle, -1 for none; owner (V,) the reverse; idtp, idfp, idfn: boxes.
    """

    partner: Long
    owner: Long
    idtp: int
    idfp: int
    idfn: int


def match_identities(comparison: Comparison) -> Identities:
    """Maximise the boxes in which assigned ids overlap enough, over all cameras and frames at once."""
    edges = comparison.close
    truth, predicted = comparison.truth, comparison.predicted
    vehicle, track = truth.ids[comparison.left[edges]], predicted.ids[comparison.right[edges]]
    u, v, pair = pair_codes(vehicle, track, max(len(predicted.names), 1))
    agreeing = np.bincount(pair, minlength=len(u))
    chosen = best_assignment(u, v, agreeing.astype(np.float64))
    partner, owner = np.full(len(truth.names), -1), np.full(len(predicted.names), -1)
    partner[u[chosen]], owner[v[chosen]] = v[chosen], u[chosen]
    idtp = int(agreeing[chosen].sum())
    return Identities(partner, owner, idtp, len(predicted) - idtp, len(truth) - idtp)
