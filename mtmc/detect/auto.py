"""``auto``: the detector that this machine is best served by.

The user's weights; else Mask R-CNN where there is a GPU to run it; else YOLOX on the processor, fetched once; else,
without a network, the packaged street detector.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mtmc.detect.detector import CheckedDetector
from mtmc.detect.model_files import BY_HAND, PUBLISHED, RELEASE, Unreachable, is_here
from mtmc.detect.params import DETECTORS, DetectParams, required_weights
from mtmc.devices import has_gpu
from mtmc.plugin import make_part
from mtmc.weights import STREET_DETECTOR

logger = logging.getLogger(__name__)

DEFAULT = "yolox_nano"
"""Of YOLOX on the processor: .025 processor-s a frame, AP50 .728 and .964 on two real clips with complete truth."""


def make(params: DetectParams, device: str) -> Any:
    """What ``settle`` makes of the parameters, made. Raises as it and that detector do."""
    settled = settle(params, device)
    return make_part("detect.detector", settled.detector, DETECTORS, settled, device, "begin", CheckedDetector)


def choose(params: DetectParams, device: str = "auto") -> DetectParams:
    """The detector that ``auto`` stands for here, named; nothing is fetched. Another detector stays as it is."""
    if params.detector != "auto":
        return params
    if params.weights is not None or params.model != "auto":
        return params.model_copy(update={"detector": _of_weights(params)})
    if has_gpu(device):
        there = find_spec("detectron2") is not None
        return params.model_copy(update={"detector": "detectron2" if there else "torchvision"})
    return params.model_copy(update={"detector": "onnx", "weights": Path(DEFAULT)})


def settle(params: DetectParams, device: str = "auto") -> DetectParams:
    """``choose``, with a model that is given by its name fetched: what stands in a run's configuration.

    Raises WeightsError where a model asked for by name cannot be had; ``auto`` takes the packaged one then.
    """
    chosen = choose(params, device)
    try:
        if chosen.detector == "onnx" and str(chosen.weights) in (*PUBLISHED, *BY_HAND):
            path = required_weights(chosen)
            return chosen.model_copy(update={"weights": path, "mirror": RELEASE})  # where it came from changes nothing
        if params.detector == "auto" and chosen.weights is None and chosen.model == "auto":
            _fetch_mask_rcnn(chosen)
    except Unreachable as error:
        if params.detector != "auto" or params.weights is not None:
            raise
        return _packaged(params, error)
    return chosen


def _fetch_mask_rcnn(params: DetectParams) -> None:
    """Once and here, rather than in every camera's process."""
    if params.detector == "detectron2":
        from mtmc.detect.detectron2_model import published_file

        published_file(params)
    else:
        from mtmc.detect.torchvision import published_weights

        published_weights()


def what(params: DetectParams) -> str:
    """A chosen detector in words."""
    name = str(params.weights)
    if params.detector == "onnx" and name in PUBLISHED:
        return f"onnx with {name}" + ("" if is_here(name) else f" ({PUBLISHED[name].size / 1e6:.1f} MB, not here yet)")
    return params.detector + ("" if params.weights is None else f" with {params.weights.name}")


def _of_weights(params: DetectParams) -> str:
    """Which detector reads the user's model."""
    name = str(params.weights)
    if name.endswith(".onnx") or name in (*PUBLISHED, *BY_HAND):
        return "onnx"
    if name.endswith((".txt", ".csv")):
        return "recorded"
    return "detectron2"


def _packaged(params: DetectParams, error: Unreachable) -> DetectParams:
    logger.warning("%s: %s. The packaged detector (street) detects instead.", error.where, error.found)
    return params.model_copy(update={"detector": "onnx", "weights": STREET_DETECTOR})
