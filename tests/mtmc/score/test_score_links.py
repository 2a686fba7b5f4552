"""Links between cameras, ceilings, and the challenge's filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtmc.box_table import Boxes
from mtmc.errors import InputError
from mtmc.score import ScoreParams, score
from mtmc.score.aicity import FILTERS, KEPT, challenge_filters, outside_masks
from tests.mtmc.score.scenes import Row, boxes_of, random_scene, track

ANY = ScoreParams(multi_camera=False, oracle=True)


def two_vehicles() -> list[Row]:
    """Vehicles 1 and 2, each in cameras 1, 2, 3."""
    return [
        row for camera in (1, 2, 3) for vehicle in (1, 2) for row in track(camera, vehicle, range(10), lane=vehicle)
    ]


def relabelled(rows: list[Row], ids: dict[tuple[int, int], int]) -> Boxes:
    """The rows with other ids for some (camera, vehicle)."""
    return boxes_of([(row[0], ids.get(row[:2], row[1]), *row[2:]) for row in rows])


def test_pairs_of_cameras_count_vehicles_and_wrong_links() -> None:
    rows = two_vehicles()
    found = score(boxes_of(rows), relabelled(rows, {(3, 1): 2, (3, 2): 9}), ANY)
    assert [(*pair.cameras, pair.vehicles, pair.right, pair.wrong, pair.missed) for pair in found.pairs] == [
        ("c001", "c002", 2, 2, 0, 0),
        ("c001", "c003", 2, 0, 1, 2),
        ("c002", "c003", 2, 0, 1, 2),
    ]
    assert (found.links.right, found.links.wrong, found.links.missed) == (2, 2, 4)
    assert found.links.precision == 0.5
    assert found.links.recall == pytest.approx(1 / 3)
    assert found.links.f1 == pytest.approx(0.4)


def test_pairs_without_common_vehicles_are_left_out_unless_wrongly_linked() -> None:
    rows = track(1, 1, range(5), 1) + track(2, 2, range(5), 2)
    assert score(boxes_of(rows), boxes_of(rows), ANY).pairs == ()
    (pair,) = score(boxes_of(rows), relabelled(rows, {(2, 2): 1}), ANY).pairs
    assert (pair.vehicles, pair.right, pair.wrong, pair.missed) == (0, 0, 1, 0)


def test_links_of_false_tracklets_count_only_against_real_ones() -> None:
    rows = two_vehicles()
    ghosts = track(1, 50, range(4), 30) + track(2, 50, range(4), 30) + track(3, 1, range(20, 24), 30)
    found = score(boxes_of(rows), Boxes.concatenate([boxes_of(rows), boxes_of(ghosts)]), ANY)
    assert (found.links.right, found.links.wrong, found.links.missed) == (6, 0, 0)  # ghost 3 joins id 1's own tracklet
    predicted = Boxes.concatenate([boxes_of(rows), boxes_of(ghosts)])
    predicted = replace(predicted, tracks=np.where(predicted.xywh[:, 1] == 1500, 99, predicted.ids))
    found = score(boxes_of(rows), predicted, ANY)
    assert (found.links.right, found.links.wrong, found.links.missed) == (6, 2, 0)


def test_links_of_vehicles_left_in_one_camera_are_missed() -> None:
    """A linker that joins nothing: the challenge's filter drops everything, and the links that are missing still
    show."""
    rows = two_vehicles()
    apart = relabelled(rows, {(camera, vehicle): 10 * camera + vehicle for camera in (1, 2, 3) for vehicle in (1, 2)})
    found = score(boxes_of(rows), apart)
    assert (found.predicted_boxes, found.links.right, found.links.missed, found.links.recall) == (0, 0, 6, 0.0)
    blamed = {cause: share for cause, share in found.loss.shares.items() if share}
    assert blamed == {"left_in_one_camera": 1.0}


@pytest.mark.parametrize("seed", range(4))
def test_links_do_not_depend_on_the_rule_of_two_cameras(seed: int) -> None:
    truth, predicted = random_scene(seed, cameras=4, vehicles=12, frames=60)
    filtered, all_rows = score(truth, predicted), score(truth, predicted, ScoreParams(multi_camera=False))
    assert (filtered.links, filtered.pairs) == (all_rows.links, all_rows.pairs)


# --- ceilings --------------------------------------------------------------------------------------------------------


def test_ceilings_show_the_stage_that_lost_the_points() -> None:
    rows = two_vehicles()
    wrong_link = score(boxes_of(rows), relabelled(rows, {(3, 1): 9}), ANY).oracle
    assert wrong_link["links"].idf1 == 1.0
    assert wrong_link["tracklets"].idf1 == wrong_link["boxes"].idf1 == wrong_link["boxes_tracklets"].idf1 < 1
    broken = [(row[0], 9, *row[2:]) if row[:2] == (1, 1) and row[2] >= 6 else row for row in rows]
    broken_track = score(boxes_of(rows), boxes_of(broken), ANY).oracle
    assert broken_track["tracklets"].idf1 == 1.0
    assert broken_track["links"].idf1 == 1.0  # two whole tracklets of one vehicle, linked rightly
    swapped = [(row[0], 3 - row[1], *row[2:]) if row[0] == 1 and row[2] >= 4 else row for row in rows]
    swapped_track = score(boxes_of(rows), boxes_of(swapped), ANY).oracle
    assert swapped_track["tracklets"].idf1 == 1.0
    assert swapped_track["links"].idf1 == pytest.approx(1 - 8 / 60)
    lost = score(boxes_of(rows), boxes_of([row for row in rows if row[2] % 5]), ANY).oracle
    assert lost["boxes"].idf1 == lost["boxes_tracklets"].idf1 == 1.0
    assert lost["links"].idf1 == lost["tracklets"].idf1 == lost["tracklets_links"].idf1 == pytest.approx(96 / 108)


@pytest.mark.parametrize("seed", range(8))
def test_ceilings_stand_in_order(seed: int) -> None:
    """Perfect tracklets and links on the predicted boxes leave the detector's mistakes only, so nothing can beat
    them."""
    found = score(*random_scene(seed, cameras=3, vehicles=8, frames=30), ANY)
    ceiling = {name: entry.idf1 for name, entry in found.oracle.items()}
    assert ceiling["tracklets_links"] >= max(found.idf1, ceiling["links"], ceiling["tracklets"]) - 1e-12
    assert ceiling["tracklets_links"] == pytest.approx(
        2 * _matched(found) / (found.truth_boxes + found.predicted_boxes)
    )
    assert all(entry.gain == pytest.approx(entry.idf1 - found.idf1) for entry in found.oracle.values())
    assert all(entry.idf1 <= 1 for entry in found.oracle.values())


def _matched(found) -> int:  # type: ignore[no-untyped-def]
    return round((found.mota - 1) * found.truth_boxes + found.switches + found.truth_boxes + found.predicted_boxes) // 2


# --- filters ---------------------------------------------------------------------------------------------------------


def test_a_corner_on_anything_but_pure_white_drops_the_box() -> None:
    mask = np.ones((100, 200), np.bool_)
    mask[:, :50] = mask[60, 120] = False
    rows: list[Row] = [
        (1, 1, 0, 60, 10, 20, 20),  # all corners white
        (1, 1, 1, 49.9, 10, 20, 20),  # left corners black
        (1, 1, 2, 30, 10, 20, 20),  # the right corners (x + w = 50) are white, the left ones black
        (1, 1, 3, 180, 80, 20, 20),  # right and lower corners lie beyond the image: they do not count
        (1, 1, 4, -30, -30, 20, 20),  # wholly outside: no corner counts
        (1, 1, 5, 100, 40, 20, 20),  # one black pixel under the lower right corner
        (1, 1, 6, 110, 50, 30, 30),  # the black pixel inside the box does not matter
        (2, 1, 0, 0, 0, 10, 10),  # no mask for this camera
    ]
    dropped = outside_masks(boxes_of(rows), {"c001": mask})
    assert dropped.tolist() == [False, True, True, False, False, True, False, False]


def test_filters_run_in_the_challenges_order() -> None:
    rows: list[Row] = [
        (1, 1, 0, 0, 0, 10, 10),  # outside the mask, so vehicle 1 is left with camera 2 alone
        (2, 1, 0, 0, 0, 10, 10),
        (1, 2, 0, 60, 0, 10, 10),
        (1, 2, 0, 61, 0, 10, 10),  # repeats the row before
        (2, 2, 0, 60, 0, 10, 10),
        (1, 3, 0, 60, 0, 10, 10),  # camera 9 has no truth, but makes vehicle 3 one of two cameras
        (9, 3, 0, 60, 0, 10, 10),
    ]
    mask = np.ones((100, 200), np.bool_)
    mask[:, :50] = False
    reasons = challenge_filters(boxes_of(rows), {"c001": mask}, ("c001", "c002"))
    names = ["kept" if reason == KEPT else FILTERS[reason] for reason in reasons]
    assert names == ["roi", "single_camera", "kept", "duplicate", "kept", "kept", "other_camera"]


def test_each_filter_can_be_switched_off_and_reports() -> None:
    rows = track(1, 1, range(5), 1) + track(2, 1, range(5), 1)
    extra: list[Row] = [*track(1, 8, range(3), 9), rows[0]]
    predicted, masks = boxes_of(rows + extra), {"c001": np.ones((1000, 1000), np.bool_)}
    found = score(boxes_of(rows), predicted, masks=masks)
    assert found.filters == {"roi": 0, "single_camera": 3, "duplicate": 1, "other_camera": 0}
    assert found.idf1 == 1.0
    found = score(boxes_of(rows), predicted, ScoreParams(roi=False, multi_camera=False), masks)
    assert found.filters == {"roi": None, "single_camera": None, "duplicate": 1, "other_camera": 0}
    assert found.idfp == 3


def test_repeated_rows_are_mistakes_where_no_filter_takes_them() -> None:
    rows = track(1, 1, range(3), 1)
    with pytest.raises(
        InputError, match="one box per camera, id and frame, found a second box of id 1 in frame 1 of c001"
    ):
        score(boxes_of([*rows, rows[0]]), boxes_of(rows), ANY)
    with pytest.raises(InputError, match="leave the duplicate filter on"):
        score(boxes_of(rows), boxes_of([*rows, rows[0]]), ScoreParams(duplicates=False))


def test_cameras_without_truth_are_mistakes_unless_ignored() -> None:
    rows = track(1, 1, range(3), 1)
    strange = [*rows, *track(4, 1, range(3), 1)]
    with pytest.raises(InputError, match=r"a camera that has ground truth \(c001\), found camera 'c004'"):
        score(boxes_of(rows), boxes_of(strange))
    found = score(boxes_of(rows), boxes_of(strange), ScoreParams(other_cameras="ignore"))
    assert found.filters["other_camera"] == 3
    assert found.idf1 == 1.0
    nowhere_else = [*strange, *track(4, 2, range(3), 1)]  # it would be left out as a vehicle of one camera, too
    assert score(boxes_of(rows), boxes_of(nowhere_else), ScoreParams(other_cameras="ignore")).idf1 == 1.0
