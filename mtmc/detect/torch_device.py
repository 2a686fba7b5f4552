"""Where and in which precision networks run: shared by the detectors that use torch."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mtmc.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "float32", "bfloat16"]


def choose_device(name: str) -> torch.device:
    """The device of a name; ``auto`` is CUDA or Apple's GPU where there is one. Raises ConfigError for one that this machine lacks."""
    import torch

    if name == "auto":
        apple = "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device("cuda" if torch.cuda.is_available() else apple)
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        found = f"{name!r} ({str(error).splitlines()[0]})"
        raise ConfigError("--device", "a device of this machine", found, "Try --device cpu.") from None
    return device


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """A context for convolutions: bfloat16 if asked for, or for ``auto`` where the device multiplies it natively; else float32."""
    import torch

    return torch.autocast(
        device.type, torch.bfloat16, enabled=precision == "bfloat16" or (precision == "auto" and _native(device))
    )


def _native(device: torch.device) -> bool:
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def read_checkpoint(path: Path) -> Any:
    """What a .pth file holds; never runs code from it. Raises WeightsError for a missing file or another kind."""
    import torch

    if not path.is_file():
        raise WeightsError(path, "a model file", "no such file", "Check --weights.")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise not_weights(path) from error


def not_weights(path: Path) -> WeightsError:
    """For a file that torch cannot read as weights."""
    return WeightsError(path, "a file of weights (.pth)", "another or a damaged file", "Check --weights.")
