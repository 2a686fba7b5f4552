"""Image files to the network's input: found, decoded, resized, normalised; the same for training and for inference.

Shape shorthand: B images of a batch, h x w pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from reid.datasets.layout import IMAGE_SUFFIXES
from reid.errors import UserError
from reid.files import LARGEST_PIXELS, read_bytes

Picture = NDArray[np.uint8]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
READERS = 4


def find_images(places: Sequence[Path]) -> list[Path]:
    """The files named, and all images under the folders named, sorted within each. Raises UserError where there is
    none."""
    paths = [path for place in places for path in _images_at(place)]
    if not paths:
        suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
        raise UserError(places[0], f"images ({suffixes})", "none", "Name image files or a folder that holds some.")
    return paths


def read_image(path: Path) -> Image.Image:
    """A decoded RGB image, upright by its EXIF, eight bits deep. Raises UserError where the file is missing, truncated
    or no image."""
    data = read_bytes(path, "an image")
    try:
        with Image.open(BytesIO(data)) as image:
            if image.width * image.height > LARGEST_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels are too many")
            if image.mode.startswith("I"):  # sixteen bits of grey, which PIL would cut off at 255
                return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
            return ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:  # Pillow's plugins raise what they like for damaged files
        found, fix = f"a damaged file ({' '.join(str(error).split())})", "Unpack it again, or take it off the list."
        raise UserError(path, "a readable image", found.replace("<_io.BytesIO object at", "<"), fix) from None


def read_ahead(paths: Sequence[Path], size: tuple[int, int]) -> Iterator[Picture]:
    """Resized pictures in order, a bounded number of files ahead of the network."""
    with ThreadPoolExecutor(READERS) as pool:
        waiting = [pool.submit(_read_resized, path, size) for path in paths[: 8 * READERS]]
        for next_path in (*paths[8 * READERS :], *[None] * len(waiting)):
            yield waiting.pop(0).result()
            if next_path is not None:
                waiting.append(pool.submit(_read_resized, next_path, size))


def resize(image: Image.Image, size: tuple[int, int]) -> Picture:
    """(h, w, 3) uint8 RGB, bilinear with antialiasing, aspect not kept: the paper's test image before normalisation."""
    height, width = size
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def normalise(batch: torch.Tensor) -> torch.Tensor:
    """(B, h, w, 3) uint8 RGB to (B, 3, h, w) float32 with ImageNet mean and deviation, channels last in memory."""
    mean, std = imagenet_colours(batch.device)
    return ((batch.float() / 255 - mean) / std).permute(0, 3, 1, 2)


@lru_cache
def imagenet_colours(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """ImageNet's mean and deviation, each (3,), kept on the device: sent anew, they would make each batch wait for the
    one before."""
    with torch.inference_mode(False):
        return torch.tensor(IMAGENET_MEAN, device=device), torch.tensor(IMAGENET_STD, device=device)


def _images_at(place: Path) -> Iterator[Path]:
    if not place.exists():
        raise UserError(place, "an image or a folder", "nothing", "Check the path.")
    if place.is_dir():
        found = (path for path in place.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        yield from sorted(path for path in found if not path.name.startswith("."))
    else:
        yield place


def _read_resized(path: Path, size: tuple[int, int]) -> Picture:
    return resize(read_image(path), size)
