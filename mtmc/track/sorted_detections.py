"""A clip's detections laid out for a tracker: one pass of preparation instead of one per frame.

Shape shorthand: N detections that take part, D feature size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Detections
from mtmc.track.sparse_iou import to_bounds

Double = NDArray[np.float64]


class SortedDetections:
    """Detections with score >= ``low``, sorted by frame, falling score and box, so that their order in a frame does not
    matter.

    rows (N,): where they stand in the caller's arrays; xyxy (N, 4): corners; bounds (N, 5): see ``sparse_iou``;
    features (N, D): float32 unit rows, or None. Scores >= ``high`` are confident ones.
    """

    def __init__(self, detections: Detections, high: float, low: float) -> None:
        boxes = detections.xyxy
        keys = (boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0], -detections.scores, detections.frames)
        order = np.lexsort(keys)
        self.rows = order[detections.scores[order] >= low]
        self.frames = detections.frames[self.rows]
        self.xyxy = boxes[self.rows].astype(np.float64)
        self.bounds = to_bounds(self.xyxy[:, :2], self.xyxy[:, 2:])
        self.features = _unit_rows(detections.features[self.rows]) if detections.features.shape[1] else None
        self._high = np.concatenate([[0], np.cumsum(detections.scores[self.rows] >= high)])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[int, int, int, int]]:
        """(frame, first row, first row with a low score, end row) of every frame from the first box to the last."""
        if len(self) == 0:
            return
        start, stop = int(self.frames[0]), int(self.frames[-1]) + 1
        bounds = np.searchsorted(self.frames, np.arange(start, stop + 1))
        confident = bounds[:-1] + self._high[bounds[1:]] - self._high[bounds[:-1]]
        yield from zip(range(start, stop), bounds[:-1].tolist(), confident.tolist(), bounds[1:].tolist(), strict=True)


def _unit_rows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.sqrt(np.vecdot(features, features))
    return np.asarray(features / np.maximum(norms, 1e-12)[:, None], np.float32)
