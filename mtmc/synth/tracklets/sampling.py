"""Simulated tracklets with embeddings: what linking sees, without a pixel, exactly labelled.

Vehicles drive through a network of watched junctions (``journeys``); each passage becomes a tracklet with times by the
camera's own clock, places of entry and exit, size, class and an appearance vector. Difficulty levels 1-5 turn up
look-alikes, noise, camera bias, missed passages, fragments, false tracklets and traffic. The same arguments give the
same tracklets.

``mtmc synth OUT --tracklets [--level N] [--seed N] [--cameras C] [--seconds S]`` is
``write_tracklets(out, simulate(LEVELS[level], seed, ...))``; ``mtmc bench-link OUT`` reads it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtmc.structures import Double, Float, Long, TrackletTable, label_index
from mtmc.synth.tracklets.journeys import ARMS, Passages, Random, Roads, Streets, drive, lay_roads
from mtmc.synth.tracklets.simulated import Simulated

FPS = 10.0
CLASSES = np.array([label_index(name) for name in ("car", "van", "truck", "bus")], np.int16)
CLASS_FREQUENCY = (0.74, 0.13, 0.09, 0.04)
CLASS_LOG_SIZE = np.array([0.0, 0.2, 0.45, 0.6])
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Difficulty:
    """A world and how badly it is seen.

    lookalike in [0, 1]: fraction of a vehicle's appearance that it has in common with its make; makes: how many there
    are; noise: norm of the noise of a tracklet's mean feature against an identity of norm 1; camera_bias, view_bias:
    norms of a camera's and of a viewing direction's shift; miss, fragment, clutter: fractions of passages; class_error:
    fraction of wrong classes; size_noise: of log size.
    """

    streets: Streets
    lookalike: float
    makes: int
    noise: float
    camera_bias: float
    view_bias: float
    miss: float
    fragment: float
    clutter: float
    class_error: float = 0.05
    size_noise: float = 0.1
    dimension: int = 128


def _level(traffic: tuple[float, ...], *appearance: float) -> Difficulty:
    cameras, per_min, spread, light = traffic
    lookalike, makes, noise, camera_bias, view_bias, miss, fragment, clutter = appearance
    roads = Streets(int(cameras), 1800.0, per_min, spread, light)
    return Difficulty(roads, lookalike, int(makes), noise, camera_bias, view_bias, miss, fragment, clutter)


LEVELS: dict[int, Difficulty] = {
    #          cameras veh/min spread lights  alike makes noise cam  view miss  frag  clutter
    1: _level((4, 12, 0.06, 0.0), 0.50, 50, 0.75, 0.3, 0.30, 0.01, 0.01, 0.01),
    2: _level((6, 18, 0.08, 0.1), 0.60, 45, 0.85, 0.4, 0.35, 0.02, 0.02, 0.02),
    3: _level((8, 24, 0.10, 0.2), 0.65, 40, 0.95, 0.5, 0.40, 0.04, 0.03, 0.03),
    4: _level((10, 30, 0.12, 0.3), 0.70, 35, 1.10, 0.6, 0.50, 0.06, 0.04, 0.04),
    5: _level((12, 36, 0.15, 0.4), 0.75, 30, 1.25, 0.7, 0.60, 0.08, 0.06, 0.06),
}


def simulate(difficulty: Difficulty, seed: int, max_offset_s: float = 0.0, day: int = 0) -> Simulated:
    """Simulate one world. With ``max_offset_s`` > 0 every camera's clock is wrong by up to that much, and nobody says
    by how much. Days 1, 2, ... are other traffic in one city: the same roads, cameras and makes; 0 is a world of its
    own.

    The traffic, tracklets and features are the same with and without offsets.
    """
    city = np.random.default_rng([seed, 20_211])
    random = np.random.default_rng([seed, 20_211, day]) if day else city
    roads = lay_roads(difficulty.streets, city)
    passages = drive(roads, difficulty.streets, random)
    seen = passages.take(random.random(len(passages.vehicle)) >= difficulty.miss)
    parts, cut = _fragment(seen, difficulty, random)
    parts, vehicle = _clutter(parts, difficulty, random)
    order = np.lexsort((parts.camera, parts.start_s))
    parts, vehicle, cut = parts.take(order), vehicle[order], np.pad(cut, ((0, len(order) - len(cut)), (0, 0)))[order]
    offsets = np.random.default_rng([seed, 7]).uniform(-1, 1, difficulty.streets.cameras) * max_offset_s
    table = _table(parts, vehicle, cut, roads, difficulty, offsets, city, random)
    boxes = np.maximum(np.rint((parts.end_s - parts.start_s) * FPS), 1).astype(np.int64) + 1
    start, arm = np.nonzero(roads.neighbour >= 0)
    links = start, roads.neighbour[start, arm], roads.travel_s[start, arm]
    zones = _zones_toml(roads, table.cameras)
    return Simulated(table, vehicle, boxes, offsets, max_offset_s == 0, *links, zones)


def _fragment(passages: Passages, difficulty: Difficulty, random: Random) -> tuple[Passages, Double]:
    """Cut some passages in two with a short gap. Second result (P, 2): fraction of the way at which a piece begins and
    ends."""
    count = len(passages.vehicle)
    broken = (random.random(count) < difficulty.fragment) & (passages.end_s - passages.start_s > 6)
    fraction, gap = random.uniform(0.3, 0.7, count), random.uniform(0.3, 1.5, count)
    middle = passages.start_s + fraction * (passages.end_s - passages.start_s)
    first = replace(passages, end_s=np.where(broken, middle, passages.end_s))
    second = replace(passages, start_s=middle + gap).take(broken)
    way = np.stack([np.zeros(count), np.where(broken, fraction, 1.0)], axis=1)
    rest = fraction[broken] + gap[broken] / (passages.end_s - passages.start_s)[broken]
    joined = [np.concatenate([getattr(first, n), getattr(second, n)]) for n in Passages.__slots__]
    return Passages(*joined), np.concatenate([way, np.stack([rest, np.ones(len(rest))], axis=1)])


def _clutter(passages: Passages, difficulty: Difficulty, random: Random) -> tuple[Passages, Long]:
    """Add false tracklets, each a vehicle of its own (their way (0, 0) marks them later)."""
    count = int(difficulty.clutter * len(passages.vehicle))
    known = int(passages.vehicle.max(initial=-1)) + 1
    start = random.uniform(0, difficulty.streets.duration_s, count)
    false = Passages(
        known + np.arange(count), random.integers(0, difficulty.streets.cameras, count),
        random.integers(0, ARMS, count), random.integers(0, ARMS, count), start, start + random.uniform(1, 4, count),
    )  # fmt: skip
    joined = [np.concatenate([getattr(passages, n), getattr(false, n)]) for n in Passages.__slots__]
    return Passages(*joined), joined[0].astype(np.int64)


def _table(
    parts: Passages, vehicle: Long, way: Double, roads: Roads, difficulty: Difficulty,
    offsets: Double, city: Random, random: Random,
) -> TrackletTable:  # fmt: skip
    count, cameras = len(vehicle), difficulty.streets.cameras
    entry, exit_, velocity = _places(parts, way, roads, random)
    class_of = random.choice(len(CLASSES), vehicle.max(initial=0) + 1, p=CLASS_FREQUENCY)
    size_of = random.normal(0, 0.1, len(class_of)) + CLASS_LOG_SIZE[class_of]
    scale = city.normal(np.log(0.12), 0.15, (cameras, ARMS, ARMS))[parts.camera, parts.arm_in, parts.arm_out]
    wrong = random.random(count) < difficulty.class_error
    label = np.where(wrong, random.choice(CLASSES, count), CLASSES[class_of[vehicle]])
    quality = random.beta(5, 2, count)
    width = max(len(str(cameras)), 3)
    return TrackletTable(
        cameras=tuple(f"c{number:0{width}d}" for number in range(1, cameras + 1)),
        camera=parts.camera.astype(np.int32),
        track_id=np.arange(1, count + 1, dtype=np.int64),
        start_s=parts.start_s + offsets[parts.camera],
        end_s=parts.end_s + offsets[parts.camera],
        entry_xy=entry,
        exit_xy=exit_,
        entry_velocity=velocity[0],
        exit_velocity=velocity[1],
        size=np.exp(scale + size_of[vehicle] + random.normal(0, difficulty.size_noise, count)).astype(np.float32),
        label=label.astype(np.int16),
        quality=quality.astype(np.float32),
        features=_features(parts, vehicle, quality, difficulty, city, random),
    )


def _places(parts: Passages, way: Double, roads: Roads, random: Random) -> tuple[Float, Float, tuple[Float, Float]]:
    """Entry and exit as fractions of the image, and velocities there: from the incoming arm through the middle to the
    outgoing one, keeping to the right; false tracklets (way (0, 0)) stay somewhere."""
    enters, leaves = (_border(roads, parts.camera, arm, side) for arm, side in ((parts.arm_in, 1), (parts.arm_out, -1)))
    duration = np.maximum(parts.end_s - parts.start_s, 0.5)[:, None]
    span = np.maximum(way[:, 1:] - way[:, :1], 0.05)
    places = [_along(enters, leaves, way[:, k]) + random.normal(0, 0.02, enters.shape) for k in (0, 1)]
    false = (way == 0).all(axis=1)
    places[0][false] = random.uniform(0.1, 0.9, (int(false.sum()), 2))
    places[1][false] = places[0][false] + random.normal(0, 0.05, (int(false.sum()), 2))
    velocity = tuple(
        (
            (_along(enters, leaves, way[:, k] + 0.05) - _along(enters, leaves, way[:, k] - 0.05))
            / 0.1
            * span
            / duration
        ).astype(np.float32)
        for k in (0, 1)
    )
    entry, exit_ = (np.clip(place, 0, 1).astype(np.float32) for place in places)
    return entry, exit_, (velocity[0], velocity[1])


def _border(roads: Roads, camera: Long, arm: Long, side: int) -> Double:
    """Where an arm meets the image border, on its right-hand (side 1: inwards) or left-hand lane."""
    angle = roads.heading[camera] + arm * np.pi / 2
    out = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray(0.5 + 0.42 * out + 0.05 * side * np.stack([-out[:, 1], out[:, 0]], axis=1))


def _along(entry: Double, exit_: Double, fraction: Double) -> Double:
    """Points on the bend from entry over the middle to exit_, at a fraction of the way in [0, 1]."""
    t = fraction[:, None]
    return np.asarray((1 - t) ** 2 * entry + 2 * t * (1 - t) * 0.5 + t**2 * exit_)


def _features(
    parts: Passages, vehicle: Long, quality: Double, difficulty: Difficulty, city: Random, random: Random
) -> Float:
    """Unit vectors: what the make fractions, what the vehicle has alone, the camera's and the view's shift, and noise
    of which half lies in a sixteenth of the space (as light and viewpoint do). Low quality means more noise."""
    size, cameras = difficulty.dimension, difficulty.streets.cameras
    make = random.choice(difficulty.makes, vehicle.max(initial=0) + 1, p=_popularity(difficulty.makes))
    makes, own = _unit(city.normal(size=(difficulty.makes, size))), _unit(random.normal(size=(len(make), size)))
    identity = (np.sqrt(difficulty.lookalike) * makes[make] + np.sqrt(1 - difficulty.lookalike) * own).astype(
        np.float32
    )
    bias = difficulty.camera_bias * _unit(city.normal(size=(cameras, size)))
    view = difficulty.view_bias * _unit(city.normal(size=(ARMS, size)))
    subspace = np.linalg.qr(city.normal(size=(size, max(size // 16, 1))))[0].T
    features = np.empty((len(vehicle), size), np.float32)
    for begin in range(0, len(vehicle), CHUNK):
        rows = slice(begin, begin + CHUNK)
        count = len(vehicle[rows])
        common = random.normal(size=(count, len(subspace))) @ subspace / np.sqrt(len(subspace))
        noise = np.sqrt(0.5) * (common + random.standard_normal((count, size), np.float32) / np.sqrt(size))
        level = difficulty.noise * (1.5 - quality[rows] * 0.7)[:, None]
        features[rows] = _unit(
            identity[vehicle[rows]] + bias[parts.camera[rows]] + view[parts.arm_in[rows]] + level * noise
        )
    return features


def _popularity(makes: int) -> Double:
    weight = 1.0 / (np.arange(makes) + 3.0)
    return np.asarray(weight / weight.sum())


def _unit(vectors: Double) -> Double:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _zones_toml(roads: Roads, cameras: tuple[str, ...]) -> str:
    """One square zone per arm, and a generous window of seconds per street."""
    lines = ["# zones: [left, top, right, bottom] as shares of the image"]
    for number, camera in enumerate(cameras):
        lines.append(f"[cameras.{camera}]")
        for arm in range(ARMS):
            angle = roads.heading[number] + arm * np.pi / 2
            x, y = 0.5 + 0.42 * np.cos(angle), 0.5 + 0.42 * np.sin(angle)
            lines.append(f"arm{arm} = [{x - 0.15:.2f}, {y - 0.15:.2f}, {x + 0.15:.2f}, {y + 0.15:.2f}]")
    for camera, arm in np.argwhere(roads.neighbour >= 0):
        usual = roads.travel_s[camera, arm]
        window = (0.6 * usual, 1.4 * usual + 40) if usual > 0 else (usual - 1, usual + 1)
        far = cameras[roads.neighbour[camera, arm]], roads.far_arm[camera, arm]
        lines += ["[[links]]", f'from = "{cameras[camera]}.arm{arm}"', f'to = "{far[0]}.arm{far[1]}"']
        lines.append(f"travel_s = [{window[0]:.0f}, {window[1]:.0f}]")
    return "\n".join(lines) + "\n"
