"""Frames to train a detector on: many small scenes, cameras, lights and weathers as JPEG with one COCO document."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import av
import numpy as np

from mtmc.files.images import write_image
from mtmc.structures import Image
from mtmc.synth.presets import PresetName
from mtmc.synth.render.frames import Seen, draw_frame
from mtmc.synth.render.lens import looking_at
from mtmc.synth.render.sensor import Developer
from mtmc.synth.render.view import make_view
from mtmc.synth.scene import SynthCamera, SynthParams, World, make_world
from mtmc.synth.traffic.simulation import TrafficParams
from mtmc.synth.writers.dataset import CocoWriter, active_vehicles

FRAMES_PER_CAMERA = 6
CAMERAS_PER_WORLD = 3


def write_detection_set(
    out: Path, images: int, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, int]:
    """Write ``images`` frames of random scenes to ``out/images`` and ``out/coco.json`` (visible parts as run-length
    masks).

    The pictures go through the videos' own compression, so that they look like frames of them. Returns counts.
    """
    (out / "images").mkdir(parents=True, exist_ok=True)
    coco = CocoWriter()
    for number, (image, seen) in enumerate(random_frames(images, seed)):
        name = f"{number + 1:06d}.jpg"
        write_image(out / "images" / name, image, 92)
        coco.add(name, (image.shape[1], image.shape[0]), seen)
        progress(number + 1, images)
    (out / "coco.json").write_text(json.dumps(coco.document, separators=(",", ":")))
    return {"images": images, "boxes": len(coco.document["annotations"])}


def random_frames(count: int, seed: int) -> Iterator[tuple[Image, list[Seen]]]:
    """``count`` compressed frames with what is visible in each, from as many random scenes as it takes."""
    done, number = 0, 0
    while done < count:
        rng = np.random.default_rng((seed, number))
        world = make_world(_random_params(rng), int(rng.integers(1 << 31)))
        order = rng.permutation(len(world.cameras))[:CAMERAS_PER_WORLD]
        for k in order:
            for item in _camera_frames(world, world.cameras[int(k)], rng):
                if done < count:
                    yield item
                    done += 1
        number += 1


def _random_params(rng: np.random.Generator) -> SynthParams:
    preset: PresetName = ("demo", "demo", "demo", "junctions", "arterial")[int(rng.integers(5))]
    light: Literal["day", "overcast", "dusk"] = ("day", "day", "day", "day", "overcast", "dusk")[int(rng.integers(6))]
    return SynthParams(
        preset=preset, seconds=20, light=light, rain=float(rng.uniform(0.2, 1)) if rng.random() < 0.15 else 0.0,
        parked=float(rng.uniform(0, 0.5)), occluders=float(rng.uniform(0, 0.5)), cast=float(rng.uniform(0, 0.25)),
        blur_px=float(rng.uniform(0, 1.2)), noise=float(rng.uniform(0, 6)), crf=int(rng.integers(20, 33)),
        traffic=TrafficParams(vehicles_per_lane_hour=float(rng.uniform(300, 700)), warm_up_s=45),
    )  # fmt: skip


def _camera_frames(world: World, camera: SynthCamera, rng: np.random.Generator) -> Iterator[tuple[Image, list[Seen]]]:
    """A few instants of a camera that stands and looks a little differently from the preset's."""
    lens = camera.lens
    aim = (
        lens.position[:2]
        + np.array([np.cos(lens.yaw_rad), np.sin(lens.yaw_rad)]) * rng.uniform(16, 30)
        + rng.uniform(-3, 3, 2)
    )
    x, y = lens.position[:2] + rng.uniform(-1.5, 1.5, 2)
    lens = looking_at(
        (float(x), float(y), float(rng.uniform(5, 8))),
        (float(aim[0]), float(aim[1])),
        float(rng.uniform(48, 72)),
        lens.size,
    )
    view = make_view(world.network, world.scenery, lens, world.light, int(rng.integers(1 << 20)))
    developer = Developer(camera.sensor, lens.size, rng)
    for time_s in rng.uniform(0, 20, FRAMES_PER_CAMERA):
        image, seen = draw_frame(view, active_vehicles(world, float(time_s)), world.light)
        yield compressed(developer.develop(image), world.params.crf), seen


def compressed(image: Image, crf: int) -> Image:
    """The frame after H.264 at quality ``crf``, as a video's key frame."""
    height, width = image.shape[:2]
    stored = io.BytesIO()
    with av.open(stored, "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")), *stream.encode()]:
            container.mux(packet)
    stored.seek(0)
    with av.open(stored, "r", format="h264") as source:
        return np.asarray(next(source.decode(video=0)).to_ndarray(format="bgr24"), np.uint8)
