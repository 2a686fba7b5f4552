"""Random streets: the same seed the same pictures, every vehicle that shows told of, boxes that fit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mtmc.structures import Image
from mtmc.synth.render.frames import Seen
from mtmc.synth.streets import FRAMES_PER_VIEW, LEAST_VISIBLE, random_streets

SIZE = (256, 144)


@pytest.fixture(scope="module")
def frames() -> list[tuple[Image, list[Seen]]]:
    return list(itertools.islice(random_streets(7, SIZE), 3 * FRAMES_PER_VIEW))


def test_the_same_seed_gives_the_same_streets(frames: list[tuple[Image, list[Seen]]]) -> None:
    again = itertools.islice(random_streets(7, SIZE), FRAMES_PER_VIEW + 1)
    for (image, seen), (other, told) in zip(frames, again, strict=False):
        np.testing.assert_array_equal(image, other)
        assert [s.box for s in seen] == [s.box for s in told]
    other, _ = next(random_streets(8, SIZE))
    assert (other != frames[0][0]).any()


def test_boxes_are_the_visible_pixels_of_different_vehicles(frames: list[tuple[Image, list[Seen]]]) -> None:
    assert sum(len(seen) for _, seen in frames) > len(frames)
    for image, seen in frames:
        assert image.shape == (SIZE[1], SIZE[0], 3)
        covered = np.zeros(image.shape[:2], np.int64)
        for one in seen:
            x0, y0, x1, y1 = one.box
            assert one.mask.shape == (y1 - y0, x1 - x0)
            assert one.mask.any(axis=0)[[0, -1]].all()
            assert one.mask.any(axis=1)[[0, -1]].all()
            assert one.visible >= LEAST_VISIBLE
            covered[y0:y1, x0:x1] += one.mask
        assert covered.max() <= 1
        assert len({one.vehicle.id for one in seen}) == len(seen)


def test_views_differ_in_ground_height_and_kinds(frames: list[tuple[Image, list[Seen]]]) -> None:
    first, second, third = (frames[k * FRAMES_PER_VIEW][0].mean((0, 1)) for k in range(3))
    assert np.abs(first - second).max() > 5
    assert np.abs(second - third).max() > 5
    assert len({one.vehicle.label for _, seen in frames for one in seen}) >= 3
