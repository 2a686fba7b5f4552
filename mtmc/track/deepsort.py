"""Adapter to the package deep-sort-realtime (PyPI, 1.3.2): Deep SORT as it is commonly run.

Faults of the package that are met here:

- it drops boxes without width or height but not their embeddings, so that later rows shift: such boxes cannot get in,
  because ``Detections`` refuses them;
- every track files its last feature again in each frame, so that a gallery of n holds n / 2 features: the budget is
  doubled at the door to mean what it says;
- with more than one BLAS thread it is many times slower: one thread is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from mtmc.errors import InstallError
from mtmc.params import Params
from mtmc.structures import LABELS, Detections
from mtmc.track.tracks import Tracks, in_frames, renumber


class DeepSortParams(Params):
    """Parameters of the ``deepsort`` tracker; defaults are ELECTRICITY's where it states them."""

    min_score: float = Field(0.3, ge=0, le=1, description="detections below are ignored")
    max_cosine_distance: float = Field(0.5, gt=0, le=2)
    max_overlap_cost: float = Field(0.9, gt=0, le=1, description="limit of 1 - overlap in the last association")
    budget: int | None = Field(5, ge=1, description="features kept per track; none = all")
    confirm_hits: int = Field(3, ge=1, description="a track is confirmed after this many boxes")
    max_lost_s: float = Field(2.0, ge=0, description="a vehicle unseen for longer is finished")
    keep_first_boxes: bool = Field(True, description="report the boxes before the confirmation too")


class DeepSortTracker:
    """The ``deepsort`` tracker; a fresh package tracker per clip. Detections without features are matched by overlap
    alone."""

    def __init__(self, params: DeepSortParams) -> None:
        self.params = params

    def track(self, detections: Detections, fps: float, size: tuple[int, int]) -> Tracks:
        """Group a clip's detections by vehicle. Raises InstallError where deep-sort-realtime is missing."""
        numbers = np.zeros(len(detections), np.int64)
        rows = np.flatnonzero(detections.scores >= self.params.min_score)
        if len(rows) == 0:
            return Tracks(numbers, detections.xyxy)
        longest_lost = int(self.params.max_lost_s * fps)
        tracker = self._package(longest_lost)
        confirmed: set[int] = set()
        features = _features(detections)
        with threadpool_limits(1):
            for frame in range(int(detections.frames[rows[0]]), int(detections.frames[rows[-1]]) + 1):
                first, last = np.searchsorted(detections.frames[rows], (frame, frame + 1))
                here = rows[first:last]
                before, now = in_frames(fps, [max(frame - 1, 0), frame])
                if (
                    now - before > longest_lost + 1
                ):  # the package counts frames, not seconds: nobody outlasts such a gap
                    for _ in range(longest_lost + 1):
                        self._step(tracker, detections, features, rows[:0], numbers, confirmed)
                self._step(tracker, detections, features, here, numbers, confirmed)
        numbers[~np.isin(numbers, list(confirmed))] = 0
        return Tracks(renumber(numbers), detections.xyxy)

    def _package(self, longest_lost: int) -> Any:
        try:
            from deep_sort_realtime.deepsort_tracker import DeepSort
        except ImportError as error:
            raise InstallError(
                "tracker deepsort",
                "the package deep-sort-realtime",
                "none",
                'Install it with pip install "mtmc[deepsort]".',
            ) from error
        return DeepSort(
            max_iou_distance=self.params.max_overlap_cost,
            max_age=longest_lost,
            n_init=self.params.confirm_hits,
            max_cosine_distance=self.params.max_cosine_distance,
            nn_budget=None if self.params.budget is None else 2 * self.params.budget,
            embedder=None,
        )

    def _step(
        self,
        tracker: Any,
        detections: Detections,
        features: NDArray[np.float32],
        here: NDArray[np.intp],
        numbers: NDArray[np.int64],
        confirmed: set[int],
    ) -> None:
        boxes, scores = detections.xyxy[here].tolist(), detections.scores[here].tolist()
        raw = [
            ([x1, y1, x2 - x1, y2 - y1], score, LABELS[label])
            for (x1, y1, x2, y2), score, label in zip(boxes, scores, detections.labels[here], strict=True)
        ]
        embeds = list(features[here])
        for track in tracker.update_tracks(raw, embeds=embeds, others=here.tolist()):
            number = int(track.track_id)
            if track.is_confirmed():
                confirmed.add(number)
            row = track.get_det_supplementary()
            if (
                track.time_since_update == 0
                and row is not None
                and (self.params.keep_first_boxes or number in confirmed)
            ):
                numbers[row] = number


def _features(detections: Detections) -> NDArray[np.float32]:
    """Features, or one constant feature for all where there are none: appearance then favours nobody."""
    if detections.features.shape[1]:
        return detections.features
    return np.ones((len(detections), 1), np.float32)
