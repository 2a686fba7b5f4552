"""Simulated tracklets with their truth, and how well a partition of them agrees with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from mtmc.structures import Double, Long, TrackletTable


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """Tracklets with their truth.

    vehicle_id, boxes (T,) int64: who it is (a number of its own, negative, for what no true vehicle answers to) and how
    many boxes it has, its weight in IDF1; offset_s (C,) seconds that each camera's clock is ahead, already added to the
    table's times; clock_known: whether a linker may trust the clocks; link_from, link_to, link_s (L,): the true camera
    pairs of neighbouring views and the usual seconds from one to the other; zones_toml: zones and travel times as a
    patient user would write them by hand. Of a place's tracklets also covered (T,): boxes that lie on its vehicle; and
    truth_boxes: ids of the true vehicles, ascending, and how many boxes each has.
    """

    table: TrackletTable
    vehicle_id: Long
    boxes: Long
    offset_s: Double
    clock_known: bool
    link_from: Long
    link_to: Long
    link_s: Double
    zones_toml: str
    covered: Long | None = None
    truth_boxes: tuple[Long, Long] | None = None

    def identity_f1(self, labels: Long) -> float:
        """IDF1 in [0, 1] of labels (T,) as ``mtmc score`` would count it: vehicles left in one camera are dropped, then
        true and predicted vehicles are matched one to one for the most common boxes (Ristani et al., 2016)."""
        label = np.unique(labels, return_inverse=True)[1].ravel()
        covered = self.boxes if self.covered is None else self.covered
        ids, true_boxes = self.truth_boxes or _totals(self.vehicle_id, self.boxes)
        seen_by = np.unique(np.stack([label, self.table.camera]), axis=1)[0]
        kept = np.bincount(seen_by)[label] > 1
        hits = kept & (covered > 0)
        common = np.zeros((len(ids), label.max(initial=0) + 1))
        np.add.at(common, (np.searchsorted(ids, self.vehicle_id[hits]), label[hits]), covered[hits])
        common = common[:, common.any(axis=0)]
        matched = common[linear_sum_assignment(common, maximize=True)].sum()
        return float(2 * matched / max(self.boxes[kept].sum() + true_boxes.sum(), 1))


def _totals(vehicle: Long, boxes: Long) -> tuple[Long, Long]:
    """Vehicles seen, ascending, and the boxes of each."""
    ids, row = np.unique(vehicle, return_inverse=True)
    return ids, np.bincount(row, boxes).astype(np.int64)
