"""Recorded-like traffic for the tracking bench: a junction seen by one camera, with true tracks and imperfect
detections.

Vehicles follow each other on straight lanes, stop at lights, hide each other; a pinhole camera looks down at them.
Detections are missed, cut to the visible part, shaken, doubled or invented; embeddings mix the vehicle's own vector
with its occluder's.

Shape shorthand: V vehicles, S samples per box side, D feature size.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Detections, Tracklet

Array = NDArray[np.float64]

SIZE = (1280, 720)
SAMPLES = 12


@dataclass(frozen=True)
class Traffic:
    """How busy and how hard a scene is.

    arrivals_s: mean seconds between vehicles on a lane; looks: distinct appearances; missed: share of boxes that are
    not found, lost_frames on end on average; unsure: what their scores are lower by; doubled: share of boxes of which a
    part is found too; ghosts: places where a weak box stands in ghost_share of all frames.
    """

    name: str
    seconds: float
    fps: float
    arrivals_s: float
    lights: bool
    camera_m: float = 9.0
    noise: float = 0.03
    missed: float = 0.04
    invented: float = 0.1
    feature_size: int = 128
    feature_noise: float = 0.5
    looks: int = 4096
    speed: float = 13.0
    lost_frames: float = 1.0
    unsure: float = 0.0
    doubled: float = 0.0
    ghosts: int = 0
    ghost_share: float = 0.5


@dataclass
class Lane:
    """A straight lane: start and unit direction on the ground (metres), length, where its stop line is, which light it
    obeys."""

    start: Array
    direction: Array
    length: float
    stop: float
    phase: int
    vehicles: list[Vehicle] = field(default_factory=list)


@dataclass
class Vehicle:
    number: int
    size: Array  # length, width, height in metres
    desired: float
    position: float
    speed: float
    lost: bool = False  # by the detector, in the last frame


@dataclass
class Ghost:
    """A place that looks like a vehicle: its box, score and vector."""

    box: Array
    score: float
    vector: Array


def lanes() -> list[Lane]:
    """Two lanes each way along the view and one each way across it, crossing 45 m ahead of the camera."""
    along = [Lane(np.array([x, 95.0]), np.array([0.0, -1.0]), 85.0, 42.0, 0) for x in (-5.4, -1.8)]
    back = [Lane(np.array([x, 8.0]), np.array([0.0, 1.0]), 87.0, 28.0, 0) for x in (1.8, 5.4)]
    across = [
        Lane(np.array([-40.0, 43.0]), np.array([1.0, 0.0]), 80.0, 30.0, 1),
        Lane(np.array([40.0, 47.0]), np.array([-1.0, 0.0]), 80.0, 30.0, 1),
    ]
    return along + back + across


def scene(traffic: Traffic, seed: int) -> tuple[list[Tracklet], Detections]:
    """True tracks (visible parts of at least a quarter) and what a detector would have found."""
    rng = np.random.default_rng(seed)
    roads, vectors = lanes(), _vectors(rng, traffic)
    ghosts = [_ghost(roads[int(rng.integers(len(roads)))], traffic, rng) for _ in range(traffic.ghosts)]
    truth: list[tuple[int, int, Array]] = []
    found: list[tuple[int, Array, float, Array]] = []
    count = 0
    for step in range(int(traffic.seconds * traffic.fps)):
        for lane in roads:
            count += _arrive(lane, traffic, rng, count)
            _drive(lane, step / traffic.fps, traffic)
        _look(step, [(v, lane) for lane in roads for v in lane.vehicles], traffic, rng, vectors, truth, found)
        found += [(step, *_seen(g, traffic, rng)) for g in ghosts if rng.random() < traffic.ghost_share]
    return _tracklets(truth), _detections(found, traffic)


def _ghost(lane: Lane, traffic: Traffic, rng: np.random.Generator) -> Ghost:
    """Beside or on a lane, of about a car's size."""
    stands = Vehicle(0, np.array([4.5, 1.8, 1.5]), 0.0, rng.uniform(10, lane.length - 15), 0.0)
    box = _box(stands, lane, traffic)[0] + np.tile(rng.normal(scale=25.0, size=2), 2)
    low, high = np.clip(box[:2], 0, SIZE), np.clip(box[2:], 0, SIZE)
    high = np.maximum(high, low + 12)
    return Ghost(np.concatenate([low, high]), rng.uniform(0.15, 0.35), rng.normal(size=traffic.feature_size))


def _seen(ghost: Ghost, traffic: Traffic, rng: np.random.Generator) -> tuple[Array, float, Array]:
    """Box, score and vector of a ghost in one frame."""
    box = ghost.box + rng.normal(scale=traffic.noise, size=4) * np.tile(ghost.box[2:] - ghost.box[:2], 2)
    score = float(np.clip(ghost.score + rng.normal(scale=0.07), 0.1, 0.6))
    return box, score, ghost.vector + rng.normal(scale=traffic.feature_noise, size=len(ghost.vector))


def _vectors(rng: np.random.Generator, traffic: Traffic) -> Array:
    """Appearances (looks, D): unit rows around a common mean, as deep features are."""
    raw = rng.normal(size=(traffic.looks, traffic.feature_size)) + rng.normal(size=traffic.feature_size)
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))


def _arrive(lane: Lane, traffic: Traffic, rng: np.random.Generator, count: int) -> int:
    if rng.random() > 1 / (traffic.arrivals_s * traffic.fps):
        return 0
    if lane.vehicles and lane.vehicles[-1].position < lane.vehicles[-1].size[0] + 6:
        return 0
    big = rng.random() < 0.12
    size = np.array([9.0, 2.5, 3.2] if big else [4.5, 1.8, 1.5]) * rng.uniform(0.9, 1.1)
    desired = traffic.speed * rng.uniform(0.8, 1.2)
    lane.vehicles.append(Vehicle(count + 1, size, desired, 0.0, desired * 0.8))
    return 1


def _drive(lane: Lane, time: float, traffic: Traffic) -> None:
    """Move each vehicle towards its speed, held back by the one ahead and by a red light (20 s green, 20 s red)."""
    red = traffic.lights and int(time // 20) % 2 != lane.phase
    ahead = np.inf
    for vehicle in lane.vehicles:
        gap = ahead - vehicle.position - 2.0
        if red and vehicle.position <= lane.stop:
            gap = min(gap, lane.stop - vehicle.position)
        wanted = min(vehicle.desired, max(gap, 0.0) / 1.2)
        change = np.clip(wanted - vehicle.speed, -7.0 / traffic.fps, 2.5 / traffic.fps)
        vehicle.speed = max(0.0, min(vehicle.speed + change, max(gap, 0.0) * traffic.fps))
        vehicle.position += vehicle.speed / traffic.fps
        ahead = vehicle.position - vehicle.size[0]
    lane.vehicles = [v for v in lane.vehicles if v.position < lane.length]


def _box(vehicle: Vehicle, lane: Lane, traffic: Traffic) -> tuple[Array, float]:
    """Image box (unclipped) and distance of a vehicle; focal length 900 px, camera pitched 12 degrees down."""
    across = np.array([-lane.direction[1], lane.direction[0]])
    front = lane.start + lane.direction * vehicle.position
    length, width, height = vehicle.size
    feet = [front - lane.direction * back + across * side for back in (0, length) for side in (-width / 2, width / 2)]
    corners = np.array([[*f, z] for f in feet for z in (0, height)])
    pitch = np.radians(12)
    depth = corners[:, 1] * np.cos(pitch) + (traffic.camera_m - corners[:, 2]) * np.sin(pitch)
    down = (traffic.camera_m - corners[:, 2]) * np.cos(pitch) - corners[:, 1] * np.sin(pitch)
    u = SIZE[0] / 2 + 900 * corners[:, 0] / np.maximum(depth, 0.5)
    v = SIZE[1] / 2 + 900 * down / np.maximum(depth, 0.5)
    return np.array([u.min(), v.min(), u.max(), v.max()]), float(depth.min())


def _look(step, placed, traffic, rng, vectors, truth, found) -> None:  # type: ignore[no-untyped-def]
    """One frame: truth and detections of all vehicles in view, nearer ones hiding farther ones."""
    boxes = [(*_box(v, lane, traffic), v) for v, lane in placed]
    near_first: list[tuple[Array, Vehicle]] = []
    for whole, _, vehicle in sorted(boxes, key=lambda b: b[1]):
        box = np.clip(whole, 0, [*SIZE, *SIZE])
        if (box[2:] - box[:2]).min() < 12:
            continue
        visible, seen, occluder = _visible(box, near_first)
        near_first.append((box, vehicle))
        if visible < 0.25:
            continue
        truth.append((step, vehicle.number, box))
        _detect(step, vehicle, seen, visible, occluder, traffic, rng, vectors, found)
    for _ in range(rng.poisson(traffic.invented)):
        centre, side = rng.uniform([0, 0], SIZE), rng.uniform(15, 120)
        box = np.clip([*(centre - side / 2), *(centre + side / 2)], 0, [*SIZE, *SIZE])
        if (box[2:] - box[:2]).min() > 4:
            found.append((step, box, rng.uniform(0.1, 0.65), rng.normal(size=traffic.feature_size)))


def _visible(box: Array, nearer: list[tuple[Array, Vehicle]]) -> tuple[float, Array, int | None]:
    """Visible share of a box, the corners of its visible part, and the vehicle that hides most of it."""
    axis = (np.arange(SAMPLES) + 0.5) / SAMPLES
    x, y = box[0] + axis * (box[2] - box[0]), box[1] + axis * (box[3] - box[1])
    free = np.ones((SAMPLES, SAMPLES), bool)
    hidden, occluder = 0, None
    for other, vehicle in nearer:
        cover = ((y >= other[1]) & (y <= other[3]))[:, None] & ((x >= other[0]) & (x <= other[2]))
        if cover.sum() > hidden:
            hidden, occluder = int(cover.sum()), vehicle.number
        free &= ~cover
    if not free.any():
        return 0.0, box, occluder
    rows, columns = np.flatnonzero(free.any(axis=1)), np.flatnonzero(free.any(axis=0))
    cell = (box[2:] - box[:2]) / SAMPLES
    low = box[:2] + cell * [columns[0], rows[0]]
    high = box[:2] + cell * [columns[-1] + 1, rows[-1] + 1]
    return float(free.mean()), np.concatenate([low, high]), occluder


def _detect(step, vehicle, seen, visible, occluder, traffic, rng, vectors, found) -> None:  # type: ignore[no-untyped-def]
    vehicle.lost = bool(rng.random() < _loss_rate(vehicle.lost, traffic) + 0.9 * max(0.0, 0.6 - visible) / 0.6)
    if vehicle.lost:
        return
    size = seen[2:] - seen[:2]
    box = np.clip(seen + rng.normal(scale=traffic.noise, size=4) * np.tile(size, 2), 0, [*SIZE, *SIZE])
    own = vectors[vehicle.number % len(vectors)]
    other = own if occluder is None else vectors[occluder % len(vectors)]
    clean = visible * own + (1 - visible) * other
    vector = clean + rng.normal(scale=traffic.feature_noise * np.linalg.norm(clean) / np.sqrt(len(own)), size=len(own))
    score = float(
        np.clip(0.45 + 0.45 * visible - traffic.unsure + rng.normal(scale=0.08 + traffic.unsure / 2), 0.1, 0.99)
    )
    if (box[2:] - box[:2]).min() > 4:
        found.append((step, box, score, vector))
    if traffic.doubled and rng.random() < traffic.doubled:
        part = np.concatenate([box[:2] + rng.uniform(0, 0.4, 2) * size, box[2:] - rng.uniform(0, 0.4, 2) * size])
        if (part[2:] - part[:2]).min() > 4:
            found.append((step, part, 0.6 * score, vector))


def _loss_rate(lost: bool, traffic: Traffic) -> float:
    """Of a vehicle that was found or lost in the last frame, so that ``missed`` are lost, ``lost_frames`` on end."""
    if traffic.lost_frames <= 1:
        return traffic.missed
    back = 1 / traffic.lost_frames
    return 1 - back if lost else back * traffic.missed / (1 - traffic.missed)


def _tracklets(truth: list[tuple[int, int, Array]]) -> list[Tracklet]:
    numbers = sorted({number for _, number, _ in truth})
    rows = {n: [(step, box) for step, number, box in truth if number == n] for n in numbers}
    return [
        Tracklet("c001", n, np.array([s for s, _ in r]), np.array([b for _, b in r]), np.ones(len(r)), 0)
        for n, r in rows.items()
    ]


def _detections(found: list[tuple[int, Array, float, Array]], traffic: Traffic) -> Detections:
    if not found:
        return Detections.empty(traffic.feature_size)
    frames, boxes, scores, features = zip(*found, strict=True)
    unit = np.array(features) / np.linalg.norm(features, axis=1, keepdims=True)
    return Detections(np.array(frames), np.array(boxes), np.array(scores), np.zeros(len(frames), np.int16), unit)
