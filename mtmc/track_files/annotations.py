"""Tracks of annotation and counting tools: CVAT for video 1.1, and OTVision's ``.ottrk``.

Sources: CVAT's manual, "XML annotation format"; OpenTrafficCam's ``dataformat.py`` (names and meanings only).
"""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree as ET

import numpy as np
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from mtmc.errors import InputError
from mtmc.files import decoded, first_mistake, parse_json, read_bytes, unpacked
from mtmc.geometry import valid_boxes
from mtmc.structures import Tracklet
from mtmc.track_files.rows import FARTHEST_PX, MAX_FRAME, MOST_TRACKS
from mtmc.track_files.tables import kind_of
from mtmc.track_files.told import CameraTracks

LONGEST_GAP = 100_000
"""Frames between two key frames of a track; more than an hour at 25 a second."""
Box = tuple[int, list[float], float]
"""Frame, corners, score."""


def read_cvat(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    """CVAT for video 1.1: each ``<track>`` a tracklet, between key frames on a straight line as CVAT shows it.

    Raises InputError for a file of another kind or a box that is none.
    """
    first = 0 if first_frame is None else first_frame
    name = camera_id or path.stem
    try:
        root = ET.fromstring(read_bytes(path, "annotations of CVAT for video 1.1"))
        tracklets = [
            _tracklet(name, int(track.get("id", "")), list(_cvat_boxes(track, first)), track.get("label"))
            for track in root.iter("track")
        ]
        task = root.find("./meta/task/original_size")
        size = None if task is None else (int(task.findtext("width", "")), int(task.findtext("height", "")))
        count = root.findtext("./meta/task/size")
        length = None if count is None else int(count)
    except (ET.ParseError, ValueError, TypeError, OverflowError) as error:
        raise InputError(path, "annotations of CVAT for video 1.1", str(error), "Export them anew.") from error
    found = [tracklet for tracklet in tracklets if tracklet is not None]
    return [CameraTracks(name, found, first, size=size, frame_count=length)]


def _cvat_boxes(track: ET.Element, first_frame: int) -> Iterator[Box]:
    before: tuple[int, np.ndarray] | None = None
    for element in track.iter("box"):
        frame = int(element.get("frame", "")) - first_frame
        box = np.array([float(element.get(name, "")) for name in ("xtl", "ytl", "xbr", "ybr")])
        if before is not None:
            if frame - before[0] > LONGEST_GAP:
                raise ValueError(f"key frames {before[0]} and {frame}, more than {LONGEST_GAP:,} apart")
            for between in range(before[0] + 1, frame):
                share = (between - before[0]) / (frame - before[0])
                yield between, (before[1] + share * (box - before[1])).tolist(), 1.0
        before = None
        if element.get("outside") != "1":
            yield frame, box.tolist(), 1.0
            before = frame, box


Frame = Annotated[int, Field(ge=0, le=MAX_FRAME)]
Pixels = Annotated[float, Field(ge=-FARTHEST_PX, le=FARTHEST_PX)]


class OtBox(BaseModel):
    """A box of OTVision, by its upper left corner."""

    frame: Frame
    track: Annotated[int, Field(alias="track-id", ge=0, le=MOST_TRACKS)]
    x: Pixels
    y: Pixels
    w: Pixels
    h: Pixels
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    kind: Annotated[str, Field(alias="class")] = "vehicle"


class OtVideo(BaseModel):
    """What OTVision knows of the video; names have changed over the years."""

    width: Annotated[int, Field(ge=1)] | None = None
    height: Annotated[int, Field(ge=1)] | None = None
    fps: Annotated[float, Field(gt=0)] | None = Field(
        None, validation_alias=AliasChoices("actual_fps", "recorded_fps", "fps")
    )
    frames: Frame | None = Field(None, validation_alias=AliasChoices("number_of_frames", "frames"))
    start: datetime | None = Field(None, alias="recorded_start_date")


class OtBoxes(BaseModel):
    """All boxes of a file."""

    detections: list[OtBox]


class OtMetadata(BaseModel):
    """Of a file; what is not about the video is left alone."""

    video: OtVideo = Field(default_factory=OtVideo, validation_alias=AliasChoices("vid", "video"))


class OtFile(BaseModel):
    """An ``.ottrk`` file."""

    data: OtBoxes
    metadata: OtMetadata


def read_ottrk(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    """OTVision's tracks (JSON, packed with bzip2): boxes by their upper left corner, frames from 1.

    Raises InputError for a file of another kind.
    """
    first, name = 1 if first_frame is None else first_frame, camera_id or path.stem
    expected, fix = "an .ottrk file of OTVision", "Track again, or export as CSV."
    try:
        with bz2.open(path) as packed:
            content = OtFile.model_validate(parse_json(decoded(unpacked(packed, path), path), path))
        by_track: dict[int, list[OtBox]] = {}
        for box in sorted(content.data.detections, key=lambda box: box.frame):
            by_track.setdefault(box.track, []).append(box)
        found = [_tracklet(name, n, [_ot_box(b, first) for b in mine], _kind(mine)) for n, mine in by_track.items()]
    except ValidationError as error:
        raise InputError(path, expected, first_mistake(error), fix) from error
    except (OSError, EOFError, ValueError) as error:
        raise InputError(path, expected, f"{error}", fix) from error
    video = content.metadata.video
    size = (video.width, video.height) if video.width and video.height else None
    start = video.start if video.start is None or video.start.tzinfo else video.start.replace(tzinfo=UTC)
    tracklets = [tracklet for tracklet in found if tracklet is not None]
    return [CameraTracks(name, tracklets, first, video.fps, size, video.frames or None, start=start)]


def _ot_box(box: OtBox, first_frame: int) -> Box:
    return box.frame - first_frame, [box.x, box.y, box.x + box.w, box.y + box.h], box.confidence


def _kind(boxes: list[OtBox]) -> str:
    names = [box.kind for box in boxes]
    return max(sorted(set(names)), key=names.count)


def _tracklet(camera_id: str, number: int, boxes: list[Box], kind: str | None) -> Tracklet | None:
    """None for a track without a visible box. Raises ValueError for a box that is none."""
    if not boxes:
        return None
    if not 0 <= number <= MOST_TRACKS:
        raise ValueError(f"a track of number {number}")
    frames, corners, scores = (np.array(values) for values in zip(*boxes, strict=True))
    if not valid_boxes(corners.astype(np.float32)) or np.abs(corners).max() > FARTHEST_PX:
        raise ValueError(f"track {number} has a box without area, or one beyond {FARTHEST_PX:,} pixels")
    if frames.min() < 0 or frames.max() > MAX_FRAME:
        raise ValueError(f"track {number} has frames outside 0 to {MAX_FRAME}")
    return Tracklet(camera_id, number, frames, corners, scores, kind_of(kind or "vehicle"))
