"""Detectors in ONNX files, as their own projects export them; which one it is, the graph itself tells.

Shape shorthand: B images, N boxes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtmc.detect.detector import ClipDetector
from mtmc.detect.labels import COCO_CLASSES, COCO_ID_COUNT, COCO_IDS, DROPPED, label_table, labels_of
from mtmc.detect.onnx_heads import FLOOR_SCORE, HEADS, Arrays, Head, Look, class_names
from mtmc.detect.onnx_pictures import Canvas
from mtmc.detect.params import DetectParams, required_weights
from mtmc.detect.postprocess import make_detections
from mtmc.errors import WeightsError
from mtmc.files.onnx import PRECISIONS, OnnxFile
from mtmc.scene import Camera
from mtmc.structures import COCO_VEHICLES, Detections, Float, Short
from mtmc.video import Clip, Frames

FREE_SIDE_PX = 640
"""Input of a network that takes any size."""
TARGET_SIZES = "orig_target_sizes"
"""Input of RT-DETR's own exports: the (width, height) that boxes are scaled to."""
EXPECTED = "a detector of YOLOX, YOLOv5 to YOLO26 (detect), RT-DETR or RF-DETR"
FIX = "Export it with its project's own exporter, or wrap it as a part of your own (--detector module:callable)."
LARGEST_SIDE_PX = 8192
"""A network that asks for larger pictures is none for frames of videos."""


def make(params: DetectParams, device: str) -> OnnxDetector:
    """The detector of ``params.weights``. Raises WeightsError for another kind of file, InstallError without
    onnxruntime."""
    return OnnxDetector(OnnxFile(required_weights(params), device, "detector onnx"), params.model_classes)


class OnnxDetector:
    """A network whose head is told by the shapes and names of its outputs, with a look at one empty picture."""

    def __init__(self, file: OnnxFile, model_classes: tuple[str, ...] = ()) -> None:
        self._file, self._path = file, file.path
        pictures = [i for i in file.inputs if len(i.shape) == 4 and i.shape[1] == 3 and i.type in PRECISIONS]
        others = {i.name for i in file.inputs} - {i.name for i in pictures}
        if len(pictures) != 1 or others - {TARGET_SIZES}:
            raise self._foreign(f"inputs {[(i.name, i.shape) for i in file.inputs]}")
        self._input, self._precision = pictures[0].name, PRECISIONS[pictures[0].type]
        self._targets = bool(others)
        batch, _, height, width = pictures[0].shape
        self._one_by_one = isinstance(batch, int) or self._targets
        self._size = tuple(side if isinstance(side, int) else FREE_SIDE_PX for side in (height, width))
        if not all(0 < side <= LARGEST_SIDE_PX for side in self._size) or batch == 0:
            raise self._foreign(f"an input of {self._size[1]} x {self._size[0]} pixels")
        self._head = self._recognised(pictures[0].name)
        self._canvas = Canvas(self._size, self._head.pictures)
        self._labels = self._label_table(self._head.classes, model_classes)

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Frames are looked at one by one: nothing to remember."""
        return self._detect

    def _detect(self, clip: Clip) -> Detections:
        batch = self._canvas.of(clip.images)
        singly = self._one_by_one
        outputs = [self._run(one[None]) for one in batch] if singly else [self._run(batch)]
        found = []
        for row, frame in enumerate(clip.frames.tolist()):
            mine = [array[0 if singly else row] for array in outputs[row if singly else 0]]
            found.append(self._boxes(frame, mine, clip.images.shape[1:3]))
        return Detections.concatenate(found)

    def _boxes(self, frame: int, outputs: Arrays, size: tuple[int, ...]) -> Detections:
        """Boxes of one image (height, width) from its outputs."""
        xyxy, scores, classes = self._head.boxes(outputs)
        known = (classes >= 0) & (classes < len(self._labels))
        labels = np.where(known, self._labels[np.where(known, classes, 0)], DROPPED)
        chosen = np.flatnonzero((scores > FLOOR_SCORE) & (labels != DROPPED))
        return make_detections(frame, self._canvas.back(xyxy[chosen], size), scores[chosen], labels[chosen])

    def _run(self, batch: Float) -> Arrays:
        feeds = {self._input: batch.astype(self._precision, copy=False)}
        if self._targets:
            feeds[TARGET_SIZES] = np.tile(np.array(self._size[::-1], np.int64), (len(batch), 1))
        return [np.asarray(array, np.float32) for array in self._file.run(**feeds)]

    def _recognised(self, name: str) -> Head:
        empty = self._run(np.full((1, 3, *self._size), 0.5, np.float32))
        names = tuple(output.name for output in self._file.outputs)
        look = Look(self._size, names, empty, class_names(self._file.metadata), self._file.metadata)
        if look.metadata.get("task", "detect") not in ("detect", "segment"):
            raise self._foreign(f"a network for the task {look.metadata['task']}")
        head = next((found for recognise in HEADS if (found := recognise(look)) is not None), None)
        if head is None:
            shapes = ", ".join(f"{output} {array.shape}" for output, array in zip(names, empty, strict=True))
            raise self._foreign(f"outputs of shape {shapes} for {name} {(1, 3, *self._size)}")
        return head

    def _label_table(self, count: int, model_classes: tuple[str, ...]) -> Short:
        """Our label of each class: as the user says, as the file says, else of COCO's."""
        said = class_names(self._file.metadata)
        if model_classes:
            if count and len(model_classes) != count:
                raise self._foreign(f"{count} classes, while detect.model_classes names {len(model_classes)}")
            return label_table(model_classes, len(model_classes))
        if said:
            table: NDArray[np.int16] = labels_of([said.get(n, "") for n in range(max(said) + 1)])
            if (table == DROPPED).all():
                names = ", ".join(list(said.values())[:6])
                raise self._foreign(f"the classes {names}, none a vehicle: name them in detect.model_classes")
            return table
        known = {1: ("vehicle",), 0: COCO_VEHICLES, COCO_CLASSES: COCO_VEHICLES, COCO_ID_COUNT: COCO_IDS}
        if count not in known:
            raise self._foreign(f"{count} classes, neither 1 nor COCO's 80: name them in detect.model_classes")
        return label_table(known[count], count or COCO_CLASSES)  # type: ignore[arg-type]

    def _foreign(self, found: str) -> WeightsError:
        return WeightsError(self._path, EXPECTED, found, FIX)
