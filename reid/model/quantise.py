"""ONNX files with eight-bit weights and activations: a quarter of the size, faster where the processor has VNNI.

Shape shorthand: B images, (h, w) the network's input size in pixels.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.atomic import replacing
from reid.model.export import INPUT, required


class _Calibration:
    """Feeds the samples to ONNX Runtime's calibration, one after the other."""

    def __init__(self, pixels: NDArray[np.float32]) -> None:
        self._rows: Iterator[dict[str, NDArray[np.float32]]] = iter([{INPUT: row[None]} for row in pixels])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next sample, None after the last."""
        return next(self._rows, None)


def quantise(source: Path, target: Path, samples: NDArray[np.uint8]) -> None:
    """Write the eight-bit form of an exported network; metadata are kept.

    Static: the ranges of activations are those of the samples (B, h, w, 3) uint8 RGB, of which a few hundred of the
    cameras to come do. Weights have a scale per channel. Raises UserError where ONNX Runtime is not installed, or the
    disk is unwilling.
    """
    quantization = required("onnxruntime.quantization")
    pixels = np.ascontiguousarray(samples.transpose(0, 3, 1, 2), dtype=np.float32)
    logging.getLogger().addFilter(_no_advice)
    with tempfile.TemporaryDirectory() as folder, replacing(target) as part:
        shaped = Path(folder) / "shaped.onnx"
        quantization.quant_pre_process(str(source), str(shaped), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(shaped),
            str(part),
            _Calibration(pixels),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
    logging.getLogger().removeFilter(_no_advice)


def _no_advice(record: logging.LogRecord) -> bool:
    """ONNX Runtime advises on the root logger what was done already, and that necks have one scale."""
    return "pre-process" not in record.getMessage() and "out-of-range for weight" not in record.getMessage()
