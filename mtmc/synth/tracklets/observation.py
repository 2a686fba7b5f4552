"""What the cameras of a world truly see of each vehicle: its box in every frame, and how much others hide of it.

Shape shorthand: N frames in which a camera sees a vehicle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mtmc.geometry import areas
from mtmc.structures import Double, Long, Mask
from mtmc.synth.scene import SynthCamera, World
from mtmc.synth.vehicles.identity import Vehicle

LEAST_HEIGHT = 0.04
"""Lower boxes, as a fraction of the picture's height, are not annotated: a car some 60 m away."""
LEAST_INSIDE = 0.4
"""Fraction of the box that must lie inside the picture."""
LONGEST_GAP_S = 2.0
"""A vehicle that is out of the picture for longer comes back as another tracklet."""
LEAST_FRAMES = 5
STILL_MPS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One stay of a vehicle in a camera's view. frames (N,) of the camera; boxes (N, 4) pixels, cut at the border;
    hidden (N,) fraction of the box behind nearer vehicles; still (N,) whether it stands."""

    vehicle: Vehicle
    camera: int
    parked: bool
    frames: Long
    boxes: Double
    hidden: Double
    still: Mask

    def __len__(self) -> int:
        return len(self.frames)


def observe(world: World) -> list[Sight]:
    """All stays of all vehicles, parked ones too, in all views; by camera."""
    return [sight for camera in range(len(world.cameras)) for sight in _in_view(world, camera)]


def _in_view(world: World, index: int) -> list[Sight]:
    camera = world.cameras[index]
    found = [
        (vehicle, parked, frames[seen], boxes[seen], depth[seen], still[seen])
        for vehicle, parked, frames, poses, still in _passing(world, camera)
        for boxes, depth, seen in [_boxes(camera, vehicle, poses)]
        if seen.any()
    ]
    hidden = _hidden([frames for _, _, frames, *_ in found], [f[3] for f in found], [f[4] for f in found])
    sights = []
    for (vehicle, parked, frames, boxes, _, still), cover in zip(found, hidden, strict=True):
        cuts = np.flatnonzero(np.diff(frames) > LONGEST_GAP_S * camera.fps) + 1
        for rows in np.split(np.arange(len(frames)), cuts):
            if len(rows) >= LEAST_FRAMES:
                sights.append(Sight(vehicle, index, parked, frames[rows], boxes[rows], cover[rows], still[rows]))
    return sights


def _passing(world: World, camera: SynthCamera) -> Iterator[tuple[Vehicle, bool, Long, Double, Mask]]:
    """Vehicles, the camera's frames at which they exist, their poses (N, 3) then, and whether they stand."""
    times = camera.offset_s + np.arange(camera.frame_count) / camera.fps
    every = np.arange(camera.frame_count)
    for trip in world.trips:
        there = np.array([trip.on_road(t) for t in (times[0], times[-1])])
        frames = every if there.all() else every[[trip.on_road(t) for t in times]]
        if len(frames) >= LEAST_FRAMES:
            poses = trip.places(times[frames])
            speed = np.linalg.norm(np.gradient(poses[:, :2], axis=0), axis=1) * camera.fps
            yield trip.vehicle, False, frames, poses, speed < STILL_MPS
    for vehicle, pose in world.scenery.parked:
        place = np.array([[pose.x, pose.y, pose.yaw]])
        yield vehicle, True, every, np.repeat(place, len(every), axis=0), np.ones(len(every), bool)


def _boxes(camera: SynthCamera, vehicle: Vehicle, poses: Double) -> tuple[Double, Double, Mask]:
    """Boxes (N, 4) of the vehicle's cuboid inside the picture, distances (N,), and whether that counts as seen (N,)."""
    width, height = camera.lens.size
    half = vehicle.length_m / 2, vehicle.width_m / 2
    corners = np.array([(x, y, z) for x in (-half[0], half[0]) for y in (-half[1], half[1]) for z in (0, 1)])
    corners[:, 2] *= vehicle.height_m
    c, s = np.cos(poses[:, 2:]), np.sin(poses[:, 2:])
    points = np.stack(
        [
            poses[:, :1] + c * corners[:, 0] - s * corners[:, 1],
            poses[:, 1:2] + s * corners[:, 0] + c * corners[:, 1],
            np.broadcast_to(corners[:, 2], (len(poses), 8)),
        ],
        axis=2,
    )
    pixels, depth = camera.lens.project(points.reshape(-1, 3))
    pixels, depth = pixels.reshape(-1, 8, 2), depth.reshape(-1, 8)
    whole = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)
    boxes = np.clip(whole, 0, (width, height, width, height))
    inside = areas(boxes) / np.maximum(areas(whole), 1e-9)
    seen = (depth.min(axis=1) > 1.0) & (inside >= LEAST_INSIDE) & (boxes[:, 3] - boxes[:, 1] >= LEAST_HEIGHT * height)
    return boxes, depth.mean(axis=1), seen


def _hidden(frames: list[Long], boxes: list[Double], depth: list[Double]) -> list[Double]:
    """For each vehicle and frame the largest fraction of its box that one nearer vehicle's box covers."""
    if not frames:
        return []
    owner = np.repeat(np.arange(len(frames)), [len(f) for f in frames])
    frame, box, away = np.concatenate(frames), np.concatenate(boxes), np.concatenate(depth)
    order = np.lexsort((away, frame))
    hidden = np.zeros(len(frame))
    for rows in np.split(order, np.flatnonzero(np.diff(frame[order])) + 1):
        near = box[rows]
        low, high = np.maximum(near[:, None, :2], near[None, :, :2]), np.minimum(near[:, None, 2:], near[None, :, 2:])
        common = np.prod(np.maximum(high - low, 0), axis=2)
        hidden[rows] = (np.tril(common, -1) / np.maximum(areas(near), 1e-9)[:, None]).max(axis=1)
    return [hidden[owner == k] for k in range(len(frames))]
