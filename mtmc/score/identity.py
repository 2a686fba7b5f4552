"""Identity metrics (Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking",
2016).

Ids of both sides are assigned one-to-one over the whole time line so that the most boxes agree: their number is IDTP.
Of G true and P predicted boxes IDFN = G - IDTP and IDFP = P - IDTP are left, and

    IDP = IDTP / P,    IDR = IDTP / G,    IDF1 = 2 IDTP / (G + P).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtmc.assignment import best_assignment
from mtmc.score.compare import Comparison, pair_codes

Long = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Identities:
    """The assignment and what follows from it.

    partner (U,) predicted code of each true vehicle, -1 for none; owner (V,) the reverse; idtp, idfp, idfn: boxes.
    """

    partner: Long
    owner: Long
    idtp: int
    idfp: int
    idfn: int

    @property
    def idf1(self) -> float:
        """2 IDTP / (G + P): here vehicle 1 breaks into ids 7 and 8, and its last box is lost.

        >>> identity_metrics([1, 1, 1, 1, 2, 2], [7, 7, 8, 9, 9], np.eye(6, 5)[[0, 1, 2, 5, 3, 4]]).idf1
        0.7272727272727273
        """
        return 2 * self.idtp / max(2 * self.idtp + self.idfp + self.idfn, 1)

    @property
    def idp(self) -> float:
        """IDTP / P.

        >>> identity_metrics([1, 1, 1, 1, 2, 2], [7, 7, 8, 9, 9], np.eye(6, 5)[[0, 1, 2, 5, 3, 4]]).idp
        0.8
        """
        return self.idtp / max(self.idtp + self.idfp, 1)

    @property
    def idr(self) -> float:
        """IDTP / G.

        >>> identity_metrics([1, 1, 1, 1, 2, 2], [7, 7, 8, 9, 9], np.eye(6, 5)[[0, 1, 2, 5, 3, 4]]).idr
        0.6666666666666666
        """
        return self.idtp / max(self.idtp + self.idfn, 1)


def identity_metrics(
    truth_ids: ArrayLike, predicted_ids: ArrayLike, similarity: ArrayLike, threshold: float = 0.5
) -> Identities:
    """Identity metrics of arrays: the ids (G,) and (P,) of all boxes of all frames, and the similarity (G, P) of true
    and predicted boxes in [0, 1], 0 for boxes of different frames. Boxes agree from ``threshold`` on. Codes stand for
    the ids in rising order."""
    (names, truth), (tracks, predicted) = (np.unique(ids, return_inverse=True) for ids in (truth_ids, predicted_ids))
    left, right = np.nonzero(np.asarray(similarity) >= threshold)
    return _assign_ids(truth[left], predicted[right], (len(names), len(tracks)), (len(truth), len(predicted)))


def match_identities(comparison: Comparison) -> Identities:
    """Maximise the boxes in which assigned ids overlap enough, over all cameras and frames at once."""
    edges, truth, predicted = comparison.close, comparison.truth, comparison.predicted
    vehicle, track = truth.ids[comparison.left[edges]], predicted.ids[comparison.right[edges]]
    return _assign_ids(vehicle, track, (len(truth.names), len(predicted.names)), (len(truth), len(predicted)))


def _assign_ids(vehicle: Long, track: Long, ids: tuple[int, int], boxes: tuple[int, int]) -> Identities:
    """From the codes (E,) of each pair of boxes that agree; ids, boxes: how many each side has."""
    u, v, pair = pair_codes(vehicle, track, max(ids[1], 1))
    agreeing = np.bincount(pair, minlength=len(u))
    chosen = best_assignment(u, v, agreeing.astype(np.float64))
    partner, owner = np.full(ids[0], -1), np.full(ids[1], -1)
    partner[u[chosen]], owner[v[chosen]] = v[chosen], u[chosen]
    idtp = int(agreeing[chosen].sum())
    return Identities(partner, owner, idtp, boxes[1] - idtp, boxes[0] - idtp)
