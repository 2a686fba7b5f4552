"""A day of two cameras through track, embed and link, hour by hour: memory must be flat after the first.

Boxes are those of ``bench_day``; the second camera sees what passed the first a minute ago. Tracklets that have ended
are embedded from painted pictures by the colour histogram, and those of an hour are linked together with those of the
hour before; then the hour before is let go. Exit code 1 where an hour's memory is more than a twentieth above the
second hour's.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import psutil
from bench_day import SIZE, Stream, plot
from numpy.typing import ArrayLike, NDArray

from mtmc.embed import EmbedParams, embed, make_embedder
from mtmc.link import link
from mtmc.scene import Camera, Scene
from mtmc.structures import Detections, Embeddings, Tracklet
from mtmc.track import TrackParams, make_tracker, track_windows

DELAY_S = 60
ALLOWED = 1.05


class Street(Stream):
    """A stream that a camera sees ``late`` frames later, and pictures of it (``mtmc.video.Frames``)."""

    def __init__(self, fps: float, count: int, late: int) -> None:
        super().__init__(fps, count, feature_size=16)
        self.late = late
        self._kept = lru_cache(maxsize=4)(super()._chunk)

    def _chunk(self, number: int) -> Detections:
        return self._kept(number)

    def __call__(self, first: int, end: int) -> Detections:
        found = super().__call__(max(first - self.late, 0), max(end - self.late, 1))
        found = found.take(found.frames < end - self.late)
        return Detections(found.frames + self.late, found.xyxy, found.scores, found.labels, found.features)

    def at(self, frames: ArrayLike) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Every vehicle a rectangle of its own colour."""
        for frame in np.unique(np.asarray(frames)).tolist():
            image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
            found = self(frame, frame + 1)
            colours = np.clip(128 + 60 * found.features[:, :3], 0, 255).astype(np.uint8)
            for (x1, y1, x2, y2), colour in zip(found.xyxy.astype(int), colours, strict=True):
                image[y1:y2, x1:x2] = colour
            yield frame, image


def hours(length_h: float, fps: float, count: int) -> Iterator[dict[str, float]]:
    """What each hour took and left."""
    streets = {"c001": Street(fps, count, 0), "c002": Street(fps, count, int(DELAY_S * fps))}
    frames = int(length_h * 3600 * fps)
    cameras = {name: Camera(name, Path(f"{name}.mp4"), fps, frames, SIZE) for name in streets}
    tracks, how = TrackParams(), EmbedParams(embedder="histogram")
    embedder, process, start = make_embedder(how), psutil.Process(), time.process_time()
    ended = {n: track_windows(cameras[n], streets[n], make_tracker(tracks), tracks) for n in streets}
    kept: list[Tracklet] = []
    seen = {name: Embeddings.empty() for name in cameras}
    tracked = 0
    for hour in range(1, int(np.ceil(length_h)) + 1):
        fresh = [t for name, windows in ended.items() for t in until(windows, hour * 3600 * fps)]
        new = {
            name: embed(camera, streets[name], [t for t in fresh if t.camera_id == name], embedder, how)
            for name, camera in cameras.items()
        }
        both = {name: Embeddings.joined([e for e in (seen[name], new[name]) if len(e)]) for name in cameras}
        linked = len(link(Scene("soak", cameras), kept + fresh, both))
        kept, seen, tracked = fresh, new, tracked + len(fresh)
        used = {"memory_mb": process.memory_info().rss / 2**20, "processor_s": time.process_time() - start}
        yield {"hour": hour, "tracklets": tracked, "linked": linked, **used}


def until(windows: Iterator[list[Tracklet]], frame: float) -> Iterator[Tracklet]:
    """Tracklets of the windows up to the one that reaches ``frame``."""
    for ended in windows:
        yield from ended
        if ended and ended[-1].frames[-1] >= frame - 1:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours-simulated", type=float, default=24)
    parser.add_argument("--fps", type=float, default=5)
    parser.add_argument("--vehicles", type=int, default=3, help="in view at a time")
    parser.add_argument("--plot", type=Path, help="memory by the hour, as a picture")
    given = parser.parse_args()
    rows = []
    for row in hours(given.hours_simulated, given.fps, given.vehicles):
        rows.append(row)
        told = "{hour:3d} h: {memory_mb:5.0f} MB, {tracklets:7,d} tracklets, {linked:6,d} linked, {processor_s:6.0f} s"
        print(told.format(**row), flush=True)
    if given.plot:
        plot(rows, given.plot)
    sys.exit(any(row["memory_mb"] > ALLOWED * rows[1]["memory_mb"] for row in rows[2:]))


if __name__ == "__main__":
    main()
