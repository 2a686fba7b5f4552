"""Random scenes against motmetrics and TrackEval, which get matrices made here, by loops; and what must not change a
score."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace

import motmetrics
import numpy as np
import pytest
import trackeval
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtmc.box_table import Boxes
from mtmc.score import ScoreParams, Scores, score
from mtmc.score.evaluate import score_scene
from mtmc.score.reference import all_differences, reference_scores
from mtmc.score.scores import METRICS
from tests.mtmc.score.scenes import random_scene

EVERY_ROW = ScoreParams(multi_camera=False, other_cameras="ignore")
METRICS_HOST = motmetrics.metrics.create()

scenes = st.builds(
    random_scene, st.integers(0, 2**32 - 1), st.integers(1, 3), vehicles=st.integers(1, 5), frames=st.integers(1, 8)
)


def iou(a: list[float], b: list[float]) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def moments(boxes: Boxes) -> dict[tuple[str, int], list[tuple[int, list[float]]]]:
    """By camera and frame the boxes with their id's rank by first appearance: the order decides between equals in
    motmetrics."""
    names = [boxes.cameras[k] for k in boxes.camera]
    rows = sorted(zip(names, boxes.frames.tolist(), boxes.xywh.tolist(), boxes.ids.tolist(), strict=True))
    rank = {name: k for k, name in enumerate(dict.fromkeys(row[3] for row in rows))}
    found: dict[tuple[str, int], list[tuple[int, list[float]]]] = {}
    for camera_id, frame, box, name in rows:
        found.setdefault((camera_id, frame), []).append((rank[name], box))
    return found


def frames(truth: Boxes, predicted: Boxes) -> Iterator[tuple[list[int], list[int], NDArray[np.float64]]]:
    """Ids of both sides and their IoU matrix, frame by frame, camera by camera."""
    seen = moments(truth), moments(predicted)
    for moment in sorted({*seen[0], *(key for key in seen[1] if key[0] in truth.cameras)}):
        here = [sorted(side.get(moment, [])) for side in seen]
        ids = [[rank for rank, _ in side] for side in here]
        similarity = [[iou(a, b) for _, b in here[1]] for _, a in here[0]]
        yield ids[0], ids[1], np.array(similarity).reshape(*map(len, ids))


def by_motmetrics(truth: Boxes, predicted: Boxes) -> dict[str, float]:
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for ids, tracks, similarity in frames(truth, predicted):
        accumulator.update(ids, tracks, np.where(similarity >= 0.5, 1 - similarity, np.nan))
    names = ["idf1", "idp", "idr", "mota", "num_switches"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = METRICS_HOST.compute(accumulator, metrics=names, return_dataframe=False)
    return {name.removeprefix("num_"): float(np.nan_to_num(row[name])) for name in names}


def by_trackeval(truth: Boxes, predicted: Boxes) -> dict[str, float]:
    parts = list(frames(truth, predicted))
    data = {
        "num_timesteps": len(parts),
        "num_gt_ids": len(np.unique(truth.ids)),
        "num_tracker_ids": len(np.unique(predicted.ids)),
        "num_gt_dets": sum(len(part[0]) for part in parts),
        "num_tracker_dets": sum(len(part[1]) for part in parts),
        "gt_ids": [np.array(part[0], int) for part in parts],
        "tracker_ids": [np.array(part[1], int) for part in parts],
        "similarity_scores": [part[2] for part in parts],
    }
    found = trackeval.metrics.HOTA().eval_sequence(data)
    return {name.lower(): float(np.mean(found[name])) for name in ("HOTA", "DetA", "AssA", "LocA")}


def numbers(scores: Scores) -> dict[str, object]:
    """Everything but the names of vehicles and of cameras."""
    names = [name for name in METRICS if name != "ground_error_m"]  # NaN here, which equals nothing
    whole = {name: getattr(scores, name) for name in (*names, "filters", "links")}
    whole["cameras"] = [[getattr(metrics, name) for name in names] for metrics in scores.cameras.values()]
    whole["pairs"] = [(pair.vehicles, pair.right, pair.wrong, pair.missed) for pair in scores.pairs]
    whole["loss"] = scores.loss.boxes.tolist()
    whole["vehicles"] = sorted(boxes.tolist() for boxes in scores.loss.vehicles.values() if boxes.any())
    whole["oracle"] = {name: ceiling.idf1 for name, ceiling in scores.oracle.items()}
    return whole


@pytest.mark.slow
@settings(max_examples=1000)
@given(scenes)
def test_a_thousand_scenes_equal_motmetrics(scene: tuple[Boxes, Boxes]) -> None:
    truth, predicted = scene
    ours = score_scene(truth, predicted, EVERY_ROW, {})
    for name, value in by_motmetrics(truth, predicted).items():
        assert getattr(ours, name) == pytest.approx(value, abs=1e-9), name
    assert sum(ours.loss.shares.values()) == pytest.approx(1 - ours.idf1, abs=1e-12)
    assert sum(int(boxes.sum()) for boxes in ours.loss.vehicles.values()) == ours.idfp + ours.idfn


@settings(max_examples=200)
@given(scenes)
def test_hota_equals_trackeval(scene: tuple[Boxes, Boxes]) -> None:
    truth, predicted = scene
    ours = score(truth, predicted, EVERY_ROW)
    theirs = by_trackeval(truth, predicted)
    if ours.loca == 0:
        theirs["loca"] = 0.0  # nothing overlaps: TrackEval calls that perfect localisation
    for name, value in theirs.items():
        assert getattr(ours, name) == pytest.approx(value, abs=1e-9), name


@settings(max_examples=15)
@given(scenes)
def test_the_motmetrics_engine_agrees_on_every_number_of_scene_and_cameras(scene: tuple[Boxes, Boxes]) -> None:
    truth, predicted = scene
    ours = score(truth, predicted, EVERY_ROW)
    assert all_differences(ours, reference_scores(truth, predicted, EVERY_ROW, {})) == {}


@settings(max_examples=60)
@given(scenes, st.integers(0, 2**32 - 1), st.booleans())
def test_row_order_and_names_change_nothing(scene: tuple[Boxes, Boxes], seed: int, filtered: bool) -> None:
    rng = np.random.default_rng(seed)
    params = EVERY_ROW.model_copy(update={"multi_camera": filtered, "oracle": True})
    before = numbers(score(*scene, params))
    assert numbers(score(*(renamed(side, rng) for side in scene), params)) == before


def renamed(boxes: Boxes, rng: np.random.Generator) -> Boxes:
    """Rows shuffled, ids under other names, cameras listed in another order."""
    rows = rng.permutation(len(boxes))
    names, ids = np.unique(boxes.ids, return_inverse=True)
    order = rng.permutation(len(boxes.cameras))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    cameras = [boxes.cameras[k] for k in order]
    fresh = rng.permutation(1000)[: len(names)]
    tracks = fresh[ids]
    return Boxes.build(
        cameras, place[boxes.camera][rows], fresh[ids][rows], boxes.frames[rows], boxes.xywh[rows], tracks=tracks[rows]
    )


@settings(max_examples=60)
@given(scenes)
def test_other_names_for_cameras_change_only_what_depends_on_their_order(scene: tuple[Boxes, Boxes]) -> None:
    """The challenge joins cameras in ascending order, so switches at the joints, and with them MOTA, may move; nothing
    else does."""
    mirror = {"c001": "c009", "c002": "c005", "c003": "c001"}
    before = score(*scene, EVERY_ROW)
    other = [
        Boxes.build([mirror[c] for c in side.cameras], side.camera, side.ids, side.frames, side.xywh) for side in scene
    ]
    after = score(*other, EVERY_ROW)
    steady = set(METRICS) - {"mota", "motp", "switches", "fragmentations", "mt", "pt", "ml", "ground_error_m"}
    for name in steady:
        assert getattr(after, name) == pytest.approx(getattr(before, name), abs=1e-12), name
    for camera_id, metrics in before.cameras.items():
        for name in steady:
            assert getattr(after.cameras[mirror[camera_id]], name) == pytest.approx(getattr(metrics, name), abs=1e-12)


@settings(max_examples=60)
@given(scenes)
def test_truth_as_prediction_is_perfect(scene: tuple[Boxes, Boxes]) -> None:
    truth, _ = scene
    found = score(truth, replace(truth, ids=truth.ids + 50), EVERY_ROW.model_copy(update={"oracle": True}))
    for metrics in (found, *(metrics for metrics in found.cameras.values() if metrics.truth_boxes)):
        rates = [
            getattr(metrics, name) for name in ("idf1", "idp", "idr", "hota", "deta", "assa", "loca", "mota", "motp")
        ]
        assert rates == [1.0] * 9
        assert (metrics.switches, metrics.fragmentations, metrics.pt, metrics.ml) == (0, 0, 0, 0)
    assert found.loss.boxes.sum() == 0
    assert all(ceiling.idf1 == 1.0 for ceiling in found.oracle.values())
    assert all(pair.missed == pair.wrong == 0 for pair in found.pairs)
