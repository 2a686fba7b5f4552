"""The places that can be simulated: roads, cameras and how much traffic, by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mtmc.synth.traffic.roads import Network, Road, grid, straight

PresetName = Literal[
    "tiny", "demo", "junctions", "arterial", "city", "junction5", "corridor4", "hamlet6", "residential25", "unrelated11"
]

CameraPlace = tuple[tuple[float, float, float], tuple[float, float], float]
"""Position (x, y, z) metres, ground point in the middle of the picture (x, y), horizontal field of view in degrees."""


@dataclass(frozen=True, slots=True)
class Preset:
    """How a preset lays out its world: network, seconds, image width, and camera places; vehicles per lane and hour,
    the fraction of them that turn at a junction, of parking places taken; and, where cameras do not run all at once,
    start and length in seconds of each camera's clip. ``calibrated``: whether calibration files are written."""

    network: Callable[[], Network]
    seconds: float
    width_px: int
    cameras: Callable[[Network], list[CameraPlace]]
    traffic: float = 420.0
    turning: float = 0.3
    parked: float = 0.15
    clips: Callable[[np.random.Generator], list[tuple[float, float]]] | None = None
    calibrated: bool = True


def _junction_cameras(network: Network, which: list[tuple[int, int]], view: float = 60.0) -> list[CameraPlace]:
    """Cameras on junction corners: (node, quarter) with quarter k looking along yaw 45 + 90 k degrees, turned to the
    wider road."""
    places = []
    for node, quarter in which:
        x, y = network.nodes[node]
        reach = network.box_half_m(node) + 2.0
        yaw = math.radians(45 + 90 * quarter)
        corner = x - math.copysign(reach, math.cos(yaw)), y - math.copysign(reach, math.sin(yaw))
        target = corner[0] + 33 * math.cos(yaw), corner[1] + 19 * math.sin(yaw)
        places.append(((corner[0], corner[1], 6.8), target, view))
    return places


def _road_camera(x: float, y: float, toward: float, ahead_m: float = 24.0, view: float = 58.0) -> CameraPlace:
    """A camera beside an east-west road, looking along it (``toward`` +1 east, -1 west) and slightly across."""
    return (x, y, 6.5), (x + toward * ahead_m, y * 0.25), view


def _tiny_cameras(network: Network) -> list[CameraPlace]:
    return [_road_camera(40.0, -8.0, 1), _road_camera(84.0, -8.0, 1)]


def _demo_cameras(network: Network) -> list[CameraPlace]:
    return [
        *_junction_cameras(network, [(0, 0)]),
        _road_camera(24.0, -10.5, 1),
        *_junction_cameras(network, [(1, 0), (1, 2)]),
    ]


def _junctions_cameras(network: Network) -> list[CameraPlace]:
    return _junction_cameras(network, [(0, 0), (0, 2), (1, 1), (1, 3), (2, 0), (3, 2), (3, 1)])


def _arterial_cameras(network: Network) -> list[CameraPlace]:
    return [_road_camera(-45.0 + 102.0 * k, -10.5 if k % 2 else 10.5, 1 if k % 2 == 0 else -1) for k in range(6)]


def _city_cameras(network: Network) -> list[CameraPlace]:
    return _junction_cameras(network, [(node, quarter) for node in range(12) for quarter in (node % 4, (node + 2) % 4)])


def _junction5_cameras(network: Network) -> list[CameraPlace]:
    """One on each corner, looking over the whole junction into the arms beyond, and one down an arm."""
    corners: list[CameraPlace] = [
        ((-17.0, -16.0, 8.5), (8.0, 1.0), 64.0),
        ((17.0, -17.0, 8.0), (3.0, 10.0), 56.0),
        ((16.0, 17.0, 8.5), (-10.0, 2.0), 70.0),
        ((-16.0, 16.0, 8.0), (-3.0, -9.0), 58.0),
    ]
    return [*corners, ((-52.0, -11.0, 8.0), (-20.0, 1.0), 46.0)]


def _corridor4_cameras(network: Network) -> list[CameraPlace]:
    """One behind the other along the road before a junction, each looking on into half of the next one's view."""
    return [_road_camera(-228.0 + 44.0 * k, 14.5 if k % 2 else -14.5, 1, 27.0, 60.0) for k in range(4)]


def _hamlet6_cameras(network: Network) -> list[CameraPlace]:
    return _junction_cameras(network, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (1, 3)], 66.0)


def _residential25_cameras(network: Network) -> list[CameraPlace]:
    corners = [(node, (node + turn) % 4) for node in range(8) for turn in range(3)]
    return _junction_cameras(network, [*corners, (5, 0)], 66.0)


def _residential25_clips(rng: np.random.Generator) -> list[tuple[float, float]]:
    """The cameras of a junction run at about the same time; each clip lasts half a minute to two minutes."""
    at = rng.uniform(0.0, 150.0, 8)
    nodes = [*np.repeat(np.arange(8), 3), 5]
    return [
        (max(0.0, float(at[node] + rng.uniform(-12.0, 12.0))), float(np.exp(rng.uniform(np.log(30), np.log(120)))))
        for node in nodes
    ]


def _unrelated11_roads() -> Network:
    """Roads far apart, no two alike."""
    ends = [(x, 400.0 * k) for k in range(11) for x in (0.0, 190.0)]
    roads = [Road(2 * k, 2 * k + 1, 1 + k % 2, 9.0 + k % 5 * 1.5, 0.4 + 0.15 * (k * 4 % 11)) for k in range(11)]
    return Network(np.array(ends), tuple(roads))


def _unrelated11_cameras(network: Network) -> list[CameraPlace]:
    places: list[CameraPlace] = []
    for k in range(11):
        (x, y, z), (to_x, _), view = _road_camera(95.0, 10.5 if k % 3 else -10.5, 1 if k % 2 else -1, 20.0 + k)
        places.append(((x, y + 400.0 * k, z), (to_x, y * 0.25 + 400.0 * k), view))
    return places


PRESETS: dict[str, Preset] = {
    "tiny": Preset(lambda: straight(170.0, 1, 14.0), 6.0, 320, _tiny_cameras, 900.0),
    "demo": Preset(lambda: grid(2, 1, 85.0, (2, 1)), 24.0, 960, _demo_cameras, 480.0),
    "junctions": Preset(lambda: grid(2, 2, 95.0, (2, 1)), 60.0, 960, _junctions_cameras),
    "arterial": Preset(lambda: grid(4, 1, 140.0, (2, 1)), 60.0, 960, _arterial_cameras),
    "junction5": Preset(
        network=lambda: grid(1, 1, 0.0, (2, 2), 120.0, 13.0, True),
        seconds=200.0,
        width_px=1280,
        cameras=_junction5_cameras,
        traffic=210.0,
        turning=0.45,
        parked=0.3,
        calibrated=False,
    ),
    "corridor4": Preset(
        network=lambda: grid(1, 1, 0.0, (3, 1), 300.0, 14.0, True, 0.5),
        seconds=200.0,
        width_px=1280,
        cameras=_corridor4_cameras,
        traffic=490.0,
        turning=0.2,
        calibrated=False,
    ),
    "hamlet6": Preset(
        network=lambda: grid(2, 1, 75.0, (1, 1), 100.0, 11.0, True, 0.1),
        seconds=235.0,
        width_px=1280,
        cameras=_hamlet6_cameras,
        traffic=112.0,
        turning=0.15,
        parked=0.32,
        calibrated=False,
    ),
    "residential25": Preset(
        network=lambda: grid(4, 2, 80.0, (1, 1), 80.0, 10.0, True, 0.12),
        seconds=240.0,
        width_px=1280,
        cameras=_residential25_cameras,
        traffic=340.0,
        turning=0.15,
        parked=0.6,
        clips=_residential25_clips,
        calibrated=False,
    ),
    "unrelated11": Preset(
        network=_unrelated11_roads,
        seconds=120.0,
        width_px=1280,
        cameras=_unrelated11_cameras,
        traffic=500.0,
        parked=0.3,
        calibrated=False,
    ),
    "city": Preset(lambda: grid(4, 3, 120.0, (2, 1)), 60.0, 960, _city_cameras),
}
