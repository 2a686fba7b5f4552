"""Heads of detectors, told by the shapes of their outputs: how each wants its pictures, and its outputs as boxes.

    YOLOX               (B, A, 5 + C)            box, objectness, classes; raw or decoded; cells of strides 8 16 32 (64)
    YOLOv5, YOLOv7      (B, 3 A, 5 + C)          decoded; three anchors a cell
    YOLOv8, 11, 26      (B, 4 + C, A)            decoded, no objectness; masks' coefficients behind are left out
    end to end          (B, N, 6)                corners, score, class
    RT-DETR             (B, N, 4 + C), or boxes (B, N, 4) and logits (B, N, C), or labels, boxes, scores
    RF-DETR             dets (B, N, 4), labels (B, N, C)

Sources: the projects' exporters and the layouts they document (Megvii YOLOX, Ultralytics, WongKinYiu's YOLOv7,
lyuwenyu's RT-DETR, Roboflow's RF-DETR). Shape shorthand: A cells, N boxes, C classes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mtmc.detect.onnx_pictures import IMAGENET_MEAN, IMAGENET_STD, Pictures
from mtmc.structures import Float, Long

FLOOR_SCORE = 0.05
"""Boxes below this are no candidates at all."""
STRIDES = ((8, 16, 32), (8, 16, 32, 64))
ANCHORS = 3
"""Boxes of a cell in YOLOv5 and YOLOv7."""
MOST_QUERIES = 1000
"""Heads that need no suppression give at most so many boxes."""
CORNERS_SCORE_CLASS = 6

Arrays = list[Float]
Boxes = tuple[Float, Float, Long]
"""Corners (N, 4) in pixels of the input, scores (N,), classes (N,)."""


@dataclass(frozen=True, slots=True)
class Head:
    """pictures: what the network wants; classes: how many it knows, 0 where its outputs do not tell; boxes: from the
    outputs of one image."""

    pictures: Pictures
    classes: int
    boxes: Callable[[Arrays], Boxes]


@dataclass(frozen=True, slots=True)
class Look:
    """A network and its outputs (B = 1) for one empty picture: size (height, width) of its input; names: of its
    outputs; classes: names by number, as the file says; metadata."""

    size: tuple[int, ...]
    names: tuple[str, ...]
    outputs: Arrays
    classes: Mapping[int, str]
    metadata: Mapping[str, str]

    def strides(self, cells: float) -> tuple[int, ...] | None:
        """The strides that make so many cells of the input, None if none of YOLO's do."""
        counts = [sum((self.size[0] // s) * (self.size[1] // s) for s in strides) for strides in STRIDES]
        return next((strides for strides, count in zip(STRIDES, counts, strict=True) if count == cells), None)

    @property
    def transformer(self) -> bool:
        """Whether the exporter calls it a DETR."""
        return "detr" in self.metadata.get("description", "").lower()


def class_names(metadata: Mapping[str, str]) -> dict[int, str]:
    """Names of classes by number, as Ultralytics writes them into ``names``; none where nothing (readable) is there."""
    try:
        names = ast.literal_eval(metadata.get("names", ""))
    except (ValueError, SyntaxError):
        return {}
    pairs = names.items() if isinstance(names, dict) else enumerate(names if isinstance(names, list) else ())
    return {int(number): str(name) for number, name in pairs}


# --- YOLO -------------------------------------------------------------------------------------------------------------

ULTRALYTICS = Pictures("centre")


def _yolox(look: Look) -> Head | None:
    rows = look.outputs[0]
    strides = look.strides(rows.shape[1]) if rows.ndim == 3 else None
    if len(look.outputs) > 1 or strides is None or rows.shape[2] <= 5:
        return None
    cells, step = _grid(look.size, strides)
    decoded = bool(np.abs(rows[..., :2]).max() > max(look.size) / 4)

    def boxes(outputs: Arrays) -> Boxes:
        return _with_objectness(outputs[0], None if decoded else (cells, step))

    return Head(Pictures("corner", rgb=False, raw=True), rows.shape[2] - 5, boxes)


def _yolov5(look: Look) -> Head | None:
    rows = look.outputs[0]
    if rows.ndim != 3 or look.strides(rows.shape[1] / ANCHORS) is None or rows.shape[2] <= 5:
        return None
    classes = len(look.classes) or rows.shape[2] - 5
    return Head(ULTRALYTICS, classes, lambda outputs: _with_objectness(outputs[0][:, : 5 + classes], None))


def _with_objectness(rows: Float, grid: tuple[Float, Float] | None) -> Boxes:
    """Rows (A, 5 + C) of centre, size, objectness, classes; ``grid``: cells (A, 2) and strides (A, 1) of raw ones."""
    possible = np.flatnonzero(rows[:, 4] > FLOOR_SCORE)  # no class score is above 1
    rows = rows[possible]
    centre, size = rows[:, :2], rows[:, 2:4]
    if grid is not None:
        cells, strides = grid[0][possible], grid[1][possible]
        centre, size = (centre + cells) * strides, np.exp(np.clip(size, -5, 12)) * strides
    classes = rows[:, 5:].argmax(axis=1)
    return _corners(centre, size), rows[:, 4] * rows[:, 5:].max(axis=1), classes


def _grid(size: tuple[int, ...], strides: tuple[int, ...]) -> tuple[Float, Float]:
    """Cell of each row (A, 2) and its stride (A, 1)."""
    shapes = [(size[0] // s, size[1] // s) for s in strides]
    cells = [np.stack(np.meshgrid(np.arange(w), np.arange(h)), axis=-1).reshape(-1, 2) for h, w in shapes]
    repeated = [np.full((h * w, 1), s) for (h, w), s in zip(shapes, strides, strict=True)]
    return np.concatenate(cells).astype(np.float32), np.concatenate(repeated).astype(np.float32)


def _yolov8(look: Look) -> Head | None:
    rows = look.outputs[0]
    if rows.ndim != 3 or look.strides(rows.shape[2]) is None or rows.shape[1] <= 4:
        return None
    classes = len(look.classes) or rows.shape[1] - 4
    if classes > rows.shape[1] - 4:
        return None

    def boxes(outputs: Arrays) -> Boxes:
        scores = outputs[0][4 : 4 + classes]
        possible = np.flatnonzero(scores.max(axis=0) > FLOOR_SCORE)
        centre, size, scores = outputs[0][:2, possible].T, outputs[0][2:4, possible].T, scores[:, possible]
        return _corners(centre, size), scores.max(axis=0), scores.argmax(axis=0)

    return Head(ULTRALYTICS, classes, boxes)


def _end_to_end(look: Look) -> Head | None:
    """YOLOv10, YOLO26 and exports with suppression inside; with masks' coefficients behind where it segments."""
    rows = look.outputs[0]
    wide = rows.ndim == 3 and rows.shape[1] <= MOST_QUERIES and rows.shape[2] >= CORNERS_SCORE_CLASS
    if not wide or (rows.shape[2] > CORNERS_SCORE_CLASS and look.metadata.get("task") != "segment"):
        return None
    return Head(ULTRALYTICS, len(look.classes), lambda o: (o[0][:, :4], o[0][:, 4], o[0][:, 5].astype(np.int64)))


# --- transformers -----------------------------------------------------------------------------------------------------


def _ultralytics_rtdetr(look: Look) -> Head | None:
    rows = look.outputs[0]
    if len(look.outputs) > 1 or rows.ndim != 3 or rows.shape[1] > MOST_QUERIES:
        return None
    classes = rows.shape[2] - 4
    if not look.transformer and (classes != len(look.classes) or rows.shape[2] == CORNERS_SCORE_CLASS):
        return None
    return Head(Pictures("stretch"), classes, lambda o: _of_queries(o[0][:, :4], o[0][:, 4:], look.size))


def _queries(look: Look) -> Head | None:
    """Boxes and logits, in whatever order: RF-DETR by its outputs' names, else as RT-DETR's in transformers."""
    if len(look.outputs) < 2 or any(array.ndim != 3 for array in look.outputs[:2]):
        return None
    order = [0, 1] if look.outputs[0].shape[2] == 4 else [1, 0]
    places, logits = (look.outputs[k] for k in order)
    if places.shape[1] != logits.shape[1] or places.shape[2] != 4 or places.shape[1] > MOST_QUERIES:
        return None
    roboflow = set(look.names[:2]) == {"dets", "labels"}
    pictures = Pictures("stretch", mean=IMAGENET_MEAN, std=IMAGENET_STD) if roboflow else Pictures("stretch")

    def boxes(outputs: Arrays) -> Boxes:
        scores = np.asarray(1 / (1 + np.exp(-outputs[order[1]])), np.float32)
        return _of_queries(outputs[order[0]], scores, look.size)

    return Head(pictures, logits.shape[2], boxes)


def _labels_boxes_scores(look: Look) -> Head | None:
    """RT-DETR's and D-FINE's own exports, decoded inside."""
    if set(look.names) != {"labels", "boxes", "scores"}:
        return None
    labels, boxes, scores = (look.names.index(name) for name in ("labels", "boxes", "scores"))
    return Head(Pictures("stretch"), len(look.classes), lambda o: (o[boxes], o[scores], o[labels].astype(np.int64)))


def _of_queries(places: Float, scores: Float, size: tuple[int, ...]) -> Boxes:
    """Boxes (N, 4) as centre and size in shares of the input, each of its best class of scores (N, C)."""
    pixels = np.asarray(places * np.tile(size[::-1], 2), np.float32)
    return _corners(pixels[:, :2], pixels[:, 2:]), scores.max(axis=1), scores.argmax(axis=1)


def _corners(centre: Float, size: Float) -> Float:
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


HEADS: tuple[Callable[[Look], Head | None], ...] = (
    _labels_boxes_scores, _queries, _yolox, _yolov8, _yolov5, _ultralytics_rtdetr, _end_to_end,
)  # fmt: skip
"""Asked in this order."""
