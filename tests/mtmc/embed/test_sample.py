from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.embed.sample import best_crops, box_quality, choose
from mtmc.structures import Tracklet
from mtmc.video import Image
from tests.builders import make_tracklet

SIZE = (400, 300)


class Pictures:
    """Frames in memory."""

    def __init__(self, images: dict[int, Image]) -> None:
        self.images = images
        self.asked: list[int] = []

    def clips(self, length: int):  # type: ignore[no-untyped-def]
        raise AssertionError("embedding looks at chosen frames only")

    def at(self, frames):  # type: ignore[no-untyped-def]
        self.asked = sorted(set(np.asarray(frames).tolist()))
        return ((frame, self.images[frame]) for frame in self.asked)


def quality(tracklet: Tracklet, visible: float = 1.0) -> list[float]:
    return box_quality(tracklet, SIZE, np.full(len(tracklet), visible)).tolist()


def test_large_sure_whole_visible_boxes_are_worth_more() -> None:
    small, large = (
        make_tracklet(frames=[0], box=(100, 100, 120, 120)),
        make_tracklet(frames=[0], box=(100, 100, 180, 180)),
    )
    cut = make_tracklet(frames=[0], box=(0, 100, 80, 180))
    assert quality(small) < quality(large)
    assert quality(cut) < quality(large)
    assert quality(large, 0.3) < quality(large)
    unsure = Tracklet("c001", 1, large.frames, large.xyxy, np.array([0.4]), 0)
    assert quality(unsure)[0] == pytest.approx(quality(large)[0] * 0.4 / 0.9, rel=1e-6)


def test_a_nearer_vehicle_hides_the_one_behind() -> None:
    behind = make_tracklet(track_id=1, frames=range(4), box=(100, 100, 200, 180), step=(0, 0))
    before = make_tracklet(track_id=2, frames=range(2), box=(100, 140, 200, 240), step=(0, 0))
    chosen = {(c.track_id, c.frame) for c in choose([behind, before], SIZE, 1)}
    assert chosen == {(1, 2), (1, 3), (2, 0), (2, 1)}, "of vehicle 1 only the boxes that nothing hides"


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 1000))
def test_crops_are_spread_over_the_tracklets_life(length: int, crops: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    frames = np.sort(random.choice(200, length, replace=False))
    boxes = random.uniform(0, 100, (length, 2))
    tracklet = Tracklet(
        "c001",
        5,
        frames,
        np.concatenate([boxes, boxes + random.uniform(5, 90, (length, 2))], axis=1),
        np.ones(length),
        0,
    )
    chosen = choose([tracklet], SIZE, crops)
    shares = {c.share for c in chosen}
    assert shares == set(range(min(crops, length)))
    assert [c.last for c in chosen] == [False] * (len(chosen) - 1) + [True]
    for share, part in enumerate(np.array_split(frames, min(crops, length))):
        assert {c.frame for c in chosen if c.share == share} <= set(part.tolist())


def test_the_sharper_of_two_boxes_stands_for_its_part_of_life() -> None:
    sharp = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    blurred = np.asarray(cv2.GaussianBlur(sharp, (15, 15), 0), np.uint8)
    tracklet = make_tracklet(frames=[3, 4], box=(50, 50, 150, 150), step=(0, 0))
    frames = Pictures({3: blurred, 4: sharp})
    (crop,) = best_crops(choose([tracklet], SIZE, 1), frames, SIZE, 0.0)
    assert crop.frame == 4
    assert (crop.image == sharp[50:150, 50:150]).all()


def test_margin_stays_inside_the_image_and_only_needed_frames_are_read() -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    frames = Pictures(dict.fromkeys(range(50), image))
    tracklet = make_tracklet(frames=range(50), box=(0, 250, 40, 300), step=(0, 0))
    crops = list(best_crops(choose([tracklet], SIZE, 3), frames, SIZE, 0.1))
    assert len(crops) == 3
    assert {c.image.shape for c in crops} == {(55, 44, 3)}
    assert len(frames.asked) == 6


def test_nothing_to_choose_from() -> None:
    assert choose([], SIZE, 4) == []
    assert list(best_crops([], Pictures({}), SIZE, 0.1)) == []
