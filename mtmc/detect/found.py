"""From a model's raw arrays to our boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mtmc.structures import Detections


def found_in(
    frame: int, xyxy: ArrayLike, scores: ArrayLike, labels: ArrayLike, features: ArrayLike | None = None
) -> Detections:
    """Boxes of one frame: xyxy (N, 4) pixels, scores (N,), labels (N,) ours or negative for classes we have no word for,
    features (N, D), none by default. Boxes without a label or without area are left out."""
    boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
    ours = np.asarray(labels, np.int16)
    rows = np.flatnonzero((ours >= 0) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    wide = np.zeros((len(boxes), 0), np.float32) if features is None else np.asarray(features, np.float32)
    frames = np.full(len(rows), frame, np.int32)
    sure = np.clip(np.asarray(scores, np.float32)[rows], 0.0, 1.0)
    return Detections(frames, boxes[rows], sure, ours[rows], wide[rows])
