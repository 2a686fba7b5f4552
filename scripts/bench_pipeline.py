"""One long video on one core and on several: what each stage takes beside its bounds.

Processor seconds per second of video, by stage, beside what no pipeline can go below: decoding alone (the same frames,
nothing done with them) and the network alone (frames decoded before). The speed-up of N workers is told three times: by
the units' processor seconds laid on N workers in their order; of whole commands with all that they start, by the
processor seconds of the command's process and of its busiest worker; and by the clock, which alone other work on the
machine disturbs. A whole command has as many cores as workers: where decoding or a library starts threads of its own,
one core is one.

Without --video one is made: 30 seconds of a street of `mtmc synth`, over and over.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import av
import psutil

from mtmc import api
from mtmc.detect import DetectParams, make_detector
from mtmc.pipeline import unit_graph
from mtmc.pipeline.planning import Plan
from mtmc.pipeline.tasks import Unit, run_unit
from mtmc.pipeline.workers import Here, Timings, Watch, run_graph
from mtmc.scene import Camera
from mtmc.store import create_run
from mtmc.video import Video

PROBED_CLIPS = 50
STREET_S = 30
SAMPLED_S = 0.2
Seconds = Mapping[str, Sequence[float]]
"""Of each unit, by stage."""


class Spent(NamedTuple):
    """Seconds of a whole command by the clock, and processor seconds of its own process and of its busiest worker."""

    clock: float
    own: float
    busiest: float

    @property
    def way(self) -> float:
        """Processor seconds of the longest way through it."""
        return self.own + self.busiest


def nobody(*news: object) -> None:
    """Watch nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, help="a video instead of the made one")
    parser.add_argument("--minutes", type=float, default=10, help="length of the made one")
    parser.add_argument(
        "--clock", type=int, nargs="*", default=[], help="whole runs by so many workers on so many cores, e.g. 1 2"
    )
    parser.add_argument("--detector", default="torchvision")
    parser.add_argument("--weights", default="random")
    parser.add_argument("--embedder", default="auto")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--set", dest="overrides", nargs="*", default=["detect.short_side_px=320"])
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder) / "scene"
        scene.mkdir()
        make_long(scene / "cam1.mp4", 60 * given.minutes) if given.video is None else None
        source = scene if given.video is None else given.video
        parts = {"detector": given.detector, "weights": given.weights or None}
        parts |= {"embedder": given.embedder, "device": given.device}
        quiet = ["report.video=false", "report.page=false", *given.overrides]
        todo = api.planned(source, Path(folder) / "units", overrides=quiet, **parts)
        (camera,) = todo.scene.cameras.values()
        seconds, bounds = by_unit(todo), bounds_of(camera, todo.config.detect, given.device)
        print(stages_table(camera, seconds, bounds))
        clock = {
            workers: command(source, Path(folder) / f"run{workers}", workers, quiet, parts) for workers in given.clock
        }
    print(workers_table(camera, seconds, clock))
    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def make_long(path: Path, seconds: float) -> None:
    """A street of the synthetic city; its packets follow each other as often as it takes."""
    with tempfile.TemporaryDirectory() as folder:
        city = ["-m", "mtmc", "synth", folder, "--preset", "demo", "--seconds", str(STREET_S)]
        subprocess.run([sys.executable, *city], check=True, capture_output=True)
        clip = str(sorted(Path(folder).rglob("vdo.*"))[0])
        with av.open(str(path), "w") as out:
            stream, end = None, 0
            for _ in range(max(1, round(seconds / STREET_S))):
                with av.open(clip) as source:
                    stream = stream or out.add_stream_from_template(source.streams.video[0])
                    start = end
                    for packet in source.demux(video=0):
                        if packet.size:
                            packet.pts, packet.dts, packet.stream = packet.pts + start, packet.dts + start, stream
                            end = max(end, packet.pts + packet.duration)
                            out.mux(packet)


def by_unit(todo: Plan) -> Seconds:
    """Processor seconds of every unit, one after the other in this process."""
    seconds = defaultdict[str, list[float]](list)

    def measured(unit: Unit, watch: Watch) -> Timings:
        start = time.process_time()
        done = run_unit(unit, watch)
        seconds[unit.stage].append(time.process_time() - start)
        return done

    create_run(todo.run.folder, {"config": todo.config.model_dump(mode="json"), "videos": todo.source})
    run_graph(measured, unit_graph(todo, todo.stale()), Here(nobody), nobody)
    return seconds


def bounds_of(camera: Camera, params: DetectParams, device: str) -> dict[str, float]:
    """Processor seconds per frame of decoding alone, and of the detector alone on frames that are decoded."""
    start, decoded = time.process_time(), 0
    for clip in Video(camera).clips(params.batch):
        decoded += len(clip)
    decoding = (time.process_time() - start) / decoded
    clips = [clip for clip, _ in zip(Video(camera).clips(params.batch), range(PROBED_CLIPS), strict=False)]
    step = make_detector(params, device).begin(camera, Video(camera))
    step(clips[0])
    start = time.process_time()
    for clip in clips:
        step(clip)
    return {"decoding": decoding, "network": (time.process_time() - start) / sum(map(len, clips))}


def command(source: Path, out: Path, workers: int, overrides: list[str], parts: dict[str, Any]) -> Spent:
    """What ``mtmc run`` takes as a user starts it."""
    options = [f"--{name}={value}" for name, value in parts.items() if value] + [f"--set={one}" for one in overrides]
    start, used = time.perf_counter(), dict[int, float]()
    call = [sys.executable, "-m", "mtmc", "run", str(source), f"--out={out}", f"--workers={workers}", *options]
    with on_cores(workers):
        running = psutil.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while running.poll() is None:
        with contextlib.suppress(psutil.Error):
            used |= {one.pid: sum(one.cpu_times()[:2]) for one in (running, *running.children(recursive=True))}
        time.sleep(SAMPLED_S)
    if running.returncode:
        sys.exit(f"mtmc run ended with {running.returncode}")
    own = used.pop(running.pid)
    return Spent(time.perf_counter() - start, own, max(used.values(), default=0.0))


@contextlib.contextmanager
def on_cores(count: int) -> Iterator[None]:
    """What is started meanwhile has so many cores and no more, where the system can tell it so (Linux)."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def stages_table(camera: Camera, seconds: Seconds, bounds: Mapping[str, float]) -> str:
    rate = len(camera.frames) / camera.duration_s
    rows = [(stage, sum(each) / camera.duration_s, len(each)) for stage, each in seconds.items()]
    lines = ["| | processor seconds per second of video | units |", "|---|---|---|"]
    lines += [f"| {stage} | {each:.4f} | {count} |" for stage, each, count in rows]
    lines += [f"| {name} alone | {each * rate:.4f} | |" for name, each in bounds.items()]
    bound = sum(bounds.values()) * rate
    return "\n".join([*lines, f"\ndetections: {bound / rows[0][1]:.0%} of it is decoding and network"])


def workers_table(camera: Camera, seconds: Seconds, whole: Mapping[int, Spent]) -> str:
    alone = laid_on(seconds, 1)
    heads = (
        "workers",
        "units by processor",
        "command: own + busiest worker, s",
        "by processor",
        "clock, s",
        "by the clock",
    )
    lines = [f"\n| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for workers in sorted({1, 2, 4, 8, *whole}):
        cells = [str(workers), f"{alone / laid_on(seconds, workers):.2f}", *[""] * 4]
        if workers in whole:
            first, this = whole[min(whole)], whole[workers]
            cells[2:] = [f"{this.own:.1f} + {this.busiest:.1f}", f"{first.way / this.way:.2f}"]
            cells += [f"{this.clock:.0f}", f"{first.clock / this.clock:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, f"\n{camera.duration_s:.0f} s of video, {len(camera.frames)} frames of {camera.size}"])


def laid_on(seconds: Seconds, workers: int) -> float:
    """When the last unit ends: each goes to the worker that is free first, a stage after the one before."""
    end = 0.0
    for each in seconds.values():
        free = [end] * workers
        for one in each:
            first = free.index(min(free))
            free[first] += one
        end = max(free)
    return end


if __name__ == "__main__":
    main()
