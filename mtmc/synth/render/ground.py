"""The ground from above: grass, pavement, asphalt, markings and shadows, painted once per place and scale.

A map covers a square of ``extent_m`` around ``centre``; its pixels grow right (east) and down (south).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from mtmc.structures import Double, Float, Image, Int
from mtmc.synth.traffic.roads import LANE_M, SETBACK_M, Network, Road

PARKING_M = 2.5
"""Width of the parking strip beside each kerb lane."""
PAVEMENT_M = 3.0
_BEYOND_M = 150.0
"""How far a road goes on for the eye where the world of the vehicles ends."""

Tone = tuple[int, int, int]
"""Blue, green, red."""


@dataclass(frozen=True, slots=True)
class Palette:
    """What the ground is painted with; ``middle``: the line between the directions; ``grain``: how rough it all is."""

    asphalt: Tone = (110, 109, 108)
    pavement: Tone = (158, 162, 165)
    grass: Tone = (70, 110, 98)
    white: Tone = (205, 206, 206)
    middle: Tone = (70, 165, 200)
    grain: float = 1.0


USUAL = Palette()


@dataclass(frozen=True, slots=True, eq=False)
class GroundMap:
    """A painted square. ``to_map`` (3, 3) maps metres (east, north) to map pixels."""

    image: Image
    to_map: Double

    def at(self, x: float, y: float) -> int:
        """Value of a one-channel map at a ground point; 0 outside."""
        column, row = int(self.to_map[0, 0] * x + self.to_map[0, 2]), int(self.to_map[1, 1] * y + self.to_map[1, 2])
        inside = 0 <= row < self.image.shape[0] and 0 <= column < self.image.shape[1]
        return int(self.image[row, column]) if inside else 0


def noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, ...], strength: tuple[float, ...]
) -> Float:
    """Smooth random (height, width) float32 around 0: one octave per entry of ``cells`` (random values per side,
    repeated beyond 512: the eye does not see it and random numbers are dear)."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    for count, power in zip(cells, strength, strict=True):
        coarse = rng.standard_normal((min(count, 512), min(count, 512)), np.float32) * np.float32(power)
        if count > 512:
            times = -(-count // 512)
            coarse = np.tile(coarse, (times, times))[:count, :count]
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def paint_ground(
    network: Network,
    centre: tuple[float, float],
    extent_m: float,
    pixels_per_m: float,
    seed: int,
    shadows: Iterable[Double] = (),
    shadow_strength: float = 0.45,
    palette: Palette = USUAL,
) -> GroundMap:
    """Paint the square around ``centre``; ``shadows`` are convex ground polygons (N, 2) of things that stand in the
    sun."""
    size = round(extent_m * pixels_per_m)
    to_map = _to_map(centre, extent_m, pixels_per_m)
    brush = _Brush(np.zeros((size, size, 3), np.uint8), to_map, palette)
    rng = np.random.default_rng(seed)
    brush.image[:] = palette.grass
    for road in network.roads:
        brush.fill(_strip(network, road, road.half_width_m + PARKING_M + PAVEMENT_M), palette.pavement)
    for node in range(len(network.nodes)):
        brush.fill(_octagon(network, node, PARKING_M + PAVEMENT_M + 3.0), palette.pavement)
    for road in network.roads:
        brush.fill(_strip(network, road, road.half_width_m + PARKING_M), palette.asphalt)
    for node in range(len(network.nodes)):
        brush.fill(_octagon(network, node, PARKING_M + 2.0), palette.asphalt)
    _grain(brush, rng, network)
    for road in network.roads:
        _markings(brush, network, road)
    _cast(brush, shadows, shadow_strength)
    return GroundMap(brush.image, to_map)


@dataclass(frozen=True, slots=True, eq=False)
class _Brush:
    image: Image
    to_map: Double
    palette: Palette = USUAL

    def fill(self, points: Double, colour: tuple[int, int, int]) -> None:
        cv2.fillPoly(self.image, [self.fixed(points)], colour, cv2.LINE_AA, 4)

    def line(self, a: Double, b: Double, width_m: float, colour: tuple[int, int, int]) -> None:
        ahead = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
        side = np.array([-ahead[1], ahead[0]]) * width_m / 2
        self.fill(np.array([a + side, b + side, b - side, a - side]), colour)

    def fixed(self, points: Double) -> Int:
        pixels = points @ self.to_map[:2, :2].T + self.to_map[:2, 2]
        return np.rint(np.clip(pixels, -20000, 20000) * 16).astype(np.int32)


def _ends(network: Network, road: Road) -> tuple[Double, Double, Double, Double]:
    """Ends of a road's surface (stop lines, or far beyond the end of the world), its direction and the normal to its
    left."""
    a, b = network.nodes[road.a], network.nodes[road.b]
    ahead = (b - a) / np.linalg.norm(b - a)
    before, after = (network.box_half_m(node) if network.is_junction(node) else -_BEYOND_M for node in (road.a, road.b))
    return a + ahead * before, b - ahead * after, ahead, np.array([-ahead[1], ahead[0]])


def _strip(network: Network, road: Road, half_m: float) -> Double:
    a, b, ahead, left = _ends(network, road)
    reach = SETBACK_M + 1
    a, b = a - ahead * reach, b + ahead * reach
    return np.array([a + left * half_m, b + left * half_m, b - left * half_m, a - left * half_m])


def _octagon(network: Network, node: int, extra_m: float) -> Double:
    if not network.is_junction(node):
        return np.zeros((3, 2))
    half = network.box_half_m(node) - SETBACK_M + extra_m
    cut = 2.2
    corners = [
        (half, half - cut),
        (half - cut, half),
        (cut - half, half),
        (-half, half - cut),
        (-half, cut - half),
        (cut - half, -half),
        (half - cut, -half),
        (half, cut - half),
    ]
    return np.asarray(network.nodes[node] + np.array(corners))


def _grain(brush: _Brush, rng: np.random.Generator, network: Network) -> None:
    """Texture: grain, wear along the wheel tracks, patches and cracks, pavement joints."""
    size = len(brush.image)
    grain = noise(rng, (size, size), (6, 24, 96, size // 2, size), (0.03, 0.03, 0.03, 0.03, 0.045))
    wear = np.zeros((size, size), np.float32)
    for segment in network.segments:
        direction = np.diff(segment.line, axis=0)
        normal = np.stack([-direction[:, 1], direction[:, 0]], axis=1) / np.linalg.norm(direction, axis=1)[:, None]
        normal = np.concatenate([normal, normal[-1:]])
        for shift in (-0.85, 0.85):
            width = max(1, round(0.5 * float(brush.to_map[0, 0])))
            cv2.polylines(wear, [brush.fixed(segment.line + normal * shift)], False, -0.06, width, cv2.LINE_AA, 4)
        cv2.polylines(
            wear,
            [brush.fixed(segment.line)],
            False,
            -0.10,
            max(1, round(0.3 * float(brush.to_map[0, 0]))),
            cv2.LINE_AA,
            4,
        )
    soft = cv2.GaussianBlur(wear, (0, 0), max(0.6, 0.16 * float(brush.to_map[0, 0])))
    _patches(brush, rng, network)
    cv2.multiply(brush.image, cv2.merge([1 + brush.palette.grain * grain + soft] * 3), dst=brush.image, dtype=cv2.CV_8U)


def _patches(brush: _Brush, rng: np.random.Generator, network: Network) -> None:
    for road in network.roads:
        a, b, ahead, left = _ends(network, road)
        length = float(np.linalg.norm(b - a))
        for _ in range(int(length / 14)):
            spot = a + ahead * rng.uniform(0, length) + left * rng.uniform(-1, 1) * road.half_width_m
            tone = int(rng.integers(70, 116))
            along, across = ahead * rng.uniform(0.5, 2.5), left * rng.uniform(0.3, 1.0)
            if rng.random() < 0.5:
                brush.fill(
                    np.array(
                        [spot + along + across, spot + along - across, spot - along - across, spot - along + across]
                    ),
                    (tone, tone, tone),
                )
            else:
                crack = spot + np.cumsum(rng.normal(0, 0.35, (10, 2)), axis=0)
                cv2.polylines(brush.image, [brush.fixed(crack)], False, (58, 58, 58), 1, cv2.LINE_AA, 4)


def _markings(brush: _Brush, network: Network, road: Road) -> None:
    a, b, ahead, left = _ends(network, road)
    for shift in (-0.13, 0.13):
        brush.line(a + left * shift, b + left * shift, 0.11, brush.palette.middle)
    length = float(np.linalg.norm(b - a))
    for lane in range(1, road.lanes):
        for side in (-1, 1):
            for start in np.arange(1.0, length - 3.0, 9.0):
                spot = a + ahead * start + left * side * lane * LANE_M
                brush.line(spot, spot + ahead * 3.0, 0.13, brush.palette.white)
    for side in (-1, 1):
        brush.line(a + left * side * road.half_width_m, b + left * side * road.half_width_m, 0.11, brush.palette.white)
    for end, node, away, right in ((a, road.a, ahead, left), (b, road.b, -ahead, -left)):
        if network.is_junction(node):
            _stop_line(brush, end, away, right, road.half_width_m)


def _stop_line(brush: _Brush, end: Double, away: Double, incoming: Double, half_m: float) -> None:
    """Stop line over the incoming lanes and a zebra between it and the junction."""
    brush.line(end + away * 0.2, end + away * 0.2 + incoming * half_m, 0.45, brush.palette.white)
    for shift in np.arange(-half_m + 0.4, half_m, 0.95):
        spot = end - away * 3.7 + incoming * shift
        brush.line(spot, spot + away * 2.6, 0.45, brush.palette.white)


def _cast(brush: _Brush, shadows: Iterable[Double], strength: float) -> None:
    mask = np.zeros(brush.image.shape[:2], np.uint8)
    for polygon in shadows:
        cv2.fillConvexPoly(mask, cv2.convexHull(brush.fixed(polygon)), 255, cv2.LINE_AA, 4)
    keep = cv2.LUT(cv2.blur(mask, (3, 3)), np.rint(255 - strength * np.arange(256)).astype(np.uint8))
    cv2.multiply(brush.image, cv2.merge((keep, keep, keep)), dst=brush.image, scale=1 / 255)


def shade_map(
    centre: tuple[float, float], extent_m: float, pixels_per_m: float, shadows: Iterable[Double]
) -> GroundMap:
    """Where the still things' shadows fall: 255 in shadow, softened; one channel."""
    size = round(extent_m * pixels_per_m)
    to_map = _to_map(centre, extent_m, pixels_per_m)
    brush = _Brush(np.zeros((size, size), np.uint8), to_map)
    for polygon in shadows:
        cv2.fillConvexPoly(brush.image, cv2.convexHull(brush.fixed(polygon)), 255, cv2.LINE_AA, 4)
    return GroundMap(np.asarray(cv2.blur(brush.image, (5, 5)), np.uint8), to_map)


def _to_map(centre: tuple[float, float], extent_m: float, pixels_per_m: float) -> Double:
    west, north = centre[0] - extent_m / 2, centre[1] + extent_m / 2
    return np.array([[pixels_per_m, 0, -west * pixels_per_m], [0, -pixels_per_m, north * pixels_per_m], [0, 0, 1.0]])
