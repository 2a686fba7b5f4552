"""Orchestration alone: so many units of work with a detector that does nothing, then the same run again.

Cameras are links to one tiny video, cut into slices of two frames: what is measured is planning, handing out, opening
and decoding two frames, writing a table, reading stamps. Times are the processor's, of this process and its workers.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mtmc import api
from mtmc.detect import ClipDetector
from mtmc.pipeline import run_pipeline
from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.video import Frames

FPS = 2.0


class Nothing:
    """Finds no vehicles, fast."""

    def __init__(self, params: Any, device: str) -> None:
        pass

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        return lambda clip: Detections.empty()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=1000)
    parser.add_argument("--slices", type=int, default=50, help="of each camera; each is detected and embedded")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    here = str(Path(__file__).resolve().parent)
    sys.path.append(here)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), here]))
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder), given.cameras, given.slices)
        how: dict[str, Any] = {"detector": "bench_units:Nothing", "embedder": "histogram"}
        overrides = ["detect.slice_s=1", "detect.batch=2", "report.video=false", "report.page=false"]
        for turn in ("first run", "second run"):
            todo, planning = measured(lambda: api.planned(scene, Path(folder) / "run", overrides=overrides, **how))
            stale = len(todo.stale())
            _, running = measured(partial(run_pipeline, todo, given.workers, lambda *news: None))
            print(f"{turn}: {stale:,} of {len(todo.stamps):,} tables to make")
            print(f"  planning {told(planning)}; the rest {told(running)}", end="")
            print(f", {stale / running[0]:,.0f} units/s" if stale else "")
        print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def make_scene(folder: Path, cameras: int, slices: int) -> Path:
    import cv2
    import numpy as np

    scene = folder / "scene"
    scene.mkdir()
    writer = cv2.VideoWriter(str(folder / "tiny.avi"), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 48))
    for _ in range(2 * slices + 1):
        writer.write(np.full((48, 64, 3), 90, np.uint8))
    writer.release()
    for number in range(cameras):
        (scene / f"cam{number:05d}.avi").symlink_to(folder / "tiny.avi")
    return scene


def measured(work: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """What it gives, and seconds by the clock and of the processor, workers included."""
    clock, processor = time.perf_counter(), processor_s()
    result = work()
    return result, (time.perf_counter() - clock, processor_s() - processor)


def processor_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def told(seconds: tuple[float, float]) -> str:
    return f"{seconds[0]:.1f} s by the clock, {seconds[1]:.1f} of the processor"


if __name__ == "__main__":
    main()
