"""Embedding: a few good crops of each tracklet in, unit vectors that tell vehicles apart out. In the order of the flow:

    sample       which crops stand for a tracklet
    sgfd         vectors from the paper's network (the bridge to ``reid``)
    onnx         vectors from any network in an ONNX file
    histogram    vectors from colours alone

Shape shorthand: M crops, D feature size.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from mtmc.devices import has_gpu
from mtmc.embed.sample import Crop, best_crops, choose
from mtmc.errors import WeightsError, require
from mtmc.params import OPTIONS, Params, StageParams
from mtmc.plugin import Menu, Outside, check_part, make_part, source_file
from mtmc.scene import Camera
from mtmc.structures import Embeddings, Tracklet
from mtmc.video import Frames, Image
from mtmc.weights import EMBEDDER, EMBEDDER_ONNX

__all__ = ["EmbedParams", "Embedder", "attention_of", "embed", "make_embedder"]


logger = logging.getLogger(__name__)

UNIT_TOLERANCE = 1e-3
"""How far from 1 the length of a unit vector may be."""


class Embedder(Protocol):
    """Turns crops into vectors; knows nothing of tracklets."""

    def vectors(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Unit rows (M, D) of crops, each (any height, any width, 3) uint8 BGR; M >= 1."""
        ...


class OnnxParams(Params):
    """What the pictures of a network in an ONNX file look like, where the file does not tell; a value is (pixel / scale
    - mean) / std."""

    size: tuple[int, int] | None = None
    """(height, width) in pixels; by default as the graph or its metadata say."""
    colour: Literal["RGB", "BGR"] | None = None
    """Order of the channels; RGB by default."""
    scale: float | None = Field(default=None, gt=0)
    """What pixels of 0 to 255 are divided by; 255 by default."""
    mean: tuple[float, float, float] | None = None
    """Taken away after that, by channel; ImageNet's by default."""
    std: tuple[float, float, float] | None = None
    """Divided by then, by channel; ImageNet's by default."""
    output: str = ""
    """Name of the output with the vectors; the first one by default."""


class _CheckedEmbedder:
    """An embedder from outside. Raises ConfigError where its vectors are not as promised."""

    def __init__(self, outside: Outside, embedder: Embedder) -> None:
        self._outside, self._embedder = outside, embedder
        self._size: int | None = None

    def vectors(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """The embedder's vectors."""
        answer = self._outside.call(self._embedder.vectors, crops)
        expected = f"unit vectors ({len(crops)}, {'D' if self._size is None else self._size}) of numbers"
        if not isinstance(answer, np.ndarray) or answer.dtype.kind not in "fiu":
            raise self._outside.wrong(expected, answer)
        if answer.ndim != 2 or len(answer) != len(crops) or self._size not in (None, answer.shape[1]):
            raise self._outside.wrong(expected, f"an array of shape {answer.shape}")
        rows = answer.astype(np.float32)
        lengths = np.linalg.norm(rows, axis=1)
        if not np.allclose(lengths, 1.0, atol=UNIT_TOLERANCE):
            raise self._outside.wrong(expected, f"one of length {lengths[np.abs(lengths - 1).argmax()]:g}")
        self._size = rows.shape[1]
        return np.asarray(rows)


class EmbedParams(StageParams):
    """What to embed with, and which crops stand for a tracklet."""

    embedder: str = "auto"
    """sgfd, onnx, histogram, or ``module:callable`` that takes (params, device); auto: onnx for an .onnx file, sgfd for
    other weights, the packaged network if none are given."""
    options: dict[str, Any] = OPTIONS
    weights: Path | None = None
    """sgfd: checkpoint of the ``reid`` command; ``demo`` for the one that comes with the package. onnx: the file."""
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
    onnx: OnnxParams = OnnxParams()

    @field_validator("weights", mode="before")
    @classmethod
    def _demo(cls, value: object) -> object:
        return EMBEDDER if value == "demo" else value

    def input_files(self, folder: Path, camera_id: str) -> dict[str, Path]:
        """The checkpoint, the code of an outside embedder."""
        weights = self.weights or (self.packaged() if self.embedder == "auto" else None)
        files = {"embedder": source_file(self.embedder, EMBEDDERS), "weights": weights}
        return {key: path for key, path in files.items() if path is not None}

    @property
    def chosen(self) -> str:
        """The embedder, told by the weights for ``auto``."""
        if self.embedder != "auto" or self.weights is None:
            return self.embedder
        return "onnx" if self.weights.suffix.lower() == ".onnx" else "sgfd"

    def packaged(self, device: str = "cpu") -> Path | None:
        """The network that comes with the package: onnxruntime's file, or torch's on a GPU and for what only that can
        do; None where somebody took it away."""
        path = EMBEDDER if self.flip or self.precision != "auto" or has_gpu(device) else EMBEDDER_ONNX
        return path if path.is_file() else None

    def checkpoint(self) -> Path:
        """The file that sgfd's network is in. Raises WeightsError where none is given."""
        if self.weights is None:
            fix = "Give one with --reid-weights FILE (reid train makes it), or take the packaged --reid-weights demo."
            raise WeightsError("embedder sgfd", "a checkpoint", "none", fix)
        return self.weights

    def check(self) -> None:
        """Raises ConfigError for an unknown embedder, WeightsError for a missing checkpoint."""
        check_part("embed.embedder", self.embedder, EMBEDDERS)
        if self.chosen == "sgfd":
            require("torch")
            self.checkpoint()
        if self.chosen == "onnx" and self.weights is None:
            raise WeightsError("embedder onnx", "a model file", "none", "Give one with --reid-weights model.onnx.")
        if self.weights is not None and not self.weights.is_file():
            raise WeightsError(self.weights, "weights of the embedder", "no such file", "Check --reid-weights.")


def embed(
    camera: Camera,
    frames: Frames,
    tracklets: Sequence[Tracklet],
    embedder: Embedder,
    params: EmbedParams,
    others: Sequence[Tracklet] = (),
) -> Embeddings:
    """Vectors of each tracklet's best crops, by track and then by frame; none for no tracklets.

    ``others`` of the camera are not embedded, but may hide the tracklets. Only the frames that hold chosen crops are
    looked at. Raises InputError for a damaged video.
    """
    chosen = choose(tracklets, camera.size, params.crops, others)
    crops = best_crops(chosen, frames, camera.size, params.margin)
    parts = [_embed_batch(batch, embedder) for batch in _batches(crops, params.batch)]
    if not parts:
        return Embeddings.empty()
    return _joined(parts)


def _by_weights(params: EmbedParams, device: str) -> Embedder:
    """What the weights given ask for; the packaged network where there are none; colours where it is not there either.
    Said in one line."""
    weights = params.weights or params.packaged(device)
    if weights is None:
        logger.warning("No embedding weights: vehicles are told apart by colour histograms only.")
        return make_embedder(params.model_copy(update={"embedder": "histogram"}), device)
    if params.weights is None:
        logger.warning(
            "No embedding weights given: the packaged ones tell vehicles apart (how well: mtmc/weights/CARD.md)."
        )
    given = params.model_copy(update={"weights": weights})
    return make_embedder(given.model_copy(update={"embedder": given.chosen}), device)


Attend = Callable[[Sequence[Image]], NDArray[np.uint8] | None]
"""Where an embedder looks in crops: (M, ATTENTION_CELLS, ATTENTION_CELLS), 255 where most; None where it cannot
tell."""
ATTENTION_CELLS = 16


def attention_of(params: EmbedParams) -> Attend | None:
    """Where SGFD with these weights looks, loaded when it is first asked; None for other embedders."""
    if params.chosen != "sgfd" or params.weights is None or not params.weights.is_file():
        return None

    @cache
    def embedder() -> Any:
        from mtmc.embed.sgfd import make

        return make(params, "auto")

    return lambda crops: embedder().attention(crops)


EMBEDDERS: Menu = {
    "auto": _by_weights,
    "sgfd": "mtmc.embed.sgfd:make",
    "onnx": "mtmc.embed.onnx:make",
    "histogram": "mtmc.embed.histogram:make",
}


def make_embedder(params: EmbedParams, device: str = "auto") -> Embedder:
    """The embedder that the parameters name.

    Raises ConfigError for an unknown name, WeightsError for a wrong checkpoint.
    """
    return make_part("embed.embedder", params.embedder, EMBEDDERS, params, device, "vectors", _CheckedEmbedder)  # type: ignore[no-any-return]


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
