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
    rows = [_histogram(_patch(image, box)) for image, box in zip(images, xyxy, strict=True)]
    return np.stack(rows) if rows else np.zeros((0, SIZE), np.float32)


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


def _histogram(patch: NDArray[np.uint8]) -> NDArray[np.float32]:
    hsv = cv2.cvtColor(patch, cv2.COLOR_BGR2HSV).astype(np.float64)
    hue, saturation, value = hsv[..., 0] / 180, hsv[..., 1] / 255, hsv[..., 2] / 255
    parts = []
    for rows in np.array_split(np.arange(PATCH_PX), PARTS):
        bell = _BELL[rows]
        colourful = bell * saturation[rows] * value[rows]
        parts += [
            _soft_bins(hue[rows], colourful, HUE_BINS, wrap=True),
            _soft_bins(saturation[rows], bell, SATURATION_BINS),
            _soft_bins(value[rows], bell, VALUE_BINS),
        ]
    row = np.sqrt(np.concatenate(parts))
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-12), np.float32)


def _soft_bins(
    values: NDArray[np.float64], weights: NDArray[np.float64], bins: int, *, wrap: bool = False
) -> NDArray[np.float64]:
    """Weights spread over the two nearest of ``bins`` bins of [0, 1], as a share of all pixels' bell."""
    place = values.ravel() * bins - 0.5
    low = np.floor(place).astype(int)
    share = place - low
    flat = weights.ravel()
    low_bin, high_bin = (low % bins, (low + 1) % bins) if wrap else (np.maximum(low, 0), np.minimum(low + 1, bins - 1))
    counts = np.bincount(low_bin, flat * (1 - share), bins) + np.bincount(high_bin, flat * share, bins)
    return np.asarray(counts / _BELL.sum() * PARTS)
