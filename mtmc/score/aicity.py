"""What the AI City challenge does to a submission before it scores it.

Predictions only, in this order: boxes with a corner outside the mask go, then ids seen by fewer than two cameras, then
repeated (camera, id, frame) rows but the first; cameras without ground truth are not scored. Ground truth stays as it
is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes
from mtmc.errors import InputError
from mtmc.geometry import outside_mask
from mtmc.score.compare import distinct

FILTERS = ("roi", "single_camera", "duplicate", "other_camera")
KEPT = -1

Mask = NDArray[np.bool_]
Reasons = NDArray[np.int8]


def challenge_filters(
    predicted: Boxes,
    masks: Mapping[str, Mask],
    truth_cameras: tuple[str, ...],
    multi_camera: bool = True,
    duplicates: bool = True,
) -> Reasons:
    """Why each row (N,) is dropped, an index into ``FILTERS``, or KEPT. ``masks``: white pixels (h, w) by camera, {}
    for no masks."""
    reasons = np.full(len(predicted), KEPT, np.int8)
    reasons[outside_masks(predicted, masks)] = FILTERS.index("roi")
    if multi_camera:
        rows = np.flatnonzero(reasons == KEPT)
        reasons[rows[_seen_once(predicted.take(rows))]] = FILTERS.index("single_camera")
    if duplicates:
        rows = np.flatnonzero(reasons == KEPT)
        reasons[rows[predicted.take(rows).duplicates()]] = FILTERS.index("duplicate")
    other = ~np.isin(np.array(predicted.cameras, np.str_), np.array(truth_cameras, np.str_))
    reasons[other[predicted.camera]] = FILTERS.index("other_camera")  # whatever else would drop them
    return reasons


def outside_masks(boxes: Boxes, masks: Mapping[str, Mask]) -> Mask:
    """Boxes (N,) with a corner outside their camera's mask; corners are (x, y), (x + w, y), (x, y + h), (x + w, y +
    h)."""
    outside = np.zeros(len(boxes), np.bool_)
    for index, camera_id in enumerate(boxes.cameras):
        if camera_id not in masks:
            continue
        rows = np.flatnonzero(boxes.camera == index)
        near, sides = boxes.xywh[rows, :2], boxes.xywh[rows, 2:]
        outside[rows] = outside_mask(np.concatenate([near, near + sides], axis=1), masks[camera_id])
    return outside


def _seen_once(boxes: Boxes) -> Mask:
    """Rows of ids that appear in one camera only."""
    names, ids = distinct(boxes.ids)
    first, last = np.full(len(names), np.iinfo(np.int64).max), np.full(len(names), -1)
    np.minimum.at(first, ids, boxes.camera)
    np.maximum.at(last, ids, boxes.camera)
    return np.asarray((first == last)[ids])


def check_sides(truth: Boxes, predicted: Boxes, other_cameras: str, duplicates: bool) -> None:
    """Raise InputError for truth that is empty or repeats a row, and for predictions that the challenge would misread.

    These are a camera that the truth does not have (unless ``other_cameras`` is "ignore") and, where the duplicate
    filter is off, a repeated row.
    """
    if len(truth) == 0:
        fix = "Without ground truth no score is defined: check the path given to --gt."
        raise InputError(truth.sources[0] if truth.sources else "ground truth", "at least one box", "none", fix)
    _reject(truth, truth.duplicates(), "Take one of the two away.")
    if not duplicates:
        _reject(predicted, predicted.duplicates(), "Take one away, or leave the duplicate filter on.")
    strange = np.array([c not in truth.cameras for c in predicted.cameras], np.bool_)
    rows = np.flatnonzero(strange[predicted.camera]) if len(predicted) else np.zeros(0, np.intp)
    if other_cameras == "error" and len(rows):
        row = int(rows[np.argmin(predicted.lines[rows])])
        known = ", ".join(truth.cameras[:8]) + (" ..." if len(truth.cameras) > 8 else "")
        found = f"camera {predicted.cameras[predicted.camera[row]]!r}"
        fix = "Correct the camera, or pass --ignore-other-cameras as the challenge ignores them."
        raise InputError(predicted.where(row), f"a camera that has ground truth ({known})", found, fix)


def _reject(boxes: Boxes, repeated: Mask, fix: str) -> None:
    if repeated.any():
        row = int(np.argmax(repeated))
        camera_id = boxes.cameras[boxes.camera[row]]
        found = f"a second box of id {boxes.ids[row]} in frame {boxes.frames[row] + 1} of {camera_id}"
        raise InputError(boxes.where(row), "one box per camera, id and frame", found, fix)
