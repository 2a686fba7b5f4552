"""Model soups: one network out of several that were tuned from the same start, no slower than one of them.

M. Wortsman et al., Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time, ICML 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from reid.errors import UserError
from reid.model.checkpoint import load_model, named, read_header
from reid.model.pretrained import origins_of
from reid.model.sgfd import SGFD


def average(paths: Sequence[Path], shares: Sequence[float] = ()) -> tuple[SGFD, dict[str, object]]:
    """The weighted mean of checkpoints of one network, without classifiers and rotation branch; and what is to be kept
    of their trainings, for `save_model`.

    Args:
        paths: two or more checkpoints. Of networks that were not tuned from the same weights the mean is worthless.
        shares: how much each counts, above 0, by their sum; none: all alike.

    Raises:
        UserError: fewer than two checkpoints, unfit shares, or checkpoints of different networks.
    """
    paths, parts = [named(path) for path in paths], _as_parts(shares, len(paths))
    models = [load_model(path) for path in paths]
    for path, model in zip(paths, models, strict=True):
        _require_same_network(path, model, models[0])
    states = [model.state_dict() for model in models]
    for name, mean in states[0].items():
        if mean.is_floating_point():
            mean.copy_(sum((part * state[name] for part, state in zip(parts, states, strict=True)), torch.zeros(())))
    trainings = [read_header(path).training for path in paths]
    start = dict.fromkeys(origin for path in paths for origin in origins_of(path))
    facts: dict[str, object] = {
        "average": [{"share": part, **training} for part, training in zip(parts, trainings, strict=True)],
        "start": [origin._asdict() for origin in start],
    }
    return models[0], facts


def _as_parts(shares: Sequence[float], count: int) -> list[float]:
    """The shares by their sum."""
    if count < 2:
        raise UserError("the checkpoints", "two or more", f"{count}", "Name all that are to be averaged.")
    if len(shares) not in (0, count):
        raise UserError("--share", f"one for each of {count} checkpoints, or none", f"{len(shares)}", "Give all.")
    given, total = list(shares) or [1.0] * count, sum(shares) or count
    if not all(math.isfinite(share) and share > 0 for share in [*given, total]):
        raise UserError(
            "--share", "numbers above 0, of a finite sum", f"{given}", "Leave checkpoints out that are not to count."
        )
    return [share / total for share in given]


def _require_same_network(path: Path, model: SGFD, first: SGFD) -> None:
    found, wanted = model.params.model_dump(), first.params.model_dump()
    for key, value in wanted.items():
        if found[key] != value:
            fix = "Average checkpoints of one network, tuned from the same start."
            raise UserError(path, f"a network with {key} {value}", f"{found[key]}", fix)
