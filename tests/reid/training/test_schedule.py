"""Learning rates of the paper's two schedules, epoch by epoch."""

from __future__ import annotations

import pytest

from reid.config import OptimizerParams
from reid.training.schedule import learning_rate


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 1e-4), (19, 1e-4), (20, 1e-5), (39, 1e-5), (40, 1e-6), (59, 1e-6), (60, 1e-7), (79, 1e-7)]
)
def test_steps(epoch: int, rate: float) -> None:
    assert learning_rate(epoch, 80, OptimizerParams()) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 1e-5), (9, 1e-4), (10, 1e-4), (50, 5.795e-5), (99, 1e-7), (110, 4.587e-8), (119, 0)]
)
def test_cosine_as_released(epoch: int, rate: float) -> None:
    assert learning_rate(epoch, 120, OptimizerParams(schedule="cosine")) == pytest.approx(rate, rel=1e-3, abs=1e-15)


def test_cosine_as_in_the_paper_starts_at_zero() -> None:
    params = OptimizerParams(schedule="cosine", warmup_start="zero")
    assert learning_rate(0, 120, params) == 0
    assert learning_rate(5, 120, params) == pytest.approx(5e-5)


def test_short_trainings_stay_in_range() -> None:
    for epochs in range(1, 40):
        for epoch in range(epochs):
            assert 0 <= learning_rate(epoch, epochs, OptimizerParams(schedule="cosine")) <= 1e-4
