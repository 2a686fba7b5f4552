"""To and from ``supervision.Detections``, the boxes that Roboflow's libraries and their users' programs pass on.

    boxes_at(detections, frame)          a frame's detections for them
    tracks_at(tracklets, frame)          a frame's tracked boxes for them, ``tracker_id`` set
    read_boxes(frames)                   their detections, frame by frame, as ours
    read_tracks(camera_id, frames)       their tracked boxes, frame by frame, as ours

Classes go by name (``data["class_name"]``), else by COCO's number. The package supervision is imported here only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mtmc.structures import COCO_VEHICLES, LABELS, Detections, Long, Tracklet, label_index, label_of

if TYPE_CHECKING:
    import supervision


def boxes_at(detections: Detections, frame: int) -> supervision.Detections:
    """The detections of one frame; ``data["row"]`` are their places in ``detections``."""
    rows = np.arange(len(detections))[detections.rows_at(frame)]
    return _theirs(detections.xyxy[rows], detections.scores[rows], detections.labels[rows], row=rows)


def tracks_at(tracklets: Iterable[Tracklet], frame: int) -> supervision.Detections:
    """The boxes of one camera's tracklets in one frame; ``tracker_id`` is the track id."""
    found = [(t, row) for t in tracklets if (row := int(np.searchsorted(t.frames, frame))) < len(t)
             and t.frames[row] == frame]  # fmt: skip
    boxes = np.array([t.xyxy[row] for t, row in found], np.float32).reshape(-1, 4)
    scores, labels = np.array([t.scores[row] for t, row in found]), np.array([t.label for t, _ in found], np.int64)
    theirs = _theirs(boxes, scores, labels)
    theirs.tracker_id = np.array([t.track_id for t, _ in found], np.int64)
    return theirs


def read_boxes(frames: Iterable[supervision.Detections]) -> Detections:
    """Detections of a video from those of its frames, in order from frame 0; boxes without area are left out."""
    parts = [_ours(number, theirs) for number, theirs in enumerate(frames)]
    return Detections.concatenate([part for part, _ in parts])


def read_tracks(camera_id: str, frames: Iterable[supervision.Detections]) -> list[Tracklet]:
    """Tracklets of a video from the tracked boxes of its frames, in order from frame 0; boxes without an id, or with
    -1, are left out. A track is of the kind that it has most often."""
    parts = [_ours(number, theirs) for number, theirs in enumerate(frames)]
    boxes = Detections.concatenate([part for part, _ in parts])
    ids = np.concatenate([np.zeros(0, np.int64), *(numbers for _, numbers in parts)])
    found = []
    for track_id in np.unique(ids[ids >= 0]).tolist():
        mine = boxes.take(ids == track_id)
        label = int(np.bincount(mine.labels).argmax())
        found.append(Tracklet(camera_id, track_id, mine.frames, mine.xyxy, mine.scores, label))
    return found


def _theirs(xyxy: np.ndarray, scores: np.ndarray, labels: np.ndarray, **data: np.ndarray) -> supervision.Detections:
    import supervision

    names = np.array([LABELS[label] for label in labels], str)
    return supervision.Detections(
        np.asarray(xyxy, np.float32).reshape(-1, 4), confidence=np.asarray(scores, np.float32),
        class_id=np.asarray(labels, int), data={"class_name": names, **data},
    )  # fmt: skip


def _ours(frame: int, theirs: supervision.Detections) -> tuple[Detections, Long]:
    """A frame's boxes as ours, and their ids, -1 for none."""
    xyxy, count = np.asarray(theirs.xyxy, np.float32).reshape(-1, 4), len(theirs)
    sure = np.ones(count) if theirs.confidence is None else theirs.confidence
    scores = np.clip(np.asarray(sure, np.float32), 0, 1)
    ids = np.full(count, -1) if theirs.tracker_id is None else np.asarray(theirs.tracker_id, np.int64)
    kept = np.flatnonzero((xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1]))
    labels = np.array(_labels(theirs), np.int16)[kept] if count else np.zeros(0, np.int16)
    none = np.zeros((len(kept), 0), np.float32)
    return Detections(np.full(len(kept), frame), xyxy[kept], scores[kept], labels, none), ids[kept]


def _labels(theirs: supervision.Detections) -> Sequence[int]:
    names = theirs.data.get("class_name")
    if names is None:
        numbers = [-1] * len(theirs) if theirs.class_id is None else theirs.class_id
        names = [COCO_VEHICLES.get(int(number), "vehicle") for number in numbers]
    known = [label_of(name) for name in names]
    return [label_index("vehicle") if label is None else label for label in known]
