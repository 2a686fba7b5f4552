"""Writes a synthetic scene as an AI City data set: videos, truth, masks, calibration, clocks and a map."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from mtmc.files.images import read_image, write_image
from mtmc.geometry import EARTH_RADIUS_M, outside_mask
from mtmc.structures import LABELS, Double, Image, Mask
from mtmc.synth.presets import PRESETS
from mtmc.synth.render.frames import Seen, draw_frame
from mtmc.synth.render.lens import Lens
from mtmc.synth.render.sensor import Developer, content_frames
from mtmc.synth.render.view import View, make_view
from mtmc.synth.scene import FIRST_PARKED_ID, ORIGIN, SynthCamera, World
from mtmc.synth.vehicles.identity import Vehicle
from mtmc.synth.vehicles.pose import Pose
from mtmc.synth.writers.avi import AviWriter
from mtmc.synth.writers.truth import Row, describe, draw_map, summary

Progress = Callable[[str, int, int], None]

SCENARIO = "S01"


def write_scene(world: World, out: Path, progress: Progress = lambda camera, done, total: None) -> dict[str, Any]:
    """Write the scene under ``out``; returns a summary (cameras, frames, vehicles, boxes).

    Raises OSError if ``out`` cannot be written.
    """
    rows: dict[str, list[Row]] = {}
    shown: dict[str, list[float]] = {}
    for camera in world.cameras:
        folder = out / SCENARIO / camera.id
        (folder / "gt").mkdir(parents=True, exist_ok=True)
        rows[camera.id], shown[camera.id] = _write_camera(world, camera, folder, progress)
    _write_truth(out, rows)
    _write_clocks(out, world)
    document = describe(world, rows, shown)
    (out / SCENARIO / "truth.json").write_text(json.dumps(document, indent=1))
    draw_map(world, out / SCENARIO / "map.png")
    return summary(document, out / SCENARIO)


def active_vehicles(world: World, time_s: float) -> list[tuple[Vehicle, Pose]]:
    """The moving vehicles and where they are at a scene time."""
    return [(trip.vehicle, trip.pose(time_s)) for trip in world.trips if trip.on_road(time_s)]


def camera_times(world: World, camera: SynthCamera) -> Double:
    """Scene time (frames,) that each written frame truly shows, dropped and repeated frames included."""
    rng = np.random.default_rng((camera.seed, 5))
    shown = content_frames(camera.frame_count, world.params.dropped, world.params.repeated, rng)
    return np.asarray(camera.offset_s + shown / camera.fps)


def rendered(world: World, camera: SynthCamera, view: View | None = None) -> Iterator[tuple[Image, list[Seen]]]:
    """The camera's frames as its video shows them before compression, with what is visible in each."""
    view = view or make_view(world.network, world.scenery, camera.lens, world.light, camera.seed % 100_003)
    developer = Developer(camera.sensor, camera.lens.size, np.random.default_rng((camera.seed, 6)))
    for time_s in camera_times(world, camera):
        image, seen = draw_frame(view, active_vehicles(world, float(time_s)), world.light)
        yield developer.develop(image), seen


def _write_camera(world: World, camera: SynthCamera, folder: Path, progress: Progress) -> tuple[list[Row], list[float]]:
    roi = _write_roi(folder / "roi.jpg", camera.lens)
    if PRESETS[world.params.preset].calibrated:
        (folder / "calibration.txt").write_text(calibration_text(camera.lens))
    rows: list[Row] = []
    coco = CocoWriter()
    with AviWriter(folder / "vdo.avi", camera.fps, camera.lens.size, world.params.crf) as video:
        for frame, (image, seen) in enumerate(rendered(world, camera)):
            video.write(image)
            rows += [Row(frame, s.vehicle.id, s.box) for s in seen if inside(roi, s.box)]
            coco.add(f"{SCENARIO}/{camera.id}/{frame + 1:06d}.jpg", camera.lens.size, seen, frame)
            progress(camera.id, frame + 1, camera.frame_count)
    (folder / "gt" / "coco.json").write_text(json.dumps(coco.document, separators=(",", ":")))
    return rows, [round(float(t), 4) for t in camera_times(world, camera)]


class CocoWriter:
    """Collects a COCO detection document with run-length masks of the visible parts."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "images": [], "annotations": [],
            "categories": [{"id": k + 1, "name": name} for k, name in enumerate(LABELS)],
        }  # fmt: skip

    def add(self, file_name: str, size: tuple[int, int], seen: list[Seen], frame: int = 0) -> None:
        """One image and its visible vehicles."""
        width, height = size
        image_id = len(self.document["images"]) + 1
        self.document["images"].append(
            {"id": image_id, "file_name": file_name, "width": width, "height": height, "frame": frame}
        )
        for item in seen:
            x0, y0, x1, y1 = item.box
            whole = np.zeros((height, width), np.uint8, order="F")
            whole[y0:y1, x0:x1] = item.mask
            code = coco_mask.encode(whole)
            self.document["annotations"].append({
                "id": len(self.document["annotations"]) + 1, "image_id": image_id, "iscrowd": 0,
                "category_id": LABELS.index(item.vehicle.label) + 1, "vehicle_id": item.vehicle.id,
                "bbox": [x0, y0, x1 - x0, y1 - y0], "area": int(item.mask.sum()), "visible": round(item.visible, 3),
                "segmentation": {"size": [height, width], "counts": code["counts"].decode("ascii")},
            })  # fmt: skip


def calibration_text(lens: Lens) -> str:
    """``calibration.txt``: the homography from (latitude, longitude) to pixels, labelled form."""
    matrix = lens.ground_to_image @ _gps_to_metres()
    matrix = matrix / np.abs(matrix).max()
    rows = ";".join(" ".join(repr(float(v)) for v in row) for row in matrix)
    return f"Homography matrix: {rows}\nReprojection error: 0.0\n"


def _gps_to_metres() -> Double:
    per_degree = np.radians(EARTH_RADIUS_M)
    east = per_degree * np.cos(np.radians(ORIGIN[0]))
    return np.array([[0, east, -east * ORIGIN[1]], [per_degree, 0, -per_degree * ORIGIN[0]], [0, 0, 1.0]])


def roi_mask(lens: Lens, reach_m: float = 80.0, roof_m: float = 1.6) -> Image:
    """White where a car (``roof_m`` high) shows whole that is nearer than ``reach_m``."""
    width, height = lens.size
    rows = (np.arange(height) + 0.5 - height / 2) / lens.focal_px
    down = rows * np.cos(lens.pitch_rad) + np.sin(lens.pitch_rad)
    ahead = np.cos(lens.pitch_rad) - rows * np.sin(lens.pitch_rad)
    near = (lens.position[2] - roof_m) / np.maximum(down, 1e-6) * ahead < reach_m
    return np.repeat((255 * (near & (down > 0))).astype(np.uint8)[:, None], width, axis=1)


def _write_roi(path: Path, lens: Lens) -> Mask:
    """Write ``roi.jpg``; returns its pure white pixels (height, width) as whoever scores will read them after the
    compression."""
    write_image(path, roi_mask(lens), 100)
    return np.asarray(read_image(path, grey=True) == 255, np.bool_)


def inside(roi: Mask, box: tuple[int, int, int, int]) -> bool:
    """Whether the truth holds a box: the challenge's rule."""
    return not outside_mask(np.array([box]), roi)[0]


def _write_truth(out: Path, rows: dict[str, list[Row]]) -> None:
    """``gt/gt_all.txt`` with all vehicles and ``gt/gt.txt`` with those that at least two cameras see, as CityFlow has
    it."""
    cameras_of: dict[int, set[str]] = {}
    for camera_id, found in rows.items():
        for row in found:
            cameras_of.setdefault(row.vehicle_id, set()).add(camera_id)
    challenge = []
    for camera_id, found in rows.items():
        folder = out / SCENARIO / camera_id / "gt"
        crossing = [r for r in found if len(cameras_of[r.vehicle_id]) > 1 and r.vehicle_id < FIRST_PARKED_ID]
        (folder / "gt_all.txt").write_text("".join(_gt_line(r) for r in found))
        (folder / "gt.txt").write_text("".join(_gt_line(r) for r in crossing))
        challenge += [
            " ".join(map(str, (int(camera_id[1:]), r.vehicle_id, r.frame + 1, *_ltwh(r), -1, -1))) + "\n"
            for r in crossing
        ]
    (out / SCENARIO / "ground_truth.txt").write_text("".join(challenge))


def _gt_line(row: Row) -> str:
    return ",".join(map(str, (row.frame + 1, row.vehicle_id, *_ltwh(row), 1, -1, -1, -1))) + "\n"


def _ltwh(row: Row) -> tuple[int, int, int, int]:
    left, top, right, bottom = row.box
    return left, top, right - left, bottom - top


def _write_clocks(out: Path, world: World) -> None:
    stamps = "".join(f"{c.id} {c.told_offset_s:.3f}\n" for c in world.cameras)
    counts = "".join(f"{c.id} {c.frame_count}\n" for c in world.cameras)
    for name, text in (("cam_timestamp", stamps), ("cam_framenum", counts)):
        (out / name).mkdir(parents=True, exist_ok=True)
        (out / name / f"{SCENARIO}.txt").write_text(text)
