"""What to detect with, and which boxes to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from mtmc.detect.model_files import BY_HAND, PUBLISHED, RELEASE, fetch
from mtmc.detect.torch_network import Precision
from mtmc.errors import WeightsError, require
from mtmc.params import OPTIONS, Params, StageParams
from mtmc.plugin import check_part, source_file
from mtmc.structures import LABELS
from mtmc.weights import DETECTOR, STREET_DETECTOR

DEFAULT_MODEL = "COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x"
RANDOM = "random"
"""In place of a weights file: a network that knows nothing."""

PACKAGED = {"demo": DETECTOR, "street": STREET_DETECTOR}
"""Weights that come with the package, by their names."""

DETECTORS = {
    name: f"mtmc.detect.{name}:make" for name in ("auto", "detectron2", "torchvision", "onnx", "motion", "recorded")
}


class MotionParams(Params):
    """Background subtraction: what stands out, what is a shadow, what is big enough."""

    learn_s: float = Field(default=60.0, gt=0)
    """The empty road is the median of frames spread over this many first seconds."""
    adapt_s: float = Field(default=20.0, gt=0)
    """The empty road follows the light with this time constant."""
    work_width_px: int = Field(default=720, ge=64, le=4096)
    """Wider videos are shrunk to this width first."""
    min_difference: float = Field(default=16.0, gt=0, le=255)
    """Grey levels by which a pixel must differ from the empty road."""
    shadow_dark: float = Field(default=0.5, ge=0, le=1)
    """A pixel at least this bright, as a share of the empty road, and of its colour and texture counts as shadow; 1 =
    no shadows."""
    close_px: int = Field(default=9, ge=1, le=101)
    """Gaps of up to this many working pixels inside a vehicle are closed."""
    min_area_share: float = Field(default=0.001, gt=0, lt=1)
    """Smallest blob, as a share of the image's area."""
    max_area_share: float = Field(default=0.6, gt=0, le=1)
    """A larger blob is a change of light or a shake of the camera, no vehicle."""
    min_fill: float = Field(default=0.35, ge=0, le=1)
    """Share of its box that a blob fills at least."""


PACKAGES = {"detectron2": "detectron2", "torchvision": "torchvision"}
"""What detectors need beyond the core."""


class DetectParams(StageParams):
    """What to detect with, and which boxes to keep."""

    detector: str = "auto"
    """auto, detectron2, torchvision, onnx, motion, recorded, or ``module:callable`` that takes (params, device). auto:
    what reads the weights given; else Mask R-CNN on a GPU; else YOLOX, fetched once; without a network, the packaged
    ``street``."""
    options: dict[str, Any] = OPTIONS
    weights: Path | None = None
    """Model file; detectron2 and torchvision fetch their published one if none is given; ``yolox_nano``, ``yolox_tiny``
    or ``yolox_s`` for those of YOLOX's release; ``street`` for the light one that comes with the package, ``demo`` for
    the slim Mask R-CNN beside it, which knows the synthetic city alone; ``random`` for trying out."""
    mirror: str = RELEASE
    """Where YOLOX's models are fetched from: an address under which the files lie by their names."""
    model: str = "auto"
    """detectron2: a model zoo name or a YAML file; auto: the YAML beside the weights (same name), else
    COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x."""
    model_classes: tuple[str, ...] = ()
    """Our label for each class of an own model, in its order; empty: COCO's classes, or what the model says itself."""
    recorded: str = "det/det_mask_rcnn.txt"
    """recorded: MOT detection file, from the camera's folder or the working folder; {camera} stands for the camera
    id."""
    classes: tuple[str, ...] = ("car", "bus", "truck", "van", "vehicle")
    """Labels that are kept."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """Weak boxes are kept: the tracker takes them up to carry on a track, not to start one."""
    nms_iou: float = Field(default=0.6, gt=0, le=1)
    """Of two boxes of any class that overlap more (intersection over union) the better one stays."""
    min_side_px: float = Field(default=8.0, gt=0)
    """Shorter side of the smallest box kept, pixels of the video."""
    appearance: Literal["auto", "detector", "histogram", "none"] = "auto"
    """Features of boxes for the tracker: the detector's own, colour histograms, none; auto: its own if it has any, else
    histograms."""
    short_side_px: int = Field(default=0, ge=0, le=4096)
    """Frames are resized to this shorter side for the network; 0: as the model was trained."""
    batch: int = Field(default=4, ge=1, le=256)
    """Frames at once."""
    slice_s: float | None = Field(default=None, gt=0)
    """Long recordings are worked on in slices of about so many seconds, at once if there are cores; none: 60, but whole
    recordings for a detector that remembers (motion, outside ones): it begins afresh in each piece."""
    precision: Precision = "auto"
    """detectron2, torchvision: arithmetic of the backbone; auto: bfloat16 where the device computes it natively, else
    float32."""
    motion: MotionParams = MotionParams()

    @field_validator("weights", mode="before")
    @classmethod
    def _packaged(cls, value: object) -> object:
        return PACKAGED.get(value, value) if isinstance(value, str) else value

    @field_validator("mirror")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://", "file://")):
            raise ValueError("an address that begins with https://, http:// or file://")
        return value

    @field_validator("recorded")
    @classmethod
    def _path(cls, value: str) -> str:
        if "://" in value:
            raise ValueError("a path from the camera's folder, not a URL")
        return value

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

    @property
    def frame_by_frame(self) -> bool:
        """Whether the detector looks at every frame by itself; nobody knows of one from outside."""
        return self.detector in DETECTORS and self.detector != "motion"

    def check(self) -> None:
        """Raises ConfigError for an unknown detector, WeightsError for a missing model file."""
        check_part("detect.detector", self.detector, DETECTORS)
        if self.detector in PACKAGES:
            require(PACKAGES[self.detector])
        named = str(self.weights) in (RANDOM, *PUBLISHED, *BY_HAND)
        if self.detector == "onnx" or (self.weights is not None and not named and self.detector != "recorded"):
            required_weights(self)

    def model_file(self) -> Path | None:
        """detectron2: the YAML file named, or the one beside the weights; None for a model of the zoo."""
        if self.model.endswith((".yaml", ".yml")):
            return Path(self.model)
        beside = self.weights.with_suffix(".yaml") if self.weights is not None and self.weights.name else None
        return beside if self.model == "auto" and beside is not None and beside.is_file() else None

    def recorded_file(self, folder: Path, camera_id: str) -> Path:
        """recorded: the camera's file of boxes, from its folder or else the working folder; may be missing."""
        name = (self.recorded if self.weights is None else str(self.weights)).replace("{camera}", camera_id)
        here = folder / name
        return here if here.is_file() or not Path(name).is_file() else Path(name)


def required_weights(params: DetectParams) -> Path:
    """The weights file, fetched if it is a published model's name. Raises WeightsError where none is given or can be
    had."""
    if params.weights is None:
        fix = f"Give one with --weights: a file, or {' or '.join(PUBLISHED)}, which is fetched."
        raise WeightsError(f"detector {params.detector}", "a model file", "none", fix)
    if str(params.weights) in (*PUBLISHED, *BY_HAND):
        return fetch(str(params.weights), params.mirror)
    if not params.weights.is_file():
        raise WeightsError(params.weights, "a model file", "no such file", "Check --weights.")
    return params.weights
