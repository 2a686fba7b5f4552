"""What really happened in a scene, for tests and for those who measure; and a map of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mtmc.files.images import write_image
from mtmc.structures import Double, Int
from mtmc.synth.render.ground import paint_ground
from mtmc.synth.scene import FIRST_PARKED_ID, ORIGIN, SynthCamera, World

_MAP_SIDE_PX = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A box of the truth: 0-based frame, vehicle id, box (left, top, right, bottom) in pixels."""

    frame: int
    vehicle_id: int
    box: tuple[int, int, int, int]


def describe(world: World, rows: Mapping[str, Sequence[Row]], shown: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The scene as a document: knobs, cameras with the true time of each frame (``shown``), vehicles with their
    passages."""
    passages: dict[int, list[dict[str, Any]]] = {}
    for camera in world.cameras:
        for vehicle_id, passage in _passages(camera, rows[camera.id], shown[camera.id]).items():
            passages.setdefault(vehicle_id, []).append(passage)
    vehicles = {t.vehicle.id: t.vehicle for t in world.trips} | {v.id: v for v, _ in world.scenery.parked}
    return {
        "seed": world.seed,
        "params": world.params.model_dump(),
        "origin": ORIGIN,
        "cameras": [_describe_camera(c, shown[c.id]) for c in world.cameras],
        "vehicles": [
            {
                "id": number,
                "body": vehicles[number].body,
                "label": vehicles[number].label,
                "paint": vehicles[number].paint_name,
                "parked": number >= FIRST_PARKED_ID,
                "passages": sorted(found, key=lambda p: float(p["first_s"])),
            }
            for number, found in sorted(passages.items())
        ],
    }


def summary(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Counts of a described scene."""
    moving = [v for v in document["vehicles"] if not v["parked"]]
    return {
        "out": str(folder),
        "cameras": len(document["cameras"]),
        "frames": sum(c["frames"] for c in document["cameras"]),
        "vehicles": len(moving),
        "crossing": sum(len({p["camera"] for p in v["passages"]}) > 1 for v in moving),
        "parked": len(document["vehicles"]) - len(moving),
        "boxes": sum(p["boxes"] for v in document["vehicles"] for p in v["passages"]),
    }


def _passages(camera: SynthCamera, rows: Sequence[Row], shown: Sequence[float]) -> dict[int, dict[str, Any]]:
    """First and last sight of each vehicle in a camera; frames from 1, times on the scene's clock."""
    frames: dict[int, list[int]] = {}
    for row in rows:
        frames.setdefault(row.vehicle_id, []).append(row.frame)
    return {
        vehicle_id: {
            "camera": camera.id,
            "first_frame": seen[0] + 1,
            "last_frame": seen[-1] + 1,
            "first_s": shown[seen[0]],
            "last_s": shown[seen[-1]],
            "boxes": len(seen),
        }
        for vehicle_id, seen in frames.items()
    }


def _describe_camera(camera: SynthCamera, shown: Sequence[float]) -> dict[str, Any]:
    return {
        "id": camera.id,
        "fps": camera.fps,
        "offset_s": camera.offset_s,
        "told_offset_s": camera.told_offset_s,
        "frames": camera.frame_count,
        "size": camera.lens.size,
        "position_m": camera.lens.position.tolist(),
        "yaw_rad": camera.lens.yaw_rad,
        "pitch_rad": camera.lens.pitch_rad,
        "focal_px": camera.lens.focal_px,
        "shown_s": list(shown),
    }


def draw_map(world: World, path: Path) -> None:
    """The streets from above with the cameras, what each sees up to 45 m, and all ways that were driven; north is
    up."""
    low, high = world.network.nodes.min(axis=0), world.network.nodes.max(axis=0)
    middle, extent = (low + high) / 2, float((high - low).max()) + 30
    ground = paint_ground(
        world.network, (float(middle[0]), float(middle[1])), extent, _MAP_SIDE_PX / extent, world.seed
    )
    image = ground.image.copy()

    def at(points: Double) -> Int:
        return np.rint(points @ ground.to_map[:2, :2].T + ground.to_map[:2, 2]).astype(np.int32)

    for trip in world.trips:
        cv2.polylines(image, [at(trip.path)], False, (200, 160, 60), 1, cv2.LINE_AA)
    for camera in world.cameras:
        place, half = camera.lens.position[:2], np.arctan(camera.lens.size[0] / 2 / camera.lens.focal_px)
        angles = camera.lens.yaw_rad + np.linspace(-half, half, 9)
        fan = np.concatenate([place[None], place + 45 * np.stack([np.cos(angles), np.sin(angles)], axis=1)])
        veil = image.copy()
        cv2.fillPoly(veil, [at(fan)], (60, 200, 255), cv2.LINE_AA)
        image = np.asarray(cv2.addWeighted(veil, 0.35, image, 0.65, 0), np.uint8)
    for camera in world.cameras:
        x, y = (int(v) for v in at(camera.lens.position[None, :2])[0])
        cv2.circle(image, (x, y), 6, (30, 30, 230), -1, cv2.LINE_AA)
        cv2.putText(image, camera.id, (x + 8, y - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2, cv2.LINE_AA)
    low_row, high_row = at(np.array([[low[0], high[1] + 25], [low[0], low[1] - 25]]))[:, 1]
    write_image(path, np.asarray(image[max(0, int(low_row)) : int(high_row)], np.uint8))
