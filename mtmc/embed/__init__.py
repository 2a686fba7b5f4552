"""Embedding: a few good crops of each tracklet in, unit vectors that tell vehicles apart out.

Shape shorthand: M crops, D feature size.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from mtmc.embed.sample import Crop, best_crops, choose
from mtmc.params import Params
from mtmc.plugin import find_outsider
from mtmc.scene import Camera
from mtmc.structures import Embeddings, Tracklet
from mtmc.video import Frames, Image
from mtmc.weights import EMBEDDER

__all__ = ["EmbedParams", "Embedder", "embed", "make_embedder"]

EMBEDDERS = ("auto", "sgfd", "histogram")

logger = logging.getLogger(__name__)


class Embedder(Protocol):
    """Turns crops into vectors; knows nothing of tracklets."""

    def vectors(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Unit rows (M, D) of crops, each (any height, any width, 3) uint8 BGR; M >= 1."""
        ...


class EmbedParams(Params):
    """What to embed with, and which crops stand for a tracklet."""

    embedder: str = "auto"
    """sgfd, histogram, or ``module:callable`` that takes (params, device); auto: sgfd with weights, else histogram."""
    weights: Path | None = None
    """sgfd: checkpoint of the ``reid`` command; ``demo`` for the small one that comes with the package."""
    crops: int = Field(default=8, ge=1, le=1000)
    """Crops per tracklet, spread over its life; fewer where it has fewer boxes."""
    margin: float = Field(default=0.05, ge=0, le=1)
    """Share of the box's sides added on each side of the crop."""
    batch: int = Field(default=32, ge=1, le=4096)
    """Crops at once."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Arithmetic of sgfd; auto: bfloat16 where the device computes it natively, else float32."""
    flip: bool = False
    """sgfd: average with the mirrored crop; twice the time."""

    @field_validator("weights", mode="before")
    @classmethod
    def _demo(cls, value: object) -> object:
        return EMBEDDER if value == "demo" else value


def embed(
    camera: Camera, frames: Frames, tracklets: Sequence[Tracklet], embedder: Embedder, params: EmbedParams
) -> Embeddings:
    """Vectors of each tracklet's best crops, by track and then by frame; none for no tracklets.

    Only the frames that hold chosen crops are looked at. Raises InputError for a damaged video.
    """
    chosen = choose(tracklets, camera.size, params.crops)
    crops = best_crops(chosen, frames, camera.size, params.margin)
    parts = [_embed_batch(batch, embedder) for batch in _batches(crops, params.batch)]
    if not parts:
        return Embeddings.empty()
    return _joined(parts)


def make_embedder(params: EmbedParams, device: str = "auto") -> Embedder:
    """The embedder that the parameters name; says in one line if it falls back to colours for want of weights.

    Raises ConfigError for an unknown name, WeightsError for a wrong checkpoint.
    """
    if params.embedder not in EMBEDDERS:
        return find_outsider("embed.embedder", params.embedder, EMBEDDERS)(params, device)  # type: ignore[no-any-return]
    name = params.embedder
    if name == "auto":
        name = "sgfd" if params.weights is not None else "histogram"
        if name == "histogram":
            logger.warning(
                "No embedding weights given: vehicles are told apart by colour histograms only (embed.weights)."
            )
    module = importlib.import_module(f"mtmc.embed.{name}")
    return module.make(params, device)  # type: ignore[no-any-return]


def _batches(crops: Iterator[Crop], size: int) -> Iterator[list[Crop]]:
    while batch := list(islice(crops, size)):
        yield batch


def _embed_batch(crops: list[Crop], embedder: Embedder) -> Embeddings:
    vectors = embedder.vectors([crop.image for crop in crops])
    track_ids = np.array([crop.track_id for crop in crops], np.int64)
    frames = np.array([crop.frame for crop in crops], np.int32)
    return Embeddings(vectors, track_ids, frames, np.array([crop.quality for crop in crops], np.float32))


def _joined(parts: list[Embeddings]) -> Embeddings:
    track_ids = np.concatenate([p.track_ids for p in parts])
    frames = np.concatenate([p.frames for p in parts])
    order = np.lexsort((frames, track_ids))
    vectors, quality = np.concatenate([p.vectors for p in parts]), np.concatenate([p.quality for p in parts])
    return Embeddings(vectors[order], track_ids[order], frames[order], quality[order])
