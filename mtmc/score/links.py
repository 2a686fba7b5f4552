"""Links between cameras: which tracklets were joined, and should have been.

A predicted tracklet is the boxes of one id (and track) in one camera. Its true vehicle is the one that most of its
boxes are matched to by CLEAR; a tracklet matched to none is false. Two tracklets of different cameras are linked if
they share the predicted id, and belong together if they have the same true vehicle. All tracklets that the linker gave
an id count, also those of vehicles that it left in one camera and that the challenge's filter drops: a link that is
missing shows here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mtmc.box_table import Boxes, pack
from mtmc.score.compare import Comparison, distinct, pair_codes

Long = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Links:
    """Pairs of tracklets over different cameras: right are linked and belong together, wrong are linked and do not
    (pairs of two false tracklets left out, as the truth says nothing about them), missed belong together and are not
    linked."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Right links among all links, 0 without links."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Right links among all pairs that belong together, 0 without such pairs."""
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / max(2 * self.right + self.wrong + self.missed, 1)


@dataclass(frozen=True, slots=True)
class CameraPair:
    """Two cameras: vehicles that truly pass both; right of them carry one predicted id in both, missed do not; wrong
    counts the linked pairs of tracklets that do not belong together."""

    cameras: tuple[str, str]
    vehicles: int
    right: int
    wrong: int
    missed: int


@dataclass(frozen=True, slots=True, eq=False)
class PredictedTracklets:
    """Predicted tracklets (T,): of_row (P,) tracklet of each predicted box, camera, track = predicted code, vehicle =
    true code or -1."""

    of_row: Long
    camera: Long
    track: Long
    vehicle: Long


def find_tracklets(comparison: Comparison, matches: NDArray[np.intp], predicted: Boxes) -> PredictedTracklets:
    """The predicted tracklets with their true vehicles; ties go to the vehicle that appeared first."""
    side = comparison.predicted
    keys = pack(side.camera, side.ids, predicted.tracks[side.rows])
    _, first, of_row = np.unique(keys, return_index=True, return_inverse=True)
    vehicle = np.full(len(first), -1)
    tracklet, code, pair = pair_codes(
        of_row[comparison.right[matches]], comparison.truth.ids[comparison.left[matches]], len(comparison.truth.names)
    )
    votes = np.bincount(pair, minlength=len(tracklet))
    order = np.lexsort((-code, votes, tracklet))
    vehicle[tracklet[order]] = code[order]  # the last write per tracklet has the most votes
    return PredictedTracklets(of_row, side.camera[first], side.ids[first], vehicle)


def count_links(tracklets: PredictedTracklets) -> Links:
    """Right, wrong and missed links over all cameras."""
    real = tracklets.vehicle >= 0
    width = int(tracklets.track.max(initial=0)) + 1
    linked = _pairs(tracklets.track, tracklets.camera)
    false = _pairs(tracklets.track[~real], tracklets.camera[~real])
    belonging = _pairs(tracklets.vehicle[real], tracklets.camera[real])
    right = _pairs((tracklets.vehicle * width + tracklets.track)[real], tracklets.camera[real])
    return Links(right, linked - false - right, belonging - right)


def _pairs(groups: Long, cameras: Long) -> int:
    """Unordered pairs of tracklets in the same group and different cameras."""
    if len(groups) == 0:
        return 0
    _, group = distinct(groups)
    _, _, both = pair_codes(group, cameras, int(cameras.max()) + 1)
    whole, within = np.bincount(group), np.bincount(both)
    return int((whole * (whole - 1) // 2).sum() - (within * (within - 1) // 2).sum())


def count_camera_pairs(
    comparison: Comparison, tracklets: PredictedTracklets, cameras: tuple[str, ...]
) -> list[CameraPair]:
    """All pairs of cameras that a true vehicle passes both of, or that a wrong link joins, in order of the cameras."""
    count, truth = len(cameras), comparison.truth
    vehicle, camera, _ = pair_codes(truth.ids, truth.camera, count)
    passed = _together(vehicle, camera, count)
    real = tracklets.vehicle >= 0
    width = int(tracklets.track.max(initial=0)) + 1
    right_pairs = _together((tracklets.vehicle * width + tracklets.track)[real], tracklets.camera[real], count)
    wrong = _together(tracklets.track, tracklets.camera, count) - _together(
        tracklets.track[~real], tracklets.camera[~real], count
    )
    wrong -= right_pairs
    right = _joined_vehicles(tracklets, width, count)
    counts = np.stack([passed, right, wrong, passed - right])
    return [
        CameraPair((cameras[a], cameras[b]), *counts[:, a, b].tolist())
        for a, b in np.argwhere(np.triu(passed + wrong, 1) > 0)
    ]


def _together(groups: Long, cameras: Long, count: int) -> Long:
    """Pairs of members of one group in cameras a and b (count, count)."""
    if len(groups) == 0:
        return np.zeros((count, count), np.int64)
    _, group = distinct(groups)
    members = csr_array((np.ones(len(group), np.int64), (group, cameras)), shape=(int(group.max()) + 1, count))
    return np.asarray((members.T @ members).toarray(), np.int64)


def _joined_vehicles(tracklets: PredictedTracklets, width: int, count: int) -> Long:
    """Vehicles with one predicted id in both cameras a and b (count, count)."""
    real = tracklets.vehicle >= 0
    group, camera, _ = pair_codes((tracklets.vehicle * width + tracklets.track)[real], tracklets.camera[real], count)
    order = np.argsort(group, kind="stable")
    group, camera = group[order], camera[order]
    start, stop = np.searchsorted(group, group, "left"), np.searchsorted(group, group, "right")
    one = np.repeat(np.arange(len(group)), stop - start)
    before = np.cumsum(stop - start) - (stop - start)
    other = np.arange(len(one)) - np.repeat(before, stop - start) + np.repeat(start, stop - start)
    triples = np.unique((group[one] // width * count + camera[one]) * count + camera[other])
    return np.bincount(triples % (count * count), minlength=count * count).reshape(count, count)
