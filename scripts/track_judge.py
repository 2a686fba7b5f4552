"""How good tracks are: MOTA, IDF1, HOTA, AssA and switches by TrackEval, and merges."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes
from mtmc.geometry import iou
from mtmc.score.clear import match_frames
from mtmc.score.compare import compare
from mtmc.score.identity import match_identities
from mtmc.structures import GlobalTrack, Tracklet


def judge(truth: list[Tracklet], predicted: list[Tracklet]) -> dict[str, float]:
    """Rates in [0, 1], the number of identity switches, and of merged boxes, at IoU 0.5."""
    with contextlib.redirect_stdout(io.StringIO()):
        from trackeval.metrics import CLEAR, HOTA, Identity

        data = _trackeval(truth, predicted)
        clear, identity, hota = CLEAR().eval_sequence(data), Identity().eval_sequence(data), HOTA().eval_sequence(data)
    return {
        "mota": float(clear["MOTA"]),
        "idf1": float(identity["IDF1"]),
        "hota": float(np.mean(hota["HOTA"])),
        "assa": float(np.mean(hota["AssA"])),
        "switches": int(clear["IDSW"]),
        "merged": merged_boxes(truth, predicted),
    }


def quick_idf1(truth: list[Tracklet], predicted: list[Tracklet]) -> float:
    """IDF1 by our own scorer, for choosing thresholds."""
    return match_identities(compare(_boxes(truth), _boxes(predicted), 0.5)).idf1 if predicted else 0.0


def merged_boxes(truth: list[Tracklet], predicted: list[Tracklet]) -> int:
    """Boxes of a track that lie on another true vehicle than most of its boxes do."""
    if not truth or not predicted:
        return 0
    sides = [_boxes(tracklets) for tracklets in (truth, predicted)]
    comparison = compare(*sides, 0.5)
    matches = match_frames(comparison)
    vehicle = comparison.truth.ids[comparison.left[matches]]
    track = comparison.predicted.ids[comparison.right[matches]]
    together = np.zeros((len(predicted), len(truth)), np.int64)
    np.add.at(together, (track, vehicle), 1)
    return int(together.sum() - together.max(axis=1).sum())


def _boxes(tracklets: list[Tracklet]) -> Boxes:
    return Boxes.from_tracks([GlobalTrack(number, (t,)) for number, t in enumerate(tracklets, 1)])


def _trackeval(truth: list[Tracklet], predicted: list[Tracklet]) -> dict[str, Any]:
    sides = [_flat(truth), _flat(predicted)]
    data: dict[str, Any] = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    frames = np.union1d(sides[0][0], sides[1][0])
    for frame in frames:
        (ids_a, boxes_a), (ids_b, boxes_b) = ((i[f == frame], b[f == frame]) for f, i, b in sides)
        data["gt_ids"].append(ids_a)
        data["tracker_ids"].append(ids_b)
        data["similarity_scores"].append(iou(boxes_a, boxes_b))
    counts = {"num_gt_dets": len(sides[0][0]), "num_tracker_dets": len(sides[1][0]), "num_timesteps": len(frames)}
    return data | counts | {"num_gt_ids": len(truth), "num_tracker_ids": len(predicted)}


def _flat(tracklets: list[Tracklet]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    if not tracklets:
        return np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4))
    ids = np.repeat(np.arange(len(tracklets)), [len(t) for t in tracklets])
    return np.concatenate([t.frames for t in tracklets]), ids, np.concatenate([t.xyxy for t in tracklets])
