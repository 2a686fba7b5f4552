"""Truth beside a run for the results page: every true box, and why each lost box is lost, as the scorer attributes
it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mtmc.box_table import Boxes, pack
from mtmc.report.columns import Column
from mtmc.report.page_data import STEPS_PER_PX, Contents, Truth
from mtmc.score import ScoreParams
from mtmc.score.evaluate import lost_boxes
from mtmc.score.loss import CAUSES
from mtmc.score.sources import load_sides
from mtmc.structures import Long


def compare_with_truth(contents: Contents, ground_truth: Path | None) -> Truth:
    """The page's truth for a run; without a path the ground truth of the run's own scene, scored as `mtmc score` does.

    Raises InputError for ground truth that cannot be read or does not fit.
    """
    sides = load_sides(contents.run.folder, ground_truth, None)
    truth_cause, predicted_cause = lost_boxes(sides.truth, sides.predicted, ScoreParams(), sides.masks)
    scored = np.concatenate([truth_cause, predicted_cause])
    total = int((scored >= -1).sum())
    lost = np.bincount(scored[scored >= 0], minlength=len(CAUSES)).tolist()
    summary: dict[str, Any] = {"causes": CAUSES, "total": total, "lost": lost, "idf1": 1 - sum(lost) / total}
    cameras = {
        camera.id: {
            **_true_boxes(sides.truth, truth_cause, camera.id),
            "cause": _of_rows(contents, camera.id, sides.predicted, predicted_cause),
        }
        for camera in contents.cameras
    }
    return Truth(summary, cameras)


def _true_boxes(truth: Boxes, cause: Long, camera_id: str) -> dict[str, Column]:
    """The camera's true boxes by vehicle and frame, with their causes."""
    number = truth.cameras.index(camera_id) if camera_id in truth.cameras else -1
    rows = np.flatnonzero(truth.camera == number)
    rows = rows[np.lexsort((truth.frames[rows], truth.ids[rows]))]
    left, top, width, height = np.rint(truth.xywh[rows] * STEPS_PER_PX).astype(np.int64).T
    return {
        "true_vehicle": (truth.ids[rows], 1),
        "true_frame": (truth.frames[rows], 1),
        "true_left": (left, 1),
        "true_top": (top, 1),
        "true_width": (width, 1),
        "true_height": (height, 1),
        "true_cause": cause[rows],
    }


def _of_rows(contents: Contents, camera_id: str, predicted: Boxes, cause: Long) -> Long:
    """The scorer's causes in the order of the page's boxes: both know vehicle and frame."""
    mine = [
        (vehicle, t)
        for vehicle, t in zip(contents.vehicle, contents.tracklets, strict=True)
        if t.camera_id == camera_id
    ]
    if not mine:
        return np.zeros(0, np.int64)
    vehicles = np.repeat([vehicle for vehicle, _ in mine], [len(t) for _, t in mine])
    frames = np.concatenate([t.frames for _, t in mine]).astype(np.int64)
    rows = np.flatnonzero(predicted.camera == predicted.cameras.index(camera_id))
    keys = pack(np.concatenate([predicted.ids[rows], vehicles]), np.concatenate([predicted.frames[rows], frames]))
    known, wanted = keys[: len(rows)], keys[len(rows) :]
    order = np.argsort(known)
    return cause[rows[order[np.searchsorted(known[order], wanted)]]]
