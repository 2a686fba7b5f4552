"""A run of tracks that were made elsewhere: they take the place of detection and tracking, the rest is as in any run.

With videos beside them the crops are embedded and the pages have pictures; without, everything rests on the tracks and
on vectors that come with them, if any.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.config import Config
from mtmc.errors import ConfigError, InputError
from mtmc.files.atomic import locked
from mtmc.pipeline.planning import CAMERA_STAGES, VERSIONS, Plan, plan_given
from mtmc.scene import Camera, Scene
from mtmc.store import Run
from mtmc.store.given_tracks import Given, read_given
from mtmc.store.stamps import Stamp, digest_array
from mtmc.store.tables import write_detections, write_embeddings, write_tracklets
from mtmc.structures import Detections, Embeddings, Tracklet

logger = logging.getLogger(__name__)

Tracks = Mapping[str, list[Tracklet]]


def take_tracks(
    source: str, scene: Scene, videos: Path | None, tracks: Tracks, vectors: Mapping[str, Embeddings] | None,
    out: Path, config: Config, device: str = "auto",
) -> Plan:  # fmt: skip
    """Write tracks, and vectors if there are any, as the tables of a run, and plan what follows them.

    Args:
        source: where they came from; a run folder belongs to it.
        scene: the cameras; ``videos``: their folder, None for a scene of tracks alone.
        tracks, vectors: by camera id.

    Raises InputError for tracks of cameras or frames that the videos do not have, ConfigError for a run folder of
    something else, UserError for a configuration that cannot be used.
    """
    for stage in (config.track, config.embed, config.link):
        stage.check()
    _check(source, scene, tracks)
    if videos is None:
        report = config.report.model_copy(update={"video": False, "hide": "pictures"})
        config = config.model_copy(update={"report": report})
    if vectors is None and videos is None:
        logger.warning("No vectors and no videos: time and place alone tell vehicles apart.")
    run = Run(out)
    before = read_given(out)
    if (out / "run.json").exists() and (before is None or before.source != source):
        found = f"one of {run.settings['videos'] if before is None else before.source}"
        raise ConfigError(out, f"a run of {source}", found, "Give another folder with --out, or delete this one.")
    stages = CAMERA_STAGES if vectors is not None or videos is None else CAMERA_STAGES[:2]
    given = Given(source, stages, scene if videos is None else None)
    with locked(out):
        for camera in scene.cameras.values():
            mine = Embeddings.empty() if vectors is None else vectors.get(camera.id, Embeddings.empty())
            _write(run, camera, tracks.get(camera.id, []), mine, stages)
        given.write(out)
    return plan_given(videos or Path(source), scene, run, config, device)


def _check(source: str, scene: Scene, tracks: Tracks) -> None:
    for camera_id, mine in tracks.items():
        camera = scene.cameras.get(camera_id)
        if camera is None:
            expected = f"cameras out of {', '.join(scene.cameras)}"
            raise InputError(source, expected, repr(camera_id), "Name the tracks' cameras as the videos.")
        last = max((int(t.frames[-1]) for t in mine), default=0)
        if last >= camera.frame_count:
            expected, found = f"frames of the video of {camera_id} ({camera.frame_count})", f"frame {last} (from 0)"
            raise InputError(
                source, expected, found, "Give the tracks of this video; --first-frame 1 if they count so."
            )
    if idle := [camera_id for camera_id in scene.cameras if not tracks.get(camera_id)]:
        logger.warning("No tracks of %s in %s: nothing was seen, or their file is missing.", ", ".join(idle), source)


def _write(run: Run, camera: Camera, tracks: list[Tracklet], vectors: Embeddings, stages: tuple[str, ...]) -> None:
    boxes, camera_id = _boxes(tracks), camera.id
    content: dict[str, Any] = {
        "size": list(camera.size),
        "boxes": digest_array(np.column_stack([boxes.frames, boxes.xyxy, boxes.scores, boxes.labels])),
    }
    content["tracks"] = digest_array(np.array([(t.track_id, len(t)) for t in tracks], np.int64))
    write_detections(run.path("detections", camera_id), boxes, _stamp("detections", content))
    write_tracklets(run.path("tracklets", camera_id), tracks, _stamp("tracklets", content))
    if "embeddings" in stages:
        content = {**content, "vectors": digest_array(vectors.vectors)}
        write_embeddings(run.path("embeddings", camera_id), vectors, _stamp("embeddings", content))


def _stamp(stage: str, content: dict[str, Any]) -> Stamp:
    return {"stage": stage, "version": VERSIONS[stage], "params": {}, "inputs": content}


def _boxes(tracks: list[Tracklet]) -> Detections:
    """The boxes of tracks by frame, without appearance."""
    if not tracks:
        return Detections.empty()
    frames, xyxy, scores = (np.concatenate([getattr(t, name) for t in tracks]) for name in ("frames", "xyxy", "scores"))
    labels = np.repeat(np.array([t.label for t in tracks], np.int16), [len(t) for t in tracks])
    order = np.argsort(frames, kind="stable")
    scores = np.clip(scores[order], 0.0, 1.0)
    return Detections(frames[order], xyxy[order], scores, labels[order], np.zeros((len(order), 0), np.float32))
