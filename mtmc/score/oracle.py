"""Ceilings: the IDF1 if boxes, tracklets and links were true, alone and together. What cannot be had again cheaply from
there, the tracker and the linker, keeps what it said; what comes after a true stage and cannot keep it is true as well.

Replacements, on the predictions after the mask and duplicate filters (the rule of two cameras is applied again
afterwards):

- *links true*: each predicted tracklet gets the id of its true vehicle (``mtmc.score.links``), false ones an id of
  their own;
- *tracklets true*: the boxes of one vehicle in one camera become one tracklet, which gets the predicted id assigned to
  the vehicle if some of them had it, else the one that most of them had, one-to-one in each camera; false boxes become
  tracklets of their own;
- *boxes true*: the true boxes, each with the predicted id of the box matched to it, else the id of the nearest matched
  moment of its vehicle in that camera, else an id of its own.

So ``links`` is the ceiling of the linker, ``tracklets_links`` that of the detector (everything after it perfect), and
``boxes_tracklets`` what the linker's decisions alone cost. All three together are the truth itself, 1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtmc.assignment import best_assignment
from mtmc.box_table import Boxes
from mtmc.score.compare import Comparison, pair_codes
from mtmc.score.identity import Identities
from mtmc.score.links import find_tracklets

Long = NDArray[np.int64]
Matches = NDArray[np.intp]


def oracle_boxes(
    comparison: Comparison, identities: Identities, matches: Matches, truth: Boxes, predicted: Boxes
) -> dict[str, Boxes]:
    """Predictions with stages replaced by the truth, by name; to be filtered and scored like any prediction.

    ``comparison`` and its ``matches`` (CLEAR) relate all of ``truth`` with all of ``predicted``.
    """
    ids = _predicted_ids(comparison, identities, matches)
    return {
        "links": true_links(comparison, matches, predicted),
        "tracklets": _regrouped(comparison, matches, predicted, ids),
        "tracklets_links": true_tracklets(comparison, matches, predicted),
        "boxes": _boxes(comparison, matches, truth),
        "boxes_tracklets": _boxes_tracklets(comparison, matches, truth, ids),
    }


def true_links(comparison: Comparison, matches: Matches, predicted: Boxes) -> Boxes:
    """The predicted tracklets, each under a number for its true vehicle; of two of them in one frame one box is left
    out."""
    tracklets = find_tracklets(comparison, matches, predicted)
    vehicles = len(comparison.truth.names)
    ids = np.where(tracklets.vehicle >= 0, tracklets.vehicle, vehicles + np.arange(len(tracklets.vehicle)))
    side = comparison.predicted
    right = np.zeros(len(side), np.bool_)
    right[comparison.right[matches]] = (
        comparison.truth.ids[comparison.left[matches]] == ids[tracklets.of_row[comparison.right[matches]]]
    )
    rows = np.lexsort((~right,))  # of two tracklets of one vehicle in one frame, the box that matches it stays
    return _without_repeats(replace(predicted.take(side.rows[rows]), ids=ids[tracklets.of_row[rows]]))


def true_tracklets(comparison: Comparison, matches: Matches, predicted: Boxes) -> Boxes:
    """The predicted boxes in the comparison's order, as one track per true vehicle and camera under a number for the
    vehicle, and the false boxes in tracks of their own."""
    return _regrouped(comparison, matches, predicted, comparison.truth.ids[comparison.left[matches]])


def _regrouped(comparison: Comparison, matches: Matches, predicted: Boxes, ids: Long) -> Boxes:
    """The predicted boxes with new ``ids`` (M,) for the matched ones, the others in tracks of their own."""
    side, first = comparison.predicted, int(ids.max(initial=-1)) + 1
    own = first + np.unique(side.camera * (len(side.names) + 1) + side.ids, return_inverse=True)[1]
    new = np.asarray(own, np.int64)
    new[comparison.right[matches]] = ids
    return replace(predicted.take(side.rows), ids=new, tracks=new)


def _predicted_ids(comparison: Comparison, identities: Identities, matches: Matches) -> Long:
    """Of each match (M,) the predicted id that its vehicle gets in its camera; ids are given one-to-one in each camera,
    and a vehicle left without gets a fresh one."""
    truth, predicted = comparison.truth, comparison.predicted
    rows, tracks, width = comparison.left[matches], predicted.ids[comparison.right[matches]], len(predicted.names)
    visits, visit_of_match = np.unique(truth.camera[rows] * len(truth.names) + truth.ids[rows], return_inverse=True)
    visit, track, pair = pair_codes(np.asarray(visit_of_match, np.int64), tracks, max(width, 1))
    camera, vehicle = np.divmod(visits[visit], len(truth.names))  # a visit is a (vehicle, camera)
    votes = np.bincount(pair, minlength=len(visit)) + (len(matches) + 1.0) * (identities.partner[vehicle] == track)
    chosen = best_assignment(visit, camera * width + track, votes)
    ids = width + np.arange(len(visits))
    ids[visit[chosen]] = track[chosen]
    return ids[visit_of_match]


def _boxes(comparison: Comparison, matches: Matches, truth: Boxes) -> Boxes:
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


def _nearest_known(visit: Long, time: Long, known: NDArray[np.bool_]) -> Long:
    """Row (N,) of the known row nearest in time of the same visit, the earlier among equals, -1 where the visit has
    none."""
    order = np.lexsort((time, visit))
    rows = np.where(known[order], np.arange(len(order)), -1)
    before = np.maximum.accumulate(rows)
    after = np.minimum.accumulate(np.where(rows >= 0, rows, len(order))[::-1])[::-1]
    visits, times = visit[order], time[order]
    far = np.iinfo(np.int64).max
    gap_before = np.where((before >= 0) & (visits[before] == visits), times - times[before], far)
    inside = np.minimum(after, len(order) - 1)
    gap_after = np.where((after < len(order)) & (visits[inside] == visits), times[inside] - times, far)
    best = np.where(gap_before <= gap_after, before, inside)
    found = np.full(len(order), -1)
    found[order] = np.where(np.minimum(gap_before, gap_after) < far, order[best], -1)
    return found


def _boxes_tracklets(comparison: Comparison, matches: Matches, truth: Boxes, matched_ids: Long) -> Boxes:
    side = comparison.truth
    width = len(side.names) + 1
    visits, visit = np.unique(side.camera * width + side.ids, return_inverse=True)
    ids = (
        len(comparison.predicted.names) + len(matches) + np.arange(len(visits))
    )  # for vehicles never matched in a camera
    ids[visit[comparison.left[matches]]] = matched_ids
    return replace(truth.take(side.rows), ids=ids[visit], tracks=ids[visit])


def _without_repeats(boxes: Boxes) -> Boxes:
    return boxes.take(~boxes.duplicates())
