"""Other people's trackers on recorded boxes, each with the thresholds that its users turn.

Roboflow's `trackers` and `norfair` are no dependencies: install them elsewhere (pip install --target DIR trackers
norfair) and name that folder in PYTHONPATH to see them. They take no embeddings as used here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Detections
from mtmc.track import Tracks

Way = Callable[[Detections, float], Tracks]


@dataclass(frozen=True)
class Peer:
    """A tracker of another package: ``make`` of the thresholds in ``grid``, by name; it needs ``modules``."""

    make: Callable[..., Way]
    grid: Mapping[str, tuple[float, ...]]
    modules: tuple[str, ...]

    @property
    def installed(self) -> bool:
        return all(importlib.util.find_spec(name) is not None for name in self.modules)


def each_frame(found: Detections) -> list[tuple[int, NDArray[np.intp]]]:
    """(frame, rows) of every frame from the first to the last."""
    span = range(int(found.frames[0]), int(found.frames[-1]) + 1)
    return [(f, np.arange(len(found))[found.rows_at(f)]) for f in span]


def deep_sort_realtime(min_score: float = 0.0, **settings: Any) -> Way:
    """The package as a user calls it; reported are confirmed tracks' matched boxes."""

    def way(found: Detections, fps: float) -> Tracks:
        from deep_sort_realtime.deepsort_tracker import DeepSort

        tracker, numbers = DeepSort(embedder=None, **settings), np.zeros(len(found), np.int64)
        for _, rows in each_frame(found):
            rows = rows[found.scores[rows] >= min_score]
            boxes = zip(found.xyxy[rows].tolist(), found.scores[rows].tolist(), strict=True)
            raw = [([x1, y1, x2 - x1, y2 - y1], score, "car") for (x1, y1, x2, y2), score in boxes]
            for track in tracker.update_tracks(raw, embeds=list(found.features[rows]), others=rows.tolist()):
                if track.is_confirmed() and track.time_since_update == 0:
                    numbers[track.get_det_supplementary()] = int(track.track_id)
        return Tracks(numbers, found.xyxy)

    return way


def roboflow(name: str) -> Callable[..., Way]:
    def make(min_score: float = 0.0, **settings: Any) -> Way:
        def way(found: Detections, fps: float) -> Tracks:
            import supervision
            import trackers

            # its buffer counts frames of 30 per second, scaled by frame_rate
            tracker = getattr(trackers, name)(frame_rate=fps, **settings)
            numbers = np.zeros(len(found), np.int64)
            for _, rows in each_frame(found):
                rows = rows[found.scores[rows] >= min_score]
                given = supervision.Detections(
                    found.xyxy[rows],
                    confidence=found.scores[rows],
                    class_id=np.zeros(len(rows), int),
                    data={"row": rows},
                )
                result = tracker.update(given)
                if len(result):
                    numbers[np.asarray(result.data["row"], int)] = np.asarray(result.tracker_id, np.int64) + 1
            return Tracks(numbers, found.xyxy)

        return way

    return make


def norfair(min_score: float = 0.0, threshold: float = 0.7) -> Way:
    def way(found: Detections, fps: float) -> Tracks:
        import norfair

        tracker = norfair.Tracker("iou", threshold, initialization_delay=2, hit_counter_max=max(3, round(fps)))
        numbers = np.zeros(len(found), np.int64)
        for _, rows in each_frame(found):
            rows = rows[found.scores[rows] >= min_score]
            boxes = [norfair.Detection(found.xyxy[r].reshape(2, 2).astype(float), data=int(r)) for r in rows]
            for seen in tracker.update(boxes):
                if seen.last_detection in boxes:
                    numbers[seen.last_detection.data] = seen.id
        return Tracks(numbers, found.xyxy)

    return way


def botsort(**settings: Any) -> Way:
    return roboflow("BoTSORTTracker")(enable_cmc=False, **settings)


STARTS = (0.25, 0.4, 0.5, 0.6)
ROBOFLOW = ("trackers", "supervision")
PEERS = {
    "trackers: SORT": Peer(
        roboflow("SORTTracker"), {"min_score": (0.25, 0.4, 0.5), "minimum_iou_threshold": (0.1, 0.3)}, ROBOFLOW
    ),
    "trackers: OC-SORT": Peer(
        roboflow("OCSORTTracker"), {"high_conf_det_threshold": STARTS, "minimum_iou_threshold": (0.1, 0.3)}, ROBOFLOW
    ),
    "trackers: ByteTrack": Peer(
        roboflow("ByteTrackTracker"),
        {"track_activation_threshold": STARTS, "high_conf_det_threshold": (0.3, 0.5)},
        ROBOFLOW,
    ),
    "trackers: BoT-SORT": Peer(
        botsort, {"track_activation_threshold": STARTS, "high_conf_det_threshold": (0.3, 0.5)}, ROBOFLOW
    ),
    "norfair": Peer(norfair, {"min_score": STARTS, "threshold": (0.7, 0.9)}, ("norfair",)),
    "deep-sort-realtime": Peer(
        deep_sort_realtime,
        {"min_score": STARTS, "max_cosine_distance": (0.2, 0.4)},
        ("deep_sort_realtime",),
    ),
}
