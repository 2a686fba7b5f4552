"""A synthetic scene: network, traffic, scenery and cameras made from parameters and a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from pydantic import Field

from mtmc.params import Params
from mtmc.synth.presets import PRESETS, CameraPlace, PresetName
from mtmc.synth.render.lens import Lens, looking_at
from mtmc.synth.render.scenery import Scenery, random_scenery
from mtmc.synth.render.sensor import Sensor
from mtmc.synth.render.shading import Light
from mtmc.synth.traffic.roads import Network
from mtmc.synth.traffic.simulation import Simulation, TrafficParams
from mtmc.synth.traffic.trip import Trip

ORIGIN = (42.525678, -90.723601)
"""Latitude and longitude of the world's (0, 0)."""

FIRST_PARKED_ID = 900_001


class SynthParams(Params):
    """Every knob of a synthetic scene."""

    preset: PresetName = "demo"
    seconds: float | None = Field(
        None, gt=0, le=86_400, description="length of the videos, a day at most; the preset's own by default"
    )
    fps: float = Field(10.0, ge=0.1, le=60)
    width_px: int | None = Field(None, ge=64, le=7680, description="image width; the preset's own by default; 16:9")
    light: Literal["day", "overcast", "dusk"] = "day"
    rain: float = Field(0.0, ge=0, le=1)
    parked: float = Field(0.15, ge=0, le=1, description="fraction of parking places taken")
    occluders: float = Field(
        0.15, ge=0, le=1, description="fraction of kerb places with a tree or post between camera and road"
    )
    offset_s: float = Field(1.5, ge=0, le=86_400, description="cameras start within this time of each other")
    clock_error_s: float = Field(
        0.0, ge=0, le=3600, description="standard deviation of the error in the offsets that cam_timestamp tells"
    )
    dropped: float = Field(0.0, ge=0, le=0.5, description="probability that a frame is missing from the video")
    repeated: float = Field(0.0, ge=0, le=0.5, description="probability that a frame repeats the one before")
    mixed_fps: bool = Field(False, description="give every third camera 0.8 of the frame rate")
    cast: float = Field(0.05, ge=0, le=0.5, description="spread of the cameras' colour gains and exposures")
    blur_px: float = Field(0.5, ge=0, le=5, description="largest blur of a camera")
    noise: float = Field(2.5, ge=0, le=30, description="largest noise of a camera, grey levels")
    crf: int = Field(24, ge=0, le=51, description="H.264 quality, smaller is better")
    traffic: TrafficParams = TrafficParams()


@dataclass(frozen=True, slots=True, eq=False)
class SynthCamera:
    """One camera: its lens, sensor and clock. ``offset_s`` is when it truly starts, ``told_offset_s`` what
    cam_timestamp says."""

    id: str
    lens: Lens
    sensor: Sensor
    fps: float
    offset_s: float
    told_offset_s: float
    frame_count: int
    seed: int


@dataclass(frozen=True, eq=False)
class World:
    """Everything that exists in a synthetic scene; ``trips`` are the moving vehicles. ``params`` hold what the preset
    filled in, so that they and the seed alone make the same world again."""

    params: SynthParams
    network: Network
    trips: list[Trip]
    scenery: Scenery
    cameras: list[SynthCamera]
    light: Light = field(default_factory=Light)
    seed: int = 0


def make_world(params: SynthParams, seed: int) -> World:
    """Build a scene; the same parameters and seed give the same world."""
    preset = PRESETS[params.preset]
    rng = np.random.default_rng(seed)
    network = preset.network()
    seconds = params.seconds or preset.seconds
    traffic = params.traffic
    for knob, value in (("vehicles_per_lane_hour", preset.traffic), ("turning", preset.turning)):
        if knob not in traffic.model_fields_set:
            traffic = traffic.model_copy(update={knob: value})
    if "parked" not in params.model_fields_set:
        params = params.model_copy(update={"parked": preset.parked})
    trips = Simulation(network, traffic, int(rng.integers(1 << 31))).run(seconds + params.offset_s + 5)
    scenery = random_scenery(network, rng, params.occluders, params.parked, FIRST_PARKED_ID)
    width = params.width_px or preset.width_px
    size = width, 2 * round(width * 9 / 32)
    places = preset.cameras(network)
    cameras = [
        _camera(k, place, params, size, seconds, np.random.default_rng((seed, 77, k))) for k, place in enumerate(places)
    ]
    if preset.clips is not None:
        cameras = _clipped(cameras, preset.clips(np.random.default_rng((seed, 78))), seconds)
    params = params.model_copy(update={"seconds": seconds, "width_px": width, "traffic": traffic})
    return World(params, network, trips, scenery, cameras, light_of(params, rng), seed)


def _clipped(cameras: list[SynthCamera], clips: list[tuple[float, float]], seconds: float) -> list[SynthCamera]:
    """Cameras that each run for a clip (start, length) within the scene; how wrong their clocks are told stays."""
    starts = [round(min(start, seconds - 5.0), 3) for start, _ in clips]
    return [
        replace(
            camera,
            offset_s=start,
            told_offset_s=round(start + camera.told_offset_s - camera.offset_s, 3),
            frame_count=round(min(length, seconds - start) * camera.fps),
        )
        for camera, start, (_, length) in zip(cameras, starts, clips, strict=True)
    ]


def light_of(params: SynthParams, rng: np.random.Generator) -> Light:
    """The light of a scene's time of day and weather; the sun stands anywhere between 35 and 65 degrees high."""
    rain = params.rain
    if params.light == "dusk":
        return Light(sun_power=0.0, ambient=0.44, sky=(0.52, 0.42, 0.42), tint=(1.14, 0.98, 0.92), night=1.0,
                     haze_per_m=0.0012 + 0.003 * rain, haze=(0.46, 0.40, 0.42), wet=rain)  # fmt: skip
    if params.light == "overcast" or rain > 0.2:
        return Light(sun_power=0.0, ambient=0.84 - 0.15 * rain, sky=(0.70, 0.66, 0.64),
                     haze_per_m=0.0015 + 0.004 * rain, haze=(0.72, 0.70, 0.68), wet=rain)  # fmt: skip
    azimuth, height = rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(35, 65))
    sun = math.cos(azimuth) * math.cos(height), math.sin(azimuth) * math.cos(height), math.sin(height)
    return Light(sun=sun, wet=rain)


def _camera(
    k: int, place: CameraPlace, params: SynthParams, size: tuple[int, int], seconds: float, rng: np.random.Generator
) -> SynthCamera:
    (x, y, z), (tx, ty), view = place
    position = x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5), z + rng.uniform(-0.4, 0.4)
    lens = looking_at(position, (tx + rng.uniform(-1, 1), ty + rng.uniform(-1, 1)), view, size)
    exposure = 1 + params.cast * rng.uniform(-1, 1)
    blue, green, red = exposure * (1 + 0.7 * params.cast * rng.uniform(-1, 1, 3))
    sensor = Sensor(
        gains=(float(blue), float(green), float(red)),
        gamma=float(1 + params.cast * rng.uniform(-1, 1)),
        blur_px=params.blur_px * float(rng.random()),
        noise=params.noise * float(rng.uniform(0.4, 1)),
        rain=params.rain,
    )
    fps = params.fps * 0.8 if params.mixed_fps and k % 3 == 2 else params.fps
    offset = 0.0 if k == 0 else round(float(rng.uniform(0, params.offset_s)), 3)
    seed = int(rng.integers(1 << 31))
    told = offset if k == 0 else round(offset + params.clock_error_s * float(rng.normal()), 3)
    return SynthCamera(f"c{k + 1:03d}", lens, sensor, fps, offset, told, round(seconds * fps), seed)
