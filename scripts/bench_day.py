"""Tracking of a day in windows: memory from hour to hour, time, and what one piece would give.

A stream of made boxes: vehicles come and go on straight ways, each with its own look; nothing of it is kept but the
window that is asked for. ``--compare MINUTES`` tracks so much of it in one piece too and counts the tracklets that are
the same.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import psutil

from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.track import TrackParams, make_tracker, track_windows, windows

SIZE = (1920, 1080)
LIFE_S = 20.0
CHUNK_S = 60


class Stream:
    """Boxes of ``count`` vehicles at a time, ``fps`` frames a second; any part can be asked for, always the same."""

    def __init__(self, fps: float, count: int, feature_size: int) -> None:
        self.fps, self.count, self.feature_size = fps, count, feature_size

    def __call__(self, first: int, end: int) -> Detections:
        size = int(CHUNK_S * self.fps)
        parts = [self._chunk(number) for number in range(first // size, -(-end // size))]
        found = Detections.concatenate(parts)
        return found.take((found.frames >= first) & (found.frames < end))

    def _chunk(self, number: int) -> Detections:
        """One minute: lane by lane, one vehicle after the other."""
        life, size = int(LIFE_S * self.fps), int(CHUNK_S * self.fps)
        frames = np.repeat(np.arange(number * size, (number + 1) * size), self.count)
        lane = np.tile(np.arange(self.count), size)
        shifted = frames + lane * life // self.count
        vehicle, age = shifted // life * self.count + lane, shifted % life / life
        rng = np.random.default_rng(number)
        left = age * (SIZE[0] + 160) - 160 + rng.normal(scale=1.5, size=len(frames))
        top = 60.0 + lane * (SIZE[1] - 160) / self.count + rng.normal(scale=1.5, size=len(frames))
        boxes = np.stack([left, top, left + 150, top + 75], axis=1)
        boxes = np.clip(boxes, 0, np.tile(SIZE, 2)).astype(np.float32)
        names = np.unique(vehicle)
        looks = np.stack([np.random.default_rng(int(n)).normal(size=self.feature_size) for n in names])
        features = looks[np.searchsorted(names, vehicle)] + rng.normal(scale=0.7, size=(len(frames), self.feature_size))
        seen = (boxes[:, 2] - boxes[:, 0] > 20) & (rng.random(len(frames)) > 0.02)
        scores = np.full(len(frames), 0.9, np.float32)
        found = Detections(frames, np.maximum(boxes, [0, 0, 1, 1]), scores, np.zeros(len(frames)), features)
        return found.take(seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--fps", type=float, default=10)
    parser.add_argument("--vehicles", type=int, default=10, help="in view at a time")
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--compare", type=float, default=0, metavar="MINUTES")
    parser.add_argument("--plot", type=Path, help="memory by the hour, as a picture")
    given = parser.parse_args()
    stream = Stream(given.fps, given.vehicles, given.features)
    rows = list(hours(stream, given.hours))
    for row in rows[:: max(1, len(rows) // 24)]:
        print("{hour:5.1f} h: {memory_mb:5.0f} MB, {tracklets:7,d} tracklets, {processor_s:6.0f} s".format(**row))
    if given.plot:
        plot(rows, given.plot)
    if given.compare:
        print(json.dumps(compared(stream, given.compare)))


def hours(stream: Stream, length_h: float):  # type: ignore[no-untyped-def]
    process, count, start = psutil.Process(), 0, time.process_time()
    for number, ended in enumerate(tracked(stream, length_h * 60), start=1):
        count += len(ended)
        used = {"memory_mb": process.memory_info().rss / 2**20, "processor_s": time.process_time() - start}
        yield {"hour": number * windows.WINDOW_S / 3600, "tracklets": count, **used}


def tracked(stream: Stream, minutes: float):  # type: ignore[no-untyped-def]
    camera = Camera("c001", Path("none.mp4"), stream.fps, int(minutes * 60 * stream.fps), SIZE)
    params = TrackParams()
    return track_windows(camera, stream, make_tracker(params), params)


def compared(stream: Stream, minutes: float) -> dict[str, int]:
    """Tracklets in windows, in one piece, and those that are the same box by box."""
    found = []
    for window in (windows.WINDOW_S, 1e9):
        windows.WINDOW_S = window
        found.append({(t.frames.tobytes(), t.xyxy.tobytes()) for ended in tracked(stream, minutes) for t in ended})
    return {
        "minutes": int(minutes),
        "in windows": len(found[0]),
        "whole": len(found[1]),
        "same": len(found[0] & found[1]),
    }


def plot(rows: list[dict[str, float]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 2.6), layout="constrained")
    axes.plot([row["hour"] for row in rows], [row["memory_mb"] for row in rows])
    axes.set(xlabel="hours of video tracked", ylabel="memory, MB", ylim=(0, None), xlim=(0, None))
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
