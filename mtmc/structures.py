"""What flows between the stages: arrays per camera clip, checked when built, never half filled.

Shape shorthand: N detections of a clip, T boxes of a tracklet or rows of a tracklet table, M sampled crops, D feature
size. Boxes are ``xyxy`` float32 pixels, 0-based, with x2 > x1 and y2 > y1; frames are 0-based int32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtmc.geometry import valid_boxes

Float = NDArray[np.float32]
Double = NDArray[np.float64]
Int = NDArray[np.int32]
Long = NDArray[np.int64]
Short = NDArray[np.int16]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
Image = NDArray[np.uint8]

LABELS: tuple[str, ...] = ("car", "bus", "truck", "van", "motorcycle", "bicycle", "person", "vehicle")
"""Our label vocabulary; a label is an index into it. ``vehicle`` = a detector that does not tell kinds apart."""


def label_index(name: str) -> int:
    """Index of a label name in ``LABELS``; raises ValueError for an unknown one."""
    return LABELS.index(name)


OTHER_NAMES = {
    "pedestrian": "person", "bicyclist": "bicycle", "cyclist": "bicycle", "bike": "bicycle",
    "motorcyclist": "motorcycle", "motorbike": "motorcycle", "sedan": "car", "suv": "car", "taxi": "car",
    "delivery_van": "van", "private_van": "van", "minivan": "van", "lorry": "truck", "pickup": "truck",
}  # fmt: skip


COCO_VEHICLES = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus", 7: "truck"}
"""COCO's 80 classes, counted from 0, as far as we have a word for them."""


def label_of(name: object) -> int | None:
    """Our label for somebody's class ("Delivery van", "lorry"); None where we have no word for it."""
    word = str(name).strip().lower().replace(" ", "_")
    word = OTHER_NAMES.get(word, word)
    return label_index(word) if word in LABELS else None


def _set(instance: object, name: str, values: ArrayLike, dtype: type[np.generic]) -> None:
    object.__setattr__(instance, name, np.ascontiguousarray(values, dtype=dtype))


def _require(condition: bool, owner: object, rule: str) -> None:
    if not condition:
        raise ValueError(f"{type(owner).__name__}: {rule}")


class Columns:
    """Base of tables: frozen dataclasses whose arrays have one row each of the same things, but for the ``SHARED``
    fields."""

    __slots__ = ()
    SHARED: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def column_names(cls) -> list[str]:
        """The fields that are arrays with a row of each thing."""
        return [f.name for f in fields(cls) if f.name not in cls.SHARED]  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(getattr(self, self.column_names()[0]))

    def take(self, rows: Mask | Rows | Long | slice) -> Self:
        """The chosen rows, in the order given; what is shared stays."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.column_names()})  # type: ignore[type-var]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The rows of several tables one after the other; what is shared is the first one's. ``parts`` is not empty."""
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in cls.column_names()}
        return replace(parts[0], **columns)  # type: ignore[type-var]

    def require_rows(self, of: str) -> None:
        """Raise ValueError unless all columns have a row per thing."""
        lengths = {len(getattr(self, name)) for name in self.column_names()}
        _require(len(lengths) == 1, self, f"needs one row per {of}")


@dataclass(frozen=True, slots=True, eq=False)
class Detections(Columns):
    """All boxes that a detector found in one camera's clip.

    frames (N,) int32 sorted; xyxy (N, 4) float32; scores (N,) float32 in [0, 1]; labels (N,) int16 into ``LABELS``;
    features (N, D) float32 appearance for the tracker, D = 0 where the detector yields none.
    Raises ValueError where an invariant does not hold.
    """

    frames: Int
    xyxy: Float
    scores: Float
    labels: Short
    features: Float

    def __post_init__(self) -> None:
        _set(self, "frames", self.frames, np.int32)
        _set(self, "xyxy", np.reshape(self.xyxy, (-1, 4)), np.float32)
        _set(self, "scores", self.scores, np.float32)
        _set(self, "labels", self.labels, np.int16)
        _set(self, "features", self.features, np.float32)
        self.require_rows("box")
        _require(self.features.ndim == 2, self, f"features must be (N, D), found {self.features.shape}")
        _require(bool(np.all(np.diff(self.frames) >= 0)), self, "frames must be sorted")
        _require(valid_boxes(self.xyxy), self, "boxes must be finite with x2 > x1 and y2 > y1")

    def rows_at(self, frame: int) -> slice:
        """Rows of one frame, as a slice: frames are sorted."""
        first, last = np.searchsorted(self.frames, (frame, frame + 1))
        return slice(int(first), int(last))

    @staticmethod
    def empty(feature_size: int = 0) -> Detections:
        """No boxes at all: a valid clip of an empty road."""
        zeros = np.zeros
        return Detections(
            zeros(0, np.int32),
            zeros((0, 4), np.float32),
            zeros(0, np.float32),
            zeros(0, np.int16),
            zeros((0, feature_size), np.float32),
        )

    @staticmethod
    def concatenate(parts: Sequence[Detections]) -> Detections:
        """Clips of one camera, in time order, joined."""
        return Detections.joined(parts) if parts else Detections.empty()


@dataclass(frozen=True, slots=True, eq=False)
class Tracklet:
    """One vehicle in one camera.

    frames (T,) int32 strictly increasing, T >= 1; xyxy (T, 4) float32; scores (T,) float32; label into ``LABELS``.
    (camera_id, track_id) is unique in a scene. Raises ValueError where an invariant does not hold.
    """

    camera_id: str
    track_id: int
    frames: Int
    xyxy: Float
    scores: Float
    label: int

    def __post_init__(self) -> None:
        _set(self, "frames", self.frames, np.int32)
        _set(self, "xyxy", np.reshape(self.xyxy, (-1, 4)), np.float32)
        _set(self, "scores", self.scores, np.float32)
        _require(
            len(self.frames) == len(self.xyxy) == len(self.scores) > 0, self, "needs one row per box, at least one"
        )
        _require(bool(np.all(np.diff(self.frames) > 0)), self, "frames must be strictly increasing")
        _require(valid_boxes(self.xyxy), self, "boxes must be finite with x2 > x1 and y2 > y1")

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def key(self) -> tuple[str, int]:
        """(camera_id, track_id)."""
        return self.camera_id, self.track_id

    def take(self, rows: Mask | Rows | slice, track_id: int | None = None) -> Tracklet:
        """The chosen boxes, under another track id if one is given."""
        number = self.track_id if track_id is None else track_id
        return Tracklet(self.camera_id, number, self.frames[rows], self.xyxy[rows], self.scores[rows], self.label)


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings(Columns):
    """Vectors of one camera's sampled crops: vectors (M, D) float32 unit rows; track_ids (M,) int64; frames (M,) int32;
    quality (M,) float32 in [0, 1], the weight of the crop in its tracklet's mean."""

    vectors: Float
    track_ids: Long
    frames: Int
    quality: Float

    def __post_init__(self) -> None:
        _set(self, "vectors", self.vectors, np.float32)
        _set(self, "track_ids", self.track_ids, np.int64)
        _set(self, "frames", self.frames, np.int32)
        _set(self, "quality", self.quality, np.float32)
        _require(self.vectors.ndim == 2, self, f"vectors must be (M, D), found {self.vectors.shape}")
        self.require_rows("crop")
        norms = np.linalg.norm(self.vectors, axis=1)
        _require(bool(np.allclose(norms, 1.0, atol=1e-3)), self, "vectors must be unit rows")

    def of(self, track_id: int) -> Embeddings:
        """The crops of one tracklet."""
        return self.take(self.track_ids == track_id)

    @staticmethod
    def empty(size: int = 0) -> Embeddings:
        """No crops: a camera without tracklets."""
        return Embeddings(
            np.zeros((0, size), np.float32), np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
        )


@dataclass(frozen=True, slots=True, eq=False)
class GlobalTrack:
    """One vehicle in all cameras; never two boxes of one camera in one frame. Ground truth has this type too."""

    vehicle_id: int
    tracklets: tuple[Tracklet, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tracklets", tuple(self.tracklets))
        _require(len(self.tracklets) > 0, self, "needs at least one tracklet")
        by_camera: dict[str, list[Int]] = {}
        for tracklet in self.tracklets:
            by_camera.setdefault(tracklet.camera_id, []).append(tracklet.frames)
        for camera_id, frames in by_camera.items():
            joined = np.concatenate(frames)
            _require(
                len(np.unique(joined)) == len(joined),
                self,
                f"vehicle {self.vehicle_id} has two boxes in one frame of {camera_id}",
            )

    @property
    def cameras(self) -> tuple[str, ...]:
        """Ids of the cameras that saw the vehicle, sorted."""
        return tuple(sorted({t.camera_id for t in self.tracklets}))


@dataclass(frozen=True, slots=True, eq=False)
class TrackletTable(Columns):
    """All tracklets of a scene, one row each: what linking needs to know, free of boxes and pixels.

    cameras: camera ids; camera (T,) int32 index into it; track_id (T,) int64; start_s, end_s (T,) float64 scene time of
    the first and last box by the cameras' own clocks; entry_xy, exit_xy (T, 2) float32 bottom centre of the first and
    last box as a fraction of the image size in [0, 1]; entry_velocity, exit_velocity (T, 2) float32 fractions of the
    image per second; size (T,) float32 sqrt(median box area / image area); label (T,) int16; quality (T,) float32 in
    [0, 1]; features (T, D) float32 unit rows.
    """

    SHARED: ClassVar[frozenset[str]] = frozenset({"cameras"})

    cameras: tuple[str, ...]
    camera: Int
    track_id: Long
    start_s: Double
    end_s: Double
    entry_xy: Float
    exit_xy: Float
    entry_velocity: Float
    exit_velocity: Float
    size: Float
    label: Short
    quality: Float
    features: Float

    def __post_init__(self) -> None:
        object.__setattr__(self, "cameras", tuple(self.cameras))
        self.require_rows("tracklet")
        _require(bool(np.all(self.end_s >= self.start_s)), self, "end_s must not be before start_s")
