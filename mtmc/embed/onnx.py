"""Vectors from any network in an ONNX file that turns pictures into vectors: those of `reid export`, and others'.

What its pictures must look like is read from the graph (size, layout) and from the metadata that `reid export` writes
(``input``: colour, range, height, width); for other files it is said in ``[embed.onnx]``.

Shape shorthand: M crops, h x w pixels of the input, D feature size.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from pydantic import BaseModel, Field

from mtmc.embed import EmbedParams, OnnxParams
from mtmc.errors import UserError, WeightsError
from mtmc.files.onnx import PRECISIONS, OnnxFile
from mtmc.video import Image

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

logger = logging.getLogger(__name__)


def make(params: EmbedParams, device: str) -> OnnxEmbedder:
    """The network of ``params.weights``. Raises WeightsError without one, or for a file of another kind."""
    params.check()
    assert params.weights is not None
    return OnnxEmbedder(OnnxFile(params.weights, device, "embedder onnx"), params)


Side = Annotated[int, Field(ge=1, le=8192)]


class _Told(BaseModel):
    """What `reid export` writes of a network's pictures: the range of a pixel's values, their order, their size."""

    colour: Literal["RGB", "BGR"]
    range: tuple[float, Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    height: Side
    width: Side


@dataclass(frozen=True, slots=True)
class _Input:
    """size (h, w); a value is (pixel / scale - mean) / std, colours RGB or BGR; channels first or last; together: crops
    at once, None for any number."""

    size: tuple[int, int]
    rgb: bool
    scale: float
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    first: bool
    together: int | None

    def batch(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """The network's input of crops BGR, as the networks of `reid` resize them: bilinear, aspect not kept."""
        shown = [Pictures.fromarray(np.ascontiguousarray(crop[..., ::-1])) for crop in crops]
        sized = np.stack([np.asarray(one.resize(self.size[::-1], Pictures.Resampling.BILINEAR)) for one in shown])
        colours = sized if self.rgb else sized[..., ::-1]
        values = (colours.astype(np.float32) / np.float32(self.scale) - self.mean) / self.std
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2) if self.first else values)


class OnnxEmbedder:
    """A file with one picture input and an output (M, D)."""

    def __init__(self, file: OnnxFile, params: EmbedParams) -> None:
        self._file, self._batch = file, params.batch
        inputs = file.inputs
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in PRECISIONS:
            raise self._foreign(f"inputs {[(i.name, i.shape, i.type) for i in inputs]}")
        self._name, self._precision = inputs[0].name, PRECISIONS[inputs[0].type]
        self._output = self._chosen(params.onnx.output)
        self._input = self._described(inputs[0].shape, params.onnx)

    def vectors(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Unit rows (M, D). Raises UserError where the network gives none."""
        step = self._input.together or self._batch
        rows = np.concatenate([self._of(crops[first : first + step]) for first in range(0, len(crops), step)])
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (np.isfinite(length) & (length > 0)).all():
            fix = "Look at [embed.onnx]: range, mean and deviation of the pictures."
            raise UserError(self._file.path, "finite vectors", "zero, NaN or infinity", fix)
        return np.asarray(rows / length, np.float32)

    def _of(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        batch = self._input.batch(crops)
        missing = (self._input.together or len(batch)) - len(batch)
        whole = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)]).astype(self._precision, copy=False)
        rows = np.asarray(self._file.run(**{self._name: whole})[self._output], np.float32)
        if rows.ndim < 2 or len(rows) != len(whole) or rows.size != len(whole) * max(rows.shape[1:]):
            raise self._foreign(f"an output of shape {rows.shape} for {len(whole)} pictures")
        return rows.reshape(len(whole), -1)[: len(batch)]

    def _chosen(self, name: str) -> int:
        names = [output.name for output in self._file.outputs]
        if name and name not in names:
            raise WeightsError(self._file.path, f"an output out of {', '.join(names)}", repr(name), "Choose one.")
        return names.index(name) if name else 0

    def _described(self, shape: list[int | str], said: OnnxParams) -> _Input:
        """What the user says goes before what the file tells, and that before the usual."""
        told = self._told()
        first = shape[3] != 3
        sides = shape[2:] if first else shape[1:3]
        size = said.size or [told.get(name, side) for name, side in zip(("height", "width"), sides, strict=True)]
        if not all(isinstance(side, int) and side > 0 for side in size):
            fix = "Say it: --set embed.onnx.size=[256,128], height and width."
            raise WeightsError(self._file.path, "the size of its pictures", f"an input of shape {shape}", fix)
        if not told and said == OnnxParams():
            logger.warning("%s does not tell what its pictures look like: RGB, in ImageNet's mean and deviation is "
                           "taken; [embed.onnx] says it better.", self._file.path.name)  # fmt: skip
        raw = bool(told)  # as `reid export` writes it: 0 to 255, normalised inside
        scale = said.scale or (255.0 / float(told["range"][1]) if raw else 255.0)
        mean = said.mean or ((0.0, 0.0, 0.0) if raw else IMAGENET_MEAN)
        std = said.std or ((1.0, 1.0, 1.0) if raw else IMAGENET_STD)
        rgb = (said.colour or told.get("colour", "RGB")) == "RGB"
        together = shape[0] if isinstance(shape[0], int) else None
        return _Input((int(size[0]), int(size[1])), rgb, scale, np.array(mean, np.float32), np.array(std, np.float32),
                      first, together)  # fmt: skip

    def _told(self) -> dict[str, Any]:
        try:
            return _Told.model_validate_json(self._file.metadata["input"]).model_dump()
        except (KeyError, ValueError):
            return {}

    def _foreign(self, found: str) -> WeightsError:
        expected = "a network from one batch of pictures (M, 3, h, w) to vectors (M, D)"
        return WeightsError(self._file.path, expected, found, "Export it so, or name its output in [embed.onnx].")
