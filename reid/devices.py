"""Where networks run and in which number type: one rule for all commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator

from reid.errors import UserError

if TYPE_CHECKING:
    import torch

SHORT_NAMES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
PrecisionName = Literal["auto", "float32", "bfloat16", "float16"]
Precision = Annotated[PrecisionName, BeforeValidator(lambda name: SHORT_NAMES.get(name, name))]
"""A precision in parameters, where fp32, bf16 and fp16 may be written too."""


DEVICES = re.compile(r"auto|cpu|mps|(cuda|xpu)(:[0-9]{1,3})?")


def check_device(name: str) -> None:
    """Raise UserError for a name that means no device, without a look at this machine's."""
    if not DEVICES.fullmatch(name):
        raise UserError("--device", "auto, cpu, cuda, cuda:1, mps or xpu", repr(name[:80]), "Try --device cpu.")


def choose_device(name: str) -> torch.device:
    """The device of a name; ``auto`` is CUDA, else Apple's MPS, else the CPU. Raises UserError for one that this
    machine lacks."""
    check_device(name)
    import torch

    if name == "auto":
        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
        return torch.device(next(kind for kind, present in there.items() if present))
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        found = str(error).splitlines()[0]
        raise UserError("--device", "a device of this machine", f"{name!r} ({found})", "Try --device cpu.") from None
    return device


def choose_precision(name: PrecisionName, device: torch.device) -> torch.dtype:
    """The type that convolutions compute in; ``auto``: bfloat16 where the hardware multiplies it fast, else float32."""
    import torch

    if name == "auto":
        return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has matrix instructions for bfloat16: elsewhere it is slower than float32.

    Recent CUDA devices; of processors those with AMX or AVX-512 BF16 (Intel since Cooper Lake, AMD since Zen 4).
    """
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
