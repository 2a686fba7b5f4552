"""Ceilings: the IDF1 if boxes, tracklets and links were true, alone and together. What cannot be had again cheaply from there, the
tracker and the linker, keeps what it said; what comes after a true stage and cannot keep it is true as well.

Replacements, on the predictions after the mask and duplicate filters (the rule of two cameras is applied again afterwards):

- *links true*: each predicted tracklet gets the id of its true vehicle (``mtmc.score.links``), false ones an id of their own;
- *tracklets true*: the boxes of one vehicle in one camera become one tracklet, which gets the predicted id that most of its boxes had,
  one-to-one in each camera; false boxes become tracklets of their own;
- *boxes true*: the true boxes, each with the predicted id of the box matched to it, else the id of the nearest matched moment of its
  vehicle in that camera, else an id of its own.

So ``links`` is the ceiling of the linker, ``tracklets_links`` that of the detector (everything after it perfect), and ``boxes_tracklets`` what
the linker's decisions alone cost. All three together are the truth itself, 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtmc.boxes import Boxes
from mtmc.score.assign import best_assignment
from mtmc.score.compare import Comparison, pair_codes
from mtmc.score.links import find_units

Long = NDArray[np.int64]

ORACLES = ("links", "tracklets", "tracklets_links", "boxes", "boxes_tracklets")


def oracle_boxes(comparison: Comparison, matches: NDArray[np.intp], truth: Boxes, predicted: Boxes) -> dict[str, Boxes]:
    """Predictions with stages replaced by the truth, by name; to be filtered and scored like any prediction.

    ``comparison`` and its ``matches`` (CLEAR) relate all of ``truth`` with all of ``predicted``.
    """
    makers: tuple[Callable[..., Boxes], ...] = (_links, _tracklets, _tracklets_links, _boxes, _boxes_tracklets)
    return {name: make(comparison, matches, truth, predicted) for name, make in zip(ORACLES, makers, strict=True)}


def _links(comparison: Comparison, matches: NDArray[np.intp], truth: Boxes, predicted: Boxes) -> Boxes:
    units = find_units(comparison, matches, predicted)
    vehicles = len(comparison.truth.names)
    ids = np.where(units.vehicle >= 0, units.vehicle, vehicles + np.arange(len(units.vehicle)))
    side = comparison.predicted
    right = np.zeros(len(side), np.bool_)
    right[comparison.right[matches]] = (
        comparison.truth.ids[comparison.left[matches]] == ids[units.of_row[comparison.right[matches]]]
    )
    rows = np.lexsort((~right,))  # of two tracklets of one vehicle in one frame, the box that matches it stays
    return _without_repeats(replace(predicted.take(side.rows[rows]), ids=ids[units.of_row[rows]]))


def _tracklets(comparison: Comparison, matches: NDArray[np.intp], truth: Boxes, predicted: Boxes) -> Boxes:
    seat_id, seats = _predicted_ids(comparison, matches)
    return _regrouped(comparison, matches, predicted, seat_id[seats], int(seat_id.max(initial=0)) + 1)


def _tracklets_links(comparison: Comparison, matches: NDArray[np.intp], truth: Boxes, predicted: Boxes) -> Boxes:
    vehicle = comparison.truth.ids[comparison.left[matches]]
    return _regrouped(comparison, matches, predicted, vehicle, len(comparison.truth.names))


def _regrouped(comparison: Comparison, matches: NDArray[np.intp], predicted: Boxes, ids: Long, first: int) -> Boxes:
    """The predicted boxes with new ``ids`` for the matched ones, the others in tracks of their own, numbered from ``first``."""
    side = comparison.predicted
    own = first + np.unique(side.camera * (len(side.names) + 1) + side.ids, return_inverse=True)[1]
    new = np.asarray(own, np.int64)
    new[comparison.right[matches]] = ids
    return replace(predicted.take(side.rows), ids=new, tracks=new)


def _predicted_ids(comparison: Comparison, matches: NDArray[np.intp]) -> tuple[Long, Long]:
    """A predicted id for each true (vehicle, camera) that has matches, one-to-one in each camera, and the number of each match's.

    A vehicle left without gets a fresh id.
    """
    truth, predicted = comparison.truth, comparison.predicted
    rows, width = comparison.left[matches], len(predicted.names)
    places, seats = np.unique(truth.camera[rows] * (len(truth.names) + 1) + truth.ids[rows], return_inverse=True)
    seat, track, pair = pair_codes(np.asarray(seats, np.int64), predicted.ids[comparison.right[matches]], max(width, 1))
    camera = places[seat] // (len(truth.names) + 1)
    votes = np.bincount(pair, minlength=len(seat)).astype(np.float64)
    chosen = best_assignment(seat, camera * width + track, votes)
    ids = width + np.arange(len(places))
    ids[seat[chosen]] = track[chosen]
    return ids, np.asarray(seats, np.int64)


def _boxes(comparison: Comparison, matches: NDArray[np.intp], truth: Boxes, predicted: Boxes) -> Boxes:
    side = comparison.truth
    ids = np.full(len(side), -1)
    ids[comparison.left[matches]] = comparison.predicted.ids[comparison.right[matches]]
    known = ids >= 0
    nearest = _nearest_known(side.camera * (len(side.names) + 1) + side.ids, side.time, known)
    fresh = len(comparison.predicted.names) + side.ids * (int(side.camera.max()) + 1) + side.camera
    ids = np.where(nearest >= 0, ids[nearest], fresh)
    rows = np.lexsort((~known,))  # where a neighbour's id is taken in that frame already, the box gets an id of its own
    boxes = replace(truth.take(side.rows[rows]), ids=ids[rows], tracks=ids[rows])
    return replace(boxes, ids=np.where(boxes.duplicates(), fresh[rows], boxes.ids))


def _nearest_known(seat: Long, time: Long, known: NDArray[np.bool_]) -> Long:
    """Row (N,) of the known row nearest in time of the same seat, the earlier among equals, -1 where the seat has none."""
    order = np.lexsort((time, seat))
    rows = np.where(known[order], np.arange(len(order)), -1)
    before = np.maximum.accumulate(rows)
    after = np.minimum.accumulate(np.where(rows >= 0, rows, len(order))[::-1])[::-1]
    seats, times = seat[order], time[order]
    far = np.iinfo(np.int64).max
    gap_before = np.where((before >= 0) & (seats[before] == seats), times - times[before], far)
    inside = np.minimum(after, len(order) - 1)
    gap_after = np.where((after < len(order)) & (seats[inside] == seats), times[inside] - times, far)
    best = np.where(gap_before <= gap_after, before, inside)
    found = np.full(len(order), -1)
    found[order] = np.where(np.minimum(gap_before, gap_after) < far, order[best], -1)
    return found


def _boxes_tracklets(comparison: Comparison, matches: NDArray[np.intp], truth: Boxes, predicted: Boxes) -> Boxes:
    side = comparison.truth
    seat_id, seats = _predicted_ids(comparison, matches)
    width = len(side.names) + 1
    places, place = np.unique(side.camera * width + side.ids, return_inverse=True)
    ids = (
        len(comparison.predicted.names) + len(matches) + np.arange(len(places))
    )  # for vehicles never matched in a camera
    ids[place[comparison.left[matches]]] = seat_id[seats]
    return replace(truth.take(side.rows), ids=ids[place], tracks=ids[place])


def _without_repeats(boxes: Boxes) -> Boxes:
    return boxes.take(~boxes.duplicates())
