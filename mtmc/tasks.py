"""The stages as work for one process: a camera's stale stages in order, or detection in one recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mtmc.config import Config
from mtmc.errors import UserError
from mtmc.scene import Camera
from mtmc.store import Run
from mtmc.store.stamps import Stamp
from mtmc.store.tables import (
    read_detections,
    read_tracklets,
    write_detections,
    write_embeddings,
    write_tracklets,
)
from mtmc.structures import Detections
from mtmc.video import Video
from mtmc.workers import Timings, Watch


@dataclass(frozen=True, slots=True)
class CameraTask:
    """The stale stages of one camera, for one worker."""

    camera: Camera
    config: Config
    run: Run
    stamps: Mapping[str, Stamp]
    device: str


@dataclass(frozen=True, slots=True)
class RecordingTask:
    """Detection in one recording (the camera's only one, or a part of it), for one worker."""

    name: str
    camera: Camera
    config: Config
    path: Path
    stamp: Stamp
    device: str


Task = CameraTask | RecordingTask


def run_task(task: Task, watch: Watch) -> Timings:
    """Run a camera's stale stages, or detection in one recording; seconds by table. Raises UserError naming the
    camera."""
    if isinstance(task, CameraTask):
        return run_camera(task, watch)
    return {f"detections/{task.name}": timed(lambda: _named(task.camera, lambda: _detect_recording(task, watch)))}


def run_camera(task: CameraTask, watch: Watch) -> Timings:
    """Run one camera's stale stages in order; seconds by table. Raises UserError naming the camera."""
    steps = {"detections": _detect, "tracklets": _track, "embeddings": _embed}
    timings = {}
    for stage in task.stamps:
        step = steps[stage]
        timings[f"{stage}/{task.camera.id}"] = timed(lambda step=step: _named(task.camera, lambda: step(task, watch)))  # type: ignore[misc]
    return timings


def _named(camera: Camera, work: Callable[[], None]) -> None:
    """Do the work; a user's mistake in it names the camera."""
    try:
        work()
    except UserError as error:
        if camera.id in error.where:
            raise
        raise type(error)(f"camera {camera.id}: {error.where}", error.expected, error.found, error.fix) from error


def _detect(task: CameraTask, watch: Watch) -> None:
    """Detections of a whole camera; those of several recordings are there already and joined."""
    path = task.run.path("detections", task.camera.id)
    parts = task.camera.parts()
    if len(parts) > 1:
        names = [f"{row:04d}" for row in range(1, len(parts) + 1)]
        found = [read_detections(task.run.path(f"detections/{task.camera.id}", name)) for name in names]
        widths = {d.features.shape[1] for d in found if len(d)}
        joined = Detections.concatenate([d for d in found if len(d) or not widths])
        write_detections(path, joined, task.stamps["detections"])
    else:
        detect_recording = RecordingTask(
            task.camera.id, task.camera, task.config, path, task.stamps["detections"], task.device
        )
        _detect_recording(detect_recording, watch)


def _detect_recording(task: RecordingTask, watch: Watch) -> None:
    from mtmc.detect import detect, make_detector

    frames = Video(task.camera, lambda done: watch(task.name, "detect", done, len(task.camera.frames)))
    detector = make_detector(task.config.detect, task.device)
    write_detections(task.path, detect(task.camera, frames, detector, task.config.detect), task.stamp)


def _track(task: CameraTask, watch: Watch) -> None:
    from mtmc.track import make_tracker, track

    watch(task.camera.id, "track", 0, 1)
    detections = read_detections(task.run.path("detections", task.camera.id))
    tracklets = track(task.camera, detections, make_tracker(task.config.track, task.device), task.config.track)
    write_tracklets(task.run.path("tracklets", task.camera.id), tracklets, task.stamps["tracklets"])
    watch(task.camera.id, "track", 1, 1)


def _embed(task: CameraTask, watch: Watch) -> None:
    from mtmc.embed import embed, make_embedder

    tracklets = read_tracklets(task.run.path("tracklets", task.camera.id), task.camera.id)
    frames = Video(task.camera, lambda done: watch(task.camera.id, "embed", done, 0))
    embedder = make_embedder(task.config.embed, task.device)
    embeddings = embed(task.camera, frames, tracklets, embedder, task.config.embed)
    write_embeddings(task.run.path("embeddings", task.camera.id), embeddings, task.stamps["embeddings"])
    watch(task.camera.id, "embed", 1, 1)


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work took."""
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 3)
