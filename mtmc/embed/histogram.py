"""Vectors from colours alone: needs no weights, tells a red car from a white one and little more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtmc.colour_histogram import histogram_rows
from mtmc.embed import EmbedParams
from mtmc.video import Image


def make(params: EmbedParams, device: str) -> HistogramEmbedder:
    """Needs no model: ``device`` does not matter."""
    return HistogramEmbedder()


class HistogramEmbedder:
    """Colour histograms of whole crops."""

    def vectors(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Unit rows (M, 48)."""
        boxes = [(0, 0, crop.shape[1], crop.shape[0]) for crop in crops]
        return histogram_rows(crops, np.array(boxes, np.float32).reshape(-1, 4))
