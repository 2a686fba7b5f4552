"""Errors put into a perfect prediction are blamed on their own cause, in full, and on nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtmc.box_table import Boxes
from mtmc.score import ScoreParams, Scores, score
from tests.mtmc.score.scenes import boxes_of, random_scene, track

TRUTH = boxes_of(
    [row for camera in (1, 2, 3) for vehicle in range(1, 6) for row in track(camera, vehicle, range(20), lane=vehicle)]
)
"""Five vehicles in their own lanes, each in all three cameras for 20 frames: 300 boxes."""


def rows(camera: int, vehicle: int, first: int = 0, last: int = 20) -> np.ndarray:  # type: ignore[type-arg]
    chosen = (TRUTH.camera == camera - 1) & (TRUTH.ids == vehicle)
    return chosen & (TRUTH.frames >= first) & (TRUTH.frames < last)


def with_ids(changes: list[tuple[np.ndarray, int]]) -> Boxes:  # type: ignore[type-arg]
    ids = TRUTH.ids.copy()
    for chosen, vehicle in changes:
        ids[chosen] = vehicle
    return replace(TRUTH, ids=ids)


def swapped(middle: int) -> Boxes:
    return with_ids([(rows(2, 1, middle), 2), (rows(2, 2, middle), 1)])


def shifted(share: float) -> Boxes:
    """Boxes of vehicle 3 moved to the right by a share of their width."""
    xywh = TRUTH.xywh.copy()
    moved = TRUTH.ids == 3
    xywh[moved, 0] += share * xywh[moved, 2]
    return replace(TRUTH, xywh=xywh)


def with_false_boxes() -> Boxes:
    far = boxes_of([row for camera in (1, 2) for row in track(camera, 77, range(6), lane=20)])
    return Boxes.concatenate([TRUTH, far])


CASES: dict[str, tuple[Boxes, str, int]] = {
    "two ids swap in the middle": (swapped(10), "single_camera_switch", 40),
    "two ids swap early": (swapped(3), "single_camera_switch", 68),
    "two ids swap late": (swapped(17), "single_camera_switch", 12),
    "every fifth box is dropped": (TRUTH.take(TRUTH.frames % 5 != 0), "missed_by_detector", 60),
    "two vehicles trade ids in one camera": (with_ids([(rows(3, 1), 2), (rows(3, 2), 1)]), "wrong_link", 80),
    "boxes are shifted by half": (shifted(0.5), "localisation", 120),
    "boxes are shifted by three quarters": (shifted(0.75), "localisation", 120),
    "boxes are shifted beyond recognition": (shifted(0.9), "missed_by_detector and false_box", 120),
    "a track breaks in two": (with_ids([(rows(1, 4, 12), 44)]), "fragmentation", 16),
    "a link is missing": (with_ids([(rows(1, 4), 44)]), "missed_link", 40),
    "boxes are invented": (with_false_boxes(), "false_box", 12),
}


@pytest.mark.parametrize("name", list(CASES))
def test_injected_errors_are_blamed_on_their_own_cause(name: str) -> None:
    predicted, causes, boxes = CASES[name]
    found = score(TRUTH, predicted, ScoreParams(multi_camera=False))
    blamed = {cause: share for cause, share in found.loss.shares.items() if share}
    assert sum(blamed.values()) == pytest.approx(1 - found.idf1, abs=1e-12)
    assert set(blamed) == set(causes.split(" and "))
    assert int(found.loss.boxes.sum()) == boxes


def test_vehicles_merged_across_cameras_are_wrong_links() -> None:
    """Vehicle 1 passes cameras 2 and 3, vehicle 2 camera 1; both get id 1."""
    truth = TRUTH.take(~rows(1, 1) & ~rows(2, 2) & ~rows(3, 2))
    predicted = replace(truth, ids=np.where(truth.ids == 2, 1, truth.ids))
    found = score(truth, predicted, ScoreParams(multi_camera=False))
    blamed = dict(zip(found.loss.shares, found.loss.boxes.tolist(), strict=True))
    assert {cause: boxes for cause, boxes in blamed.items() if boxes} == {"wrong_link": 40}
    assert (found.links.wrong, found.links.missed) == (2, 0)


def test_what_the_challenge_filter_drops_is_its_own_cause() -> None:
    """Vehicle 4 is only found in camera 1, so the rule of two cameras drops it there; what camera 2 and 3 lack was
    missed."""
    found = score(TRUTH, TRUTH.take((TRUTH.ids != 4) | (TRUTH.camera == 0)))
    blamed = dict(zip(found.loss.shares, found.loss.boxes.tolist(), strict=True))
    assert {cause: boxes for cause, boxes in blamed.items() if boxes} == {
        "missed_by_detector": 40,
        "left_in_one_camera": 20,
    }
    assert found.filters["single_camera"] == 20
    masks = {"c002": np.ones((400, 400), np.bool_)}
    masks["c002"][245:275] = False  # lane 5
    found = score(TRUTH, TRUTH, masks=masks)
    assert {cause: share for cause, share in found.loss.shares.items() if share} == {"outside_mask": 20 / 580}


def test_two_tracklets_of_one_vehicle_under_one_id_are_no_switch() -> None:
    """Vehicle 5's id goes to vehicle 1, whole tracklet by whole tracklet: the linker's mistake, not the tracker's."""
    later = boxes_of(
        [
            *track(1, 1, range(10), 1),
            *track(2, 1, range(10), 1),
            *track(2, 5, range(30, 36), 5),
            *track(3, 5, range(6), 5),
        ]
    )
    merged = replace(later, ids=np.ones(len(later), np.int64), tracks=later.ids)
    found = score(later, merged)
    assert {cause for cause, share in found.loss.shares.items() if share} == {"wrong_link"}


def test_losses_are_told_per_vehicle() -> None:
    found = score(TRUTH, swapped(10), ScoreParams(multi_camera=False))
    lost = {name: int(boxes.sum()) for name, boxes in found.loss.vehicles.items() if boxes.any()}
    assert lost == {1: 20, 2: 20}
    found = score(TRUTH, with_false_boxes())
    assert {name: boxes.tolist() for name, boxes in found.loss.vehicles.items() if boxes.any()} == {
        None: [0, 12, 0, 0, 0, 0, 0, 0, 0, 0]
    }


@pytest.mark.parametrize("seed", range(5))
def test_all_causes_together_sum_up(seed: int) -> None:
    truth, predicted = random_scene(seed, cameras=4, vehicles=12, frames=60)
    for params in (ScoreParams(), ScoreParams(multi_camera=False)):
        found: Scores = score(truth, predicted, params)
        assert sum(found.loss.shares.values()) == pytest.approx(1 - found.idf1, abs=1e-12)
        assert sum(int(boxes.sum()) for boxes in found.loss.vehicles.values()) == found.idfp + found.idfn
        assert (found.loss.boxes >= 0).all()
