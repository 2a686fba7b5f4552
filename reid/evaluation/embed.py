"""Images in, unit vectors out: the one way in which `reid` turns pixels into features.

Shape shorthand: N images, D feature size, B images of a batch, (h, w) the network's input size in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from reid.data.images import Picture, normalise, read_ahead, resize
from reid.errors import UserError
from reid.model.export import open_exported

Features = NDArray[np.float32]
Progress = Callable[[int], object]
"""Told how many images each finished batch had."""


def embed_images(
    model: torch.nn.Module,
    paths: Sequence[Path],
    size: tuple[int, int],
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    *,
    precision: torch.dtype = torch.float32,
    flip: bool = False,
    progress: Progress | None = None,
) -> Features:
    """Unit vectors (N, D) float32 of image files, in their order; files are read ahead by threads.

    size: (h, w) the images are resized to, aspect not kept. flip: average with the mirrored image. Raises UserError for
    a missing or damaged image.
    """
    crops = read_ahead(paths, size)
    return embed_crops(model, crops, size, device, batch_size, precision=precision, flip=flip, progress=progress)


def embed_crops(
    model: torch.nn.Module,
    crops: Iterable[Picture],
    size: tuple[int, int],
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    *,
    precision: torch.dtype = torch.float32,
    flip: bool = False,
    progress: Progress | None = None,
) -> Features:
    """Unit vectors (N, D) float32 of pictures (any height, any width, 3) uint8 RGB, in their order; (0, 0) for none.

    The model is put into evaluation mode and moved to the device. Raises UserError where the device runs out of memory
    or a vector is not finite.
    """
    model = model.to(device).eval()
    parts = []
    for chunk in _chunks(crops, batch_size):
        parts.append(_embed_batch(model, chunk, size, torch.device(device), precision, flip))
        if progress is not None:
            progress(len(chunk))
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def embed_exported(
    path: Path, paths: Sequence[Path], batch_size: int = 64, *, flip: bool = False, progress: Progress | None = None
) -> Features:
    """Unit vectors (N, D) float32 of image files by an exported network (.onnx, .xml) in its own runtime on the CPU.

    Raises UserError for another file, or a missing or damaged image.
    """
    size, run = open_exported(path)
    parts = []
    for chunk in _chunks(read_ahead(paths, size), batch_size):
        pixels = np.ascontiguousarray(np.stack(chunk).transpose(0, 3, 1, 2), dtype=np.float32)  # (B, 3, h, w)
        vectors = run(pixels)
        if flip:
            vectors = vectors + run(np.ascontiguousarray(pixels[..., ::-1]))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        parts.append(vectors)
        if progress is not None:
            progress(len(chunk))
    return np.concatenate(parts)


def _chunks(crops: Iterable[Picture], size: int) -> Iterator[list[Picture]]:
    iterator = iter(crops)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _embed_batch(
    model: torch.nn.Module,
    crops: list[Picture],
    size: tuple[int, int],
    device: torch.device,
    precision: torch.dtype,
    flip: bool,
) -> Features:
    sized = [crop if crop.shape[:2] == size else resize(Image.fromarray(crop), size) for crop in crops]
    batch = normalise(torch.from_numpy(np.stack(sized)).to(device))  # (B, 3, h, w)
    try:
        with torch.inference_mode(), torch.autocast(device.type, precision, enabled=precision != torch.float32):
            vectors = model(batch).float()  # (B, D)
            if flip:
                vectors = vectors + model(batch.flip(-1)).float()
    except torch.OutOfMemoryError:
        fix = f"Try --batch-size {max(1, len(crops) // 2)}."
        raise UserError(device, f"memory for {len(crops)} images at once", "none left", fix) from None
    unit = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
    if not np.isfinite(unit).all():
        raise UserError("model", "finite features", "NaN or infinity", "Train again, or take an earlier checkpoint.")
    return np.asarray(unit, dtype=np.float32)
