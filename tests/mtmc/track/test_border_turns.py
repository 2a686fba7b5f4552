from __future__ import annotations

import numpy as np

from mtmc.track import JdeParams
from mtmc.track.jde.border_turns import part_at_border
from mtmc.track.jde.tracker import JdeTracker
from tests.mtmc.track.clips import SIZE, detections

WIDTH, HEIGHT = SIZE


def cut_off(left: float, right: float) -> list[float]:
    """A vehicle 60 px high from ``left`` to ``right``, as far as it is in the image."""
    return [max(left, 0), 300, min(right, WIDTH), 360]


LEAVES = [(f, cut_off(80 - 25 * f, 180 - 25 * f)) for f in range(6)]  # at the end its right edge is at 55
ENTERS = [(6 + f, cut_off(0, 90 + 25 * f)) for f in range(5)]


def parted(boxes: list[list[float]], least: float = 0.25) -> list[int]:
    return part_at_border(
        np.ones(len(boxes), np.int64), np.array(boxes, np.float32).reshape(-1, 4), SIZE, least
    ).tolist()


def test_leaving_and_entering_are_two() -> None:
    boxes = [b for _, b in LEAVES + ENTERS]
    assert parted(boxes) == [1] * 6 + [2] * 5
    assert parted(boxes, least=1.0) == [1] * 11


def test_any_border() -> None:
    left = np.array([b for _, b in LEAVES + ENTERS])
    right = np.stack([WIDTH - left[:, 2], left[:, 1], WIDTH - left[:, 0], left[:, 3]], axis=1)
    assert parted(right.tolist()) == [1] * 6 + [2] * 5
    assert parted(left[:, [1, 0, 3, 2]].tolist()) == [1] * 6 + [2] * 5
    below = np.stack([left[:, 1], HEIGHT - left[:, 2], left[:, 3], HEIGHT - left[:, 0]], axis=1)
    assert parted(below.tolist()) == [1] * 6 + [2] * 5


def test_turn_away_from_the_border_is_one_vehicle() -> None:
    assert parted([[b[0] + 100, b[1], b[2] + 100, b[3]] for _, b in LEAVES + ENTERS]) == [1] * 11


def test_waiting_at_the_border_is_one_vehicle() -> None:
    rng = np.random.default_rng(0)
    assert parted([[0, 300, 90 + rng.normal(scale=3), 360] for _ in range(40)]) == [1] * 40


def test_the_tracker_uses_it() -> None:
    clip = detections(LEAVES + ENTERS)
    assert JdeTracker(JdeParams()).track(clip, 10.0, SIZE).numbers.tolist() == [1] * 6 + [2] * 5
    assert JdeTracker(JdeParams(min_turn=0)).track(clip, 10.0, SIZE).numbers.tolist() == [1] * 11


def test_nothing_to_part() -> None:
    assert parted([]) == []
    assert parted([[0, 0, 9, 9]]) == [1]
    none = part_at_border(np.zeros(3, np.int64), np.zeros((3, 4), np.float32), SIZE, 0.25)
    assert none.tolist() == [0, 0, 0]
