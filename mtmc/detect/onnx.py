"""YOLOX-style exports through onnxruntime.

Shape shorthand: B images, A anchor cells, C classes; a head row is (centre x, centre y, width, height, objectness, C
class scores).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.detect.detector import ClipDetector
from mtmc.detect.labels import COCO_CLASSES, COCO_VEHICLES, DROPPED, label_table
from mtmc.detect.params import DetectParams, required_weights
from mtmc.detect.postprocess import make_detections
from mtmc.errors import ConfigError, InstallError, WeightsError
from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.video import Clip, Frames

GREY = 114
FREE_SIDE_PX = 640
FLOOR_SCORE = 0.05
"""Cells below this are no candidates at all."""

STRIDES = ((8, 16, 32), (8, 16, 32, 64))


def make(params: DetectParams, device: str) -> OnnxDetector:
    """The detector of ``params.weights``. Raises WeightsError for another kind of file, InstallError without
    onnxruntime."""
    path = required_weights(params)
    return OnnxDetector(path, _open(path, device), params.model_classes)


def _open(path: Path, device: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InstallError(
            "detector onnx", "the package onnxruntime", "none", "Install it: pip install onnxruntime."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)  # onnxruntime itself does not look
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=_providers(device, onnxruntime))
    except ConfigError:
        raise
    except Exception as error:  # onnxruntime's own error classes have no public common base
        raise WeightsError(
            path, "an ONNX model", f"{str(error).splitlines()[0]}", "Give a YOLOX export with --weights."
        ) from error


def _providers(device: str, onnxruntime: Any) -> list[Any]:
    """What of onnxruntime computes on the device. Raises ConfigError for one that this build cannot use."""
    kind, _, number = device.partition(":")
    there = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if kind == "cpu" or (kind == "auto" and not there):
        return ["CPUExecutionProvider"]
    if kind in ("auto", "cuda") and there and (not number or number.isdigit()):
        return [("CUDAExecutionProvider", {"device_id": int(number or 0)}), "CPUExecutionProvider"]
    found = f"{device!r}, and an onnxruntime {'with' if there else 'without'} CUDA"
    raise ConfigError("--device", "cpu or cuda for detector onnx", found, "Try --device cpu, or onnxruntime-gpu.")


class OnnxDetector:
    """A YOLOX head: letterbox into the upper left corner on grey, BGR 0 to 255, strides 8, 16, 32 (and 64).

    Exports that decode inside the network and raw ones are told apart by a look at one empty image.
    """

    def __init__(self, path: Path, session: Any, model_classes: tuple[str, ...] = ()) -> None:
        self._path, self._session = path, session
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if (
            len(inputs) != 1
            or len(inputs[0].shape) != 4
            or inputs[0].shape[1] != 3
            or inputs[0].type != "tensor(float)"
        ):
            raise self._foreign(f"inputs {[(i.name, i.shape) for i in inputs]}")
        self._input, self._output = inputs[0].name, outputs[0].name
        batch, _, height, width = inputs[0].shape
        self._one_by_one = isinstance(batch, int)
        self._size = tuple(side if isinstance(side, int) else FREE_SIDE_PX for side in (height, width))
        self._letterbox = _Letterbox(self._size)
        probe = self._run(np.full((1, 3, *self._size), GREY, np.float32))
        self._cells, self._strides = self._grid(probe)
        self._decoded = bool(np.abs(probe[..., :2]).max() > max(self._size) / 4)
        self._labels = self._label_table(probe.shape[-1] - 5, model_classes)

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Frames are looked at one by one: nothing to remember."""
        return self._detect

    def _detect(self, clip: Clip) -> Detections:
        batch = self._letterbox.of(clip.images)
        rows = np.concatenate([self._run(one[None]) for one in batch]) if self._one_by_one else self._run(batch)
        height, width = clip.images.shape[1:3]
        scale = min(self._size[0] / height, self._size[1] / width)
        return Detections.concatenate([self._boxes(int(f), r, scale) for f, r in zip(clip.frames, rows, strict=True)])

    def _boxes(self, frame: int, rows: NDArray[np.float32], scale: float) -> Detections:
        """Boxes of one image from its head rows (A, 5 + C)."""
        possible = np.flatnonzero(rows[:, 4] > FLOOR_SCORE)  # no class score is above 1
        rows, cells, strides = rows[possible], self._cells[possible], self._strides[possible]
        classes = rows[:, 5:].argmax(axis=1)
        scores = rows[:, 4] * rows[:, 5:].max(axis=1)
        labels = self._labels[classes]
        chosen = np.flatnonzero((scores > FLOOR_SCORE) & (labels != DROPPED))
        centre, size = rows[chosen, :2], rows[chosen, 2:4]
        if not self._decoded:
            centre = (centre + cells[chosen]) * strides[chosen]
            size = np.exp(np.clip(size, -5, 12)) * strides[chosen]
        xyxy = np.concatenate([centre - size / 2, centre + size / 2], axis=1) / scale
        return make_detections(frame, xyxy, scores[chosen], labels[chosen])

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._session.run([self._output], {self._input: batch})[0], np.float32)

    def _grid(self, probe: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cell of each row (A, 2) and its stride (A, 1). Raises WeightsError where the head is no YOLOX head."""
        for strides in STRIDES:
            shapes = [(self._size[0] // s, self._size[1] // s) for s in strides]
            if probe.ndim == 3 and probe.shape[1] == sum(h * w for h, w in shapes) and probe.shape[2] > 5:
                cells = [np.stack(np.meshgrid(np.arange(w), np.arange(h)), axis=-1).reshape(-1, 2) for h, w in shapes]
                repeated = [np.full((h * w, 1), s) for (h, w), s in zip(shapes, strides, strict=True)]
                return np.concatenate(cells).astype(np.float32), np.concatenate(repeated).astype(np.float32)
        raise self._foreign(f"an output of shape {probe.shape}")

    def _label_table(self, count: int, model_classes: tuple[str, ...]) -> NDArray[np.int16]:
        if model_classes and len(model_classes) != count:
            raise self._foreign(f"{count} classes, while detect.model_classes names {len(model_classes)}")
        if not model_classes and count not in (1, COCO_CLASSES):
            raise self._foreign(f"{count} classes, neither 1 nor COCO's 80: name them in detect.model_classes")
        names = model_classes or (COCO_VEHICLES if count == COCO_CLASSES else ("vehicle",))
        return label_table(names, count)

    def _foreign(self, found: str) -> WeightsError:
        return WeightsError(
            self._path,
            "a YOLOX detector (image in, rows of box, objectness and classes out)",
            found,
            "Give a YOLOX export with --weights.",
        )


class _Letterbox:
    """Images scaled into the upper left corner of the network's input, grey elsewhere: the grey is painted once."""

    def __init__(self, size: tuple[int, ...]) -> None:
        self._size = size
        self._batch = np.zeros((0, 3, *size), np.float32)
        self._inner = (0, 0)

    def of(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, 3, height, width) float32 of images (B, any, any, 3), valid until the next call."""
        height, width = images[0].shape[:2]
        scale = min(self._size[0] / height, self._size[1] / width)
        inner = round(height * scale), round(width * scale)
        if len(images) > len(self._batch) or inner != self._inner:
            self._batch, self._inner = np.full((len(images), 3, *self._size), GREY, np.float32), inner
        for image, planes in zip(images, self._batch, strict=False):
            small = cv2.resize(image, inner[::-1], interpolation=cv2.INTER_LINEAR)
            for plane, channel in zip(planes, cv2.split(small), strict=True):
                plane[: inner[0], : inner[1]] = channel
        return self._batch[: len(images)]
