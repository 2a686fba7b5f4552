"""Ceilings of a run that later stages are run again for: cheap stages only, from the run's own parameters.

- *boxes_retracked*: the true boxes, tracked anew by the run's tracker; links true, as new crops would have to be
  embedded;
- *tracklets_relinked*: true tracklets of the predicted boxes, linked anew by the run's linker from the embeddings at
  hand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes
from mtmc.config import Config, refuse_strange_parts
from mtmc.geometry import clip_boxes, xywh_to_xyxy
from mtmc.link import link
from mtmc.pipeline.planning import plan_again
from mtmc.scene import Scene
from mtmc.score import ScoreParams, Scores
from mtmc.score.clear import match_frames
from mtmc.score.compare import compare
from mtmc.score.evaluate import ceiling
from mtmc.score.oracle import true_links, true_tracklets
from mtmc.store import Run
from mtmc.structures import Detections, Embeddings, GlobalTrack, label_index
from mtmc.track import make_tracker, track
from mtmc.track_files.formats import whole_pixels


def with_reruns(
    scores: Scores, run: Run, truth: Boxes, predicted: Boxes, params: ScoreParams, trusted: Collection[str] = ()
) -> Scores:
    """Scores with the ceilings that the run's tracker and linker are run again for.

    Raises ConfigError for outside parts of the run that ``trusted`` does not name (``refuse_strange_parts``).
    """
    again = params.model_copy(update={"roi": False})
    variants = rerun_variants(run, truth, predicted, params, trusted)
    found = {name: ceiling(truth, boxes, again, scores.idf1) for name, boxes in variants.items()}
    return replace(scores, oracle={**scores.oracle, **found})


def rerun_variants(
    run: Run, truth: Boxes, predicted: Boxes, params: ScoreParams, trusted: Collection[str] = ()
) -> dict[str, Boxes]:
    """Predictions by name, to be scored like any other; ``predicted`` are the run's own, truth and scene have the same
    cameras; ``trusted`` as for ``with_reruns``."""
    todo = plan_again(run)
    refuse_strange_parts(todo.config, run.folder / "run.json", trusted, ("track", "link"))
    found = {"boxes_retracked": _retracked(todo.scene, todo.config, truth, params)}
    embeddings = run.embeddings()
    if any(len(part) for part in embeddings.values()):
        found["tracklets_relinked"] = _relinked(todo.scene, todo.config, truth, predicted, embeddings, params)
    return found


def _retracked(scene: Scene, config: Config, truth: Boxes, params: ScoreParams) -> Boxes:
    vehicles: list[GlobalTrack] = []
    for number, camera_id in enumerate(truth.cameras):
        camera = scene.cameras[camera_id]
        detections = _detections(truth.take(truth.camera == number), camera.size)
        for tracklet in track(camera, detections, make_tracker(config.track), config.track):
            vehicles.append(GlobalTrack(len(vehicles) + 1, (tracklet,)))
    boxes = _on_cameras(Boxes.from_tracks(vehicles), truth)
    comparison = compare(truth, boxes, params.min_iou)
    return true_links(comparison, match_frames(comparison), boxes)


def _detections(boxes: Boxes, size: tuple[int, int]) -> Detections:
    """True boxes as a detector would give them: certain, inside the image, without features."""
    xyxy = clip_boxes(xywh_to_xyxy(boxes.xywh), size)
    kept = (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
    rows = np.flatnonzero(kept)[np.argsort(boxes.frames[kept], kind="stable")]
    count = len(rows)
    labels = np.full(count, label_index("vehicle"), np.int16)
    frames = boxes.frames[rows].astype(np.int32)
    return Detections(frames, xyxy[rows], np.ones(count, np.float32), labels, np.zeros((count, 0), np.float32))


def _relinked(
    scene: Scene,
    config: Config,
    truth: Boxes,
    predicted: Boxes,
    embeddings: Mapping[str, Embeddings],
    params: ScoreParams,
) -> Boxes:
    known = predicted.take(
        np.isin(predicted.camera, [k for k, c in enumerate(predicted.cameras) if c in truth.cameras])
    )
    known = _on_cameras(known, truth)
    comparison = compare(truth, known, params.min_iou)
    regrouped = true_tracklets(comparison, match_frames(comparison), known)
    tracklets = [tracklet for vehicle in regrouped.to_tracks() for tracklet in vehicle.tracklets]
    before = known.take(comparison.predicted.rows)
    moved = {
        camera_id: _renumbered(
            embeddings[camera_id], before.take(before.camera == k), regrouped.ids[before.camera == k]
        )
        for k, camera_id in enumerate(truth.cameras)
        if camera_id in embeddings
    }
    boxes = Boxes.from_tracks(link(scene, tracklets, moved, config.link))
    return replace(_on_cameras(boxes, truth), xywh=whole_pixels(boxes.xywh))


def _renumbered(embeddings: Embeddings, boxes: Boxes, ids: NDArray[np.int64]) -> Embeddings:
    """The crops under the new tracklet numbers ``ids`` (N,) of their boxes; crops whose box is not there are left
    out."""
    keys = zip(boxes.tracks.tolist(), boxes.frames.tolist(), strict=True)
    number = dict(zip(keys, ids.tolist(), strict=True))
    crops = zip(embeddings.track_ids.tolist(), embeddings.frames.tolist(), strict=True)
    new = np.array([number.get(crop, -1) for crop in crops], np.int64)
    kept = new >= 0
    return Embeddings(embeddings.vectors[kept], new[kept], embeddings.frames[kept], embeddings.quality[kept])


def _on_cameras(boxes: Boxes, truth: Boxes) -> Boxes:
    """The same boxes with the truth's camera numbers; all their cameras are the truth's."""
    index = np.array([truth.cameras.index(c) if c in truth.cameras else -1 for c in boxes.cameras], np.int64)
    camera = index[boxes.camera] if len(boxes) else boxes.camera
    return replace(boxes, cameras=truth.cameras, sources=truth.sources, camera=camera)
