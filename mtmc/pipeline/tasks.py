"""The stages as units of work: one stage of one camera, or of a slice of its time, for one worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.detect import DetectParams, detect, make_detector
from mtmc.embed import EmbedParams, embed, make_embedder
from mtmc.errors import UserError
from mtmc.params import StageParams
from mtmc.pipeline.workers import Timings, Watch
from mtmc.scene import Camera
from mtmc.store.parts import DetectionsInTime
from mtmc.store.stamps import Stamp, digest, digest_array, fingerprint, staleness
from mtmc.store.tables import (
    keep_embeddings,
    read_tracklets,
    write_detections,
    write_embeddings,
    write_tracklets,
)
from mtmc.structures import Tracklet
from mtmc.track import TrackParams, make_tracker, track_windows
from mtmc.video import Video


@dataclass(frozen=True, slots=True)
class Unit:
    """One table to be made: its ``stage``, its ``name`` (a camera's id, or ``id/number`` of a part of its time) and
    ``path``; the camera looks at the frames of that part only; ``sources`` are the tables that it is made from."""

    stage: str
    name: str
    camera: Camera
    params: StageParams
    path: Path
    sources: Sequence[Path]
    stamp: Stamp
    device: str

    @property
    def on_gpu(self) -> bool:
        """Whether a network is at work on a GPU."""
        return self.stage != "tracklets" and self.device.startswith("cuda")


def run_unit(unit: Unit, watch: Watch) -> Timings:
    """Make a unit's table, unless a worker that was lost had made it before; seconds by table. Raises UserError naming
    the camera."""
    step, word = STEPS[unit.stage]
    start = time.perf_counter()
    if staleness(unit.path, unit.stamp):
        watch(unit.name, word, 0, 1)
        try:
            step(unit, watch)
        except UserError as error:
            if unit.camera.id in error.where:
                raise
            where = f"camera {unit.camera.id}: {error.where}"
            raise type(error)(where, error.expected, error.found, error.fix) from error
    watch(unit.name, word, 1, 1)
    return {f"{unit.stage}/{unit.name}": round(time.perf_counter() - start, 3)}


def _detect(unit: Unit, watch: Watch) -> None:
    assert isinstance(unit.params, DetectParams)
    frames = Video(unit.camera, lambda done: watch(unit.name, "detect", done, len(unit.camera.frames)))
    found = detect(unit.camera, frames, _kept(make_detector, unit), unit.params)
    write_detections(unit.path, found, unit.stamp)


def _track(unit: Unit, watch: Watch) -> None:
    assert isinstance(unit.params, TrackParams)
    tracker = make_tracker(unit.params, unit.device)
    windows = track_windows(unit.camera, DetectionsInTime(unit.sources), tracker, unit.params)
    write_tracklets(unit.path, [tracklet for ended in windows for tracklet in ended], unit.stamp)


def _embed(unit: Unit, watch: Watch) -> None:
    """Embed the tracklets that begin within the unit's time, wherever they end; if they are those of before, their
    vectors are too."""
    assert isinstance(unit.params, EmbedParams)
    first, last = unit.camera.frames[[0, -1]] if "/" in unit.name else (0, np.inf)
    tracklets = [t for source in unit.sources for t in read_tracklets(source, unit.camera.id)]
    own = [t for t in tracklets if first <= t.frames[0] <= last]
    end = max((t.frames[-1] for t in own), default=-1)
    others = [t for t in tracklets if not first <= t.frames[0] <= last and t.frames[-1] >= first and t.frames[0] <= end]
    source = _looked_at(unit, own, others)
    if keep_embeddings(unit.path, unit.stamp, source):
        return
    frames = Video(unit.camera, lambda done: watch(unit.name, "embed", done, 0))
    embeddings = embed(unit.camera, frames, own, _kept(make_embedder, unit), unit.params, others)
    write_embeddings(unit.path, embeddings, unit.stamp, source)


def _looked_at(unit: Unit, own: Sequence[Tracklet], others: Sequence[Tracklet]) -> str:
    """Digest of what the vectors of a unit's ``own`` tracklets are made from."""
    first, end = min((t.frames[0] for t in own), default=0), max((t.frames[-1] for t in own), default=-1)
    recordings = zip(unit.camera.recordings, pairwise(unit.camera.first_frames.tolist()), strict=True)
    videos = [fingerprint(recording.path) for recording, (a, b) in recordings if a <= end and b > first]
    boxes = [digest_array(np.column_stack([t.frames, t.xyxy, t.scores])) for t in (*own, *others)]
    ids = [t.track_id for t in own]
    rest = {key: value for key, value in unit.stamp["inputs"].items() if key not in ("tracklets", "video", "frames")}
    return digest({**unit.stamp, "inputs": rest, "videos": videos, "ids": ids, "boxes": boxes})


STEPS: dict[str, tuple[Callable[[Unit, Watch], None], str]] = {
    "detections": (_detect, "detect"),
    "tracklets": (_track, "track"),
    "embeddings": (_embed, "embed"),
}

_parts: dict[str, Any] = {}
"""The detector and the embedder of this process, made once for all units that it works on."""


def _kept(make: Callable[[Any, str], Any], unit: Unit) -> Any:
    key = f"{unit.stage} {unit.device} {unit.params.model_dump_json()}"
    if key not in _parts:
        _parts[key] = make(unit.params, unit.device)
    return _parts[key]


def forget_parts() -> None:
    """Let the detector and the embedder go: at the end of a run, before their files may change."""
    _parts.clear()


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work took."""
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 3)
