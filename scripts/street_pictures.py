"""Pieces of pictures at all scales, and what lenses, sensors and compression do to them; all on the device.

Shape shorthand: B pictures RGB in [0, 1], G boxes each, rows (corners, class, state) as the loss wants them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as fn
from torch import Tensor

SCALES = (0.45, 2.0)
"""Pixels of a piece for one of the picture, at least and at most."""
GREY = 114 / 255
LEAST_SHARE, LEAST_PX = 0.25, 6.0
"""A box of which less lies in the piece, or that is smaller, is left aside."""
KERNEL = 11


def pieces(images: Tensor, truth: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """A piece of ``size`` (width, height) of each picture, around one of its boxes more often than not, mirrored half
    the time, disturbed; grey where the picture ends."""
    count, device = len(images), images.device
    high, wide = images.shape[2:]
    scale = torch.exp(uniform(count, math.log(SCALES[0]), math.log(SCALES[1]), device))
    stretch = uniform(count, 0.88, 1.12, device)
    scales = torch.stack([scale * stretch, scale / stretch], dim=1)
    window = torch.tensor(size, device=device) / scales
    frame = torch.tensor([wide, high], device=device)
    corner = torch.rand(count, 2, device=device) * (frame - window)
    corner = torch.where(torch.rand(count, 1, device=device) < 0.6, _around(truth, window, frame), corner)
    mirror = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3, device=device)
    theta[:, 0, 0], theta[:, 1, 1] = mirror * window[:, 0] / wide, window[:, 1] / high
    theta[:, :, 2] = (2 * corner + window) / frame - 1
    grid = fn.affine_grid(theta, [count, 3, size[1], size[0]], align_corners=False)
    cut = disturbed(fn.grid_sample(images, grid, padding_mode="border", align_corners=False))
    ends = grid.abs().amax(3)[:, None] > 1
    return torch.where(ends, GREY, cut), _moved(truth, corner, scales, mirror, size)


def _around(truth: Tensor, window: Tensor, frame: Tensor) -> Tensor:
    """Corners (B, 2) of windows that hold the middle of one of the boxes, within the picture where it is larger."""
    weights = (truth[..., 5] > 0).float() + 1e-6
    which = torch.multinomial(weights, 1)[:, 0]
    box = truth[torch.arange(len(truth), device=truth.device), which, :4]
    middle = (box[:, :2] + box[:, 2:]) / 2
    corner = middle - window * (0.1 + 0.8 * torch.rand_like(window))
    room = (frame - window).clamp(min=0)
    return torch.where(frame > window, torch.minimum(corner.clamp(min=0), room), (frame - window) / 2)


def _moved(truth: Tensor, corner: Tensor, scales: Tensor, mirror: Tensor, size: tuple[int, int]) -> Tensor:
    boxes = (truth[..., :4] - corner.repeat(1, 2)[:, None]) * scales.repeat(1, 2)[:, None]
    flipped = torch.stack([size[0] - boxes[..., 2], boxes[..., 1], size[0] - boxes[..., 0], boxes[..., 3]], dim=-1)
    boxes = torch.where((mirror < 0)[:, None, None], flipped, boxes)
    limit = torch.tensor([*size, *size], device=truth.device)
    inside = torch.minimum(boxes.clamp(min=0), limit)
    sides, whole = inside[..., 2:] - inside[..., :2], boxes[..., 2:] - boxes[..., :2]
    share = sides.prod(-1) / whole.prod(-1).clamp(min=1e-6)
    state = torch.where((share < LEAST_SHARE) | (sides.amin(-1) < LEAST_PX), -truth[..., 5].abs(), truth[..., 5])
    state = torch.where(sides.amin(-1) <= 0.5, torch.zeros_like(state), state)
    return torch.cat([inside, truth[..., 4:5], state[..., None]], dim=-1)


def disturbed(images: Tensor) -> Tensor:
    """Other textures, colours, tones, focus, motion, noise and compression, each now and then."""
    images = _sometimes(images, 0.15, _filtered)
    images = _toned(_coloured(images)).clamp(0, 1)
    images = _sometimes(images, 0.7, _blurred)
    images = _sometimes(images, 0.6, _noisy).clamp(0, 1)
    return _sometimes(images, 0.6, _compressed).clamp(0, 1)


def _sometimes(images: Tensor, share: float, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Changed are all, for one shape is faster than many, and kept some."""
    which = torch.rand(len(images), 1, 1, 1, device=images.device) < share
    return torch.where(which, change(images), images)


def _filtered(images: Tensor) -> Tensor:
    """Mixed with a random filter's answer (Xu et al., RandConv, 2021): other textures, the same shapes."""
    count = len(images)
    weight = torch.randn(count * 3, 3, 3, 3, device=images.device) / math.sqrt(27)
    answer = fn.conv2d(
        fn.pad(images.reshape(1, -1, *images.shape[2:]), (1, 1, 1, 1), mode="reflect"), weight, groups=count
    )
    answer = answer.reshape_as(images)
    low, high = answer.amin((1, 2, 3), keepdim=True), answer.amax((1, 2, 3), keepdim=True)
    part = uniform(count, 0.2, 0.8, images.device)[:, None, None, None]
    return images * (1 - part) + part * (answer - low) / (high - low).clamp(min=1e-3)


def _coloured(images: Tensor) -> Tensor:
    """White balance, saturation from none to much, hue turned a little."""
    count, device = len(images), images.device
    grey = (images * torch.tensor([0.299, 0.587, 0.114], device=device)[:, None, None]).sum(1, keepdim=True)
    saturation = torch.where(torch.rand(count, device=device) < 0.08, 0.0, uniform(count, 0.3, 1.5, device))
    images = grey + (images - grey) * saturation[:, None, None, None]
    mix = torch.eye(3, device=device) + 0.04 * torch.randn(count, 3, 3, device=device)
    return torch.einsum("bij,bjhw->bihw", mix, images)


def _toned(images: Tensor) -> Tensor:
    """Exposure, contrast, gamma, a black level above nothing."""
    count, device = len(images), images.device
    gain, gamma = (
        torch.exp(0.25 * torch.randn(count, device=device)),
        torch.exp(0.3 * torch.randn(count, device=device)),
    )
    black = uniform(count, -0.05, 0.12, device)
    toned = images.clamp(1e-3, 4) ** gamma[:, None, None, None] * gain[:, None, None, None]
    return black[:, None, None, None] + toned * (1 - black.clamp(min=0))[:, None, None, None]


def _blurred(images: Tensor) -> Tensor:
    """Out of focus or moved by an oval Gaussian, sharpened again by a camera now and then."""
    count, device = len(images), images.device
    axis = torch.arange(KERNEL, device=device) - KERNEL // 2
    angle = uniform(count, 0, math.pi, device)[:, None, None]
    along, across = (uniform(count, *limits, device)[:, None, None] ** 1.5 + 0.2 for limits in ((0, 1.9), (0, 1.1)))
    u = axis * torch.cos(angle) + axis[:, None] * torch.sin(angle)
    v = -axis * torch.sin(angle) + axis[:, None] * torch.cos(angle)
    kernel = torch.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    kernel = kernel / kernel.sum((1, 2), keepdim=True)
    weight = kernel[:, None].repeat_interleave(3, 0)
    flat = fn.pad(images.reshape(1, -1, *images.shape[2:]), (KERNEL // 2,) * 4, mode="reflect")
    soft = fn.conv2d(flat, weight, groups=3 * count).reshape_as(images)
    wider = fn.avg_pool2d(soft, 5, 1, 2)
    sharp = torch.where(torch.rand(count, device=device) < 0.35, uniform(count, 0, 1.5, device), 0.0)
    return soft + (soft - wider) * sharp[:, None, None, None]


def _noisy(images: Tensor) -> Tensor:
    """Fine grain, and coarser one as video codecs leave it; of brightness, partly of colour."""
    count, (high, wide) = len(images), images.shape[2:]
    strength = (0.06 * torch.rand(count, 1, 1, 1, device=images.device) ** 2).expand(count, 1, 1, 1)
    coarse = fn.interpolate(
        torch.randn(count, 3, high // 2, wide // 2, device=images.device), (high, wide), mode="bilinear"
    )
    grain = torch.randn(count, 1, high, wide, device=images.device) + 0.5 * torch.randn_like(images) + 0.7 * coarse
    return images + strength * grain


def _compressed(images: Tensor) -> Tensor:
    """JPEG's loss without its file: cosine transform of 8 x 8, quantised, of luminance and halved colours."""
    count, device = len(images), images.device
    to_ycc = torch.tensor([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], device=device)
    ycc = torch.einsum("ij,bjhw->bihw", to_ycc, images * 255)
    coarse = torch.exp(uniform(count, math.log(2), math.log(40), device))
    light = _quantised(ycc[:, :1] - 128, coarse) + 128
    colour = fn.interpolate(_quantised(fn.avg_pool2d(ycc[:, 1:], 2), 1.5 * coarse), scale_factor=2.0, mode="bilinear")
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(to_ycc), torch.cat([light, colour], 1)) / 255


def _quantised(planes: Tensor, coarse: Tensor) -> Tensor:
    count, channels, high, wide = planes.shape
    k = torch.arange(8, device=planes.device, dtype=torch.float32)
    basis = torch.cos((2 * k + 1) * k[:, None] * math.pi / 16) * math.sqrt(2 / 8)
    basis[0] /= math.sqrt(2)
    blocks = planes.reshape(count, channels, high // 8, 8, wide // 8, 8)
    found = torch.einsum("ui,bcyixj,vj->bcyuxv", basis, blocks, basis)
    step = coarse[:, None, None, None, None, None] * (0.4 + 0.12 * (k[:, None, None] + k))
    found = torch.round(found / step) * step
    return torch.einsum("ui,bcyuxv,vj->bcyixj", basis, found, basis).reshape_as(planes)


def uniform(count: int, low: float, high: float, device: torch.device) -> Tensor:
    """(count,) between low and high."""
    return low + (high - low) * torch.rand(count, device=device)
