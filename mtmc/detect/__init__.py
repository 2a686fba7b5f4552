"""Detection: frames of one camera in, boxes of vehicles out. In the order of the flow:

    params                           the menu of detectors (``DETECTORS``), which boxes
    detector                         what a detector promises
    auto                             which of them is best here
    detectron2, torchvision, onnx    networks: ``begin`` a camera, then boxes clip by clip
    motion                           moving vehicles without weights
    recorded                         boxes that were made before
    model_files                      YOLOX's published models: fetched, checked
    onnx_heads, onnx_pictures        detectors in ONNX files by their outputs, and the pictures that they want
    labels                           other people's class numbers to our labels
    detectron2_model, detectron2_files, detectron2_compat, install_detectron2
                                     Detectron2's model, its files, what it needs beside today's packages
    torch_network                    arithmetic and files of networks of torch
    postprocess                      what every detector's boxes go through: filters, NMS, appearance

Shape shorthand: B frames of a clip, N boxes, D appearance features per box.
"""

from __future__ import annotations

import time

from mtmc.detect.auto import choose, settle, what
from mtmc.detect.detector import CheckedDetector, ClipDetector, Detector
from mtmc.detect.params import DETECTORS, DetectParams, MotionParams
from mtmc.detect.postprocess import postprocess
from mtmc.plugin import make_part
from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.video import Clip, Frames, Video, ahead

__all__ = [
    "ClipDetector",
    "DetectParams",
    "Detector",
    "MotionParams",
    "choose",
    "detect",
    "make_detector",
    "seconds_per_frame",
    "settle",
    "what",
]

TIMED_FRAMES = 3


def detect(camera: Camera, frames: Frames, detector: Detector, params: DetectParams) -> Detections:
    """All vehicle boxes of a camera's video, sorted by frame, inside the image, one box per vehicle.

    Every frame is looked at. Raises InputError for a damaged video or a detector that gives impossible boxes.
    """
    step = detector.begin(camera, frames)
    parts = [postprocess(step(clip), clip, camera, params) for clip in ahead(frames.clips(params.batch))]
    return Detections.concatenate(_same_width(parts))


def make_detector(params: DetectParams, device: str = "auto") -> Detector:
    """The detector that the parameters name; ``device`` is auto, cpu, cuda, ...

    Raises ConfigError for an unknown name, WeightsError for a wrong model file, InstallError for a missing package.
    """
    return make_part("detect.detector", params.detector, DETECTORS, params, device, "begin", CheckedDetector)  # type: ignore[no-any-return]


def seconds_per_frame(camera: Camera, params: DetectParams, device: str = "auto") -> float:
    """How long detection takes here for one frame of a camera, by the clock, all cores on it: the best of a few.

    Raises UserError for a detector that cannot be made or a video that cannot be read.
    """
    frames = Video(camera)
    step = make_detector(params, device).begin(camera, frames)
    spent = []
    for number, image in frames.at(camera.frames[: TIMED_FRAMES + 1]):
        start = time.perf_counter()
        step(Clip(number, image[None]))
        spent.append(time.perf_counter() - start)
    return min(spent[1:] or spent)  # the first one warms up


def _same_width(parts: list[Detections]) -> list[Detections]:
    """Clips without boxes may not know how wide features are: leave them out."""
    return [part for part in parts if len(part)] or parts[:1]
