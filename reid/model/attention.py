"""The Interpretable Attention Module (IAM): from local features to a map of where the vehicle's geometry is (paper Eq.
4-6).

Shape shorthand: B images, C channels, H x W positions, K kernel size.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-12
"""Lower limit of every denominator; representable in float32, not in float16."""


class InterpretableAttention(nn.Module):
    """Where in the image a vehicle is told by its geometry: no parameters, so the map can be read as it is.

    For local features L it takes the soft local maximum M = exp(L) / sum of exp(L) over the K x K neighbourhood (Eq.
    4), the share G = L / max over channels of L (Eq. 5), and at each position the largest M * G over channels, scaled
    to sum 1 (Eq. 6).

    Args:
        kernel_size: K, odd, positions; the paper compares 7, 11 and 15.
        per_sample_scale: divide L by its maximum per image inside the exponent, as the released code does; the paper's
            Eq. 4 exponentiates L itself, which overflows float32 above 88.
        border: value of exp(L) outside the map; 1 = exp(0), as released, favours borders a little.
        area_rescale: multiply the map by H * W, so that its mean is 1; off as released.
        kernel_share: K as this share of the map's shorter side instead, odd and at least 3; 0: ``kernel_size``.
        inside: neighbours outside the map do not count, and the sum stands for K x K of those inside; ``border`` is
            then not used.
    """

    def __init__(
        self,
        kernel_size: int = 7,
        per_sample_scale: bool = True,
        border: float = 1.0,
        area_rescale: bool = False,
        kernel_share: float = 0.0,
        inside: bool = False,
    ) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"InterpretableAttention: kernel_size must be odd and positive, got {kernel_size}")
        self.kernel_size, self.border = kernel_size, border
        self.per_sample_scale, self.area_rescale = per_sample_scale, area_rescale
        self.kernel_share, self.inside = kernel_share, inside

    def forward(self, local: Tensor) -> Tensor:
        """Attention map Q (B, 1, H, W) float32, >= 0, summing to 1 per image (to H * W with ``area_rescale``; to 0
        where L is 0).

        Args:
            local: L (B, C, H, W), any float type; negative values count as 0. Computed in float32, whatever autocast
                says.
        """
        with torch.autocast(local.device.type, enabled=False):
            if not _traced() and local.device.type == "cpu" and len(local) > 1:
                # Image by image the intermediate maps stay in the cache and in memory that is mapped already: 2 to 3
                # times as fast.
                return torch.cat([self._attention(image) for image in torch.split(local, 1)])
            return self._attention(local)

    def _attention(self, local: Tensor) -> Tensor:
        local = F.relu(local.float())  # L (B, C, H, W)
        peak = local.amax(dim=1, keepdim=True)  # (B, 1, H, W)
        exponential = self._exponential(local, peak)  # exp(L) (B, C, H, W)
        around = self._neighbourhood_sum(exponential)  # M = exponential / around (B, C, H, W)
        # max over channels of M * G = (max over channels of M * L) / peak, since peak > 0 is common to all channels.
        # Without a graph to learn from, the product is made in place: fresh memory costs more than the arithmetic.
        product = exponential * local / around if exponential.requires_grad else exponential.mul_(local).div_(around)
        strongest = product.amax(dim=1, keepdim=True) / peak.clamp_min(EPSILON)  # (B, 1, H, W)
        attention = strongest / strongest.sum(dim=(2, 3), keepdim=True).clamp_min(EPSILON)  # Q (B, 1, H, W)
        return attention * float(local.shape[2] * local.shape[3]) if self.area_rescale else attention

    def _exponential(self, local: Tensor, peak: Tensor) -> Tensor:
        """exp(L) (B, C, H, W), each image scaled by its own maximum as released."""
        if not self.per_sample_scale:
            return torch.exp(local)
        scaled = local / peak.amax(dim=(2, 3), keepdim=True).clamp_min(EPSILON)
        return torch.exp(scaled) if scaled.requires_grad else scaled.exp_()

    def _neighbourhood_sum(self, values: Tensor) -> Tensor:
        """Sum over the K x K window around each position (Eq. 4's denominator); outside the map as the options say."""
        height, width = values.shape[2:]
        size = self._size(height, width)
        quick = values.device.type == "cpu" and not _traced()
        if self.inside:
            total = banded_sum(values, size) if quick else pooled_sum(values, size)
            return total * (size**2 / (size**2 - _outside(height, width, size))).to(values.device)
        if not quick:
            # Shifted, so that nothing outside the map stands for the border's value.
            return pooled_sum(values - self.border, size) + self.border * size**2
        total = banded_sum(values, size)
        outside = self.border * _outside(height, width, size)
        return total + outside if total.requires_grad else total.add_(outside)

    def _size(self, height: int, width: int) -> int:
        """K for a map."""
        if not self.kernel_share:
            return self.kernel_size
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a traced network keeps the K of the size that it was traced with
            side = int(min(height, width))
        return max(3, 2 * round((self.kernel_share * side - 1) / 2) + 1)


def pooled_sum(values: Tensor, size: int) -> Tensor:
    """Sum of values (B, C, H, W) over the window of ``size`` x ``size`` around each position, 0 outside: rows, then
    columns."""
    reach = size // 2
    rows = F.avg_pool2d(values, (size, 1), stride=1, padding=(reach, 0))  # (B, C, H, W), means
    return F.avg_pool2d(rows, (1, size), stride=1, padding=(0, reach)).mul(float(size * size))  # (B, C, H, W)


def banded_sum(values: Tensor, size: int) -> Tensor:
    """As `pooled_sum`, by products with band matrices of ones: several times as fast on CPUs, whose pooling is not.

    GPUs pool fast, and may be set to multiply in TF32.
    """
    images, channels, height, width = values.shape
    last = values.permute(0, 2, 3, 1)  # (B, H, W, C)
    rows = torch.matmul(_band(height, size), last.reshape(images, height, width * channels))  # (B, H, W * C)
    both = torch.matmul(_band(width, size), rows.reshape(images * height, width, channels))  # (B * H, W, C)
    return both.reshape(images, height, width, channels).permute(0, 3, 1, 2)


@lru_cache(maxsize=16)
def _band(length: int, size: int) -> Tensor:
    """(length, length) with 1 where two positions are at most ``size`` // 2 apart, else 0."""
    with torch.inference_mode(False):
        place = torch.arange(length)
        return ((place[:, None] - place[None]).abs() <= size // 2).float()


@lru_cache(maxsize=16)
def _outside(height: int, width: int, size: int) -> Tensor:
    """(height, width): how many positions of the window around each lie outside the map."""
    with torch.inference_mode(False):
        return size**2 - _band(height, size).sum(dim=1)[:, None] * _band(width, size).sum(dim=1)[None]


def _traced() -> bool:
    """Whether a graph is being recorded that must hold for any number of images."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None
