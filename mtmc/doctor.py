"""What is wrong with a folder of videos, and what to do: ``mtmc doctor``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from mtmc.errors import UserError
from mtmc.scene import Camera, Scene, find_videos, probe_video, read_scene

COMMON_FPS = (5, 6, 7.5, 8, 10, 12, 12.5, 15, 20, 23.976, 24, 25, 29.97, 30, 48, 50, 59.94, 60)
CLOCK_JUMP_S = 0.5
"""A step between two frames' time stamps this much longer than the usual one counts as a jump."""
FROZEN_S = 1.0
"""Identical pictures for this long count as a frozen camera."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: ``camera`` id ("" for the whole folder), ``severity`` error, warning or note, what it is, what to do."""

    camera: str
    severity: str
    what: str
    fix: str

    def row(self) -> dict[str, str]:
        """As plain JSON."""
        return asdict(self)


def examine(folder: Path, deep: bool = False) -> list[Finding]:
    """Look at every video of a scene folder; ``deep`` decodes all pictures too (slow), to find frozen and damaged stretches.

    Raises InputError where there is no video at all.
    """
    videos = find_videos(folder)
    findings = [finding for camera_id, video in videos.items() for finding in _examine_file(camera_id, video)]
    if any(f.severity == "error" for f in findings):
        return findings
    try:
        scene = read_scene(folder)
        findings += _examine_scene(scene)
    except UserError as error:
        return [
            *findings,
            Finding("", "error", f"{error.where}: expected {error.expected}, found {error.found}", error.fix),
        ]
    if deep:
        findings += [finding for camera in scene.cameras.values() for finding in _examine_pictures(camera)]
    return findings


def _examine_file(camera_id: str, video: Path) -> Iterator[Finding]:
    try:
        fps, claimed, _size = probe_video(video)
        times = packet_times_s(video)
    except UserError as error:
        yield Finding(camera_id, "error", f"{video.name}: {error.found}", error.fix)
        return
    if len(times) < 0.98 * claimed:
        what = f"{video.name} is cut short: {len(times)} of {claimed} frames"
        yield Finding(camera_id, "error", what, "Copy it again; `mtmc run` would stop at the cut.")
    if min(abs(fps - common) for common in COMMON_FPS) > 0.05:
        yield Finding(
            camera_id,
            "warning",
            f"odd frame rate {fps:.3f}",
            "If it is wrong, set fps in scene.toml: every time depends on it.",
        )
    yield from _examine_clock(camera_id, times)


def packet_times_s(video: Path) -> list[float]:
    """Presentation times of all frames in seconds, in order, without decoding; stops at the first damaged packet."""
    times: list[float] = []
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        try:
            for packet in container.demux(stream):
                stamp = packet.pts if packet.pts is not None else packet.dts
                if packet.size and packet.time_base is not None:
                    times.append(float(stamp * packet.time_base) if stamp is not None else float("nan"))
        except av.error.FFmpegError:
            pass  # the count of what came before tells how far the file is good
    return sorted(times)


def _examine_clock(camera_id: str, times: list[float]) -> Iterator[Finding]:
    steps = [b - a for a, b in pairwise(times)]
    if not steps:
        return
    usual = median(steps)
    jumps = [(times[i], step) for i, step in enumerate(steps) if step > usual + CLOCK_JUMP_S]
    if jumps:
        at, step = max(jumps, key=lambda jump: jump[1])
        what = f"{len(jumps)} clock jump(s), the largest {step:.1f} s at {at:.1f} s"
        yield Finding(
            camera_id,
            "warning",
            what,
            "Times after a jump are off: split the video there, or convert it to a constant frame rate.",
        )
    elif usual > 0 and np.std(steps) > 0.2 * usual:
        what = f"frame times vary (usual step {usual * 1000:.0f} ms, spread {np.std(steps) * 1000:.0f} ms)"
        yield Finding(
            camera_id, "warning", what, "Convert to a constant frame rate: ffmpeg -i in.mp4 -vsync cfr out.mp4."
        )


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
    for camera in cameras:
        yield from _examine_mask(camera)


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
        with av.open(str(camera.video)) as container:
            for frame in container.decode(video=0):
                picture = frame.to_ndarray(format="gray")[::8, ::8]
                frozen = frozen + 1 if previous is not None and np.array_equal(picture, previous) else 0
                longest, previous, decoded = max(longest, frozen), picture, decoded + 1
    except av.error.FFmpegError as error:
        yield Finding(
            camera.id,
            "error",
            f"damaged after frame {decoded}: {error}",
            "Copy the video again or convert it with ffmpeg.",
        )
    if longest >= FROZEN_S * camera.fps:
        yield Finding(
            camera.id,
            "warning",
            f"the picture stands still for {longest / camera.fps:.1f} s",
            "Vehicles jump there; look at the camera's recorder.",
        )
