"""How training images are augmented; what is common with inference (decoding, resizing, normalisation) is in `images`.

Images are (h, w, 3) uint8 RGB arrays until they are a batch; what is random comes from a generator given by the caller,
so an image's augmentation depends on seed, epoch and place in the epoch only, not on how many processes read.

Shape shorthand: B images of a batch, h x w pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from reid.config import AugmentParams
from reid.data.images import Picture, imagenet_colours, resize

ERASE_ATTEMPTS = 100


class Sample(NamedTuple):
    """One augmented image: pixels (h, w, 3); the square to erase (top, left, height, width), all 0 for none; quarter
    turns."""

    pixels: Picture
    erased: tuple[int, int, int, int]
    rotation: int


def augment(image: Image.Image, size: tuple[int, int], params: AugmentParams, rng: np.random.Generator) -> Sample:
    """A random variation of an image for training: zoom and cut, flip, optional jitter; and which square to erase, how
    to turn.

    Erasing and turning are only drawn here: they apply to the normalised batch (`erase`, `rotate`), on its device.
    """
    if rng.random() < params.zoom_probability:
        pixels = _random_cut(resize(image, _zoomed(size, params.zoom)), size, rng)
    else:
        pixels = resize(image, size)
    if rng.random() < params.flip_probability:
        pixels = pixels[:, ::-1]
    if params.jitter > 0:
        pixels = _jittered(pixels, params.jitter, rng)
    if params.degrade_probability and rng.random() < params.degrade_probability:
        pixels = degraded(pixels, rng)
    erased = _random_square(size, params.erase_area, rng) if rng.random() < params.erase_probability else (0, 0, 0, 0)
    return Sample(np.ascontiguousarray(pixels), erased, int(rng.integers(4)))


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
    return torch.where(inside, imagenet_colours(images.device)[0][:, None, None], images)


def rotate(images: Tensor, rotations: Tensor) -> Tensor:
    """Square images (B, 3, h, h), each turned counter-clockwise by its number of quarter turns (B,) in 0..3."""
    every = torch.stack([torch.rot90(images, quarter, dims=(2, 3)) for quarter in range(4)])
    return every[rotations, torch.arange(len(images), device=images.device)]


def keep_disc(images: Tensor, radius: float) -> Tensor:
    """Images (B, 3, h, h) with all outside a disc around the middle 0, the mean colour; radius in image sides."""
    side = images.shape[2]
    place = (torch.arange(side, device=images.device) + 0.5) / side - 0.5
    return images * ((place[:, None] ** 2 + place[None] ** 2) <= radius**2)


def _zoomed(size: tuple[int, int], zoom: float) -> tuple[int, int]:
    return round(size[0] * zoom), round(size[1] * zoom)


def _random_cut(pixels: Picture, size: tuple[int, int], rng: np.random.Generator) -> Picture:
    top = int(rng.integers(pixels.shape[0] - size[0] + 1))
    left = int(rng.integers(pixels.shape[1] - size[1] + 1))
    return pixels[top : top + size[0], left : left + size[1]]


def _random_square(
    size: tuple[int, int], area: tuple[float, float], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Top, left, height and width of a square covering a random share of the image; no square where none fits in 100
    tries."""
    for _ in range(ERASE_ATTEMPTS):
        side = round((rng.uniform(*area) * size[0] * size[1]) ** 0.5)
        if side < min(size):
            return int(rng.integers(size[0] - side + 1)), int(rng.integers(size[1] - side + 1)), side, side
    return 0, 0, 0, 0


def _jittered(pixels: Picture, jitter: float, rng: np.random.Generator) -> Picture:
    """Brightness and colour balance (a factor per channel) and contrast changed by up to ``jitter``; by a table of the
    256 values."""
    colour = rng.uniform(1 - jitter, 1 + jitter) * rng.uniform(1 - jitter / 2, 1 + jitter / 2, 3)
    contrast = rng.uniform(1 - jitter, 1 + jitter)
    mean = pixels.mean()
    values = ((np.arange(256)[:, None] - mean) * contrast + mean) * colour
    table = np.asarray(values.clip(0, 255).round(), dtype=np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(pixels), table[None]))


def degraded(pixels: Picture, rng: np.random.Generator) -> Picture:
    """The picture (h, w, 3) as a worse camera gives it: few pixels, then blur, then noise, then JPEG, each with 1 in
    2."""
    few, blurred, noisy, compressed = rng.random(4) < 0.5
    if few:
        share = rng.uniform(0.25, 0.8)
        small = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        pixels = np.asarray(cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    if blurred:
        pixels = _blurred(pixels, rng)
    if noisy:
        noise = rng.normal(0, rng.uniform(2, 12), pixels.shape)
        pixels = np.asarray((pixels + noise).clip(0, 255).round(), dtype=np.uint8)
    if compressed:
        _, code = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))])
        pixels = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), dtype=np.uint8)
    return pixels


def _blurred(pixels: Picture, rng: np.random.Generator) -> Picture:
    """Out of focus, or moved along the image's rows."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 1.8)), dtype=np.uint8)
    return np.asarray(cv2.blur(pixels, (int(rng.integers(2, 7)), 1)), dtype=np.uint8)
