"""Small real models for the adapters: a YOLOX head in ONNX, a tiny Mask R-CNN configuration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
CELLS = (SIDE // 8) ** 2 + (SIDE // 16) ** 2 + (SIDE // 32) ** 2

TINY_MASK_RCNN = """
MODEL:
  META_ARCHITECTURE: GeneralizedRCNN
  MASK_ON: true
  PIXEL_STD: [57.375, 57.12, 58.395]
  BACKBONE: {NAME: build_resnet_fpn_backbone, FREEZE_AT: 0}
  RESNETS: {DEPTH: 18, NORM: BN, RES2_OUT_CHANNELS: 64, OUT_FEATURES: [res2, res3, res4, res5]}
  FPN: {IN_FEATURES: [res2, res3, res4, res5], OUT_CHANNELS: 16}
  ANCHOR_GENERATOR: {SIZES: [[16], [32], [64], [128], [256]], ASPECT_RATIOS: [[0.5, 1.0, 2.0]]}
  RPN: {IN_FEATURES: [p2, p3, p4, p5, p6], PRE_NMS_TOPK_TEST: 60, POST_NMS_TOPK_TEST: 40}
  ROI_HEADS: {NAME: StandardROIHeads, IN_FEATURES: [p2, p3, p4, p5], NUM_CLASSES: 4, SCORE_THRESH_TEST: 0.05}
  ROI_BOX_HEAD: {NAME: FastRCNNConvFCHead, NUM_FC: 1, FC_DIM: 32, POOLER_RESOLUTION: 7}
  ROI_MASK_HEAD: {NAME: MaskRCNNConvUpsampleHead, NUM_CONV: 1, CONV_DIM: 16, POOLER_RESOLUTION: 14}
INPUT: {MIN_SIZE_TEST: 96, MAX_SIZE_TEST: 200}
VERSION: 2
"""


def write_tiny_mask_rcnn(folder: Path) -> Path:
    """A Mask R-CNN of 11 million parameters and four classes, as YAML."""
    path = folder / "tiny.yaml"
    path.write_text(TINY_MASK_RCNN)
    return path


def one_car_head(classes: int = 80, class_number: int = 2) -> np.ndarray:
    """Raw head rows (1, CELLS, 5 + classes) with one box: stride 8, cell (3, 2), so centre (28, 20), size 16 x 8 input
    pixels."""
    rows = np.zeros((1, CELLS, 5 + classes), np.float32)
    cell = 2 * (SIDE // 8) + 3
    rows[0, cell, :4] = 0.5, 0.5, np.log(2.0), 0.0
    rows[0, cell, 4], rows[0, cell, 5 + class_number] = 0.9, 0.8
    return rows


def decoded(rows: np.ndarray) -> np.ndarray:
    """The same head as an export that decodes inside: pixels of the input."""
    out = rows.copy()
    index = np.concatenate(
        [np.stack(np.meshgrid(np.arange(SIDE // s), np.arange(SIDE // s)), -1).reshape(-1, 2) for s in (8, 16, 32)]
    )
    strides = np.concatenate([np.full(((SIDE // s) ** 2, 1), s) for s in (8, 16, 32)])
    out[0, :, :2] = (rows[0, :, :2] + index) * strides
    out[0, :, 2:4] = np.exp(rows[0, :, 2:4]) * strides
    return out


def write_onnx(path: Path, rows: np.ndarray, batch: int | str = 1, channels: int = 3, side: int = SIDE) -> Path:
    """A network that gives ``rows`` for every image: it adds zero times the image's mean to them."""
    initial = [
        numpy_helper.from_array(rows, "rows"),
        numpy_helper.from_array(np.zeros(1, np.float32), "zero"),
        numpy_helper.from_array(np.array([-1, 1, 1]), "shape"),
        numpy_helper.from_array(np.array([1, 2, 3]), "axes"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "shape"], ["each"]),
        helper.make_node("Add", ["each", "rows"], ["output"]),
    ]
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, channels, side, side])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, rows.shape[1], rows.shape[2]])
    graph = helper.make_graph(nodes, "head", [image], [output], initial)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(path))
    return path
