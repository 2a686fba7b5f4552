"""What files of tracks tell of their cameras, and the scene that it makes together with what the user says."""

from __future__ import annotations

import configparser
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from mtmc.errors import InputError
from mtmc.files import read_text
from mtmc.scene import FASTEST_FPS, MOST_SECONDS, SLOWEST_FPS, Camera, Scene
from mtmc.scene_reader.clocks import on_one_clock
from mtmc.structures import Tracklet

logger = logging.getLogger(__name__)

MOST_FRAMES = 1 << 26
"""Of a camera without a video; four weeks at 25 a second."""
LARGEST_SIDE = 65_536
CAMERA = "{camera}"
"""Stands for the camera's id in a pattern of paths."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraTracks:
    """A camera's tracklets, frames from 0 whatever their file counts from (``first_frame``); None for what the file
    does not tell: frames per second, (width, height) in pixels, number of frames, start in seconds on the scene's clock
    or by the clock."""

    camera_id: str
    tracklets: Sequence[Tracklet]
    first_frame: int
    fps: float | None = None
    size: tuple[int, int] | None = None
    frame_count: int | None = None
    offset_s: float | None = None
    start: datetime | None = None


def read_seqinfo(tracks: CameraTracks, path: Path) -> CameraTracks:
    """With what MOTChallenge's ``seqinfo.ini`` above the file says, if there is one. Raises InputError."""
    ini = next((folder / "seqinfo.ini" for folder in path.parents[:2] if (folder / "seqinfo.ini").is_file()), None)
    if ini is None:
        return tracks
    parser = configparser.ConfigParser()
    try:
        parser.read_string(read_text(ini))
        said = parser["Sequence"]
        size, fps = (said.getint("imWidth"), said.getint("imHeight")), said.getfloat("frameRate")
        count = said.getint("seqLength")
    except (configparser.Error, KeyError, ValueError) as error:
        expected = "[Sequence] with frameRate, seqLength, imWidth, imHeight"
        raise InputError(ini, expected, str(error).splitlines()[0], "Correct it, or take it away.") from error
    whole = (size[0], size[1]) if size[0] and size[1] else None
    return replace(tracks, fps=fps or None, size=whole, frame_count=count or None)


def scene_of(
    found: Mapping[str, CameraTracks],
    folder: Path,
    fps: Mapping[str, float],
    sizes: Mapping[str, tuple[int, int]],
    offsets: Mapping[str, float],
) -> Scene:
    """A scene without videos. What the user says of a camera, or of all under "", goes before what files tell.

    fps: frames per second; sizes: (width, height) in pixels; offsets: starts in seconds on the scene's clock. Raises
    InputError for a camera whose rate nobody tells.
    """
    for camera_id in sorted({*fps, *sizes, *offsets} - {"", *found}):
        logger.warning("%s is no camera of these tracks", camera_id)
    guessed = {k: _around(t) for k, t in found.items() if not (sizes.get(k) or sizes.get("") or t.size)}
    if guessed:
        reach = ", ".join(f"{camera_id} {width}x{height}" for camera_id, (width, height) in guessed.items())
        logger.warning("Pictures are taken to be as large as the boxes reach (%s); --size says it better.", reach)
    cameras = {}
    for camera_id, tracks in found.items():
        rate = fps.get(camera_id) or fps.get("") or tracks.fps
        if rate is None:
            fix = "Give --fps 10, or --fps c001=10 for one camera."
            raise InputError(f"camera {camera_id}", "frames per second", "none told by its file", fix)
        start = offsets.get(camera_id, tracks.offset_s)
        last = max((int(t.frames[-1]) for t in tracks.tracklets), default=0)
        cameras[camera_id] = Camera(
            camera_id, folder / camera_id, rate, max(tracks.frame_count or 0, last + 1),
            sizes.get(camera_id) or sizes.get("") or tracks.size or guessed[camera_id],
            offset_s=start or 0.0, offset_known=start is not None,
        )  # fmt: skip
        _check(cameras[camera_id])
    return on_one_clock(Scene(folder.stem, cameras, folder=folder), {k: t.start for k, t in found.items()})


def _check(camera: Camera) -> None:
    """Raise InputError for a camera as there is none."""
    sides = f"{camera.size[0]} x {camera.size[1]} pixels"
    for expected, found, fits in (
        (f"{SLOWEST_FPS} to {FASTEST_FPS:g} frames per second", camera.fps, SLOWEST_FPS <= camera.fps <= FASTEST_FPS),
        (f"at most {MOST_FRAMES:,} frames", f"{camera.frame_count:,}", camera.frame_count <= MOST_FRAMES),
        (f"sides of 1 to {LARGEST_SIDE:,} pixels", sides, min(camera.size) > 0 and max(camera.size) <= LARGEST_SIDE),
        (f"a start within {MOST_SECONDS:,.0f} s", camera.offset_s, abs(camera.offset_s) <= MOST_SECONDS),
    ):
        if not fits:
            raise InputError(f"camera {camera.id}", expected, str(found), "Correct its file or the option.")


def _around(tracks: CameraTracks) -> tuple[int, int]:
    """The smallest picture that holds all boxes."""
    corners = [t.xyxy.max(axis=0)[2:] for t in tracks.tracklets] or [np.ones(2)]
    width, height = np.ceil(np.max(corners, axis=0)).astype(int).tolist()
    return max(width, 1), max(height, 1)
