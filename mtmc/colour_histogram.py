"""Colour histograms of boxes: appearance without weights, for the tracker and for embedding."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

PATCH_PX = 24
HUE_BINS, SATURATION_BINS, VALUE_BINS = 8, 6, 10
PARTS = 2
SIZE = PARTS * (HUE_BINS + SATURATION_BINS + VALUE_BINS)
"""Length of a histogram row: 48."""


def histogram_rows(images: Sequence[NDArray[np.uint8]], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit rows (N, SIZE): the colours of box n in image n, both (N,).

    images: (height, width, 3) uint8 BGR; boxes overlap their images. Upper and lower part of the box apart; hue counts
    by how colourful a pixel is; pixels near the middle count more, because a box's corners show the road.
    """
    patches = [_patch(image, box) for image, box in zip(images, xyxy, strict=True)]
    return _histograms(np.stack(patches)) if patches else np.zeros((0, SIZE), np.float32)


def _patch(image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    left, top = min(int(max(box[0], 0)), width - 1), min(int(max(box[1], 0)), height - 1)
    right, bottom = max(left + 1, round(float(box[2]))), max(top + 1, round(float(box[3])))
    return np.asarray(
        cv2.resize(image[top:bottom, left:right], (PATCH_PX, PATCH_PX), interpolation=cv2.INTER_AREA), np.uint8
    )


def _weights() -> NDArray[np.float64]:
    """Bell over the patch (PATCH_PX, PATCH_PX)."""
    axis = np.linspace(-1, 1, PATCH_PX)
    bell = np.exp(-2 * axis**2)
    return np.asarray(np.outer(bell, bell))


_BELL = _weights()
_LEVELS = np.arange(256.0)
_UNIT = _LEVELS / 255


def _histograms(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Unit rows (N, SIZE) of patches (N, PATCH_PX, PATCH_PX, 3), all at once."""
    hsv = cv2.cvtColor(patches.reshape(-1, PATCH_PX, 3), cv2.COLOR_BGR2HSV).reshape(patches.shape)
    parts = []
    for rows in np.array_split(np.arange(PATCH_PX), PARTS):
        hue, saturation, value = np.moveaxis(hsv[:, rows], 3, 0)
        bell = np.broadcast_to(_BELL[rows], hue.shape)
        colourful = bell * _UNIT.take(saturation) * _UNIT.take(value)
        parts += [
            _soft_bins(hue, _LEVELS / 180, colourful, HUE_BINS, wrap=True),
            _soft_bins(saturation, _UNIT, bell, SATURATION_BINS),
            _soft_bins(value, _UNIT, bell, VALUE_BINS),
        ]
    found = np.sqrt(np.concatenate(parts, axis=1))
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12), np.float32)


def _soft_bins(
    levels: NDArray[np.uint8],
    scale: NDArray[np.float64],
    weights: NDArray[np.float64],
    bins: int,
    *,
    wrap: bool = False,
) -> NDArray[np.float64]:
    """Weights of N patches spread over the two nearest of ``bins`` bins of [0, 1] (N, bins), as a share of all pixels'
    bell; scale (256,): what each level stands for."""
    place = scale * bins - 0.5
    low = np.floor(place).astype(int)
    share = (place - low).take(levels)
    low_bin, high_bin = (low % bins, (low + 1) % bins) if wrap else (np.maximum(low, 0), np.minimum(low + 1, bins - 1))
    count = len(levels)
    first = np.arange(count)[:, None, None] * bins
    counts = np.bincount((first + low_bin.take(levels)).ravel(), (weights * (1 - share)).ravel(), count * bins)
    counts += np.bincount((first + high_bin.take(levels)).ravel(), (weights * share).ravel(), count * bins)
    return np.asarray(counts.reshape(count, bins) / _BELL.sum() * PARTS)
