"""Where bfloat16 pays."""

from __future__ import annotations

import torch


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has matrix instructions for bfloat16: elsewhere it is slower than float32.

    Recent CUDA devices; of processors those with AMX or AVX-512 BF16 (Intel since Cooper Lake, AMD since Zen 4).
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
