"""The learning rate of each epoch."""

from __future__ import annotations

import math

from reid.config import OptimizerParams


def learning_rate(epoch: int, epochs: int, params: OptimizerParams) -> float:
    """Rate of an epoch, counted from 0, of ``epochs`` in all.

    ``steps`` is the paper's schedule for VeRi-776 and CityFlow; ``cosine`` that for VehicleID and persons: a linear
    warm-up, a cosine from ``lr`` to ``floor``, and in the last ``tail_epochs`` a cosine from ``floor`` to 0.
    """
    if params.schedule == "steps":
        return params.lr * params.factor ** sum(epoch >= milestone for milestone in params.milestones)
    tail_start = epochs - params.tail_epochs
    if epoch < min(params.warmup_epochs, tail_start):
        return params.lr * (epoch + (params.warmup_start == "tenth")) / params.warmup_epochs
    if epoch < tail_start:
        progress = (epoch - params.warmup_epochs) / max(1, tail_start - params.warmup_epochs - 1)
        return params.floor + (params.lr - params.floor) * _half_cosine(progress)
    return params.floor * _half_cosine((epoch - tail_start) / max(1, params.tail_epochs - 1))


def _half_cosine(progress: float) -> float:
    """From 1 at progress 0 down to 0 at progress 1."""
    return (1 + math.cos(math.pi * progress)) / 2
