"""Streets as no preset has them: any camera, any light, any ground, clutter beside the road and odd paint, to teach
detectors that are to hold on real ones.

Nothing moves and nobody obeys: vehicles stand where a lane leads, and some where none does. What is drawn is drawn by
the city's own renderer; only its colours, places and surroundings are drawn at random, far beyond what is likely
(domain randomisation, Tobin et al. 2017).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mtmc.structures import Double, Image
from mtmc.synth.render.frames import Seen, draw_frame
from mtmc.synth.render.ground import Palette
from mtmc.synth.render.lens import Lens, looking_at
from mtmc.synth.render.scenery import random_scenery
from mtmc.synth.render.shading import Light
from mtmc.synth.render.view import View, make_view
from mtmc.synth.scene import FIRST_PARKED_ID
from mtmc.synth.streets.crowd import odd, odd_fleet, repaint, traffic
from mtmc.synth.streets.surroundings import captions, clutter, far_lights, whole_tone
from mtmc.synth.traffic.roads import Network, grid, straight
from mtmc.synth.vehicles.colours import from_hsv

FRAMES_PER_VIEW = 16
LEAST_VISIBLE = 0.02
"""Share of a vehicle that must show to be told of at all: who learns may leave aside what hardly shows."""


def random_streets(seed: int, size: tuple[int, int]) -> Iterator[tuple[Image, list[Seen]]]:
    """Pictures (height, width, 3) BGR of ``size`` (width, height) for ever, each with all vehicles that show, however
    little (`Seen.visible`)."""
    number = 0
    while True:
        rng = np.random.default_rng((seed, number))
        number += 1
        network = _network(rng)
        view, light = _view(network, rng, size)
        caption = captions(rng, size)
        fleet = odd_fleet(rng)
        for _ in range(FRAMES_PER_VIEW):
            rng.shuffle(fleet)
            vehicles = traffic(network, view.lens, rng, list(fleet))
            image, seen = draw_frame(view, vehicles, light, 4, LEAST_VISIBLE)
            repaint(image, seen, rng)
            caption(image)
            yield image, seen


def _network(rng: np.random.Generator) -> Network:
    lanes = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    if rng.random() < 0.5:
        return straight(300.0, lanes[0], 13.0)
    return grid(2, 1, float(rng.uniform(60, 120)), lanes, 120.0)


def _view(network: Network, rng: np.random.Generator, size: tuple[int, int]) -> tuple[View, Light]:
    light = _light(rng)
    lens = _lens(network, rng, size)
    scenery = random_scenery(
        network, rng, float(rng.uniform(0, 0.6)), float(rng.choice((0, 0.1, 0.3, 0.6))), FIRST_PARKED_ID
    )
    scenery = replace(
        scenery,
        parked=tuple((odd(v, rng), p) for v, p in scenery.parked),
        buildings=scenery.buildings if rng.random() < 0.6 else (),
        trees=scenery.trees if rng.random() < 0.7 else (),
    )
    view = make_view(network, scenery, lens, light, int(rng.integers(1 << 20)), _palette(rng))
    clutter(view, rng)
    if light.night > 0:
        far_lights(view.background, rng)
    return view, light


def _lens(network: Network, rng: np.random.Generator, size: tuple[int, int]) -> Lens:
    """On a pole, a house or a bridge, along a road or across it, near or through a long lens."""
    road = network.roads[int(rng.integers(len(network.roads)))]
    a, b = network.nodes[road.a], network.nodes[road.b]
    ahead = (b - a) / np.linalg.norm(b - a) * rng.choice((-1, 1))
    left = np.array([-ahead[1], ahead[0]])
    target = a + (b - a) * rng.uniform(0.2, 0.8) + left * rng.normal(0, 0.5) * road.half_width_m
    high = float(np.exp(rng.uniform(math.log(3.5), math.log(14))))
    away = float(np.clip(high / math.tan(math.radians(rng.uniform(6, 55))), 6, 80))
    turn = rng.normal(0, 0.25) if rng.random() < 0.7 else rng.uniform(-1.5, 1.5)
    spot = target - (ahead * math.cos(turn) + left * math.sin(turn)) * away
    pixels_per_m = float(np.exp(rng.uniform(math.log(5), math.log(75)))) * size[0] / 768
    view_deg = math.degrees(2 * math.atan(size[0] / 2 / (pixels_per_m * math.hypot(away, high))))
    place = float(spot[0]), float(spot[1]), high
    return looking_at(place, (float(target[0]), float(target[1])), float(np.clip(view_deg, 12, 95)), size)


def _light(rng: np.random.Generator) -> Light:
    azimuth, height = rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(20, 75))
    sun = math.cos(azimuth) * math.cos(height), math.sin(azimuth) * math.cos(height), math.sin(height)
    night = float(rng.uniform(0.5, 1)) if rng.random() < 0.25 else 0.0
    grey = float(rng.uniform(0.35, 0.9))
    tint = 1 + rng.normal(0, 0.07, 3)
    sky = np.clip(grey + rng.normal(0, 0.1, 3), 0.1, 1)
    sunny = night == 0 and rng.random() < 0.5
    return Light(
        sun=sun,
        sun_power=float(rng.uniform(0.25, 0.8)) if sunny else 0.0,
        ambient=float(rng.uniform(0.3, 0.5) if night else rng.uniform(0.4, 0.6) if sunny else rng.uniform(0.55, 0.95)),
        sky=_triple(sky),
        tint=_triple(tint),
        night=night,
        haze_per_m=float(rng.exponential(0.002)),
        haze=_triple(np.clip(sky + rng.normal(0, 0.05, 3), 0.1, 1)),
        wet=float(rng.uniform(0.2, 1)) if rng.random() < 0.2 else 0.0,
    )


def _palette(rng: np.random.Generator) -> Palette:
    """Asphalt from black to pale, grass from green through earth to snow, markings white, yellow or hardly there."""

    def tone(low: float, high: float, spread: float) -> tuple[int, int, int]:
        blue, green, red = np.clip(rng.uniform(low, high) + rng.normal(0, spread, 3), 5, 250).astype(int).tolist()
        return blue, green, red

    asphalt = tone(45, 170, 5)
    grass = tuple(int(255 * c) for c in from_hsv(rng.uniform(20, 120), rng.uniform(0, 0.6), rng.uniform(0.15, 0.75)))
    faint = rng.uniform(0, 1) if rng.random() < 0.3 else 1.0
    white = np.array(tone(170, 250, 6)) * faint + np.array(asphalt) * (1 - faint)
    middle = white if rng.random() < 0.6 else np.array((70, 165, 200)) * faint + np.array(asphalt) * (1 - faint)
    return Palette(
        asphalt, tone(60, 200, 8), (grass[0], grass[1], grass[2]) if rng.random() < 0.7 else tone(60, 200, 12),
        whole_tone(white), whole_tone(middle), grain=float(rng.uniform(0.6, 3.0)),
    )  # fmt: skip


def _triple(values: Double) -> tuple[float, float, float]:
    blue, green, red = values.tolist()
    return float(blue), float(green), float(red)
