"""The state file of a training: what it must hold, and which recipe may go on from it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import torch

from reid.atomic import replacing
from reid.config import TrainParams
from reid.errors import UserError
from reid.files import check_archive, check_file
from reid.model.weight_files import UNREADABLE
from reid.training.step import State

FREE = frozenset(f"loop.{key}" for key in ("epochs", "evaluate_every", "save_every", "compile", "workers", "cache_mb"))
"""What a resumed training may change: where things are, how long and how fast it runs; nothing that it learns by."""


def write_state(path: Path, state: State) -> None:
    """Write a training's state, whole or not at all; the same values give the same bytes."""
    with replacing(path) as temporary, temporary.open("wb") as file:  # by its path the file's name would stand in it
        torch.save(_plain(state), file)


def _plain(value: Any) -> Any:
    """The same values in the one form that pickle writes alike whether they were made here or read back: it follows the
    order of keys, and which words are one object."""
    if isinstance(value, dict):
        rows = sorted(value.items(), key=lambda row: (type(row[0]).__name__, row[0]))
        return {_plain(key): _plain(inner) for key, inner in rows}
    if isinstance(value, list | tuple):
        return type(value)(_plain(inner) for inner in value)
    return sys.intern(value) if isinstance(value, str) else value


def read_state(path: Path) -> State:
    """A training's state, without unpickling anything but tensors and plain values.

    Raises UserError where it is missing or broken.
    """
    fix = "Start without --resume, or give --out the folder of the training to go on with."
    check_file(path, "the state of a training")
    check_archive(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as broken:
        found = (str(broken) or type(broken).__name__).splitlines()[0]
        raise UserError(path, "the state of a training", found, fix) from None
    if not isinstance(state, dict) or not isinstance(state.get("params"), str):
        raise UserError(path, "the state of a training", "something else", fix)
    return cast(State, state)


def require_same_recipe(before: TrainParams, now: TrainParams, where: Path) -> None:
    """Raise UserError where something was changed that is learned by."""
    old, new = _recipe(before), _recipe(now)
    for key, value in new.items():
        if value != old[key]:
            fix = "Resume with the same recipe, or start anew."
            raise UserError(where, f"{key} {old[key]}, as before", f"{value}", fix)


def _recipe(params: TrainParams) -> dict[str, object]:
    """All that is learned by, as flat keys."""
    sections = params.model_dump()
    flat = {
        f"{name}.{key}": value
        for name, section in sections.items()
        if isinstance(section, dict)
        for key, value in section.items()
    }
    return {"dataset": params.dataset, "validation": params.validation} | {
        key: value for key, value in flat.items() if key not in FREE
    }
