"""A synthetic scene: network, traffic, scenery and cameras made from parameters and a seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from pydantic import Field

from mtmc.params import Params
from mtmc.synth.render.lens import Lens, looking_at
from mtmc.synth.render.render import Light
from mtmc.synth.render.scenery import Scenery, random_scenery
from mtmc.synth.render.sensor import Sensor
from mtmc.synth.traffic.roads import Network, grid, straight
from mtmc.synth.traffic.simulation import Simulation, TrafficParams, Trip

ORIGIN = (42.525678, -90.723601)
"""Latitude and longitude of the world's (0, 0)."""

FIRST_PARKED_ID = 900_001

PresetName = Literal["tiny", "demo", "junctions", "arterial", "city"]


class SynthParams(Params):
    """Every knob of a synthetic scene."""

    preset: PresetName = "demo"
    seconds: float | None = Field(None, gt=0, description="length of the videos; the preset's own by default")
    fps: float = Field(10.0, gt=0, le=60)
    width_px: int | None = Field(None, ge=64, description="image width; the preset's own by default; 16:9")
    light: Literal["day", "overcast", "dusk"] = "day"
    rain: float = Field(0.0, ge=0, le=1)
    parked: float = Field(0.15, ge=0, le=1, description="share of parking places taken")
    occluders: float = Field(
        0.15, ge=0, le=1, description="share of kerb places with a tree or post between camera and road"
    )
    offset_s: float = Field(1.5, ge=0, description="cameras start within this time of each other")
    clock_error_s: float = Field(
        0.0, ge=0, description="standard deviation of the error in the offsets that cam_timestamp tells"
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
    """One camera: its lens, sensor and clock. ``offset_s`` is when it truly starts, ``told_offset_s`` what cam_timestamp says."""

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
    """Everything that exists in a synthetic scene; ``trips`` are the moving vehicles. ``params`` hold what the preset filled in, so
    that they and the seed alone make the same world again."""

    params: SynthParams
    network: Network
    trips: list[Trip]
    scenery: Scenery
    cameras: list[SynthCamera]
    light: Light = field(default_factory=Light)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Preset:
    """How a preset lays out its world: network, seconds, image width, and camera places (position, target, view in degrees)."""

    network: Callable[[], Network]
    seconds: float
    width_px: int
    cameras: Callable[[Network], list[tuple[tuple[float, float, float], tuple[float, float], float]]]
    traffic: float = 420.0


def make_world(params: SynthParams, seed: int) -> World:
    """Build a scene; the same parameters and seed give the same world."""
    preset = _PRESETS[params.preset]
    rng = np.random.default_rng(seed)
    network = preset.network()
    seconds = params.seconds or preset.seconds
    traffic = params.traffic
    if "vehicles_per_lane_hour" not in traffic.model_fields_set:
        traffic = traffic.model_copy(update={"vehicles_per_lane_hour": preset.traffic})
    trips = Simulation(network, traffic, int(rng.integers(1 << 31))).run(seconds + params.offset_s + 5)
    scenery = random_scenery(network, rng, params.occluders, params.parked, FIRST_PARKED_ID)
    width = params.width_px or preset.width_px
    size = width, 2 * round(width * 9 / 32)
    places = preset.cameras(network)
    cameras = [
        _camera(k, place, params, size, seconds, np.random.default_rng((seed, 77, k))) for k, place in enumerate(places)
    ]
    params = params.model_copy(update={"seconds": seconds, "width_px": width, "traffic": traffic})
    return World(params, network, trips, scenery, cameras, light_of(params, rng), seed)


def light_of(params: SynthParams, rng: np.random.Generator) -> Light:
    """The light of a scene's time of day and weather; the sun stands anywhere between 35 and 65 degrees high."""
    rain = params.rain
    if params.light == "dusk":
        return Light(sun_power=0.0, ambient=0.44, sky=(0.52, 0.42, 0.42), tint=(1.14, 0.98, 0.92), night=1.0,
                     haze_per_m=0.0012 + 0.003 * rain, haze=(0.46, 0.40, 0.42), wet=rain)  # fmt: skip
    if params.light == "overcast" or rain > 0.2:
        return Light(sun_power=0.0, ambient=0.84 - 0.15 * rain, sky=(0.70, 0.66, 0.64), haze_per_m=0.0015 + 0.004 * rain,
                     haze=(0.72, 0.70, 0.68), wet=rain)  # fmt: skip
    azimuth, height = rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(35, 65))
    sun = math.cos(azimuth) * math.cos(height), math.sin(azimuth) * math.cos(height), math.sin(height)
    return Light(sun=sun, wet=rain)


def _camera(
    k: int, place: tuple[tuple[float, float, float], tuple[float, float], float], params: SynthParams, size: tuple[int, int],
    seconds: float, rng: np.random.Generator,
) -> SynthCamera:  # fmt: skip
    (x, y, z), (tx, ty), view = place
    position = x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5), z + rng.uniform(-0.4, 0.4)
    lens = looking_at(position, (tx + rng.uniform(-1, 1), ty + rng.uniform(-1, 1)), view, size)
    exposure = 1 + params.cast * rng.uniform(-1, 1)
    blue, green, red = exposure * (1 + 0.7 * params.cast * rng.uniform(-1, 1, 3))
    sensor = Sensor((float(blue), float(green), float(red)), float(1 + params.cast * rng.uniform(-1, 1)),
                    params.blur_px * float(rng.random()), params.noise * float(rng.uniform(0.4, 1)), params.rain)  # fmt: skip
    fps = params.fps * 0.8 if params.mixed_fps and k % 3 == 2 else params.fps
    offset = 0.0 if k == 0 else round(float(rng.uniform(0, params.offset_s)), 3)
    seed = int(rng.integers(1 << 31))
    told = offset if k == 0 else round(offset + params.clock_error_s * float(rng.normal()), 3)
    return SynthCamera(f"c{k + 1:03d}", lens, sensor, fps, offset, told, round(seconds * fps), seed)


def _junction_cameras(
    network: Network, which: list[tuple[int, int]], view: float = 60.0
) -> list[tuple[tuple[float, float, float], tuple[float, float], float]]:
    """Cameras on junction corners: (node, quarter) with quarter k looking along yaw 45 + 90 k degrees, turned to the wider road."""
    places = []
    for node, quarter in which:
        x, y = network.nodes[node]
        reach = network.box_half_m(node) + 2.0
        yaw = math.radians(45 + 90 * quarter)
        corner = x - math.copysign(reach, math.cos(yaw)), y - math.copysign(reach, math.sin(yaw))
        target = corner[0] + 33 * math.cos(yaw), corner[1] + 19 * math.sin(yaw)
        places.append(((corner[0], corner[1], 6.8), target, view))
    return places


def _road_camera(
    x: float, y: float, toward: float, ahead_m: float = 24.0, view: float = 58.0
) -> tuple[tuple[float, float, float], tuple[float, float], float]:
    """A camera beside an east-west road, looking along it (``toward`` +1 east, -1 west) and slightly across."""
    return (x, y, 6.5), (x + toward * ahead_m, y * 0.25), view


def _tiny_cameras(network: Network) -> list[tuple[tuple[float, float, float], tuple[float, float], float]]:
    return [_road_camera(40.0, -8.0, 1), _road_camera(84.0, -8.0, 1)]


def _demo_cameras(network: Network) -> list[tuple[tuple[float, float, float], tuple[float, float], float]]:
    return [
        *_junction_cameras(network, [(0, 0)]),
        _road_camera(24.0, -10.5, 1),
        *_junction_cameras(network, [(1, 0), (1, 2)]),
    ]


def _junctions_cameras(network: Network) -> list[tuple[tuple[float, float, float], tuple[float, float], float]]:
    return _junction_cameras(network, [(0, 0), (0, 2), (1, 1), (1, 3), (2, 0), (3, 2), (3, 1)])


def _arterial_cameras(network: Network) -> list[tuple[tuple[float, float, float], tuple[float, float], float]]:
    return [_road_camera(-45.0 + 102.0 * k, -10.5 if k % 2 else 10.5, 1 if k % 2 == 0 else -1) for k in range(6)]


def _city_cameras(network: Network) -> list[tuple[tuple[float, float, float], tuple[float, float], float]]:
    return _junction_cameras(network, [(node, quarter) for node in range(12) for quarter in (node % 4, (node + 2) % 4)])


_PRESETS: dict[str, _Preset] = {
    "tiny": _Preset(lambda: straight(170.0, 1, 14.0), 6.0, 320, _tiny_cameras, 900.0),
    "demo": _Preset(lambda: grid(2, 1, 85.0, (2, 1)), 24.0, 960, _demo_cameras, 480.0),
    "junctions": _Preset(lambda: grid(2, 2, 95.0, (2, 1)), 60.0, 960, _junctions_cameras),
    "arterial": _Preset(lambda: grid(4, 1, 140.0, (2, 1)), 60.0, 960, _arterial_cameras),
    "city": _Preset(lambda: grid(4, 3, 120.0, (2, 1)), 60.0, 960, _city_cameras),
}
