"""Where the points went: 1 - IDF1, split exactly into causes.

``1 - IDF1 = (IDFN + IDFP) / (G + P)``: each of the G true and P scored predicted boxes that the identity assignment
leaves without its partner costs 1 / (G + P). Every such box gets exactly one cause, by facts that depend on no order of
rows or ids.

Within each frame the boxes are paired one to one in four rounds, each with what the rounds before left over, for the
most pairs, then the most similarity:

1. boxes of assigned ids that overlap enough: the true positives, they cost nothing;
2. boxes of other ids that overlap enough: *identity* pairs, both boxes cost;
3. a true box and a dropped prediction that overlap enough: the true box is *outside the mask*, its vehicle was
   *left in one camera* by the linker, or its row is *repeated*, as the filter says;
4. boxes that overlap, but too little (IoU from ``floor`` to the threshold): both *localisation below the threshold*.

A true box left is *missed by the detector*, a predicted box left is a *false box*. An identity pair joins vehicle u and
predicted id p in camera c. Let r be the id that stands for u in c: the one assigned to u if it is paired with u in c at
all, else the one paired with u most often in c. Then

- p is not r: u's own track broke in this camera. It is a *single-camera switch* if p is also paired with another
  vehicle in c, else a *fragmentation*;
- p is r: the camera's track is whole, but hangs on the wrong id. It is a *wrong link* if p is assigned to another
  vehicle, else a *missed link*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.assignment import best_assignment
from mtmc.score.aicity import Reasons
from mtmc.score.compare import Comparison, pair_codes
from mtmc.score.identity import Identities

CAUSES = (
    "missed_by_detector",
    "false_box",
    "outside_mask",
    "left_in_one_camera",
    "repeated",
    "single_camera_switch",
    "fragmentation",
    "missed_link",
    "wrong_link",
    "localisation",
)
MISSED, FALSE, MASKED, ALONE, REPEATED, SWITCH, FRAGMENT, MISSED_LINK, WRONG_LINK, LOCALISATION = range(len(CAUSES))
FREE = -1
OF_FILTER = np.array([MASKED, ALONE, REPEATED])
"""The cause of each of the challenge's filters, in its order."""

Long = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """Lost boxes by cause, and of how many: a share of ``1 - IDF1`` is ``boxes / total``.

    truth_cause (G,), predicted_cause (P,): index into CAUSES of each box in the comparison's order, -1 for true
    positives; vehicles: true vehicle id (None for false boxes) to its lost boxes per cause (10,); total: G + P.
    """

    truth_cause: Long
    predicted_cause: Long
    vehicles: dict[int | None, Long]
    total: int

    @property
    def boxes(self) -> Long:
        """Lost boxes per cause (10,)."""
        both = np.concatenate([self.truth_cause, self.predicted_cause])
        return np.bincount(both[both >= 0], minlength=len(CAUSES))

    @property
    def shares(self) -> dict[str, float]:
        """Share of each cause; they sum to 1 - IDF1."""
        return {cause: int(count) / self.total for cause, count in zip(CAUSES, self.boxes, strict=True)}


def explain_loss(
    comparison: Comparison, identities: Identities, dropped: Comparison, reasons: Reasons, floor: float = 0.1
) -> Loss:
    """Give every lost box its cause, as the module says. ``dropped`` compares the same truth with what the filters took
    away, and ``reasons`` (N,) say of each of its predicted rows which one."""
    truth, predicted = comparison.truth, comparison.predicted
    truth_cause, predicted_cause = np.full(len(truth), MISSED), np.full(len(predicted), FALSE)
    owner = np.full(len(predicted), -1)  # true code that a predicted box is charged to
    free = np.ones(len(truth), np.bool_), np.ones(len(predicted), np.bool_)
    vehicle, track = truth.ids[comparison.left], predicted.ids[comparison.right]
    close = comparison.similarity >= comparison.threshold
    own = np.flatnonzero(close & (identities.partner[vehicle] == track))
    _take(comparison, own, free)
    truth_cause[comparison.left[own]] = predicted_cause[comparison.right[own]] = FREE
    other = _round(comparison, close, free)
    causes = _identity_causes(comparison, identities, own, other)
    truth_cause[comparison.left[other]] = predicted_cause[comparison.right[other]] = causes
    owner[comparison.right[other]] = vehicle[other]
    hidden = _round(
        dropped, dropped.similarity >= dropped.threshold, (free[0], np.ones(len(dropped.predicted), np.bool_))
    )
    truth_cause[dropped.left[hidden]] = OF_FILTER[reasons[dropped.predicted.rows[dropped.right[hidden]]]]
    loose = _round(comparison, (comparison.similarity >= floor) & ~close, free)
    truth_cause[comparison.left[loose]] = predicted_cause[comparison.right[loose]] = LOCALISATION
    owner[comparison.right[loose]] = vehicle[loose]
    vehicles = _per_vehicle(comparison, truth_cause, predicted_cause, owner)
    return Loss(truth_cause, predicted_cause, vehicles, len(truth) + len(predicted))


def _round(comparison: Comparison, allowed: Mask, free: tuple[Mask, Mask]) -> NDArray[np.intp]:
    """Edges that pair free boxes: the most pairs, then the most similarity. Their boxes are free no more."""
    edges = np.flatnonzero(allowed & free[0][comparison.left] & free[1][comparison.right])
    left, right = comparison.left[edges], comparison.right[edges]
    chosen = edges[best_assignment(left, right, comparison.similarity[edges], most_pairs=True)]
    _take(comparison, chosen, free)
    return chosen


def _take(comparison: Comparison, edges: NDArray[np.intp], free: tuple[Mask, Mask]) -> None:
    free[0][comparison.left[edges]] = False
    free[1][comparison.right[edges]] = False


def _identity_causes(
    comparison: Comparison, identities: Identities, own: NDArray[np.intp], other: NDArray[np.intp]
) -> Long:
    """Cause of each identity pair ``other``, from all pairs of the first two rounds."""
    truth, predicted = comparison.truth, comparison.predicted
    edges = np.concatenate([own, other])
    vehicle, track = truth.ids[comparison.left[edges]], predicted.ids[comparison.right[edges]]
    cameras = int(truth.camera.max(initial=0)) + 1
    visit = vehicle * cameras + truth.camera[comparison.left[edges]]  # a vehicle in a camera
    visits, tracks, pair = pair_codes(visit, track, max(len(predicted.names), 1))
    count = np.bincount(pair, minlength=len(visits))
    stands = _standing(visits, tracks, count, identities.partner[visits // cameras])
    _, _, in_camera = pair_codes(visits % cameras, tracks, max(len(predicted.names), 1))  # a predicted id in a camera
    shared = np.bincount(in_camera)[in_camera] > 1 if len(in_camera) else np.zeros(0, np.bool_)
    broken = np.where(shared, SWITCH, FRAGMENT)
    hanging = np.where(identities.owner[tracks] >= 0, WRONG_LINK, MISSED_LINK)
    return np.asarray(np.where(stands, hanging, broken)[pair[len(own) :]])


def _standing(visits: Long, tracks: Long, count: Long, partner: Long) -> Mask:
    """Whether a track (K,) stands for its vehicle in its camera: the assigned one, else the most frequent, the earlier
    among equals."""
    order = np.lexsort((tracks, -count, tracks != partner, visits))
    first = np.r_[True, np.diff(visits[order]) != 0] if len(visits) else np.zeros(0, np.bool_)
    stands = np.zeros(len(visits), np.bool_)
    stands[order[first]] = True
    return stands


def _per_vehicle(
    comparison: Comparison, truth_cause: Long, predicted_cause: Long, owner: Long
) -> dict[int | None, Long]:
    """Lost boxes per cause (10,) of each true vehicle by id, in order of the ids; None holds the false boxes."""
    names = comparison.truth.names
    table = np.zeros((len(names) + 1, len(CAUSES)), np.int64)
    lost = truth_cause != FREE
    np.add.at(table, (comparison.truth.ids[lost], truth_cause[lost]), 1)
    lost = predicted_cause != FREE
    np.add.at(table, (owner[lost], predicted_cause[lost]), 1)  # row -1: no vehicle
    vehicles: dict[int | None, Long] = {int(names[code]): table[code] for code in np.argsort(names)}
    return vehicles | {None: table[-1]}
