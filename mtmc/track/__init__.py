"""Single-camera tracking: detections of a clip in, tracklets out.

A tracker groups detections (``Tracker``, one method); what follows is the same for all: tracklets are repaired
(``repair``), then cleaned (``clean``). In the order of the flow:

    tracks               what a tracker promises, and what it gives back
    sorted_detections    a clip's detections laid out for one
    sparse_iou           which boxes overlap, by how much
    appearance_scale     what the clip's own features are worth
    jde/                 the default tracker
    deepsort             the package deep-sort-realtime as a tracker
    roboflow             the trackers of the package trackers
    repair               cut ends, split switches, join fragments, fill gaps
    duplicates           second tracks on one vehicle
    filter               which boxes and tracklets are kept (``clean``)
    windows              long clips in bounded memory
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mtmc.errors import require
from mtmc.params import OPTIONS, StageParams
from mtmc.plugin import Menu, check_part, make_part, source_file
from mtmc.scene import Camera
from mtmc.structures import LABELS, Detections, Tracklet
from mtmc.track.deepsort import DeepSortParams, DeepSortTracker
from mtmc.track.filter import CleanParams, clean
from mtmc.track.jde.params import JdeParams
from mtmc.track.jde.tracker import JdeTracker
from mtmc.track.repair import RepairParams, fill, repair
from mtmc.track.roboflow import RoboflowTracker
from mtmc.track.tracks import CheckedTracker, FrameRate, Tracker, Tracks
from mtmc.track.windows import Source, in_windows

__all__ = [
    "TRACKERS",
    "CleanParams",
    "DeepSortParams",
    "FrameRate",
    "JdeParams",
    "RepairParams",
    "TrackParams",
    "Tracker",
    "Tracks",
    "make_tracker",
    "track",
    "track_windows",
]


class TrackParams(StageParams):
    """Parameters of the track stage."""

    tracker: str = Field(
        "jde", description='"jde", "deepsort", "trackers", or "module:callable" that takes (params, device)'
    )
    options: dict[str, Any] = OPTIONS
    jde: JdeParams = Field(default_factory=JdeParams)
    deepsort: DeepSortParams = Field(default_factory=DeepSortParams)
    interpolate: bool = Field(
        False, description="fill every gap of a tracklet, however long, as other trackers report it"
    )
    repair: RepairParams = Field(default_factory=RepairParams)
    clean: CleanParams = Field(default_factory=CleanParams)

    def input_files(self, folder: Path, camera_id: str) -> dict[str, Path]:
        """The code of an outside tracker."""
        code = source_file(self.tracker, TRACKERS)
        return {} if code is None else {"tracker": code}

    def check(self) -> None:
        """Raises ConfigError for an unknown tracker."""
        check_part("track.tracker", self.tracker, TRACKERS)
        if self.tracker == "deepsort":
            require("deep_sort_realtime")
        if self.tracker == "trackers":
            RoboflowTracker(self.options)


TRACKERS: Menu = {
    "jde": lambda params, device: JdeTracker(params.jde),
    "deepsort": lambda params, device: DeepSortTracker(params.deepsort),
    "trackers": lambda params, device: RoboflowTracker(params.options),
}


def make_tracker(params: TrackParams, device: str = "auto") -> Tracker:
    """The tracker that ``params.tracker`` names. Raises ConfigError for an unknown name."""
    return make_part("track.tracker", params.tracker, TRACKERS, params, device, "track", CheckedTracker)  # type: ignore[no-any-return]


def track(camera: Camera, detections: Detections, tracker: Tracker, params: TrackParams) -> list[Tracklet]:
    """Group a camera's detections into tracklets, ids from 1 in order of first appearance (in clips of more than
    ``windows.WINDOW_S``, of the windows in which they end).

    Each detection is in at most one tracklet; a tracklet may have interpolated boxes beside its detections
    (``repair``). No boxes in, no tracklets out.
    """

    def between(first: int, end: int) -> Detections:
        return detections.take(slice(*np.searchsorted(detections.frames, (first, end))))

    return [tracklet for ended in track_windows(camera, between, tracker, params) for tracklet in ended]


def track_windows(camera: Camera, source: Source, tracker: Tracker, params: TrackParams) -> Iterator[list[Tracklet]]:
    """The same in bounded memory: per window of the clip the tracklets that end in it.

    ``source`` gives the detections of frames from a first one to before an end.
    """
    fps, looked_at, number = frame_rate(camera), camera.frames, 0
    longest_fill = camera.frame_count if params.interpolate else int(params.repair.max_fill_s * fps)

    def chosen(
        first: int, end: int
    ) -> Detections:  # the clip is the frames that were looked at: no other can be missed
        found = source(int(looked_at[first]), int(looked_at[end - 1]) + 1) if end > first else Detections.empty()
        return replace(found, frames=np.searchsorted(looked_at, found.frames).astype(np.int32))

    def tracked(found: Detections) -> Tracks:
        return repair(found, tracker.track(found, fps, camera.size), fps, params.repair)

    before: list[Tracklet] = []
    for ended, going in in_windows(chosen, tracked, len(looked_at), fps):
        own, others = (
            [fill(t, longest_fill, fps) for t in to_tracklets(camera.id, *r.as_clip())] for r in (ended, going)
        )
        ours = {t.track_id for t in own}
        kept = clean([*before, *own, *others], fps, camera.size, camera.roi, params.clean)
        before = [t for t in kept if t.track_id in ours]  # what lies on them is found later
        yield [
            replace(t, track_id=number + row, frames=looked_at[t.frames].astype(np.int32))
            for row, t in enumerate(before, start=1)
        ]
        number += len(before)


def frame_rate(camera: Camera) -> float:
    """Rate of the frames that are looked at, with their own times where they are not evenly spaced."""
    fps, frames = camera.fps / camera.stride, camera.frames
    if camera.times_s is None and (np.diff(frames) == camera.stride).all():
        return fps
    return FrameRate(fps, camera.time_s(frames))


def to_tracklets(camera_id: str, detections: Detections, tracks: Tracks) -> list[Tracklet]:
    """One tracklet per track number, in that order; its label is the one with the highest sum of scores."""
    order = np.argsort(tracks.numbers, kind="stable")
    numbers = tracks.numbers[order]
    parts = np.split(order, np.flatnonzero(np.diff(numbers)) + 1) if len(order) else []
    return [
        Tracklet(
            camera_id,
            int(tracks.numbers[rows[0]]),
            detections.frames[rows],
            tracks.xyxy[rows],
            detections.scores[rows],
            _label(detections, rows),
        )
        for rows in parts
        if tracks.numbers[rows[0]] > 0
    ]


def _label(detections: Detections, rows: NDArray[np.intp]) -> int:
    votes = np.bincount(detections.labels[rows], detections.scores[rows] + 1e-6, len(LABELS))
    return int(votes.argmax())
