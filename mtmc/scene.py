"""A scene's types: recordings, cameras, clocks; the only place that turns frames into seconds and pixels into metres.

``mtmc.scene_reader`` makes them from folders. Shape shorthand: N frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike

from mtmc.calibration import Calibration
from mtmc.files import check_file
from mtmc.files.images import read_image
from mtmc.geometry import project
from mtmc.structures import Double, Long, Mask, Rows

SLOWEST_FPS, FASTEST_FPS = 0.1, 1000.0
"""Frame rates that a camera may have, where somebody tells one."""
MOST_SECONDS = 1e10
"""Three centuries: no clock is further off."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One file of a camera, by its packets: which frames it shows, and when.

    Frames are counted from 0 in the order in which they are shown. stamps (N,): their presentation stamps as the file
    has them, ``exact`` if each frame can be told by its own; times_s (N,): seconds since the first frame, rising; keys
    (K,): frames that start without knowing others, ``jumps`` if reading can begin there; fps: the rate that explains
    the times where they are ``constant``, else one over the usual step; ``stamped`` False for a stream without any
    clock, whose rate is a guess. size: (width, height) as shown, after turning by ``orientation`` (EXIF's code, 1 =
    upright). promised: frames that the container counts, 0 where it does not; hidden: frames stored but not shown;
    damaged: packets that came broken; last_size: that of the last pictures; pictures: a folder of pictures instead of a
    file.
    """

    path: Path
    stamps: Long
    times_s: Double
    keys: Rows
    fps: float
    size: tuple[int, int]
    orientation: int = 1
    exact: bool = True
    constant: bool = True
    stamped: bool = True
    promised: int = 0
    hidden: int = 0
    damaged: int = 0
    last_size: tuple[int, int] | None = None
    pictures: bool = False
    jumps: bool = True

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last."""
        return len(self) / self.fps if self.constant else float(self.times_s[-1]) + 1 / self.fps


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """One camera of a scene. ``size`` is (width, height) in pixels; ``offset_s`` the start of its video on the scene's
    clock, ``offset_known`` whether anybody said so; ``image_to_ground`` (3, 3) maps undistorted pixels to metres (east,
    north) of the scene's origin, None without calibration.

    ``recordings`` (R) hold its ``frame_count`` frames, numbered through; they start ``starts_s`` after the first one.
    ``times_s`` (N,) is the frames' time since the first one, None where they follow each other ``fps`` times a second.
    Only the ``chosen`` frames are looked at, every ``stride``-th as a rule; None: all. ``zones``: drawn entry and exit
    zones, name and points (P, 2) as fractions of the image.
    A part of a camera (``parts``) knows its own recording only, which begins at ``first_frame``; frames keep their
    numbers.
    """

    id: str
    video: Path
    fps: float
    frame_count: int
    size: tuple[int, int]
    offset_s: float = 0.0
    offset_known: bool = False
    calibration: Calibration | None = None
    image_to_ground: Double | None = None
    roi_path: Path | None = None
    times_s: Double | None = None
    recordings: tuple[Recording, ...] = ()
    starts_s: tuple[float, ...] = ()
    chosen: Rows | None = None
    stride: int = 1
    zones: tuple[tuple[str, Double], ...] = ()
    first_frame: int = 0

    @property
    def frames(self) -> Rows:
        """Numbers of the frames that are looked at, rising."""
        return np.arange(self.frame_count) if self.chosen is None else self.chosen

    @property
    def first_frames(self) -> Long:
        """First frame of each recording, and behind them all the one that would follow (R + 1,)."""
        return self.first_frame + np.concatenate([[0], np.cumsum([len(r) for r in self.recordings], dtype=np.int64)])

    def locate(self, frame: int) -> tuple[Recording, int]:
        """The recording that holds a frame, and the frame's number in it."""
        first = self.first_frames
        row = int(np.searchsorted(first, frame, side="right")) - 1
        return self.recordings[row], frame - int(first[row])

    def parts(self, slice_s: float = np.inf, multiple: int = 1) -> list[Camera]:
        """The camera once per recording, or per slice of one of about ``slice_s`` seconds, looking at the frames of
        that one only; recordings without such frames are left out.

        Slices begin at the first frame after a key frame that makes their numbers of frames multiples of ``multiple``.
        """
        frames, first_frames = self.frames, self.first_frames
        rows = np.searchsorted(frames, first_frames).tolist()
        return [
            self._part(recording, first, frames[a + start : a + end])
            for recording, first, (a, b) in zip(self.recordings, first_frames.tolist(), pairwise(rows), strict=False)
            for start, end in pairwise([0, *_cuts(recording, frames[a:b] - first, slice_s, multiple), b - a])
            if end > start
        ]

    def _part(self, recording: Recording, first: int, chosen: Rows) -> Camera:
        times_s = None if self.times_s is None else self.times_s[first : first + len(recording)]
        return replace(self, recordings=(recording,), first_frame=first, chosen=chosen, times_s=times_s)

    def time_s(self, frames: ArrayLike) -> Double:
        """Scene time of 0-based frames: looked up, or offset + frame / fps where frames are evenly spaced or not
        recorded."""
        numbers = np.asarray(frames, np.float64)
        if self.times_s is None:
            return np.asarray(self.offset_s + numbers / self.fps)
        numbers = numbers - self.first_frame
        last = len(self.times_s) - 1
        known = np.interp(numbers, np.arange(last + 1), self.times_s)
        return np.asarray(self.offset_s + known + np.maximum(numbers - last, 0) / self.fps)

    def frames_between(self, begin_s: float, end_s: float) -> tuple[int, int]:
        """The first frame not before ``begin_s`` on the scene's clock, and the first not before ``end_s``."""
        first, end = np.searchsorted(self.time_s(np.arange(self.frame_count)), (begin_s, end_s))
        return int(first), int(end)

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last, in seconds."""
        return self.frame_count / self.fps if self.times_s is None else float(self.times_s[-1]) + 1 / self.fps

    @property
    def folder(self) -> Path:
        """Where the camera's own files (``gt/``, ``det/``, ``roi.jpg``) lie."""
        pictures = bool(self.recordings) and self.recordings[0].pictures
        return self.video if pictures and self.video.name != "img1" else self.video.parent

    @property
    def roi(self) -> Mask | None:
        """Region of interest (height, width), True inside, or None. Raises InputError for a mask that does not fit."""
        if self.roi_path is None:
            return None
        check_file(self.roi_path, "a mask image")
        return _read_roi(self.roi_path, self.size, self.roi_path.stat().st_mtime_ns)

    def ground_points(self, pixels: ArrayLike) -> Double:
        """Metres east and north (N, 2) of ground pixels (N, 2); NaN without calibration."""
        points = np.asarray(pixels, np.float64).reshape(-1, 2)
        if self.calibration is None or self.image_to_ground is None or len(points) == 0:
            return np.full(points.shape, np.nan)
        return project(self.image_to_ground, self._undistort(points))

    def _undistort(self, points: Double) -> Double:
        assert self.calibration is not None
        if self.calibration.distortion is None:
            return points
        lens = self.calibration.intrinsic if self.calibration.intrinsic is not None else _assumed_lens(self.size)
        straight = cv2.undistortPoints(points[:, None], lens, self.calibration.distortion, P=lens)
        return np.asarray(straight[:, 0], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Cameras on one clock, by id, sorted; ``origin`` is the (lat, lon) of the common ground plane's zero, None without
    GPS; ``clock_zero`` the date and time of day at zero of the scene's clock, None where no file tells it."""

    name: str
    cameras: dict[str, Camera]
    origin: tuple[float, float] | None = None
    folder: Path = Path()
    clock_zero: datetime | None = None


def _cuts(recording: Recording, looked_at: Rows, slice_s: float, multiple: int) -> list[int]:
    """Where the frames that are looked at, rising numbers in the recording, are cut into slices: rows of them."""
    if len(looked_at) == 0 or not recording.jumps:
        return []
    start, end = recording.times_s[looked_at[[0, -1]]]
    targets = np.linspace(start, end, max(1, int((end - start) / slice_s)), endpoint=False)[1:]
    later = np.searchsorted(recording.times_s[recording.keys], targets)
    keys = recording.keys[later[later < len(recording.keys)]]
    rows = -(-np.searchsorted(looked_at, keys) // multiple) * multiple
    return np.unique(rows[rows < len(looked_at)]).tolist()  # type: ignore[no-any-return]


def _assumed_lens(size: tuple[int, int]) -> Double:
    """A lens for calibrations that give distortion alone (the 2019 form): centred, focal length one image width."""
    width, height = size
    return np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)


@lru_cache(maxsize=16)
def _read_roi(path: Path, size: tuple[int, int], _changed_ns: int) -> Mask:
    fix = "Make it anew from a frame of the video, or take it away (no mask = the whole image)."
    mask: Mask = read_image(path, grey=True, expected="a mask image", fix=fix, size=size) > 127
    mask.setflags(write=False)
    return mask
