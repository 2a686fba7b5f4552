"""State dicts as trainings of the field store them, read without running anything in them.

Known wrappers come off: ``{"state_dict": ...}`` and ``{"model": ...}`` with whatever stands beside them, ``module.``
of DataParallel, ``backbone.`` of fast-reid, ``base.`` of the strong baseline (BoT), ``encoder.``, ``model.`` of others.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from reid.errors import UserError
from reid.files import check_archive, check_file

Weights = dict[str, Tensor]

NESTED = ("state_dict", "model", "model_state_dict")
PREFIXES = ("module.", "backbone.", "base.", "encoder.", "model.")
_SCALAR: Callable[..., Any] = np.float64(0).__reduce__()[0]  # type: ignore[assignment]
NUMBERS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u4", "u8", "?")),
]
"""Numbers of numpy, which trainings keep beside their weights (the best accuracy so far)."""
UNREADABLE = (
    *(pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, TypeError, ValueError, LookupError),
    *(AttributeError, OSError, MemoryError, ImportError),
)
"""All that readers of weights raise for files that hold none."""
NO_WEIGHTS = {
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself",
    b"<": "a web page",
    b"": "an empty file",
}


def read_weights(path: Path) -> Weights:
    """Tensors by name. Raises UserError for a file that is missing or holds no state dict."""
    check_file(path, "pretrained weights")
    check_archive(path)
    try:
        loaded = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except UNREADABLE:
        raise UserError(path, "a state dict", _kind(path), "Fetch the file again, or give another.") from None
    for key in NESTED:
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(value, Tensor) for value in loaded.values()):
        found = f"a {type(loaded).__name__} of something else"
        raise UserError(path, "a state dict", found, "Fetch the file again, or give another.")
    return {_bare(name): tensor for name, tensor in loaded.items()}


def _unpickled(path: Path) -> object:
    with torch.serialization.safe_globals(NUMBERS):
        loaded: object = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    told = next((kind for mark, kind in NO_WEIGHTS.items() if mark and start.lstrip().startswith(mark)), "")
    if not start:
        return NO_WEIGHTS[b""]
    return told or "another kind of file, a damaged one, or one that wants to run code"
