"""What the trainings of both packaged detectors share: rate, arithmetic, running mean, checkpoints."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path

import torch

from reid.devices import multiplies_bfloat16

WARM_UP_STEPS = 200


def rate(step: int, share: float) -> float:
    """Of the top rate at a step, when ``share`` of the training is done: a warm-up, then a cosine down to 1 %."""
    return min(1.0, (step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def half_precision(device: str) -> torch.autocast:
    """bfloat16 on CUDA and on processors with matrix instructions for it; elsewhere it is slower than float32."""
    kind = torch.device(device)
    return torch.autocast(kind.type, torch.bfloat16, enabled=multiplies_bfloat16(kind))


def follow(mean: torch.nn.Module, model: torch.nn.Module, decay: float) -> None:
    """Move the running mean towards the model; counters are copied."""
    with torch.no_grad():
        for old, new in zip(mean.state_dict().values(), model.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - decay)
            else:
                old.copy_(new)


def resume(
    path: Path, model: torch.nn.Module, mean: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, float]:
    """Steps and seconds done so far."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(state["model"])
    mean.load_state_dict(state["mean"])
    optimizer.load_state_dict(state["optimizer"])
    logging.info("going on from step %d of %s", state["step"], path)
    return int(state["step"]), float(state["seconds"])


def save_checkpoint(
    path: Path,
    model: torch.nn.Module,
    mean: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    seconds: float,
) -> None:
    """What `resume` reads, in place of the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
    temporary = path.with_suffix(".tmp")
    torch.save({**state, "step": step, "seconds": seconds}, temporary)
    os.replace(temporary, path)
