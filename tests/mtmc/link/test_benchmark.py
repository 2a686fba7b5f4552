"""Scores of partitions and of probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.link.benchmark import agreement, calibration


@pytest.mark.parametrize(
    ("truth", "predicted", "idf1", "f1"),
    [
        ([0, 0, 1], [5, 5, 7], 1.0, 1.0),  # names do not matter
        ([0, 0, 1, 1], [0, 1, 2, 3], 0.5, 0.0),  # everyone alone
        ([0, 0, 1, 1], [0, 0, 0, 0], 0.5, 0.5),  # everyone one: 2 of 6 links right, both found
        ([0, 1], [0, 1], 1.0, 1.0),  # no links to find
        ([0, 0, -1], [0, 0, -1], 1.0, 1.0),  # on neither side
    ],
)
def test_agreement(truth: list[int], predicted: list[int], idf1: float, f1: float) -> None:
    found = agreement(np.array(truth), np.array(predicted), np.ones(len(truth), np.int64))
    assert (found.idf1, found.link_f1) == (pytest.approx(idf1), pytest.approx(f1))


def test_calibration_error() -> None:
    probability = np.repeat([0.25, 0.75], 100)
    right = np.tile([1, 0, 0, 0], 50)
    assert calibration(probability, right)[3] == pytest.approx(0.25)  # the second half is said 0.75, is 0.25
