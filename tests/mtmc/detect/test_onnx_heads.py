"""Heads as the projects export them, made with torch.onnx from random weights: each gives the boxes of a plain decode.

Every network has the real layout of its outputs, their names and the metadata that its exporter writes; the pictures
are noise, so that all of a box depends on how they were put in.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from mtmc.detect import DetectParams, make_detector
from mtmc.errors import WeightsError
from mtmc.structures import COCO_VEHICLES, LABELS, Detections, label_index
from mtmc.video import Clip
from tests.builders import make_camera

SIDE, WIDE, HIGH = 96, 150, 80  # letterboxed: scale .64, 96 x 51
CELLS = [(SIDE // stride, stride) for stride in (8, 16, 32)]
COUNT = sum(n * n for n, _ in CELLS)
COCO = {number: COCO_VEHICLES.get(number, f"thing {number}") for number in range(80)}
QUERIES = 100

Found = list[tuple[list[float], float, int]]


class Rows(nn.Module):
    """(B, rows, columns) out of a picture: random, and never the same for two pictures."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.columns, self.seen = columns, nn.Conv2d(3, columns, 16, stride=16)
        self.mixed = nn.Linear((SIDE // 16) ** 2, rows)
        self.register_buffer("own", 0.5 * torch.randn(rows, columns))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.mixed(self.seen(pixels).flatten(2)).transpose(1, 2) + self.get_buffer("own")


def grid() -> tuple[Tensor, Tensor]:
    places = [
        torch.stack(torch.meshgrid(torch.arange(n), torch.arange(n), indexing="xy"), -1).reshape(-1, 2)
        for n, _ in CELLS
    ]
    return torch.cat(places).float(), torch.cat([torch.full((n * n, 1), float(s)) for n, s in CELLS])


class Network(nn.Module):
    """A head of one of the layouts below."""

    def __init__(self, layout: str, classes: int) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.layout, self.classes = layout, classes
        anchors = {"yolox": COUNT, "yolov5": 3 * COUNT, "yolo11": COUNT, "yolo11-seg": COUNT}.get(layout, QUERIES)
        self.rows = Rows(anchors, 5 + classes + 32)
        places, strides = grid()
        self.register_buffer("places", places.repeat(3 if layout == "yolov5" else 1, 1))
        self.register_buffer("strides", strides.repeat(3 if layout == "yolov5" else 1, 1))

    def forward(self, pixels: Tensor, orig_target_sizes: Tensor | None = None) -> tuple[Tensor, ...]:
        rows, last = self.rows(pixels / 255 if self.layout == "yolox" else pixels), 5 + self.classes
        places, strides = self.get_buffer("places"), self.get_buffer("strides")
        scores = (4 * rows[..., 5:last]).sigmoid()
        match self.layout:
            case "yolox":
                return (torch.cat([rows[..., :4], (rows[..., 4:5] + 2).sigmoid(), scores], -1),)
            case "yolov5":
                centre, size = (rows[..., :2].sigmoid() + places) * strides, rows[..., 2:4].exp() * strides
                return (torch.cat([centre, size, (rows[..., 4:5] + 2).sigmoid(), scores], -1),)
            case "yolo11" | "yolo11-seg":
                centre, size = (rows[..., :2].sigmoid() + places) * strides, rows[..., 2:4].exp() * strides
                masks = rows[..., last:] if self.layout == "yolo11-seg" else rows[..., :0]
                flat = torch.cat([centre, size, scores, masks], -1).transpose(1, 2)
                return (flat, pixels[:, :1].repeat(1, 32, 1, 1)) if self.layout == "yolo11-seg" else (flat,)
            case _:
                return self.of_queries(rows[..., :4].sigmoid(), rows[..., 5:last], orig_target_sizes)

    def of_queries(self, places: Tensor, logits: Tensor, sizes: Tensor | None) -> tuple[Tensor, ...]:
        best, number = (4 * logits).sigmoid().max(-1)
        corners = torch.cat([places[..., :2] - places[..., 2:] / 2, places[..., :2] + places[..., 2:] / 2], -1)
        match self.layout:
            case "yolo26":
                return (torch.cat([corners * SIDE, best[..., None], number[..., None].float()], -1),)
            case "rtdetr-ultralytics":
                return (torch.cat([places, (4 * logits).sigmoid()], -1),)
            case "rtdetr":
                assert sizes is not None
                return number, corners * sizes.float().repeat(1, 2)[:, None], best
            case _:  # rf-detr; RT-DETR of transformers, the other way round
                return (places, logits) if self.layout == "rfdetr" else (logits, places)


LAYOUTS = (
    *("yolox", "yolov5", "yolo11", "yolo11-seg", "yolo26"),
    *("rtdetr", "rtdetr-ultralytics", "rtdetr-transformers", "rfdetr"),
)
OUTPUTS = {
    "rfdetr": ["dets", "labels"],
    "rtdetr": ["labels", "boxes", "scores"],
    "rtdetr-transformers": ["logits", "pred_boxes"],
    "yolo11-seg": ["output0", "output1"],
}
ULTRALYTICS = {"task": "detect", "stride": "32", "names": repr(COCO), "description": "Ultralytics YOLO11n model"}
METADATA: Mapping[str, Mapping[str, str]] = {
    "yolov5": {"names": repr(COCO), "stride": "32"},
    "yolo11": ULTRALYTICS,
    "yolo11-seg": {**ULTRALYTICS, "task": "segment"},
    "yolo26": ULTRALYTICS,
    "rtdetr-ultralytics": {**ULTRALYTICS, "description": "Ultralytics RT-DETR-l model"},
}


def write(
    folder: Path, layout: str, classes: int = 80, batch: bool = True, metadata: Mapping[str, str] | None = None
) -> Path:
    """The network as an ONNX file, as its project writes it."""
    network, path = Network(layout, classes).eval(), folder / f"{layout}.onnx"
    inputs = (torch.zeros(2 if batch else 1, 3, SIDE, SIDE),)
    names = ["input" if layout == "rfdetr" else "images"]
    if layout == "rtdetr":
        inputs += (torch.full((len(inputs[0]), 2), SIDE),)  # type: ignore[assignment]
        names.append("orig_target_sizes")
    outputs = OUTPUTS.get(layout, ["output0"])
    free = {name: {0: "batch"} for name in [*names, *outputs]} if batch else {}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, inputs, str(path), input_names=names, output_names=outputs, dynamic_axes=free,
                          dynamo=False)  # fmt: skip
    model = onnx.load(path)
    for key, value in (METADATA.get(layout, {}) if metadata is None else metadata).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


# --- the plain decode -------------------------------------------------------------------------------------------------


def plain_picture(image: np.ndarray, layout: str) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """The input (1, 3, SIDE, SIDE) as the project's own pre-processing makes it, and the way back for corners (4,)."""
    scale = min(SIDE / HIGH, SIDE / WIDE)
    width, height = round(WIDE * scale), round(HIGH * scale)
    if "detr" in layout:
        pixels = cv2.resize(image, (SIDE, SIDE))[..., ::-1] / 255.0
        if layout == "rfdetr":
            pixels = (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        return pixels.transpose(2, 0, 1)[None].astype(np.float32), lambda box: box * np.array([WIDE, HIGH] * 2) / SIDE
    canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
    small = cv2.resize(image, (width, height))
    if layout == "yolox":
        canvas[:height, :width] = small
        return canvas.transpose(2, 0, 1)[None].astype(np.float32), lambda box: box / scale
    top, left = round((SIDE - height) / 2 - 0.1), round((SIDE - width) / 2 - 0.1)
    canvas[top : top + height, left : left + width] = small
    pixels = canvas[..., ::-1].transpose(2, 0, 1)[None] / 255.0
    return pixels.astype(np.float32), lambda box: (box - np.array([left, top] * 2)) / scale


def plain_rows(outputs: Sequence[np.ndarray], layout: str) -> Found:
    """Corners in the input, score and class, row by row."""
    found: Found = []
    if layout == "rtdetr":
        return [
            (box.tolist(), float(s), int(n))
            for n, box, s in zip(outputs[0][0], outputs[1][0], outputs[2][0], strict=True)
        ]
    if layout in ("rfdetr", "rtdetr-transformers"):
        logits, places = outputs[::-1] if layout == "rfdetr" else outputs
        rows = np.concatenate([places[0] * SIDE, 1 / (1 + np.exp(-logits[0]))], 1)
    elif layout == "rtdetr-ultralytics":
        rows = outputs[0][0] * np.array([SIDE] * 4 + [1] * 80)
    elif layout == "yolo26":
        return [(row[:4].tolist(), float(row[4]), int(row[5])) for row in outputs[0][0]]
    else:
        rows = outputs[0][0].T if layout.startswith("yolo11") else outputs[0][0]
    places, strides = (part.numpy() for part in grid())
    for index, row in enumerate(rows):
        x, y, w, h, *rest = row.tolist()
        objectness = rest.pop(0) if layout in ("yolox", "yolov5") else 1.0
        if layout == "yolox":
            stride = float(strides[index, 0])
            x, y = (x + places[index, 0]) * stride, (y + places[index, 1]) * stride
            w, h = np.exp(w) * stride, np.exp(h) * stride
        scores = rest[: 80 if layout == "yolo11-seg" else len(rest)]
        best = int(np.argmax(scores))
        found.append(([x - w / 2, y - h / 2, x + w / 2, y + h / 2], objectness * scores[best], best))
    return found


def plain(path: Path, image: np.ndarray, layout: str) -> np.ndarray:
    """(N, 6) corners in the image, score and our label, of boxes that are vehicles' above 0.05."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pixels, back = plain_picture(image, layout)
    feeds: dict[str, np.ndarray] = {session.get_inputs()[0].name: pixels}
    if layout == "rtdetr":
        feeds["orig_target_sizes"] = np.array([[SIDE, SIDE]], np.int64)
    rows = plain_rows(session.run(None, feeds), layout)
    kept = [(*back(np.array(box)), score, label_index(COCO_VEHICLES[n])) for box, score, n in rows
            if score > 0.05 and n in COCO_VEHICLES]  # fmt: skip
    kept = [row for row in kept if row[2] > row[0] and row[3] > row[1]]
    return np.array(sorted(kept, key=lambda row: row[4]))


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 255, (count, HIGH, WIDE, 3)).astype(np.uint8)


def found_by(path: Path, images: np.ndarray) -> Detections:
    """What the detector gives before what every detector's boxes go through."""
    camera = make_camera("c001", size=(WIDE, HIGH))
    detector = make_detector(DetectParams(detector="onnx", weights=path), "cpu")
    step = detector.begin(camera, None)  # type: ignore[arg-type]  # it does not look ahead
    return step(Clip(0, images))


@pytest.mark.parametrize("batch", [True, False], ids=["any batch", "one by one"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_boxes_are_those_of_a_plain_decode(layout: str, batch: bool, tmp_path: Path) -> None:
    path, images = write(tmp_path, layout, batch=batch), noise(3)
    found = found_by(path, images)
    for frame, image in enumerate(images):
        wanted, rows = plain(path, image, layout), found.rows_at(frame)
        order = np.argsort(found.scores[rows], kind="stable")
        assert len(wanted) == len(order) > 0
        np.testing.assert_allclose(found.xyxy[rows][order], wanted[:, :4], atol=2e-2)
        np.testing.assert_allclose(found.scores[rows][order], wanted[:, 4], atol=1e-4)
        assert found.labels[rows][order].tolist() == wanted[:, 5].tolist()


def test_classes_by_name(tmp_path: Path) -> None:
    names = {"task": "detect", "names": "{0: 'Lorry', 1: 'tree', 2: 'Delivery van'}"}
    found = found_by(write(tmp_path, "yolo11", 3, metadata=names), noise(2))
    assert {LABELS[label] for label in found.labels} == {"truck", "van"}


@pytest.mark.parametrize(
    ("layout", "classes", "metadata", "says"),
    [
        ("yolo11", 3, {}, "3 classes, neither 1 nor COCO's 80"),
        ("yolo11", 2, {"names": "['cat', 'dog']"}, "the classes cat, dog, none a vehicle"),
        ("yolo11", 80, {**ULTRALYTICS, "task": "pose"}, "a network for the task pose"),
        ("yolo11-seg", 200, {}, "204 classes|232 classes"),
    ],
)
def test_what_cannot_be_read_is_refused(
    layout: str, classes: int, metadata: Mapping[str, str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match=says):
        found_by(write(tmp_path, layout, classes, metadata=metadata), noise(1))
