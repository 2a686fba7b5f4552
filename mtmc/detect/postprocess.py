"""From a network's raw arrays to the boxes that are worth keeping: one vehicle, one box, with its appearance.

Shape shorthand: N boxes, D appearance features per box.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtmc.colour_histogram import histogram_rows
from mtmc.detect.params import DetectParams
from mtmc.errors import UserError
from mtmc.geometry import clip_boxes, iou
from mtmc.scene import Camera
from mtmc.structures import LABELS, Detections
from mtmc.video import Clip


def make_detections(
    frame: int, xyxy: ArrayLike, scores: ArrayLike, labels: ArrayLike, features: ArrayLike | None = None
) -> Detections:
    """Boxes of one frame: xyxy (N, 4) pixels, scores (N,), labels (N,) ours or negative for classes we have no word
    for, features (N, D), none by default. Boxes without a label or without area are left out."""
    boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
    ours = np.asarray(labels, np.int16)
    rows = np.flatnonzero((ours >= 0) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    wide = np.zeros((len(boxes), 0), np.float32) if features is None else np.asarray(features, np.float32)
    frames = np.full(len(rows), frame, np.int32)
    sure = np.clip(np.asarray(scores, np.float32)[rows], 0.0, 1.0)
    return Detections(frames, boxes[rows], sure, ours[rows], wide[rows])


def postprocess(found: Detections, clip: Clip, camera: Camera, params: DetectParams) -> Detections:
    """The boxes of one clip that are wanted, sure and large enough, cut to the image, one per vehicle, with features.

    Raises UserError for boxes of frames that the clip does not have.
    """
    if not np.isin(found.frames, clip.frames).all():
        raise UserError(params.detector, "boxes of the clip's frames", "others", "Correct the detector.")
    xyxy = clip_boxes(found.xyxy, camera.size)
    sides = np.minimum(xyxy[:, 2] - xyxy[:, 0], xyxy[:, 3] - xyxy[:, 1])
    wanted = np.isin(found.labels, [LABELS.index(name) for name in params.classes])
    rows = np.flatnonzero((found.scores >= params.min_score) & wanted & (sides >= params.min_side_px))
    rows = rows[nms(found.frames[rows], xyxy[rows], found.scores[rows], params.nms_iou)]
    kept = Detections(found.frames[rows], xyxy[rows], found.scores[rows], found.labels[rows], found.features[rows])
    return _with_features(kept, clip, params)


def _with_features(found: Detections, clip: Clip, params: DetectParams) -> Detections:
    if params.appearance == "detector" or (params.appearance == "auto" and found.features.shape[1]):
        return found
    features = np.zeros((len(found), 0), np.float32)
    if params.appearance != "none":
        images = [clip.image(int(frame)) for frame in found.frames]
        features = histogram_rows(images, found.xyxy)
    return Detections(found.frames, found.xyxy, found.scores, found.labels, features)


def nms(
    frames: NDArray[np.int32], xyxy: NDArray[np.float32], scores: NDArray[np.float32], max_iou: float
) -> NDArray[np.intp]:
    """Non-maximum suppression: rows that stay, sorted by frame and then by falling score: greedy, per frame, whatever
    the class.

    frames (N,); xyxy (N, 4); scores (N,); a box goes if a better one of its frame overlaps it by more than ``max_iou``.
    """
    order = np.lexsort((-scores, frames))
    starts = np.flatnonzero(np.diff(frames[order], prepend=-1))
    kept = [_greedy(rows, xyxy, max_iou) for rows in np.split(order, starts[1:])] if len(order) else []
    return np.concatenate(kept) if kept else np.zeros(0, np.intp)


def _greedy(rows: NDArray[np.intp], xyxy: NDArray[np.float32], max_iou: float) -> NDArray[np.intp]:
    """``rows`` by falling score; those that no better kept row overlaps too much."""
    overlaps = iou(xyxy[rows], xyxy[rows]) > max_iou
    alive = np.ones(len(rows), bool)
    for i in range(len(rows)):
        if alive[i]:
            alive[i + 1 :] &= ~overlaps[i, i + 1 :]
    return rows[alive]
