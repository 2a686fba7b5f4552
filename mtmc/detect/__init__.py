"""Detection: frames of one camera in, boxes of vehicles out.

Shape shorthand: B frames of a clip, N boxes, D appearance features per box.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from mtmc.appearance import histogram_rows
from mtmc.detect.motion import MotionParams
from mtmc.detect.suppress import suppress
from mtmc.detect.torch_device import Precision
from mtmc.errors import UserError, WeightsError
from mtmc.geometry import clip_boxes
from mtmc.params import OPTIONS, StageParams
from mtmc.plugin import check_part, make_part, source_file
from mtmc.scene import Camera
from mtmc.structures import LABELS, Detections
from mtmc.video import Clip, Frames
from mtmc.weights import DETECTOR

__all__ = ["ClipDetector", "DetectParams", "Detector", "MotionParams", "detect", "make_detector"]

ClipDetector = Callable[[Clip], Detections]
"""Boxes of one clip, numbered and sorted by frame; may remember earlier clips of the same camera."""

DEFAULT_MODEL = "COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x"
RANDOM = "random"
"""In place of a weights file: a network that knows nothing."""

DETECTORS = {name: f"mtmc.detect.{name}:make" for name in ("detectron2", "torchvision", "onnx", "motion", "recorded")}


class Detector(Protocol):
    """Finds vehicles. One object serves many cameras; what it learns about a camera lives in what ``begin`` returns."""

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Start a camera's video afresh: a function that takes its clips in order. ``frames`` is for a look ahead."""
        ...


class DetectParams(StageParams):
    """What to detect with, and which boxes to keep."""

    detector: str = "detectron2"
    """detectron2, torchvision, onnx, motion, recorded, or ``module:callable`` that takes (params, device)."""
    options: dict[str, Any] = OPTIONS
    weights: Path | None = None
    """Model file; detectron2 and torchvision fetch their published one if none is given; ``demo`` for the slim one that comes with the package; ``random`` for trying out."""
    model: str = "auto"
    """detectron2: a model zoo name or a YAML file; auto: the YAML beside the weights (same name), else
    COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x."""
    model_classes: tuple[str, ...] = ()
    """Our label for each class of an own model, in its order; empty: COCO's classes, or what the model says itself."""
    recorded: str = "det/det_mask_rcnn.txt"
    """recorded: MOT detection file, from the camera's folder or the working folder; {camera} stands for the camera id."""
    classes: tuple[str, ...] = ("car", "bus", "truck", "van", "vehicle")
    """Labels that are kept."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """Weak boxes are kept: the tracker takes them up to carry on a track, not to start one."""
    nms_iou: float = Field(default=0.6, gt=0, le=1)
    """Of two boxes of any class that overlap more (intersection over union) the better one stays."""
    min_side_px: float = Field(default=8.0, gt=0)
    """Shorter side of the smallest box kept, pixels of the video."""
    appearance: Literal["auto", "detector", "histogram", "none"] = "auto"
    """Features of boxes for the tracker: the detector's own, colour histograms, none; auto: its own if it has any, else histograms."""
    short_side_px: int = Field(default=0, ge=0, le=4096)
    """Frames are resized to this shorter side for the network; 0: as the model was trained."""
    batch: int = Field(default=4, ge=1, le=256)
    """Frames at once."""
    precision: Precision = "auto"
    """detectron2, torchvision: arithmetic of the backbone; auto: bfloat16 where the device computes it natively, else float32."""
    motion: MotionParams = MotionParams()

    @field_validator("weights", mode="before")
    @classmethod
    def _demo(cls, value: object) -> object:
        return DETECTOR if value == "demo" else value

    @field_validator("classes", "model_classes")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in (*LABELS, "")]
        if unknown:
            raise ValueError(f"unknown label {unknown[0]!r}, known are {', '.join(LABELS)}")
        return names

    def input_files(self, folder: Path, camera_id: str) -> dict[str, Path]:
        """The model file with its configuration, the recorded boxes, the code of an outside detector."""
        code = source_file(self.detector, DETECTORS)
        files = {"detector": code, "weights": self.weights, "model": self.model_file()}
        if self.detector == "recorded":
            files = {"recorded": self.recorded_file(folder, camera_id)}
        return {key: path for key, path in files.items() if path is not None}

    def check(self) -> None:
        """Raises ConfigError for an unknown detector, WeightsError for a missing model file."""
        check_part("detect.detector", self.detector, DETECTORS)
        if self.detector == "onnx" or (self.weights not in (None, Path(RANDOM)) and self.detector != "recorded"):
            required_weights(self)

    def model_file(self) -> Path | None:
        """detectron2: the YAML file named, or the one beside the weights; None for a model of the zoo."""
        if self.model.endswith((".yaml", ".yml")):
            return Path(self.model)
        beside = self.weights.with_suffix(".yaml") if self.weights is not None else None
        return beside if self.model == "auto" and beside is not None and beside.is_file() else None

    def recorded_file(self, folder: Path, camera_id: str) -> Path:
        """recorded: the camera's file of boxes, from its folder or else the working folder; may be missing."""
        name = (self.recorded if self.weights is None else str(self.weights)).replace("{camera}", camera_id)
        here = folder / name
        return here if here.is_file() or not Path(name).is_file() else Path(name)


def detect(camera: Camera, frames: Frames, detector: Detector, params: DetectParams) -> Detections:
    """All vehicle boxes of a camera's video, sorted by frame, inside the image, one box per vehicle.

    Every frame is looked at. Raises InputError for a damaged video or a detector that gives impossible boxes.
    """
    step = detector.begin(camera, frames)
    parts = [_tidy(step(clip), clip, camera, params) for clip in frames.clips(params.batch)]
    return Detections.concatenate(_same_width(parts))


def make_detector(params: DetectParams, device: str = "auto") -> Detector:
    """The detector that the parameters name; ``device`` is auto, cpu, cuda, ...

    Raises ConfigError for an unknown name, WeightsError for a wrong model file, InstallError for a missing package.
    """
    return make_part("detect.detector", params.detector, DETECTORS, params, device, "begin")  # type: ignore[no-any-return]


def required_weights(params: DetectParams) -> Path:
    """The weights file. Raises WeightsError where none is given or there is no such file."""
    if params.weights is None:
        raise WeightsError(f"detector {params.detector}", "a model file", "none", "Give one with --weights.")
    if not params.weights.is_file():
        raise WeightsError(params.weights, "a model file", "no such file", "Check --weights.")
    return params.weights


# --- what every detector's boxes go through ---------------------------------------------------------------------------


def _tidy(found: Detections, clip: Clip, camera: Camera, params: DetectParams) -> Detections:
    """The boxes worth keeping of one clip, with features."""
    if not np.isin(found.frames, clip.frames).all():
        raise UserError(params.detector, "boxes of the clip's frames", "others", "Correct the detector.")
    xyxy = clip_boxes(found.xyxy, camera.size)
    sides = np.minimum(xyxy[:, 2] - xyxy[:, 0], xyxy[:, 3] - xyxy[:, 1])
    wanted = np.isin(found.labels, [LABELS.index(name) for name in params.classes])
    rows = np.flatnonzero((found.scores >= params.min_score) & wanted & (sides >= params.min_side_px))
    rows = rows[suppress(found.frames[rows], xyxy[rows], found.scores[rows], params.nms_iou)]
    kept = Detections(found.frames[rows], xyxy[rows], found.scores[rows], found.labels[rows], found.features[rows])
    return _with_features(kept, clip, params)


def _with_features(found: Detections, clip: Clip, params: DetectParams) -> Detections:
    if params.appearance == "detector" or (params.appearance == "auto" and found.features.shape[1]):
        return found
    features = np.zeros((len(found), 0), np.float32)
    if params.appearance != "none":
        features = _histograms(found, clip)
    return Detections(found.frames, found.xyxy, found.scores, found.labels, features)


def _histograms(found: Detections, clip: Clip) -> NDArray[np.float32]:
    images = [clip.images[frame - clip.first_frame] for frame in found.frames]
    return histogram_rows(images, found.xyxy)


def _same_width(parts: list[Detections]) -> list[Detections]:
    """Clips without boxes may not know how wide features are: leave them out."""
    return [part for part in parts if len(part)] or parts[:1]
