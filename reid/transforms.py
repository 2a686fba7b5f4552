"""From image files to what the network reads: decoding, resizing, variation in training, normalisation.

Images are (h, w, 3) uint8 RGB arrays until they are a batch; what is random comes from a generator given by the caller, so an
image's variation depends on seed, epoch and place in the epoch only, not on how many processes read.

Shape shorthand: B images of a batch, h x w pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from reid.config import AugmentParams
from reid.errors import UserError

Pixels = NDArray[np.uint8]

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""ImageNet's mean and standard deviation of red, green and blue in 0..1."""
ERASE_ATTEMPTS = 100


class Sample(NamedTuple):
    """One varied training image: pixels (h, w, 3); the square to erase (top, left, height, width), all 0 for none; quarter turns."""

    pixels: Pixels
    erased: tuple[int, int, int, int]
    turns: int


def read_image(path: Path) -> Pixels:
    """Decode an image file to (h, w, 3) RGB; raises UserError where it is missing, truncated or no image."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"), dtype=np.uint8)
    except FileNotFoundError:
        raise UserError(
            path, "an image", "no such file", "Unpack the data set again, or correct the list that names it."
        ) from None
    except OSError as broken:
        raise UserError(
            path, "a whole image", f"{broken}", "Fetch the file again, or remove it from the list."
        ) from None


def resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize to (height, width) whatever the aspect: bilinear, averaging where it shrinks (as torchvision does)."""
    if pixels.shape[:2] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def vary(pixels: Pixels, size: tuple[int, int], params: AugmentParams, rng: np.random.Generator) -> Sample:
    """A random variation of an image for training: zoom and cut, flip, optional jitter; and which square to erase, how to turn.

    Erasing and turning are only drawn here: they apply to the normalised batch (`erase`, `turn`), on its device.
    """
    if rng.random() < params.zoom_probability:
        pixels = _random_cut(resize(pixels, _zoomed(size, params.zoom)), size, rng)
    else:
        pixels = resize(pixels, size)
    if rng.random() < params.flip_probability:
        pixels = pixels[:, ::-1]
    if params.jitter > 0:
        pixels = _jittered(pixels, params.jitter, rng)
    erased = _random_square(size, params.erase_area, rng) if rng.random() < params.erase_probability else (0, 0, 0, 0)
    return Sample(np.ascontiguousarray(pixels), erased, int(rng.integers(4)))


def normalise(pixels: Tensor) -> Tensor:
    """A batch (B, h, w, 3) uint8 as the network reads it: (B, 3, h, w) float32, ImageNet mean 0 and deviation 1, channels_last."""
    mean = torch.tensor(MEAN, device=pixels.device) * 255
    deviation = torch.tensor(DEVIATION, device=pixels.device) * 255
    return ((pixels.float() - mean) / deviation).permute(0, 3, 1, 2)


def erase(images: Tensor, squares: Tensor) -> Tensor:
    """Images (B, 3, h, w) with each one's square (B, 4: top, left, height, width; height 0 for none) filled.

    As released, the fill is ImageNet's mean *numbers* in the normalised image, not the mean colour.
    """
    top, left, height, width = squares.unbind(1)
    rows = torch.arange(images.shape[2], device=images.device)
    columns = torch.arange(images.shape[3], device=images.device)
    in_rows = (rows >= top[:, None]) & (rows < (top + height)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + width)[:, None])
    inside = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return torch.where(inside, torch.tensor(MEAN, device=images.device)[:, None, None], images)


def turn(images: Tensor, turns: Tensor) -> Tensor:
    """Square images (B, 3, h, h), each turned counter-clockwise by its number of quarter turns (B,) in 0..3."""
    turned = images.clone()
    for quarter in (1, 2, 3):
        chosen = turns == quarter
        turned[chosen] = torch.rot90(images[chosen], quarter, dims=(2, 3))
    return turned


def _zoomed(size: tuple[int, int], zoom: float) -> tuple[int, int]:
    return round(size[0] * zoom), round(size[1] * zoom)


def _random_cut(pixels: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    top = int(rng.integers(pixels.shape[0] - size[0] + 1))
    left = int(rng.integers(pixels.shape[1] - size[1] + 1))
    return pixels[top : top + size[0], left : left + size[1]]


def _random_square(
    size: tuple[int, int], area: tuple[float, float], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Top, left, height and width of a square covering a random share of the image; no square where none fits in 100 tries."""
    for _ in range(ERASE_ATTEMPTS):
        side = round((rng.uniform(*area) * size[0] * size[1]) ** 0.5)
        if side < min(size):
            return int(rng.integers(size[0] - side + 1)), int(rng.integers(size[1] - side + 1)), side, side
    return 0, 0, 0, 0


def _jittered(pixels: Pixels, jitter: float, rng: np.random.Generator) -> Pixels:
    """Brightness and colour balance (a factor per channel) and contrast changed by up to ``jitter``."""
    colour = rng.uniform(1 - jitter, 1 + jitter) * rng.uniform(1 - jitter / 2, 1 + jitter / 2, 3)
    contrast = rng.uniform(1 - jitter, 1 + jitter)
    mean = pixels.mean()
    varied = ((pixels - mean) * contrast + mean) * colour
    return varied.clip(0, 255).round().astype(np.uint8)
