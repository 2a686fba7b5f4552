"""Settings that learn better, chosen by some vehicles and judged on others (``reid tune``).

Of the vehicles to learn from one share is held out to judge by in the end, another to choose by. Optuna's sampler (TPE)
chooses what is tried; the recipe as it is comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from reid.config import TrainParams
from reid.datasets import Dataset
from reid.datasets.combine import hold_out
from reid.errors import UserError
from reid.model.checkpoint import load_model
from reid.training.run_log import FolderLog
from reid.training.trainer import LAST, Evaluate, Training

Settings = Mapping[str, float]
Range = tuple[float, float]

RANGES: Mapping[str, Range] = {
    "optimizer.lr": (1e-5, 2e-3),
    "loss.margin": (0.1, 1.0),
    "augment.jitter": (0.0, 0.5),
    "augment.erase_probability": (0.0, 0.8),
}
"""What is varied where nothing else is asked for, and how far."""
LOG_FROM = 20
"""Ranges whose ends differ by this factor are searched by their logarithm."""


@dataclass(frozen=True)
class Tuned:
    """The best settings found, by their keys, none where the recipe was the best; mAP of the recipe and with these
    settings on the vehicles they were chosen by, and on the others."""

    settings: dict[str, float]
    chosen_before: float
    chosen_after: float
    held_out_before: float
    held_out_after: float


@dataclass(frozen=True)
class _Trial:
    settings: Settings
    score: float
    weights: Path


def tune(
    recipe: Callable[[Settings], TrainParams],
    ranges: Mapping[str, Range],
    data: Dataset,
    out: Path,
    trials: int,
    *,
    evaluate: Evaluate,
    device: torch.device | str = "cpu",
) -> Tuned:
    """Train ``trials`` times, each in a folder of its own below ``out``.

    Args:
        recipe: parameters of a training with some settings changed; ``validation`` of them is the share of vehicles
            that is held out, twice.
        ranges: lowest and highest value by key.

    Raises:
        UserError: too few vehicles, a key whose value is no number in its range, or a recipe that does not learn.
    """
    import optuna

    own = recipe({})
    start = {key: _value(own, key, span) for key, span in ranges.items()}
    judge = hold_out(data, own.validation, own.loop.seed)
    choose = hold_out(judge, own.validation, own.loop.seed + 1)

    def attempt(settings: Settings) -> _Trial:
        folder = out / f"trial-{len(done):03d}"
        return _trained(recipe(settings), settings, choose, folder, evaluate, device)

    def objective(trial: optuna.Trial) -> float:
        settings = {key: trial.suggest_float(key, *span, log=_by_logarithm(span)) for key, span in ranges.items()}
        try:
            done.append(attempt({key: float(f"{value:.3g}") for key, value in settings.items()}))
        except UserError as failed:  # a rate too high, a batch too large: the recipe itself has learned before
            raise optuna.TrialPruned from failed
        return done[-1].score

    done: list[_Trial] = []
    done.append(attempt({}))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=own.loop.seed))
    spans: dict[str, optuna.distributions.BaseDistribution] = {
        key: optuna.distributions.FloatDistribution(*span, log=_by_logarithm(span)) for key, span in ranges.items()
    }
    study.add_trial(optuna.trial.create_trial(params=start, distributions=spans, value=done[0].score))
    study.optimize(objective, trials - 1)
    best = max(done, key=lambda one: one.score)
    before, after = (evaluate(load_model(one.weights, device), judge)["mAP"] for one in (done[0], best))
    return Tuned(dict(best.settings), done[0].score, best.score, before, after)


def _trained(
    params: TrainParams, settings: Settings, data: Dataset, folder: Path, evaluate: Evaluate, device: torch.device | str
) -> _Trial:
    folder.mkdir(parents=True, exist_ok=True)
    log = FolderLog(folder, params.loop.epochs)
    try:
        log.info(f"{folder.name}: {', '.join(f'{key}={value:g}' for key, value in settings.items()) or 'as it is'}")
        training = Training(params, data, folder, evaluate=evaluate, device=device, log=log)
        training.run()
        score = evaluate(training.learner.eval_model, data)["mAP"]
        log.info(f"  mAP {score:.4f}")
    finally:
        log.close()
    return _Trial(settings, score, folder / LAST)


def _value(params: TrainParams, key: str, span: Range) -> float:
    """The recipe's own value of a key. Raises UserError where it is none in the range."""
    value: object = params
    for name in key.split("."):
        value = getattr(value, name, None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not span[0] <= value <= span[1]:
        wanted = f"a key of the recipe with a number in {span[0]:g}:{span[1]:g}"
        raise UserError(f"--vary {key}", wanted, repr(value), "Choose another key, or a range that holds its value.")
    return float(value)


def _by_logarithm(span: Range) -> bool:
    return span[0] > 0 and span[1] >= LOG_FROM * span[0]
