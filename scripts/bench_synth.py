"""Time the renderer: 960 x 540 pixels, 15 moving vehicles in view, one thread; each step of a frame and whole frames.

Seconds are processor seconds of this process, so that a busy machine does not change the meaning; wall-clock is told
beside them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from mtmc.synth.render.frames import draw_frame
from mtmc.synth.render.sensor import Developer
from mtmc.synth.render.view import make_view
from mtmc.synth.scene import SynthParams, make_world
from mtmc.synth.vehicles.identity import Vehicle, random_fleet
from mtmc.synth.vehicles.pose import Pose
from mtmc.synth.writers.avi import AviWriter

T = TypeVar("T")

COUNT = 15
PERIOD = 6
"""Frames after which the vehicles turn back, so that they stay in view."""


def vehicles_in_view(frame: int) -> list[tuple[Vehicle, Pose]]:
    """Three lanes of five vehicles before the demo's second camera, 12 to 50 m away, driving back and forth at 12
    m/s."""
    fleet = random_fleet(np.random.default_rng(1), 40)
    cars = [v for v in fleet if v.length_m < 6][:COUNT]
    gone = 1.2 * abs(PERIOD - frame % (2 * PERIOD))
    places = [(36.0 + 9.0 * k, y, yaw) for k in range(5) for y, yaw in ((-5.25, 0.0), (-1.75, 0.0), (1.75, np.pi))]
    return [(v, Pose(x + gone * np.cos(yaw), y, yaw)) for v, (x, y, yaw) in zip(cars, places, strict=True)]


def timed(step: Callable[[T], Any], inputs: Sequence[T], repeat: int) -> tuple[float, float]:
    """Processor and wall-clock seconds of one call, over the inputs in turn."""
    step(inputs[0])
    cpu, wall = time.process_time(), time.perf_counter()
    for k in range(repeat):
        step(inputs[k % len(inputs)])
    return (time.process_time() - cpu) / repeat, (time.perf_counter() - wall) / repeat


def measure(repeat: int) -> dict[str, Any]:
    """All figures of the bench."""
    cv2.setNumThreads(1)
    world = make_world(SynthParams(preset="demo", seconds=1), 1)
    camera = world.cameras[1]
    start = time.process_time()
    view = make_view(world.network, world.scenery, camera.lens, world.light, 1)
    background_s = time.process_time() - start
    scenes = [vehicles_in_view(frame) for frame in range(2 * PERIOD)]
    drawn = [draw_frame(view, scene, world.light) for scene in scenes]
    developer = Developer(camera.sensor, camera.lens.size, np.random.default_rng(1))
    developed = [developer.develop(image) for image, _ in drawn]
    with (
        tempfile.TemporaryDirectory() as folder,
        AviWriter(Path(folder) / "vdo.avi", 10, camera.lens.size, 24) as video,
    ):
        steps = {
            "draw": timed(lambda scene: draw_frame(view, scene, world.light), scenes, repeat),
            "sensor": timed(lambda seen: developer.develop(seen[0]), drawn, repeat),
            "encode": timed(video.write, developed, repeat),
        }
    rendered = steps["draw"][0] + steps["sensor"][0]
    return {
        "size": camera.lens.size,
        "vehicles_drawn": COUNT,
        "vehicles_seen": min(sum(s.vehicle.id <= 40 for s in seen) for _, seen in drawn),
        "background_s": round(background_s, 3),
        "ms": {name: round(1000 * cpu, 2) for name, (cpu, _) in steps.items()},
        "wall_ms": {name: round(1000 * wall, 2) for name, (_, wall) in steps.items()},
        "frames_per_s": round(1 / rendered, 1),
        "frames_per_s_with_encoding": round(1 / (rendered + steps["encode"][0]), 1),
    }


def main() -> None:
    """Print the figures, as text or as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=100, help="frames to average over")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.repeat)
    print(json.dumps(figures) if options.json else "\n".join(f"{name:28} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
