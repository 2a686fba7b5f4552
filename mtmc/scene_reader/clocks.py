"""When everything happens: recordings in a row, cameras on one clock, and the part of it that is asked for.

Shape shorthand: N frames, R recordings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta, tzinfo
from pathlib import Path

import numpy as np
from pydantic import Field, field_validator

from mtmc.errors import ConfigError, InputError
from mtmc.files import lies_there, read_text
from mtmc.files.text import numbers
from mtmc.params import Params
from mtmc.scene import FASTEST_FPS, MOST_SECONDS, SLOWEST_FPS, Recording, Scene
from mtmc.structures import Double, Mask

NAMES_RESOLUTION_S = 1.0
"""File names cut the start down to whole seconds: a file that seems to start within the last second of the one before
follows it."""
SAME_S = 1e-6


class InputParams(Params):
    """Which part of the videos is looked at."""

    fps: float | None = Field(
        None, ge=SLOWEST_FPS, le=FASTEST_FPS, description="frames per second of folders of pictures that do not tell it"
    )
    start: str = Field(
        "", description="look from here on: seconds on the scene's clock, a time of day or a date and time"
    )
    end: str = Field("", description="look up to here, likewise")
    stride: int = Field(1, ge=1, le=1_000_000, description="look at every so many-th frame only")
    max_fps: float | None = Field(
        None,
        ge=0,
        description="look at no more frames per second, 0 = at all; by default at 10 where the detector is auto",
    )

    def stride_at(self, fps: float) -> int:
        """Every which frame of a camera is looked at. A rate up to a twentieth above the limit keeps to it."""
        rate = fps / self.stride
        return self.stride * max(1, math.ceil(min(rate / self.max_fps, MOST_SECONDS) - 0.05) if self.max_fps else 1)

    @field_validator("start", "end", mode="before")
    @classmethod
    def _moment(cls, value: object) -> object:
        text = str(value)
        if text and _seconds(text) is None and _clock(text) is None:
            raise ValueError("seconds (90), a time of day (07:30:00) or a date and time (2026-05-01T07:30:00)")
        return text


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _clock(text: str) -> datetime | time | None:
    for read in (time.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return None


# --- one camera ------------------------------------------------------------------------------------------------------


def place(recordings: Sequence[Recording], starts: Sequence[datetime | None], fps: float | None) -> Double:
    """Start (R,) of each recording in seconds after the first one's: by its clock, else where the one before ends.

    Gaps and overlaps stay, but for those that come from whole seconds in file names.
    """
    placed, anchor = np.zeros(len(recordings)), (starts[0], 0.0)
    for row in range(1, len(recordings)):
        end = placed[row - 1] + duration_s(recordings[row - 1], fps)
        start = starts[row]
        if start is None:
            placed[row] = end
        elif anchor[0] is None:  # the first recording of known start: those before end where it begins
            anchor, placed[row] = (start, end), end
        else:
            told = anchor[1] + (start - anchor[0]).total_seconds()
            whole = start.microsecond == 0 and told < end < told + NAMES_RESOLUTION_S
            placed[row] = end if whole or abs(end - told) < SAME_S else told
    return placed


def duration_s(recording: Recording, fps: float | None) -> float:
    """Seconds of a recording, at another rate if one is given."""
    return recording.duration_s if fps is None else len(recording) / fps


def joined_times(recordings: Sequence[Recording], placed: Double, fps: float | None) -> Double | None:
    """Seconds (N,) of all frames since the first; None where they follow each other evenly."""
    rate = recordings[0].fps if fps is None else fps
    if len(recordings) == 1:
        return None if fps is not None or recordings[0].constant else recordings[0].times_s
    parts = [start + _times(recording, fps) for recording, start in zip(recordings, placed, strict=True)]
    times = np.concatenate(parts)
    return None if np.abs(times - np.arange(len(times)) / rate).max() < SAME_S else times


def _times(recording: Recording, fps: float | None) -> Double:
    rate = recording.fps if fps is None else fps
    return recording.times_s if fps is None and not recording.constant else np.arange(len(recording)) / rate


def first_start(starts: Sequence[datetime | None], placed: Double) -> datetime | None:
    """The clock time of a camera's first frame, by the first recording that tells its own."""
    known = ((start, seconds) for start, seconds in zip(starts, placed, strict=True) if start is not None)
    start, seconds = next(known, (None, 0.0))
    return None if start is None else start - timedelta(seconds=float(seconds))


# --- all cameras -----------------------------------------------------------------------------------------------------


def read_offsets(folder: Path) -> tuple[Path, dict[str, float]]:
    """``cam_timestamp/<scenario>.txt`` in the folder or up to two levels above, and camera id to start offset; {}
    without one."""
    whole = folder.resolve()
    for above in (folder, whole.parent, whole.parent.parent):
        path = above / "cam_timestamp" / f"{whole.name}.txt"
        if lies_there(path):
            return path, read_timestamps(path)
    return Path(), {}


def read_timestamps(path: Path) -> dict[str, float]:
    """Offsets in seconds by camera id, lines like ``c001 1.640``. Raises InputError with the line."""
    offsets = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        values = numbers(" ".join(words[1:]), f"{path}:{number}") if len(words) > 1 else []
        if len(values) != 1 or abs(values[0]) > MOST_SECONDS:
            expected = f"a camera and its offset in seconds (c001 1.640), within {MOST_SECONDS:,.0f}"
            raise InputError(f"{path}:{number}", expected, repr(line.strip()), "Correct the line.")
        if words[0] in offsets:
            raise InputError(f"{path}:{number}", "each camera once", f"{words[0]} again", "Take one of the two away.")
        offsets[words[0]] = values[0]
    return offsets


def on_one_clock(scene: Scene, starts: Mapping[str, datetime | None]) -> Scene:
    """Cameras whose start is known by the clock get their offset from the first of them; offsets that were told
    stay."""
    known = {camera_id: start for camera_id, start in starts.items() if start is not None}
    if not known:
        return scene
    zone: tzinfo | None = next((start.tzinfo for start in known.values() if start.tzinfo is not None), None)
    clocks = {camera_id: _in_zone(start, zone) for camera_id, start in known.items()}
    free = [start for camera_id, start in clocks.items() if not scene.cameras[camera_id].offset_known]
    zero = min(free or clocks.values())
    cameras = dict(scene.cameras)
    for camera_id, start in clocks.items():
        if not cameras[camera_id].offset_known:
            offset_s = (start - zero).total_seconds()
            cameras[camera_id] = replace(cameras[camera_id], offset_s=offset_s, offset_known=True)
    return replace(scene, cameras=cameras, clock_zero=zero)


def _in_zone(start: datetime, zone: tzinfo | None) -> datetime:
    """Times without a zone are in that of the others."""
    return start.replace(tzinfo=zone) if zone is not None and start.tzinfo is None else start


# --- the part that is looked at --------------------------------------------------------------------------------------


def looked_at(scene: Scene, params: InputParams) -> Scene:
    """The scene with the frames chosen that are looked at: between start and end, every so many-th, and none of a time
    that the recording before has shown already. Raises ConfigError where a clock time is asked for and no camera's
    clock is known."""
    start, end = (scene_time(scene, text) for text in (params.start, params.end))
    cameras = {}
    for camera_id, camera in scene.cameras.items():
        times = camera.time_s(np.arange(camera.frame_count))
        inside: Mask = (times >= (-np.inf if start is None else start)) & (times < (np.inf if end is None else end))
        if camera.times_s is not None:
            inside &= np.concatenate([[True], times[1:] > np.maximum.accumulate(times)[:-1]])
        stride = params.stride_at(camera.fps)
        chosen = np.flatnonzero(inside)[::stride]
        if len(chosen) == 0:
            expected = f"a time between {times[0]:.1f} and {times[-1]:.1f} s for camera {camera_id}"
            raise ConfigError(
                "--start, --end", expected, f"{params.start or 'start'} to {params.end or 'end'}", "Choose another."
            )
        whole = len(chosen) == camera.frame_count
        cameras[camera_id] = camera if whole else replace(camera, chosen=chosen, stride=stride)
    return replace(scene, cameras=cameras)


def scene_time(scene: Scene, text: str, option: str = "--start, --end") -> float | None:
    """Seconds on the scene's clock of a moment that a user gave: seconds, a time of day or date and time; None for "".

    Raises ConfigError naming ``option`` for a time of day where no camera's clock is known.
    """
    seconds = _seconds(text)
    if not text or seconds is not None:
        return seconds
    moment, zero = _clock(text), scene.clock_zero
    if zero is None or moment is None:
        fix = "Give seconds, or the cameras' start in scene.toml."
        raise ConfigError(option, "seconds, as no camera's clock is known", repr(text), fix)
    if isinstance(moment, time):
        moment = datetime.combine(zero.date(), moment.replace(tzinfo=None))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zero.tzinfo)
    return (moment - (zero if zero.tzinfo is not None else zero.replace(tzinfo=moment.tzinfo))).total_seconds()
