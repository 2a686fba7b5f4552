"""Where networks run: ``auto`` is CUDA, else Apple's MPS, else the processor. One rule, which ``reid`` has too."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

from reid.devices import check_device, choose_device, multiplies_bfloat16

__all__ = ["check_device", "choose_device", "has_gpu", "multiplies_bfloat16"]

DRIVERS = ("nvidia-smi", "rocm-smi")
"""Commands that come with a GPU's driver: where none is, torch is not loaded to find no GPU."""


def has_gpu(device: str) -> bool:
    """Whether torch may use a GPU here that ``device`` names or ``auto`` finds. Raises UserError for one asked for that
    this machine lacks."""
    if not all(find_spec(name) is not None for name in ("torch", "torchvision")):
        return False
    if device == "auto" and not any(map(shutil.which, DRIVERS)):
        return False
    return device.startswith(("auto", "cuda")) and choose_device(device).type == "cuda"
