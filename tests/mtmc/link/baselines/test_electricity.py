"""The published rules with their bugs corrected, on hand-made distances."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.link.baselines.electricity import Electricity, relabel
from mtmc.link.problem import Crops, Problem
from tests.mtmc.link.worlds import groups, small

NONE = np.inf


@pytest.mark.parametrize(
    ("nearest", "distance", "expected"),
    [
        ([[0, 1], [0, 0]], [[NONE, 0.1], [0.1, NONE]], [{0, 1}]),  # each other's nearest
        ([[0, 1], [0, 0]], [[NONE, NONE], [NONE, NONE]], [{0}, {1}]),  # nobody near: fresh ids, even under one number
        # 2 lies nearer to 1 than 0 does: it pulls 1 out of 0's group, which published rules do not mend
        ([[0, 1], [0, 0], [2, 1]], [[NONE, 0.3], [0.3, NONE], [NONE, 0.1]], [{0}, {1, 2}]),
        # one query matches the nearest track of each other camera: three in one
        ([[0, 1, 2], [0, 0, 0], [0, 0, 0]], [[NONE, 0.1, 0.2], [NONE] * 3, [NONE] * 3], [{0, 1, 2}]),
    ],
)
def test_greedy_rule(nearest: list, distance: list, expected: list[set[int]]) -> None:
    labels = relabel(np.array(nearest), np.array(distance))
    assert groups(labels) == {frozenset(group) for group in expected}


def test_isolated_tracks_are_kept_unless_asked() -> None:
    problem = Problem.of(small().table)
    kept, dropped = (Electricity(0.4, 0.75, remove)(problem).labels for remove in (False, True))
    assert kept.min() >= 0
    assert 0 < (dropped < 0).sum() < len(dropped)
    assert groups(kept[dropped >= 0]) == groups(dropped[dropped >= 0])


def test_first_crop_against_every_crop() -> None:
    table = small().table.take(np.arange(2))
    first, second = np.eye(4, dtype=np.float32)[:2], np.eye(4, dtype=np.float32)[2:]
    cameras = table.camera.copy()
    cameras[:] = (0, 1)
    table = type(table)(table.cameras, cameras, *(getattr(table, n) for n in table.__slots__[2:]))
    # the query's second crop equals the gallery's: not looked at; the gallery's second crop equals the query's first:
    # found
    crops = Crops(np.stack([first[0], second[0], first[1], first[0]]), np.array([0, 0, 1, 1]))
    labels = Electricity(0.5, 1.5, False)(
        Problem(table, crops, np.ones(len(table.cameras), bool), np.zeros((len(table), 0, 2)))
    ).labels
    assert len(np.unique(labels)) == 1
