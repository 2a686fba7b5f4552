"""A network made fast for inference: normalisation folded into the convolutions, and their type that of the
hardware."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from reid.model.sgfd import SGFD


def fused(model: SGFD, dtype: torch.dtype = torch.float32) -> SGFD:
    """A copy of the network for inference only, in channels_last; how much faster, `scripts/bench_reid` measures.

    Args:
        model: the network, in evaluation mode; it is not changed.
        dtype: what convolutions compute in. float32 changes features by rounding only (cosine above 1 - 1e-6), for some
            10 to 20 % more speed on CPUs; bfloat16 is 2 to 2.5 times as fast where the CPU has AMX or AVX-512 BF16, and
            fast on GPUs (cosine above 1 - 1e-3 for ResNets, 0.99 for MobileNetV2). Attention, pooling and necks stay in
            float32.
    """
    quick = copy.deepcopy(model).eval()
    for part in (quick.stem, quick.global_tail, quick.geometric_tail, quick.attention_encoder):
        if part is not None:
            _fuse(part)
            part.to(dtype)
    return quick.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]  # in torch


def _fuse(part: nn.Sequential) -> None:
    """Replace each convolution with a normalisation right behind it by one convolution."""
    for owner in list(part.modules()):
        for (first, convolution), (second, norm) in pairwise(list(owner.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(owner, first, fuse_conv_bn_eval(convolution, norm))
                # timm's normalisation carries the activation behind it
                behind = [
                    layer for name in ("drop", "act") if isinstance(layer := getattr(norm, name, None), nn.Module)
                ]
                setattr(owner, second, nn.Sequential(*behind) if behind else nn.Identity())
