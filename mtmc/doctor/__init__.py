"""What is wrong with a folder of videos, and what to do: ``mtmc doctor``.

environment   what this machine and this environment can do
forecast      what detection will cost on this machine
capacity      what a larger job would take: ``mtmc plan``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import camera_number
from mtmc.errors import UserError
from mtmc.scene import Camera, Recording, Scene
from mtmc.scene_reader import find_recordings, read_scene
from mtmc.track_files.formats import number_cameras
from mtmc.video import Video, read_packets

COMMON_FPS = (5, 6, 7.5, 8, 10, 12, 12.5, 15, 20, 23.976, 24, 25, 29.97, 30, 48, 50, 59.94, 60)
CLOCK_JUMP_S = 0.5
"""A step between two frames' time stamps this much longer than the usual one counts as a jump."""
FROZEN_S = 1.0
"""Identical pictures for this long count as a frozen camera."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: ``camera`` id ("" for the whole folder), ``severity`` error, warning or note, what it is, what
    to do."""

    camera: str
    severity: str
    what: str
    fix: str

    def row(self) -> dict[str, str]:
        """As plain JSON."""
        return asdict(self)


def examine(folder: Path, deep: bool = False) -> list[Finding]:
    """Say what would be done with every file of a scene folder, and what is wrong with it; ``deep`` decodes all
    pictures too (slow), to find frozen and damaged stretches.

    Raises InputError where there is no video at all.
    """
    found, _ = find_recordings(folder)
    findings = [Finding("", "note", f"{path.name} is left out: {reason}", "") for path, reason in found.left_out]
    read = {path: _Kept(path) for source in found.sources.values() for path in source.files}
    for camera_id, source in found.sources.items():
        for path, start in zip(source.files, source.starts, strict=True):
            findings += _examine_file(camera_id, read[path], start)
    if any(f.severity == "error" for f in findings):
        return findings
    try:
        scene = read_scene(folder, lambda path: read[path]())
        findings += _examine_scene(scene)
    except UserError as error:
        return [*findings, _error("", error)]
    if deep:
        findings += [finding for camera in scene.cameras.values() for finding in _examine_pictures(camera)]
    return findings


def _error(camera_id: str, error: UserError) -> Finding:
    return Finding(camera_id, "error", f"{error.where}: expected {error.expected}, found {error.found}", error.fix)


class _Kept:
    """A file's packet index, read once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cache  # noqa: B019 - lives as long as one examination
    def __call__(self) -> Recording:
        return read_packets(self.path)


def _examine_file(camera_id: str, read: _Kept, start: datetime | None) -> Iterator[Finding]:
    if read.path.is_dir():
        return  # pictures: read with the scene, which may tell their rate
    try:
        recording = read()
    except UserError as error:
        yield _error(camera_id, error)
        return
    yield Finding(camera_id, "note", _reading(recording, start), "")
    fps = recording.fps
    if not recording.stamped:
        what = f"no time stamps; {fps:g} fps assumed"
        yield Finding(camera_id, "warning", what, "Set fps in scene.toml if it is wrong.")
    elif recording.constant and min(abs(fps - common) for common in COMMON_FPS) > 0.05:
        fix = "If it is wrong, set fps in scene.toml: every time depends on it."
        yield Finding(camera_id, "warning", f"odd frame rate {fps:.3f}", fix)
    if recording.damaged:
        what = f"{recording.damaged} damaged packet(s)"
        yield Finding(camera_id, "warning", what, "Frames that cannot be decoded are left out; --deep counts them.")
    if recording.last_size not in (None, recording.size):
        what = f"the picture's size changes from {recording.size} to {recording.last_size}"
        yield Finding(camera_id, "warning", what, "Nothing to do: all pictures are scaled to the first size.")
    if recording.hidden:
        what = f"{recording.hidden} frames are stored but not shown (trimmed without re-encoding)"
        yield Finding(camera_id, "note", what, "Nothing to do: frame 1 is the first one that a player shows.")
    yield from _examine_clock(camera_id, recording)


def _reading(recording: Recording, start: datetime | None) -> str:
    """What a file is read as."""
    size = f"{recording.size[0]} x {recording.size[1]}" + (" after turning" if recording.orientation > 1 else "")
    rate = f"{recording.fps:g} fps" if recording.constant else "frame times of its own"
    since = "" if start is None else f", from {start.isoformat(sep=' ')}"
    return f"{recording.path.name}: {len(recording)} frames of {size}, {recording.duration_s:.1f} s, {rate}{since}"


def _examine_clock(camera_id: str, recording: Recording) -> Iterator[Finding]:
    steps = np.diff(recording.times_s)
    if recording.constant or len(steps) == 0:
        return
    usual, largest = float(np.median(steps)), int(np.argmax(steps))
    jumps = int((steps > usual + CLOCK_JUMP_S).sum())
    if jumps:
        what = f"{jumps} clock jump(s), the largest {steps[largest]:.1f} s at {recording.times_s[largest]:.1f} s"
        fix = "Nothing to do if the camera was off then: each frame's own time is used."
        yield Finding(camera_id, "warning", what, fix)
    elif usual > 0 and np.std(steps) > 0.2 * usual:
        what = f"frame times vary (usual step {usual * 1000:.0f} ms, spread {np.std(steps) * 1000:.0f} ms)"
        yield Finding(camera_id, "note", what, "Nothing to do: each frame's own time is used.")


def _examine_borders(camera: Camera) -> Iterator[Finding]:
    """Gaps and overlaps between a camera's recordings."""
    for before, after in pairwise(range(len(camera.recordings))):
        name = camera.recordings[after].path.name
        end = camera.starts_s[before] + camera.recordings[before].duration_s
        gap = camera.starts_s[after] - end
        if gap > CLOCK_JUMP_S:
            yield Finding(
                camera.id, "warning", f"a gap of {gap:.1f} s before {name}", "Nothing to do if none is missing."
            )
        elif gap < -1 / camera.fps:
            what = f"{name} begins {-gap:.1f} s before the one before it ends"
            fix = "Frames of a time already shown are not looked at again; correct start in scene.toml if it is wrong."
            yield Finding(camera.id, "warning", what, fix)


def _examine_scene(scene: Scene) -> Iterator[Finding]:
    cameras = list(scene.cameras.values())
    if len(cameras) == 1:
        yield Finding("", "note", "one camera only", "Nothing to link across cameras; tracking works.")
    yield from _without(
        cameras,
        lambda c: c.offset_known or len(cameras) == 1,
        "warning",
        "no clock offset",
        "Write cam_timestamp/<scene>.txt or offset_s in scene.toml; else the offsets are learned from the traffic.",
    )
    yield from _without(
        cameras,
        lambda c: c.roi_path is not None,
        "note",
        "no ROI mask",
        "Put roi.jpg (white = look here) beside the video to ignore parked cars and side roads.",
    )
    yield from _without(
        cameras,
        lambda c: c.calibration is not None,
        "note",
        "no calibration",
        "Put calibration.txt beside the video to get paths in metres and GeoJSON.",
    )
    rates = sorted({camera.fps for camera in cameras})
    if len(rates) > 1:
        yield Finding(
            "",
            "note",
            f"different frame rates: {', '.join(f'{rate:g}' for rate in rates)}",
            "Nothing to do: all times are in seconds.",
        )
    yield from _examine_numbers(scene)
    for camera in cameras:
        yield from _examine_mask(camera)
        yield from _examine_borders(camera)


def _examine_numbers(scene: Scene) -> Iterator[Finding]:
    numbers = number_cameras(list(scene.cameras))
    if any(camera_number(camera_id) != number for camera_id, number in numbers.items()):
        table = ", ".join(f"{number} = {camera_id}" for camera_id, number in numbers.items())
        yield Finding("", "note", f"cameras in track3.txt: {table}", "")


def _without(
    cameras: list[Camera], has: Callable[[Camera], bool], severity: str, what: str, fix: str
) -> Iterator[Finding]:
    return (Finding(camera.id, severity, what, fix) for camera in cameras if not has(camera))


def _examine_mask(camera: Camera) -> Iterator[Finding]:
    try:
        roi = camera.roi
    except UserError as error:
        yield Finding(camera.id, "error", f"{error.where}: {error.found}", error.fix)
        return
    if roi is not None and not roi.any():
        yield Finding(
            camera.id, "error", "the ROI mask is black everywhere", "White = look here: repaint it or take it away."
        )


def _examine_pictures(camera: Camera) -> Iterator[Finding]:
    """Decode everything: damaged frames, and stretches of identical pictures."""
    frozen = longest = decoded = 0
    previous: NDArray[Any] | None = None
    try:
        for clip in Video(camera).clips(1):
            picture = clip.images[0, ::8, ::8]
            frozen = frozen + 1 if previous is not None and np.array_equal(picture, previous) else 0
            longest, previous, decoded = max(longest, frozen), picture, decoded + 1
    except UserError as error:
        yield Finding(camera.id, "error", f"{error.where}: expected {error.expected}, found {error.found}", error.fix)
        return
    if decoded < camera.frame_count:
        what = f"{camera.frame_count - decoded} of {camera.frame_count} frames are damaged"
        yield Finding(camera.id, "warning", what, "They are left out; copy the video again if another copy is better.")
    if longest >= FROZEN_S * camera.fps:
        what = f"the picture stands still for {longest / camera.fps:.1f} s"
        yield Finding(camera.id, "warning", what, "Vehicles jump there; look at the camera's recorder.")
