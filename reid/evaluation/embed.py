"""Images in, unit vectors out: the one way in which `reid` turns pixels into features.

Shape shorthand: N images, D feature size, B images of a batch, (h, w) the network's input size in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from reid.errors import UserError

Features = NDArray[np.float32]
Picture = NDArray[np.uint8]
Watch = Callable[[int], object]
"""Told how many images each finished batch had."""
Precision = Literal["float32", "bfloat16", "float16"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
READERS = 4


def embed_images(
    model: torch.nn.Module,
    paths: Sequence[Path],
    size: tuple[int, int],
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    *,
    precision: Precision = "float32",
    flip: bool = False,
    watch: Watch | None = None,
) -> Features:
    """Unit vectors (N, D) float32 of image files, in their order; files are read ahead by threads.

    size: (h, w) the images are resized to, aspect not kept. flip: average with the mirrored image. Raises UserError for a missing
    or damaged image.
    """
    crops = _read_ahead(paths, size)
    return embed_crops(model, crops, size, device, batch_size, precision=precision, flip=flip, watch=watch)


def embed_crops(
    model: torch.nn.Module,
    crops: Iterable[Picture],
    size: tuple[int, int],
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    *,
    precision: Precision = "float32",
    flip: bool = False,
    watch: Watch | None = None,
) -> Features:
    """Unit vectors (N, D) float32 of pictures (any height, any width, 3) uint8 RGB, in their order; (0, 0) for none.

    The model is put into evaluation mode and moved to the device. Raises UserError where the device runs out of memory or a
    vector is not finite.
    """
    model = model.to(device).eval()
    parts = []
    for chunk in _chunks(crops, batch_size):
        parts.append(_embed_batch(model, chunk, size, torch.device(device), precision, flip))
        if watch is not None:
            watch(len(chunk))
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def choose_device(name: str) -> torch.device:
    """The device of a name; ``auto`` is CUDA where there is one. Raises UserError for a device that this machine lacks."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        found = str(error).splitlines()[0]
        raise UserError("--device", "a device of this machine", f"{name!r} ({found})", "Try --device cpu.") from None
    return device


def read_image(path: Path) -> Image.Image:
    """A decoded RGB image. Raises UserError where the file is missing, truncated or no image."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError:
        raise UserError(path, "an image", "no such file", "Check --root, or unpack the data set again.") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(
            path, "a readable image", f"a damaged file ({error})", "Unpack it again, or take it off the list."
        ) from None


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
    """ImageNet's mean and deviation, each (3,), kept on the device: sent anew, they would make each batch wait for the one before."""
    with torch.inference_mode(False):
        return torch.tensor(IMAGENET_MEAN, device=device), torch.tensor(IMAGENET_STD, device=device)


def _chunks(crops: Iterable[Picture], size: int) -> Iterator[list[Picture]]:
    iterator = iter(crops)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _read_ahead(paths: Sequence[Path], size: tuple[int, int]) -> Iterator[Picture]:
    """Pictures in order, a bounded number of files ahead of the network."""
    with ThreadPoolExecutor(READERS) as pool:
        waiting = [pool.submit(_read_resized, path, size) for path in paths[: 8 * READERS]]
        for next_path in (*paths[8 * READERS :], *[None] * len(waiting)):
            yield waiting.pop(0).result()
            if next_path is not None:
                waiting.append(pool.submit(_read_resized, next_path, size))


def _read_resized(path: Path, size: tuple[int, int]) -> Picture:
    return resize(read_image(path), size)


def _embed_batch(
    model: torch.nn.Module,
    crops: list[Picture],
    size: tuple[int, int],
    device: torch.device,
    precision: Precision,
    flip: bool,
) -> Features:
    sized = [crop if crop.shape[:2] == size else resize(Image.fromarray(crop), size) for crop in crops]
    batch = normalise(torch.from_numpy(np.stack(sized)).to(device))
    dtype = getattr(torch, precision)
    try:
        with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            vectors = model(batch).float()
            if flip:
                vectors = vectors + model(batch.flip(-1)).float()
    except torch.OutOfMemoryError:
        half = max(1, len(crops) // 2)
        raise UserError(
            device, f"memory for {len(crops)} images at once", "none left", f"Try --batch-size {half}."
        ) from None
    unit = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
    if not np.isfinite(unit).all():
        raise UserError("model", "finite features", "NaN or infinity", "Train again, or take an earlier checkpoint.")
    return np.asarray(unit, dtype=np.float32)
