"""A re-identification set in VeRi layout: identities driven past many cameras, cut out as their pipeline would see
them.

Vehicles stand on the lanes of real views, several at once so that they hide each other, in the cameras' own light and
quality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import quoteattr

import numpy as np
from pydantic import Field

from mtmc.files.images import write_image
from mtmc.params import Params
from mtmc.structures import Image
from mtmc.synth.presets import PresetName
from mtmc.synth.render.frames import Seen, draw_frame
from mtmc.synth.render.lens import Lens, looking_at
from mtmc.synth.render.sensor import Developer
from mtmc.synth.render.shading import Light
from mtmc.synth.render.view import View, make_view
from mtmc.synth.scene import SynthParams, make_world
from mtmc.synth.traffic.simulation import TrafficParams
from mtmc.synth.vehicles.identity import BODIES, MOTORCYCLE, PAINT_NAMES, Vehicle, random_fleet
from mtmc.synth.vehicles.pose import Pose


class ReidSetParams(Params):
    """Size and difficulty of the set."""

    train_ids: int = Field(400, ge=1, le=1_000_000)
    test_ids: int = Field(300, ge=1, le=1_000_000)
    cameras: int = Field(16, ge=2, le=999)
    cameras_per_id: int = Field(6, ge=2, le=999)
    views: int = Field(4, ge=1, le=1000, description="images of one vehicle in one camera, along its way")
    twins: float = Field(0.05, ge=0, le=1, description="fraction of look-alikes")
    box_jitter: float = Field(0.05, ge=0, le=0.3, description="spread of the box's sides, shares of its size")
    min_px: int = Field(40, ge=8, le=4096, description="smallest crop's longer side")
    least_visible: float = Field(0.5, ge=0, le=1, description="least share of a vehicle that a crop must show")
    motorcycles: float = Field(0.0, ge=0, le=1, description="fraction of motorcycles with riders")
    one_side: bool = Field(False, description="all cameras see a vehicle from about the same side, as along a road")
    field_deg: tuple[float, float] = Field((50.0, 70.0), description="narrowest and widest field of view")


_SAME_SIDE = np.cos(np.radians(40))
"""Cosine of the largest turn between two views of one side of a vehicle."""


@dataclass(frozen=True, slots=True, eq=False)
class _Station:
    """A camera of the set: its view, light and sensor, and ways (poses one after the other) on which a vehicle is well
    in sight."""

    number: int
    view: View
    light: Light
    developer: Developer
    ways: list[list[Pose]]


@dataclass(frozen=True, slots=True)
class _Crop:
    name: str
    vehicle: Vehicle
    camera: int


def write_reid_set(
    out: Path, params: ReidSetParams, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, int]:
    """Write ``image_{train,test,query}``, ``name_*.txt``, the two label XMLs, ``test_track.txt`` and the gt/jk indices.

    Training and test identities are disjoint and share the cameras. Queries are one image of each test identity and
    camera and are also in the gallery, as in VeRi. Returns counts.
    """
    rng = np.random.default_rng((seed, 1))
    fleet = random_fleet(rng, params.train_ids + params.test_ids, params.twins, motorcycles=params.motorcycles)
    train, test = fleet[: params.train_ids], fleet[params.train_ids :]
    for name in ("image_train", "image_test", "image_query"):
        (out / name).mkdir(parents=True, exist_ok=True)
    crops: dict[str, list[_Crop]] = {"train": [], "test": []}
    for number in range(params.cameras):
        station = _station(number + 1, params, np.random.default_rng((seed, 2, number)))
        for part, group in (("train", train), ("test", test)):
            chance = min(1.0, params.cameras_per_id / params.cameras)
            passing = [v for v in group if np.random.default_rng((seed, 3, v.id, number)).random() < chance]
            crops[part] += _write_passing(out / f"image_{part}", station, passing, params, rng)
        progress(number + 1, params.cameras)
    return _write_lists(out, crops["train"], crops["test"])


def _station(number: int, params: ReidSetParams, rng: np.random.Generator) -> _Station:
    """A camera in a world of its own, so that backgrounds differ."""
    preset: PresetName = ("demo", "arterial", "junctions")[int(rng.integers(3))]
    light: Literal["day", "overcast", "dusk"] = ("day", "day", "day", "overcast", "dusk")[int(rng.integers(5))]
    knobs = SynthParams(
        preset=preset, seconds=1, light=light, cast=float(rng.uniform(0, 0.22)), blur_px=float(rng.uniform(0, 1.2)),
        noise=float(rng.uniform(0, 6)), parked=float(rng.uniform(0, 0.3)), occluders=float(rng.uniform(0, 0.4)),
        traffic=TrafficParams(warm_up_s=0),
    )  # fmt: skip
    for _ in range(50):
        world = make_world(knobs, int(rng.integers(1 << 31)))
        camera = world.cameras[int(rng.integers(len(world.cameras)))]
        lens = _moved(camera.lens, params.field_deg, rng)
        ways = _ways(world.network.segments, lens, params)
        if len(ways) >= 6:
            break
    view = make_view(world.network, world.scenery, lens, world.light, int(rng.integers(1 << 20)))
    return _Station(number, view, world.light, Developer(camera.sensor, lens.size, rng), ways)


def _moved(lens: Lens, field_deg: tuple[float, float], rng: np.random.Generator) -> Lens:
    aim = lens.position[:2] + np.array([np.cos(lens.yaw_rad), np.sin(lens.yaw_rad)]) * rng.uniform(14, 26)
    x, y = lens.position[:2] + rng.uniform(-1.5, 1.5, 2)
    return looking_at(
        (float(x), float(y), float(rng.uniform(5, 8))),
        (float(aim[0]), float(aim[1])),
        float(rng.uniform(*field_deg)),
        lens.size,
    )


def _ways(segments: Sequence[object], lens: Lens, params: ReidSetParams) -> list[list[Pose]]:
    """For each lane or curve the poses, 1.2 m apart, where a car lies inside the picture and is large enough."""
    ways = []
    for segment in segments:
        line = segment.line  # type: ignore[attr-defined]
        arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        marks = np.arange(0.5, arc[-1] - 0.6, 1.2)
        points = np.stack([np.interp(marks, arc, line[:, k]) for k in (0, 1)], axis=1)
        ahead = np.stack([np.interp(marks + 0.4, arc, line[:, k]) for k in (0, 1)], axis=1) - points
        pixels, depth = lens.project(np.concatenate([points, np.full((len(points), 1), 0.7)], axis=1))
        size = 3.2 * lens.focal_px / np.maximum(depth, 0.5)
        width, height = lens.size
        fits = (depth > 4) & (size > params.min_px) & (pixels[:, 0] > 0.3 * size) & (pixels[:, 0] < width - 0.3 * size)
        fits &= (pixels[:, 1] > 0) & (pixels[:, 1] < height - 0.2 * size)
        way = [
            Pose(float(p[0]), float(p[1]), float(np.arctan2(d[1], d[0])), False)
            for p, d in zip(points[fits], ahead[fits], strict=True)
        ]
        if len(way) >= 3 * params.views:
            ways.append(way)
    return ways


def _write_passing(
    folder: Path, station: _Station, passing: list[Vehicle], params: ReidSetParams, rng: np.random.Generator
) -> list[_Crop]:
    """Drive the vehicles past a camera, a few at a time, and write their crops."""
    crops: list[_Crop] = []
    order = [passing[int(k)] for k in rng.permutation(len(passing))]
    for start in range(0, len(order), 4):
        for frame, (image, seen) in enumerate(_together(station, order[start : start + 4], params, rng)):
            for item in seen:
                crop = _cut(image, item, params, rng)
                if crop is None or item.vehicle.id >= 900_000:
                    continue
                name = f"{item.vehicle.id:04d}_c{station.number:03d}_{start * 100 + frame:08d}_0.jpg"
                write_image(folder / name, crop, int(rng.integers(60, 95)))
                crops.append(_Crop(name, item.vehicle, station.number))
    return crops


def _together(
    station: _Station, vehicles: list[Vehicle], params: ReidSetParams, rng: np.random.Generator
) -> Iterator[tuple[Image, list[Seen]]]:
    """``views`` frames of some vehicles that drive at once on ways apart."""
    tracks: list[tuple[Vehicle, list[Pose]]] = []
    for vehicle in vehicles:
        ways = _showing(vehicle, station) if params.one_side else station.ways
        for _ in range(12):
            way = ways[int(rng.integers(len(ways)))]
            first = int(rng.integers(0, len(way) - 2 * params.views))
            step = int(rng.integers(1, (len(way) - 1 - first) // params.views + 1))
            track = [way[first + k * step] for k in range(params.views)]
            if all(_apart(vehicle, track[k], other, poses[k]) for other, poses in tracks for k in range(params.views)):
                tracks.append((vehicle, track))
                break
    braking = rng.random((len(vehicles), params.views)) < 0.3
    for k in range(params.views):
        posed = [(v, Pose(t[k].x, t[k].y, t[k].yaw, bool(braking[i, k]))) for i, (v, t) in enumerate(tracks)]
        image, seen = draw_frame(station.view, posed, station.light, params.min_px // 3)
        yield station.developer.develop(image), seen


def _showing(vehicle: Vehicle, station: _Station) -> list[list[Pose]]:
    """The ways on which a camera sees the side that this vehicle shows to all cameras; all where it has none such."""
    x, y = station.view.lens.position[:2]
    shown = np.random.default_rng((4, vehicle.id)).normal(np.pi, 0.5) if vehicle.id % 4 else 0.0  # mostly the rear
    middles = [way[len(way) // 2] for way in station.ways]
    turned = [np.arctan2(y - pose.y, x - pose.x) - pose.yaw - shown for pose in middles]
    near = [way for way, angle in zip(station.ways, turned, strict=True) if np.cos(angle) > _SAME_SIDE]
    return near or station.ways


def _apart(a: Vehicle, pose: Pose, b: Vehicle, other: Pose) -> bool:
    return bool(np.hypot(pose.x - other.x, pose.y - other.y) > (a.length_m + b.length_m) / 2 * 0.55 + 1.4)


def _cut(image: Image, item: Seen, params: ReidSetParams, rng: np.random.Generator) -> Image | None:
    """The crop of a box that a detector might have given; None if little is seen or it is small."""
    x0, y0, x1, y1 = item.box
    if item.visible < params.least_visible or max(x1 - x0, y1 - y0) < params.min_px:
        return None
    shift = np.rint(rng.normal(0, params.box_jitter, 4) * np.array([x1 - x0, y1 - y0, x1 - x0, y1 - y0])).astype(int)
    left, top = max(0, x0 + shift[0]), max(0, y0 + shift[1])
    right, bottom = min(image.shape[1], x1 + shift[2]), min(image.shape[0], y1 + shift[3])
    return image[top:bottom, left:right] if right - left > 8 and bottom - top > 8 else None


def _write_lists(out: Path, train: list[_Crop], test: list[_Crop]) -> dict[str, int]:
    cameras = {v: {c.camera for c in test if c.vehicle.id == v} for v in {c.vehicle.id for c in test}}
    test = [c for c in test if len(cameras[c.vehicle.id]) > 1]
    tracks: dict[tuple[int, int], list[_Crop]] = {}
    for crop in sorted(test, key=lambda c: c.name):
        tracks.setdefault((crop.vehicle.id, crop.camera), []).append(crop)
    queries = [crops[len(crops) // 2] for crops in tracks.values()]
    kept = {c.name for c in test}
    for path in (out / "image_test").iterdir():
        if path.name not in kept:
            path.unlink()
    for query in queries:
        (out / "image_query" / query.name).write_bytes((out / "image_test" / query.name).read_bytes())
    gallery = sorted(test, key=lambda c: c.name)
    for name, crops in (("train", sorted(train, key=lambda c: c.name)), ("test", gallery), ("query", queries)):
        (out / f"name_{name}.txt").write_text("".join(f"{c.name}\n" for c in crops))
    (out / "train_label.xml").write_text(_label_xml("TrainingImages", train))
    (out / "test_label.xml").write_text(_label_xml("TestImages", test))
    (out / "test_track.txt").write_text(
        "".join(f"{crops[0].name.rsplit('_', 1)[0]} {' '.join(c.name for c in crops)} \n" for crops in tracks.values())
    )
    _write_indices(out, queries, gallery)
    ids = len({c.vehicle.id for c in train}), len({c.vehicle.id for c in test})
    return {
        "train_ids": ids[0],
        "test_ids": ids[1],
        "train": len(train),
        "test": len(test),
        "query": len(queries),
        "tracks": len(tracks),
    }


def _label_xml(root: str, crops: list[_Crop]) -> str:
    """VeRi's label file; its header names gb2312, ours the encoding it has."""
    bodies = (*BODIES, MOTORCYCLE)
    items = "".join(
        f'<Item imageName={quoteattr(c.name)} vehicleID="{c.vehicle.id:04d}" cameraID="c{c.camera:03d}" '
        f'colorID="{PAINT_NAMES.index(c.vehicle.paint_name) + 1}" typeID="{bodies.index(c.vehicle.body) + 1}" />\n'
        for c in sorted(crops, key=lambda c: c.name)
    )
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<{root} Version="1.0">\n<Items number="{len(crops)}">\n'
    return f"{head}{items}</Items>\n</{root}>\n"


def _write_indices(out: Path, queries: list[_Crop], gallery: list[_Crop]) -> None:
    """1-based gallery indices per query: good (other cameras) and junk (same camera) images of its vehicle."""
    by_id: dict[int, list[tuple[int, int]]] = {}
    for index, crop in enumerate(gallery, start=1):
        by_id.setdefault(crop.vehicle.id, []).append((index, crop.camera))
    for name, same in (("gt_index.txt", False), ("jk_index.txt", True)):
        lines = (" ".join(str(i) for i, camera in by_id[q.vehicle.id] if (camera == q.camera) is same) for q in queries)
        (out / name).write_text("".join(f"{line}\n" for line in lines))
