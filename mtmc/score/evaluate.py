"""One scene's scores from flat boxes: check, filter, compare once, then every metric on that comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes
from mtmc.errors import InputError
from mtmc.scene import Scene
from mtmc.score.aicity import FILTERS, KEPT, Reasons, challenge_filters, check_sides
from mtmc.score.clear import match_frames
from mtmc.score.compare import Comparison, compare
from mtmc.score.identity import match_identities
from mtmc.score.links import count_camera_pairs, count_links, find_tracklets
from mtmc.score.loss import explain_loss
from mtmc.score.measure import Worlds, measure_cameras, measure_scene
from mtmc.score.oracle import oracle_boxes
from mtmc.score.params import ScoreParams
from mtmc.score.scores import METRICS, Ceiling, Scores

Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]


def score_scene(truth: Boxes, predicted: Boxes, params: ScoreParams, masks: Mapping[str, Mask]) -> Scores:
    """All scores of a scene; see ``mtmc.score.score``."""
    check_sides(truth, predicted, params.other_cameras, params.duplicates)
    reasons = _filter(truth, predicted, params, masks)
    linked, kept = _linked_rows(reasons, predicted), reasons == KEPT
    boxes = predicted.take(linked)
    before = _compare(truth, boxes, params)  # links are counted before vehicles of one camera go
    comparison = before.without(~kept[linked])
    identities, matches = match_identities(comparison), match_frames(comparison)
    same = len(comparison.predicted) == len(before.predicted)
    tracklets = find_tracklets(before, matches if same else match_frames(before), boxes)
    lost = np.flatnonzero(~kept & (reasons != FILTERS.index("other_camera")))
    dropped = _compare(truth, _distinct(predicted.take(lost)), params, before)
    ground = _worlds(truth, boxes)
    whole = measure_scene(comparison, identities, matches, ground)
    cameras = measure_cameras(comparison, len(truth.cameras), ground)
    return Scores(
        **{name: getattr(whole, name) for name in METRICS},
        filters=_report(reasons, params, bool(masks)),
        cameras=dict(zip(truth.cameras, cameras, strict=True)),
        pairs=tuple(count_camera_pairs(before, tracklets, truth.cameras)),
        links=count_links(tracklets),
        loss=explain_loss(comparison, identities, dropped, reasons[lost], params.localisation_floor),
        oracle=_ceilings(truth, predicted, params, masks, whole.idf1) if params.oracle else {},
    )


def _linked_rows(reasons: Reasons, predicted: Boxes) -> Rows:
    """Rows that the linker answers for: those kept, and those of vehicles left in one camera, each once."""
    alone = np.flatnonzero(reasons == FILTERS.index("single_camera"))
    first = alone[~predicted.take(alone).duplicates()]
    return np.sort(np.concatenate([np.flatnonzero(reasons == KEPT), first]))


OUTSIDE = -2
"""Cause of a predicted box that a filter dropped: it is not scored."""


def lost_boxes(
    truth: Boxes, predicted: Boxes, params: ScoreParams, masks: Mapping[str, Mask]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cause of every true and every predicted box in the order given: index into CAUSES, FREE where it is matched,
    OUTSIDE.

    The lost ones over all scored ones are ``1 - idf1``.
    """
    check_sides(truth, predicted, params.other_cameras, params.duplicates)
    reasons = _filter(truth, predicted, params, masks)
    kept = np.flatnonzero(reasons == KEPT)
    comparison = _compare(truth, predicted.take(kept), params)
    away = np.flatnonzero((reasons != KEPT) & (reasons != FILTERS.index("other_camera")))
    dropped = _compare(truth, _distinct(predicted.take(away)), params, comparison)
    loss = explain_loss(comparison, match_identities(comparison), dropped, reasons[away], params.localisation_floor)
    true_cause, predicted_cause = np.full(len(truth), OUTSIDE), np.full(len(predicted), OUTSIDE)
    true_cause[comparison.truth.rows] = loss.truth_cause
    predicted_cause[kept[comparison.predicted.rows]] = loss.predicted_cause
    return true_cause, predicted_cause


def filtered_comparison(truth: Boxes, predicted: Boxes, params: ScoreParams, masks: Mapping[str, Mask]) -> Comparison:
    """What is scored: truth and kept predictions, for a second engine to compute the same from."""
    check_sides(truth, predicted, params.other_cameras, params.duplicates)
    return _compare(truth, predicted.take(_filter(truth, predicted, params, masks) == KEPT), params)


def _worlds(truth: Boxes, predicted: Boxes) -> Worlds | None:
    known = np.isfinite(truth.world).any() and np.isfinite(predicted.world).any()
    return (truth.world, predicted.world) if known else None


def with_ground(boxes: Boxes, scene: Scene) -> Boxes:
    """Boxes whose missing world coordinates are the ground under their bottom centres, in metres on the scene's
    plane."""
    world = boxes.world.copy()
    feet = boxes.xywh[:, :2] + boxes.xywh[:, 2:] * np.array([0.5, 1.0])
    for number, camera_id in enumerate(boxes.cameras):
        rows = (boxes.camera == number) & ~np.isfinite(world).all(axis=1)
        if camera_id in scene.cameras and rows.any():
            world[rows] = scene.cameras[camera_id].ground_points(feet[rows])
    return replace(boxes, world=world)


def _filter(truth: Boxes, predicted: Boxes, params: ScoreParams, masks: Mapping[str, Mask]) -> Reasons:
    used = masks if params.roi else {}
    return challenge_filters(predicted, used, truth.cameras, params.multi_camera, params.duplicates)


def _report(reasons: Reasons, params: ScoreParams, masked: bool) -> dict[str, int | None]:
    on = (params.roi and masked, params.multi_camera, params.duplicates, True)
    counts = [int((reasons == number).sum()) for number in range(len(FILTERS))]
    return {name: count if used else None for name, count, used in zip(FILTERS, counts, on, strict=True)}


def _compare(truth: Boxes, predicted: Boxes, params: ScoreParams, earlier: Comparison | None = None) -> Comparison:
    aligned = _on_cameras_of(truth, predicted)
    if params.measure == "iou":
        return compare(truth, aligned, params.min_iou, earlier=earlier)
    for boxes in (truth, aligned):
        unknown = ~np.isfinite(boxes.world).all(axis=1)
        if unknown.any():
            fix = "Score with --measure iou, or give a calibrated scene."
            raise InputError(boxes.where(int(np.argmax(unknown))), "world coordinates in metres", "none", fix)
    return compare(truth, aligned, 0.5, "ground", params.max_distance_m, earlier)


def _on_cameras_of(truth: Boxes, predicted: Boxes) -> Boxes:
    """Predictions with the truth's camera numbers; they are in no other camera any more."""
    index = {camera_id: number for number, camera_id in enumerate(truth.cameras)}
    codes = np.array([index.get(camera_id, -1) for camera_id in predicted.cameras], np.int64)
    camera = codes[predicted.camera] if len(predicted) else predicted.camera
    sources = dict(zip(predicted.cameras, predicted.sources, strict=True))
    return replace(
        predicted, cameras=truth.cameras, sources=tuple(sources.get(c, "") for c in truth.cameras), camera=camera
    )


def _distinct(boxes: Boxes) -> Boxes:
    """Each row under an id of its own: what was dropped may repeat ids, and only its boxes matter."""
    return replace(boxes, ids=np.arange(len(boxes)))


def _ceilings(
    truth: Boxes, predicted: Boxes, params: ScoreParams, masks: Mapping[str, Mask], idf1: float
) -> dict[str, Ceiling]:
    """IDF1 of each oracle under the same filters."""
    once = params.model_copy(update={"multi_camera": False})
    kept = predicted.take(_filter(truth, predicted, once, masks) == KEPT)
    comparison = _compare(truth, kept, params)
    matches = match_frames(comparison)
    variants = oracle_boxes(comparison, match_identities(comparison), matches, truth, kept)
    again = params.model_copy(update={"roi": False})
    return {name: ceiling(truth, boxes, again, idf1) for name, boxes in variants.items()}


def ceiling(
    truth: Boxes, boxes: Boxes, params: ScoreParams, idf1: float, masks: Mapping[str, Mask] | None = None
) -> Ceiling:
    """IDF1 of other predictions under the same filters, and its gain over ``idf1``."""
    kept = boxes.take(_filter(truth, boxes, params, masks or {}) == KEPT)
    value = match_identities(_compare(truth, kept, params)).idf1
    return Ceiling(value, value - idf1)
