"""What a larger job would take, reckoned from the rates of a run that was made: workers, hours, disk, network.

Everything but linking grows with the frames; linking grows with the tracklets, at what ``scripts/bench_link --scale``
measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtmc.errors import StoreError
from mtmc.files import read_json
from mtmc.store import Run
from mtmc.store.documents import KeptTimings

STAGES = {"detections": "detect", "tracklets": "track", "embeddings": "embed"}
"""Tables, and what makes them."""
LINK_S, LINK_BYTES = 82e-6, 1200
"""Seconds and bytes of memory that linking takes for each tracklet: a million in 82 s and 1.2 GB on two cores."""
MOST_LINK_BYTES = 4e9
"""Linking that takes more is cut into windows."""
READ_TWICE = 2
"""Videos are read to detect and to embed."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What a run took: worker seconds and bytes of tables by stage for each frame, video bytes for each second of a
    camera, tracklets for each frame."""

    frames: int
    seconds: Mapping[str, float]
    table_bytes: Mapping[str, float]
    video_bytes: float
    tracklets: float


@dataclass(frozen=True, slots=True)
class Need:
    """One line of the answer: what, how much, in words, and what that rests on."""

    what: str
    amount: float
    words: str
    rests_on: str


def rates_of(run: Run) -> Rates:
    """Measured in a finished run. Raises StoreError where it does not tell its times."""
    scene, path = run.scene, run.folder / "timings.json"
    frames = sum(len(camera.frames) for camera in scene.cameras.values())
    expected, fix = "the times of a finished run", "Run `mtmc run` again."
    timings = read_json(path, KeptTimings, expected, fix, error=StoreError).root
    seconds = {stage: sum(s for name, s in timings.items() if name.startswith(f"{stage}/")) for stage in STAGES}
    if not all(seconds.values()):
        missing = next(stage for stage, took in seconds.items() if not took)
        raise StoreError(path, f"how long {missing} took", "nothing", "Take a run that was made whole.")
    tables = {stage: _bytes(run.folder / stage) / frames for stage in STAGES}
    lengths = sum(camera.duration_s for camera in scene.cameras.values())
    videos = sum(_bytes(r.path) for camera in scene.cameras.values() for r in camera.recordings)
    per_frame = {stage: took / frames for stage, took in seconds.items()}
    return Rates(frames, per_frame, tables, videos / lengths, len(run.tracklets()) / frames)


def needs(rates: Rates, cameras: int, hours: float, fps: float, workers: int) -> list[Need]:
    """What so many cameras for so many hours take, on so many workers like the run's."""
    frames, video_s = cameras * hours * 3600 * fps, cameras * hours * 3600
    based = f"{rates.frames:,} frames of the run"
    lines = [
        Need(
            STAGES[stage],
            frames * each / 3600,
            f"{frames * each / 3600:,.0f} worker hours",
            f"{each:.4f} s a frame, {based}",
        )
        for stage, each in rates.seconds.items()
    ]
    work_h, tracklets = sum(line.amount for line in lines), frames * rates.tracklets
    video, tables = video_s * rates.video_bytes, frames * sum(rates.table_bytes.values())
    link_h, memory = tracklets * LINK_S / 3600, tracklets * LINK_BYTES
    whole_h = work_h / workers + link_h
    keep_up, network = work_h / hours, READ_TWICE * video / (whole_h * 3600)
    return [
        Need("frames", frames, f"{frames:,.0f}", f"{cameras:,} cameras, {hours:g} h, {fps:g} frames a second"),
        *lines,
        Need("tracklets", tracklets, f"{tracklets:,.0f}", f"{1000 * rates.tracklets:.2f} for 1,000 frames, {based}"),
        Need(
            "linking",
            link_h,
            f"{60 * link_h:,.1f} minutes, {_memory(memory, hours)}",
            "a million: 82 s, 1.2 GB, 2 cores",
        ),
        Need("whole job", whole_h, f"{whole_h:,.1f} hours", f"{workers:,} workers that never wait, then linking"),
        Need("to keep up", keep_up, f"{keep_up:,.0f} workers", "worker hours for each hour of the videos"),
        Need("videos", video, _size(video), f"{rates.video_bytes * 8e-6:.2f} Mbit/s a camera"),
        Need("run folder", tables, _size(tables), f"{sum(rates.table_bytes.values()):,.0f} bytes a frame, {based}"),
        Need("network", network, f"{_size(network)}/s", "videos read twice within the whole job"),
    ]


def _memory(whole: float, hours: float) -> str:
    """Of linking at once, and where that is much, in windows."""
    window_h = hours * MOST_LINK_BYTES / max(whole, 1)
    if window_h >= hours:
        return f"{_size(whole)} memory"
    words = f"{math.floor(window_h)}" if window_h >= 1 else f"{window_h:.2f}"
    return f"{_size(whole)} memory, or {_size(MOST_LINK_BYTES)} with --set link.window_h={words}"


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else [inner for inner in path.rglob("*") if inner.is_file()]
    return sum(file.stat().st_size for file in files)


def _size(count: float) -> str:
    power = min(5, int(math.log10(max(count, 1)) / 3))
    return f"{count / 1000**power:,.1f} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[power]}"
