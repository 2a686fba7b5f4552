"""Tracks of annotation and counting tools: CVAT for video 1.1, and OTVision's ``.ottrk``.

Sources: CVAT's manual, "XML annotation format"; OpenTrafficCam's ``dataformat.py`` (names and meanings only).
"""

from __future__ import annotations

import bz2
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from mtmc.errors import InputError
from mtmc.files import check_file, decoded, parse_json, unpacked
from mtmc.geometry import valid_boxes
from mtmc.structures import Tracklet
from mtmc.track_files.tables import kind_of
from mtmc.track_files.told import CameraTracks

Box = tuple[int, list[float], float]
"""Frame, corners, score."""


def read_cvat(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    """CVAT for video 1.1: each ``<track>`` a tracklet, between key frames on a straight line as CVAT shows it.

    Raises InputError for a file of another kind or a box that is none.
    """
    first = 0 if first_frame is None else first_frame
    name = camera_id or path.stem
    try:
        root = ET.parse(path).getroot()
        tracklets = [
            _tracklet(name, int(track.get("id", "")), list(_cvat_boxes(track, first)), track.get("label"))
            for track in root.iter("track")
        ]
        task = root.find("./meta/task/original_size")
        size = None if task is None else (int(task.findtext("width", "")), int(task.findtext("height", "")))
        count = root.findtext("./meta/task/size")
    except (ET.ParseError, ValueError, TypeError) as error:
        raise InputError(path, "annotations of CVAT for video 1.1", str(error), "Export them anew.") from error
    found = [tracklet for tracklet in tracklets if tracklet is not None]
    return [CameraTracks(name, found, first, size=size, frame_count=None if count is None else int(count))]


def _cvat_boxes(track: ET.Element, first_frame: int) -> Iterator[Box]:
    before: tuple[int, np.ndarray] | None = None
    for element in track.iter("box"):
        frame = int(element.get("frame", "")) - first_frame
        box = np.array([float(element.get(name, "")) for name in ("xtl", "ytl", "xbr", "ybr")])
        if before is not None:
            for between in range(before[0] + 1, frame):
                share = (between - before[0]) / (frame - before[0])
                yield between, (before[1] + share * (box - before[1])).tolist(), 1.0
        before = None
        if element.get("outside") != "1":
            yield frame, box.tolist(), 1.0
            before = frame, box


def read_ottrk(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    """OTVision's tracks (JSON, packed with bzip2): boxes by their upper left corner, frames from 1.

    Raises InputError for a file of another kind.
    """
    first, name = 1 if first_frame is None else first_frame, camera_id or path.stem
    check_file(path, "an .ottrk file of OTVision")
    try:
        with bz2.open(path) as packed:
            content = parse_json(decoded(unpacked(packed, path), path), path)
        rows = content["data"]["detections"]
        video = content["metadata"].get("vid") or content["metadata"].get("video") or {}
        by_track: dict[int, list[Mapping[str, Any]]] = {}
        for row in rows:
            by_track.setdefault(int(row["track-id"]), []).append(row)
        tracklets = [_tracklet(name, n, list(_ottrk_boxes(mine, first)), _kind(mine)) for n, mine in by_track.items()]
        size = (int(video["width"]), int(video["height"])) if {"width", "height"} <= video.keys() else None
        rate = video.get("actual_fps") or video.get("recorded_fps") or video.get("fps")
        count = video.get("number_of_frames") or video.get("frames")
        start = _moment(video.get("recorded_start_date"))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(path, "an .ottrk file of OTVision", f"{error}", "Track again, or export as CSV.") from error
    found = [tracklet for tracklet in tracklets if tracklet is not None]
    fps = None if rate is None else float(rate)
    return [CameraTracks(name, found, first, fps, size, None if count is None else int(count), start=start)]


def _ottrk_boxes(rows: list[Mapping[str, Any]], first_frame: int) -> Iterator[Box]:
    for row in sorted(rows, key=lambda row: int(row["frame"])):
        left, top = float(row["x"]), float(row["y"])
        corners = [left, top, left + float(row["w"]), top + float(row["h"])]
        yield int(row["frame"]) - first_frame, corners, float(row.get("confidence", 1.0))


def _kind(rows: list[Mapping[str, Any]]) -> str:
    names = [str(row.get("class", "vehicle")) for row in rows]
    return max(sorted(set(names)), key=names.count)


def _moment(value: object) -> datetime | None:
    """A start that is told as seconds since 1970 or as date and time; in UTC where no zone is told."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _tracklet(camera_id: str, number: int, boxes: list[Box], kind: str | None) -> Tracklet | None:
    """None for a track without a visible box. Raises ValueError for a box that is none."""
    if not boxes:
        return None
    frames, corners, scores = (np.array(values) for values in zip(*boxes, strict=True))
    if not valid_boxes(corners.astype(np.float32)):
        raise ValueError(f"track {number} has a box without area")
    if frames[0] < 0:
        raise ValueError(f"track {number} begins before the first frame")
    return Tracklet(camera_id, number, frames, corners, scores, kind_of(kind or "vehicle"))
