"""The published association (``fused``) behaviour by behaviour, and what ``overlap`` does differently."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtmc.structures import Detections
from mtmc.track import JdeParams, TrackParams, make_tracker, track
from mtmc.track.jde.kalman import motion_model
from mtmc.track.jde.tracker import JdeTracker
from tests.mtmc.track.clips import SIZE, axes, box, camera, detections, drive

STANDING = (400.0, 300.0), (0.0, 0.0)


def numbers(clip: Detections, fps: float = 10.0, **changes: Any) -> list[int]:
    """Track of each detection under the published parameters with ``changes``."""
    return JdeTracker(JdeParams.published(**changes)).track(clip, fps, SIZE).numbers.tolist()


def same_look(rows: list[tuple[int, list[float]]], axis: int = 0) -> Detections:
    return detections(rows, features=axes([axis] * len(rows)))


# --- life of a track -------------------------------------------------------------------------------------------------


def test_activated_by_its_second_match_and_reported_from_then() -> None:
    assert numbers(same_look(drive(range(4), *STANDING))) == [0, 1, 1, 1]


def test_first_box_is_kept_on_request() -> None:
    assert numbers(same_look(drive(range(4), *STANDING)), keep_first_box=True) == [1, 1, 1, 1]


def test_single_box_is_no_track() -> None:
    assert numbers(same_look(drive([0], *STANDING)), keep_first_box=True) == [0]


def test_unconfirmed_track_ends_at_its_first_miss() -> None:
    """Frames 0 and 2: the track of frame 0 is gone in frame 1, that of frame 2 never gets a second box."""
    assert numbers(same_look(drive([0, 2], *STANDING)), keep_first_box=True) == [0, 0]


def test_unconfirmed_track_goes_by_overlap_alone() -> None:
    """The second box looks different and overlaps: it activates; the third is found by appearance, or by overlap."""
    clip = detections(drive(range(3), *STANDING), features=axes([0, 1, 1]))
    assert numbers(clip, keep_first_box=True) == [1, 1, 1]


def test_lost_track_comes_back_under_its_number() -> None:
    clip = same_look(drive([0, 1, 2, 8, 9], *STANDING))
    assert numbers(clip) == [0, 1, 1, 1, 1]


@pytest.mark.parametrize(("back", "expected"), [(13, [0, 1, 1, 1, 1]), (14, [0, 1, 1, 0, 2])])
def test_lost_for_longer_than_a_second_is_finished(back: int, expected: list[int]) -> None:
    """Last box in frame 2, 10 fps: still matched 11 frames later, for it is removed at the end of that frame only."""
    assert numbers(same_look(drive([0, 1, 2, back, back + 1], *STANDING))) == expected


def test_the_buffer_is_in_seconds() -> None:
    rows = drive([0, 1, 2, 20, 21], *STANDING)
    assert numbers(same_look(rows), fps=10)[-1] == 2
    assert numbers(same_look(rows), fps=30)[-1] == 1


def test_low_scores_start_no_track() -> None:
    clip = detections(drive(range(4), *STANDING), scores=0.49, features=axes([0] * 4))
    assert numbers(clip) == [0, 0, 0, 0]


def test_second_pass_continues_with_low_scores() -> None:
    clip = detections(drive(range(5), *STANDING), scores=[0.9, 0.9, 0.2, 0.2, 0.9], features=axes([0] * 5))
    assert numbers(clip) == [0, 1, 0, 0, 1]
    assert numbers(clip, second_pass_score=0.1) == [0, 1, 1, 1, 1]


# --- costs and limits ------------------------------------------------------------------------------------------------


def jump(pixels: float) -> Detections:
    """A vehicle, 40 px high, that stands for two frames and then jumps sideways, its look unchanged."""
    rows = [(0, box(400, 300)), (1, box(400, 300)), (2, box(400 + pixels, 300)), (3, box(400 + pixels, 300))]
    return same_look(rows)


def variance_of_third_frame() -> float:
    """Innovation variance in x of a track after two boxes, unpredicted in between: ((h/20)^2 and (h/160)^2 noise, h =
    40)."""
    process, velocity = (40 / 20) ** 2, (10 * 40 / 160) ** 2
    first = (2 * 40 / 20) ** 2
    after_second = first * process / (first + process)
    return after_second + velocity + process + process


def test_gate_is_the_95_percent_chi_square_of_four() -> None:
    edge = np.sqrt(9.4877 * variance_of_third_frame())
    assert numbers(jump(edge - 0.1), max_overlap_cost=0)[2] == 1
    assert numbers(jump(edge + 0.1), max_overlap_cost=0)[2] == 0


@pytest.mark.parametrize(
    ("metric", "limit", "matched"),
    [
        ("euclidean", 0.7, False),  # cosine similarity 0.7: Euclidean 0.775
        ("euclidean", 0.8, True),
        ("cosine", 0.3, True),  # cosine distance 0.3, times 0.98
        ("cosine", 0.29, False),
    ],
)
def test_fused_cost_weighs_appearance_098(metric: str, limit: float, matched: bool) -> None:
    """The vehicle stands, so motion adds nothing; 0.98 x 0.775 = 0.759 and 0.98 x 0.3 = 0.294."""
    turned = np.zeros((4, 8), np.float32)
    turned[:2, 0] = 1
    turned[2:, 0], turned[2:, 1] = 0.7, np.sqrt(1 - 0.49)
    clip = detections(drive(range(4), *STANDING), features=turned)
    found = numbers(clip, metric=metric, max_distance=limit, max_overlap_cost=0, max_duplicate_cost=0)
    assert (found[2] == 1) is matched


def test_motion_weighs_002() -> None:
    """Equal looks: the cost is 0.02 of the squared Mahalanobis distance, here just below and above the limit."""
    distance = 25.0 / variance_of_third_frame()
    for limit, expected in [(0.02 * distance * 1.01, 1), (0.02 * distance * 0.99, 0)]:
        assert numbers(jump(5.0), max_distance=limit, max_overlap_cost=0, max_duplicate_cost=0)[2] == expected


def test_feature_is_smoothed_with_09() -> None:
    """After boxes of looks 0, 0, 1 the feature is (0.9, 0.1) / 0.906: to look 0 its distance is 0.1104, times 0.98."""
    clip = detections(drive(range(4), *STANDING), features=axes([0, 0, 1, 0]))
    smooth = np.array([0.9, 0.1]) / np.hypot(0.9, 0.1)
    cost = 0.98 * np.sqrt(2 - 2 * smooth[0])
    strict = {"max_overlap_cost": 0.5, "max_duplicate_cost": 0}
    # frame 2 (look 1) is matched by overlap; frame 3 would be too, so a far stranger tests appearance
    assert numbers(clip, max_distance=float(cost) * 1.01, **strict) == [0, 1, 1, 1]
    crossing = detections(
        [*drive(range(3), *STANDING), (3, box(400, 300)), (3, box(404, 300))], features=axes([0, 0, 1, 5, 0])
    )
    assert numbers(crossing, max_distance=float(cost) * 1.2, **strict)[3:] == [0, 1]


def test_appearance_beats_position_inside_the_gate() -> None:
    """Two vehicles side by side change places: each keeps its number by its look."""
    rows = [(f, b) for f in range(2) for b in (box(400, 300), box(404, 300))]
    rows += [(2, box(404, 300)), (2, box(400, 300))]
    clip = detections(rows, features=axes([0, 1, 0, 1, 0, 1]))
    found = numbers(clip)
    assert found[2] == found[4] != found[3] == found[5]


def test_second_association_by_overlap_for_tracked_ones() -> None:
    """A wholly different look: only the overlap step can continue the track, within 1 - IoU < 0.5."""

    def clip(shift: float) -> Detections:
        rows = [(0, box(400, 300)), (1, box(400, 300)), (2, box(400 + shift, 300))]
        return detections(rows, features=axes([0, 0, 1]))

    assert numbers(clip(20))[2] == 1  # 80 px wide: IoU 60 / 100 = 0.6
    assert numbers(clip(30))[2] == 0  # IoU 50 / 110 = 0.45


def test_new_tracks_need_an_iou_above_03() -> None:
    assert numbers(same_look([(0, box(400, 300)), (1, box(440, 300))])) == [0, 1]  # IoU 40 / 120 = 0.33
    assert numbers(same_look([(0, box(400, 300)), (1, box(445, 300))])) == [0, 0]  # IoU 35 / 125 = 0.28


def test_without_features_overlap_inside_the_gate() -> None:
    plain = detections(drive(range(5), (400, 300), (3, 0)))
    assert numbers(plain) == [0, 1, 1, 1, 1]


def test_wide_vehicles_are_kept() -> None:
    """The release drops boxes with width / height > 1.6, a rule for pedestrians."""
    rows = [(f, box(400, 300, 200, 50)) for f in range(3)]
    assert numbers(same_look(rows)) == [0, 1, 1]


# --- duplicates ------------------------------------------------------------------------------------------------------


def test_younger_duplicate_of_a_lost_track_ends() -> None:
    """A track that has lived four frames is lost as a stranger's box lands on its spot for two frames: the stranger
    goes."""
    rows = [*drive(range(5), *STANDING), (5, box(402, 300)), (6, box(402, 300)), *drive([7, 8], *STANDING)]
    clip = detections(rows, features=axes([0] * 5 + [1, 1] + [0, 0]))
    kept = numbers(clip, max_overlap_cost=0)
    assert kept == [0, 1, 1, 1, 1, 0, 0, 1, 1]
    both = numbers(clip, max_overlap_cost=0, max_duplicate_cost=0)
    assert both[6] == 2


# --- output ----------------------------------------------------------------------------------------------------------


def test_reported_boxes_are_filtered_ones_or_the_detectors() -> None:
    clip = same_look([(0, box(400, 300)), (1, box(403, 300))])
    filtered = JdeTracker(JdeParams.published()).track(clip, 10.0, SIZE).xyxy[1]
    raw = JdeTracker(JdeParams.published(output="detection")).track(clip, 10.0, SIZE).xyxy[1]
    np.testing.assert_allclose(raw, clip.xyxy[1])
    assert filtered[0] == pytest.approx(360 + 3 * 0.8, abs=1e-4)  # gain of the unpredicted first update: 16 / (16 + 4)


# --- the default: overlap first --------------------------------------------------------------------------------------


def default(clip: Detections, fps: float = 10.0, **changes: Any) -> list[int]:
    return JdeTracker(JdeParams(**changes)).track(clip, fps, SIZE).numbers.tolist()


def test_fast_and_growing_vehicle_is_one_track() -> None:
    """Cut by the border at first: its aspect changes from 3.4 to 1.3, which the published gate refuses."""
    rows = [(f, [200 - 3 * f, 0, 285 + 3 * f, 25 + 13 * f]) for f in range(8)]
    assert default(detections(rows)) == [1] * 8
    assert len(set(numbers(detections(rows), keep_first_box=True))) > 1


def test_crossing_vehicles_keep_their_numbers() -> None:
    east = drive(range(30), (200, 300), (12, 0))
    west = drive(range(30), (560, 306), (-12, 0))
    clip = detections(east + west)
    found = np.array(default(clip))
    heading_east = np.isin(np.arange(len(clip)), [i for i, b in enumerate(clip.xyxy) if b[1] == 280])
    assert set(found[heading_east]) == {1, 2} - set(found[~heading_east])


def test_recovered_by_appearance_after_a_hidden_stretch() -> None:
    """The vehicle brakes behind a lorry and comes out where the filter no longer overlaps; six others teach the
    scale."""
    hidden = [(f, box(100 + 20 * f, 300, 40, 40)) for f in range(20)]
    hidden += [(f, box(560 + 4 * (f - 26), 300, 40, 40)) for f in range(26, 40)]
    others = [row for lane in range(1, 7) for row in drive(range(40), (100, 300 + 60 * lane), (15, 0))]
    clip = detections(
        hidden + others, features=axes([0] * len(hidden) + [lane for lane in range(1, 7) for _ in range(40)])
    )
    found = np.array(default(clip))
    mine = clip.features[:, 0] == 1
    assert len(set(found[mine])) == 1
    assert len(set(np.array(default(clip, max_recovery_cost=0))[mine])) == 2


def test_a_new_track_keeps_its_box_from_a_lost_one() -> None:
    """A vehicle goes behind a wall; where it was, another comes out, of another look: its second box is its own. Four
    others teach what looks are worth."""
    gone = [(f, box(200 + 6 * f, 300, 60, 40)) for f in range(10)]
    comes = [(f, box(336 - 6 * (f - 14), 310, 60, 40)) for f in range(14, 30)]
    others = [(f, box(100 + 12 * f, 400 + 60 * lane, 80, 40)) for lane in range(4) for f in range(30)]
    looks = [0] * 10 + [1] * 16 + [2 + lane for lane in range(4) for _ in range(30)]
    rows = gone + comes + others
    clip = detections(rows, features=axes(looks))
    found = np.array(default(clip))
    assert not set(found[clip.features[:, 0] == 1]) & set(found[clip.features[:, 1] == 1])


def test_useless_features_do_no_harm() -> None:
    """Noise as appearance: the clip's own boxes show that it tells nothing, so the result is that of none."""
    rng = np.random.default_rng(3)
    rows = [row for lane in range(5) for row in drive(range(30), (100, 200 + 50 * lane), (14, 0))]
    plain = detections(rows)
    noisy = detections(rows, features=rng.normal(size=(len(rows), 16)))
    assert default(plain) == default(noisy)


def test_noise_grows_where_frames_are_rare() -> None:
    assert motion_model(10, 30).velocity == pytest.approx(3 / 160)
    assert motion_model(60, 30).velocity == pytest.approx(1 / 160)
    assert motion_model(10, None).velocity == pytest.approx(1 / 160)


def test_a_leaving_vehicle_does_not_hand_its_number_to_a_weak_box_on_its_way() -> None:
    """A car passes a sign that looks a little like one; behind it the car is not found any more, the sign still is."""
    car = drive(range(12), (100, 300), (16, 0))
    sign = [(f, box(276, 302, 70, 38)) for f in range(30)]
    clip = detections(car + sign, scores=[0.9] * len(car) + [0.2] * len(sign))
    mine = clip.scores > 0.5
    found = np.array(default(clip))
    assert set(found[mine]) == {1}
    assert (found[~mine] == 1).sum() <= 1
    assert (np.array(default(clip, overlap_gate=1e9))[~mine] == 1).sum() > 5


def test_a_lost_track_claims_no_box_that_it_overlaps_little() -> None:
    """A car stands, is found no more, and another appears that overlaps where it was by less than a quarter."""
    rows = drive(range(10), (400, 300), (0, 0)) + drive(range(14, 24), (450, 300), (0, 0))
    assert default(detections(rows)) == [1] * 10 + [2] * 10
    back = drive(range(10), (400, 300), (0, 0)) + drive(range(14, 24), (420, 300), (0, 0))
    assert default(detections(back)) == [1] * 20


def test_gaps_are_filled_on_request() -> None:
    rows = drive([*range(10), *range(18, 30)], (100, 300), (6, 0))
    frames = [
        len(track(camera(), detections(rows), make_tracker(params), params)[0])
        for params in (TrackParams(), TrackParams(interpolate=True))
    ]
    assert frames == [22, 30]
