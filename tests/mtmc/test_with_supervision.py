"""Boxes of ours as supervision.Detections and back."""

from __future__ import annotations

import numpy as np
import pytest
import supervision

from mtmc.errors import ConfigError
from mtmc.structures import LABELS, Detections, label_index
from mtmc.track import TrackParams
from mtmc.with_supervision import boxes_at, read_boxes, read_tracks, tracks_at
from tests.builders import make_tracklet


def some() -> Detections:
    boxes = [[0, 0, 10, 10], [5, 5, 30, 20], [7, 7, 20, 30]]
    return Detections([0, 2, 2], boxes, [0.9, 0.5, 0.25], [0, 1, 7], np.zeros((3, 0)))


def test_detections_come_back() -> None:
    found = read_boxes(boxes_at(some(), frame) for frame in range(4))
    for name in ("frames", "xyxy", "scores", "labels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(some(), name))


def test_tracks_come_back() -> None:
    tracks = [make_tracklet("c001", 3, range(2, 9)), make_tracklet("c001", 8, [0, 4, 5], (60, 10, 90, 40))]
    found = read_tracks("c001", (tracks_at(tracks, frame) for frame in range(10)))
    assert [t.key for t in found] == [t.key for t in tracks]
    for a, b in zip(found, tracks, strict=True):
        np.testing.assert_array_equal(a.frames, b.frames)
        np.testing.assert_allclose(a.xyxy, b.xyxy)


def test_their_own_detections_are_understood() -> None:
    plain = supervision.Detections(np.array([[1.0, 2, 9, 8], [4, 4, 4, 9]]), class_id=np.array([7, 2]))
    named = supervision.Detections(
        np.array([[1.0, 2, 9, 8]]), tracker_id=np.array([5]), data={"class_name": np.array(["Delivery van"])}
    )
    found = read_boxes([plain, supervision.Detections.empty(), named])
    assert found.frames.tolist() == [0, 2]  # a box without area is none
    assert [LABELS[label] for label in found.labels] == ["truck", "van"]
    (track,) = read_tracks("c001", [plain, named])
    assert (track.track_id, track.frames.tolist(), track.label) == (5, [1], label_index("van"))


def test_wrong_options_are_said_while_planning() -> None:
    with pytest.raises(ConfigError, match="one of BoTSORTTracker"):
        TrackParams(tracker="trackers", options={"name": "DeepSORT"}).check()
    with pytest.raises(ConfigError, match="arguments of ByteTrackTracker: lost_track_buffer"):
        TrackParams(tracker="trackers", options={"max_age": 30}).check()
