"""In which arithmetic networks of torch run, and how their files are read."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mtmc.devices import multiplies_bfloat16
from mtmc.errors import WeightsError
from mtmc.files import check_archive, check_file
from mtmc.structures import Image

if TYPE_CHECKING:
    import torch

UNREADABLE = (
    *(pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError),
    *(OSError, MemoryError, ImportError),
)
"""What readers of weights raise for files that are none."""
Precision = Literal["auto", "float32", "bfloat16"]


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """A context for convolutions: bfloat16 if asked for, or for ``auto`` where the device multiplies it natively; else
    float32."""
    import torch

    return torch.autocast(
        device.type,
        torch.bfloat16,
        enabled=precision == "bfloat16" or (precision == "auto" and multiplies_bfloat16(device)),
    )


def on_device(images: Image, device: torch.device) -> torch.Tensor:
    """Pictures (B, height, width, 3) uint8 BGR as (B, 3, height, width) float32 RGB in [0, 1]: a GPU is handed bytes,
    waits for no copy, and does the rest."""
    import torch

    pictures = torch.from_numpy(images)
    if device.type == "cuda":
        pictures = pictures.pin_memory()
    there = pictures.to(device, non_blocking=True)
    return there.flip(-1).permute(0, 3, 1, 2).contiguous().float() / 255


def read_checkpoint(path: Path) -> Any:
    """What a .pth file holds; never runs code from it. Raises WeightsError for a missing file or another kind."""
    import torch

    check_file(path, "a model file", error=WeightsError)
    check_archive(path, WeightsError)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise not_weights(path) from error


def not_weights(path: Path) -> WeightsError:
    """For a file that torch cannot read as weights."""
    return WeightsError(path, "a file of weights (.pth)", "another or a damaged file", "Check --weights.")
