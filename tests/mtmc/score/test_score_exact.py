"""Scores that can be worked out by hand, and the sequences that motmetrics brings along with their published
numbers."""

from __future__ import annotations

from pathlib import Path

import motmetrics
import numpy as np
import pytest

from mtmc.assignment import best_assignment, components
from mtmc.errors import InputError
from mtmc.score import ScoreParams, Scores, score, to_json
from mtmc.score.evaluate import with_ground
from mtmc.structures import GlobalTrack
from mtmc.track_files.formats import read_mot_tracks
from tests.builders import make_camera, make_scene, make_tracklet, make_vehicle
from tests.mtmc.score.scenes import Row, boxes_of, track

ONE_CAMERA = ScoreParams(multi_camera=False)


def scored(truth: list[Row], predicted: list[Row], **params: object) -> Scores:
    return score(boxes_of(truth), boxes_of(predicted), ONE_CAMERA.model_copy(update=params))


def test_iou_of_exactly_one_half_counts() -> None:
    truth: list[Row] = [(1, 1, frame, 0, 0, 10, 10) for frame in range(3)]
    predicted: list[Row] = [(1, 7, 0, 0, 0, 10, 10), (1, 7, 1, 0, 0, 10, 5), (1, 8, 2, 0, 0, 10, 10)]
    found = scored(truth, predicted)
    assert (found.idtp, found.idfp, found.idfn) == (2, 1, 1)
    assert found.idf1 == pytest.approx(2 / 3)
    assert found.switches == 1
    assert found.mota == pytest.approx(1 - 1 / 3)
    assert found.motp == pytest.approx((1 + 0.5 + 1) / 3)
    assert scored(truth, [(1, 7, 1, 0, 0, 10, 4.99)]).idtp == 0


def test_ids_are_matched_one_to_one_for_the_most_boxes() -> None:
    """Vehicle 1 carries id 5 three times and id 6 twice, vehicle 2 carries id 5 four times: 5 goes to 2, so 1 gets
    6."""
    truth = track(1, 1, range(5), lane=0) + track(1, 2, range(4), lane=1)
    predicted = track(1, 5, range(3), 0) + track(1, 6, range(3, 5), 0) + track(2, 5, range(4), 1)
    truth = [(2, *row[1:]) if row[1] == 2 else row for row in truth]  # vehicle 2 drives in camera 2
    found = scored(truth, predicted)
    assert (found.idtp, found.idfp, found.idfn) == (6, 3, 3)
    assert [found.cameras[c].idtp for c in ("c001", "c002")] == [3, 4]


def test_carrying_on_beats_the_better_overlap() -> None:
    """In frame 1 id 8 fits better, but the vehicle stays with id 7, which it was matched to before."""
    truth: list[Row] = [(1, 1, 0, 0, 0, 10, 10), (1, 1, 1, 0, 0, 10, 10), (1, 1, 2, 0, 0, 10, 10)]
    predicted: list[Row] = [
        (1, 7, 0, 0, 0, 10, 10),
        (1, 7, 1, 0, 0, 10, 6),
        (1, 8, 1, 0, 0, 10, 10),
        (1, 8, 2, 0, 0, 10, 10),
    ]
    found = scored(truth, predicted)
    assert found.switches == 1
    assert found.motp == pytest.approx((1 + 0.6 + 1) / 3)
    assert found.mota == pytest.approx(1 - (0 + 1 + 1) / 3)


def test_fragmentations_and_tracked_shares() -> None:
    truth = track(1, 1, range(10), 0) + track(1, 2, range(10), 1) + track(1, 3, range(10), 2)
    predicted = track(1, 1, [0, 1, 2, 3, 6, 7, 8, 9], 0) + track(1, 2, [2, 5], 1) + track(1, 3, [4], 2)
    found = scored(truth, predicted)
    assert (found.mt, found.pt, found.ml) == (1, 1, 1)  # shares 0.8, 0.2, 0.1: the borders belong to the better class
    assert found.fragmentations == 2
    assert found.mota == pytest.approx(11 / 30)


def test_ids_join_over_cameras_and_switch_at_the_joint() -> None:
    truth = track(1, 1, range(4), 0) + track(2, 1, range(4), 0)
    found = scored(truth, track(1, 5, range(4), 0) + track(2, 6, range(4), 0))
    assert found.idf1 == 0.5
    assert found.switches == 1
    assert [metrics.idf1 for metrics in found.cameras.values()] == [1.0, 1.0]
    assert [metrics.switches for metrics in found.cameras.values()] == [0, 0]


def test_no_prediction_scores_zero() -> None:
    truth = track(1, 1, range(4), 0) + track(2, 1, range(4), 0)
    for predicted in (boxes_of([]), []):
        found = score(boxes_of(truth), predicted, ScoreParams(oracle=True))
        rates = (
            found.idf1,
            found.idp,
            found.idr,
            found.hota,
            found.deta,
            found.assa,
            found.loca,
            found.mota,
            found.motp,
        )
        assert rates == (0.0,) * 9
        assert (found.idfn, found.ml) == (8, 1)
        assert found.loss.shares["missed_by_detector"] == 1.0
        assert found.oracle["links"].idf1 == 0.0
        assert found.links.precision == found.links.recall == found.links.f1 == 0.0


def test_no_truth_is_an_explained_error() -> None:
    with pytest.raises(InputError, match=r"ground truth: expected at least one box, found none\. Without"):
        score([], boxes_of(track(1, 1, range(3), 0)))


def test_global_tracks_are_scored_as_they_are() -> None:
    truth = [make_vehicle(1, make_tracklet("c001", 1), make_tracklet("c002", 4))]
    predicted = [make_vehicle(9, make_tracklet("c001", 3), make_tracklet("c002", 3, range(5)))]
    found = score(truth, predicted)
    assert found.idf1 == 2 * 15 / 35
    assert found.links.right == 1


@pytest.mark.parametrize(("name", "idf1", "mota"), [("TUD-Campus", 0.5577, 0.5265), ("TUD-Stadtmitte", 0.6446, 0.5640)])
def test_bundled_sequences(name: str, idf1: float, mota: float) -> None:
    """Numbers as motmetrics' own tests and README state them."""
    folder = Path(motmetrics.__file__).parent / "data" / name
    sides = [
        [GlobalTrack(t.track_id, (t,)) for t in read_mot_tracks(folder / file, "c001")]
        for file in ("gt.txt", "test.txt")
    ]
    found = score(*sides, ONE_CAMERA)
    assert found.idf1 == pytest.approx(idf1, abs=5e-5)
    assert found.mota == pytest.approx(mota, abs=5e-5)


# --- ground distance -------------------------------------------------------------------------------------------------


def test_ground_distance_decides_by_metres() -> None:
    """Boxes that never overlap but stand 1.5 m apart; 2 m is the limit, so all match."""
    truth, predicted = boxes_of(track(1, 1, range(5), 0)), boxes_of(track(1, 1, range(5), 1))
    truth.world[:] = np.arange(10).reshape(5, 2)
    predicted.world[:] = truth.world + np.array([1.5, 0.0])
    params = ONE_CAMERA.model_copy(update={"measure": "ground"})
    assert score(truth, predicted, ONE_CAMERA).idf1 == 0.0
    found = score(truth, predicted, params)
    assert found.idf1 == 1.0
    assert found.motp == pytest.approx(1 - 1.5 / 4)
    assert found.ground_error_m == pytest.approx(1.5)
    assert score(truth, predicted, params.model_copy(update={"max_distance_m": 1.5})).idf1 == 1.0
    assert score(truth, predicted, params.model_copy(update={"max_distance_m": 1.49})).idf1 == 0.0


def test_ground_distance_needs_world_coordinates() -> None:
    boxes = boxes_of(track(1, 1, range(5), 0))
    with pytest.raises(InputError, match="camera c001, frame 0: expected world coordinates in metres, found none"):
        score(boxes, boxes, ONE_CAMERA.model_copy(update={"measure": "ground"}))


def test_a_calibrated_scene_gives_the_ground() -> None:
    camera = make_camera("c001")
    boxes = boxes_of([(1, 1, 0, 10, 20, 30, 40)])
    assert np.isnan(with_ground(boxes, make_scene(camera)).world).all()


# --- assignment ------------------------------------------------------------------------------------------------------


def test_components_of_a_long_chain_and_of_islands() -> None:
    left, right = np.array([0, 1, 1, 2, 2, 3, 5, 6]), np.array([0, 0, 1, 1, 2, 2, 4, 5])
    assert components(left, right).tolist() == [0] * 6 + [5, 6]
    assert components(left[:0], right[:0]).tolist() == []
    chain = np.arange(1000)
    assert len(np.unique(components(np.r_[chain, chain[1:]], np.r_[chain, chain[:-1]]))) == 1


def test_most_pairs_come_before_the_largest_weight() -> None:
    left, right, weights = np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.1, 0.1])
    assert best_assignment(left, right, weights).tolist() == [True, False, False]
    assert best_assignment(left, right, weights, most_pairs=True).tolist() == [False, True, True]


def test_json_has_the_promised_keys() -> None:
    promised = (
        "idf1 idp idr idtp idfp idfn hota deta assa loca mota motp switches fragmentations mt pt ml "
        "filters cameras pairs links loss oracle"
    )
    found = to_json(scored(track(1, 1, range(3), 0), track(1, 1, range(2), 0)))
    assert set(promised.split()) <= set(found)
    assert found["ground_error_m"] is None
    assert found["oracle"] is None
    assert found["loss"]["total"] == pytest.approx(1 - found["idf1"], abs=1e-12)
    assert found["loss"]["vehicles"] == [
        {"vehicle": 1, "share": 0.2, "boxes": dict.fromkeys(found["loss"]["boxes"], 0) | {"missed_by_detector": 1}}
    ]
