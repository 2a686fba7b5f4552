"""What the results page holds, as blocks of typed columns: one core block, and one block of boxes and one of crops per
camera, which the page unpacks when it first needs them.

Shape shorthand: K tracklets by vehicle and start (the page's order), L links, N boxes of one camera.
Times are whole tenths of milliseconds on the scene's clock, box sides whole quarter pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mtmc.geometry import bottom_centres
from mtmc.report.columns import Column, block
from mtmc.report.looks import videos_of
from mtmc.scene import Camera, Scene
from mtmc.store import Run
from mtmc.store.schemas import CROPS
from mtmc.structures import LABELS, GlobalTrack, Long, Tracklet

TICKS_PER_S = 10_000
STEPS_PER_PX = 4
VECTOR_SIZE = 64
"""Longest vector per tracklet in the page; longer ones are turned onto their main directions, which keeps cosines."""
EVIDENCE = ("appearance", "time", "path", "size", "kind", "place", "ground")
FOOTPRINT_PLACES = 7


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """A run as the page shows it: tracklets with their vehicles' ids, by vehicle and start; ``number`` by (camera,
    track id)."""

    run: Run
    scene: Scene
    cameras: tuple[Camera, ...]
    tracklets: tuple[Tracklet, ...]
    vehicle: Long
    number: Mapping[tuple[str, int], int]

    @staticmethod
    def of(run: Run, scene: Scene, vehicles: Sequence[GlobalTrack]) -> Contents:
        """Put the vehicles' tracklets into the page's order."""
        pairs = [(vehicle.vehicle_id, tracklet) for vehicle in vehicles for tracklet in vehicle.tracklets]
        start = {t.key: float(scene.cameras[t.camera_id].time_s(t.frames[:1])[0]) for _, t in pairs}
        pairs.sort(key=lambda pair: (pair[0], start[pair[1].key], pair[1].key))
        number = {tracklet.key: k for k, (_, tracklet) in enumerate(pairs)}
        ids = np.array([vehicle_id for vehicle_id, _ in pairs], np.int64)
        return Contents(run, scene, tuple(scene.cameras.values()), tuple(t for _, t in pairs), ids, number)

    def of_camera(self, camera_id: str) -> list[Tracklet]:
        """The camera's tracklets, in the page's order."""
        return [t for t in self.tracklets if t.camera_id == camera_id]

    def link_columns(self) -> dict[str, Column]:
        """Columns of the reasons, named ``link_…``; none where the linker could not explain itself."""
        return _links(self)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Ground truth as the page shows it: ``summary`` for the core's head, and per camera true boxes with their causes
    and the ``cause`` of each of the page's boxes."""

    summary: Mapping[str, Any]
    cameras: Mapping[str, Mapping[str, Column]]


def blocks(contents: Contents, extra: Mapping[str, Any], truth: Truth | None = None) -> Iterator[tuple[str, str]]:
    """(name, base64 text) of every block; ``extra`` goes into the core's head."""
    extra = extra if truth is None else {**extra, "truth": truth.summary}
    crops = {camera.id: _crops(contents, camera) for camera in contents.cameras}
    colours = {key: colour for table in crops.values() for key, colour in zip(table.keys, table.colours, strict=True)}
    meta = {"labels": LABELS, "evidence": EVIDENCE, "ticksPerSecond": TICKS_PER_S, "stepsPerPixel": STEPS_PER_PX}
    meta |= {"scene": contents.scene.name}
    zero = contents.scene.clock_zero
    meta |= {"origin": contents.scene.origin, "zero": None if zero is None else zero.replace(tzinfo=None).isoformat()}
    meta |= {"cameras": [_camera(contents, camera) for camera in contents.cameras], **extra}
    yield "core", block({**meta, "colours": (names := sorted(set(colours.values())))}, _core(contents, colours, names))
    for camera in contents.cameras:
        yield f"boxes-{camera.id}", block({}, _boxes(contents, camera))
        yield f"crops-{camera.id}", block({}, crops[camera.id].columns)
        if truth is not None:
            yield f"truth-{camera.id}", block({}, truth.cameras[camera.id])
    vectors = _vectors(contents)
    if vectors is not None:
        yield "vectors", block({"size": vectors.shape[1]}, {"vectors": vectors.ravel()})


# --- the core --------------------------------------------------------------------------------------------------------


def _camera(contents: Contents, camera: Camera) -> dict[str, Any]:
    videos = {name: f"video/{name}/{camera.id}.mp4" for name in videos_of(contents.run, camera.id)}
    return {
        "id": camera.id, "width": camera.size[0], "height": camera.size[1], "fps": camera.fps,
        "frames": camera.frame_count, "start": _ticks(camera.time_s(np.zeros(1)))[0].item(),
        "video": videos.get("web"), "preview": videos.get("preview"), "footprint": _footprint(camera),
    }  # fmt: skip


def _footprint(camera: Camera) -> list[list[float]] | None:
    """The ground in view as a polygon in metres: the lower half of the image, where a calibration can be trusted."""
    if camera.image_to_ground is None:
        return None
    width, height = camera.size
    across = np.linspace(0, width, FOOTPRINT_PLACES)
    upper, lower = np.full(FOOTPRINT_PLACES, 0.45 * height), np.full(FOOTPRINT_PLACES, float(height))
    edge = np.concatenate([np.stack([across, upper], 1), np.stack([across[::-1], lower], 1)])
    metres = camera.ground_points(edge)
    return np.round(metres, 1).tolist() if np.isfinite(metres).all() else None


def _core(contents: Contents, colours: Mapping[tuple[str, int], str], names: Sequence[str]) -> dict[str, Column]:
    tracklets = contents.tracklets
    index = {camera.id: k for k, camera in enumerate(contents.cameras)}
    spans = [contents.scene.cameras[t.camera_id].time_s(t.frames[[0, -1]]) for t in tracklets]
    times = _ticks(np.array(spans).reshape(-1, 2))
    return {
        "vehicle": (contents.vehicle, 1),
        "camera": np.array([index[t.camera_id] for t in tracklets], np.int64),
        "track": np.array([t.track_id for t in tracklets], np.int64),
        "label": np.array([t.label for t in tracklets], np.int64),
        "boxes": np.array([len(t) for t in tracklets], np.int64),
        "start": (times[:, 0], 1),
        "length": times[:, 1] - times[:, 0],
        "score": np.array([t.scores.mean() for t in tracklets], np.float32),
        "colour": np.array([names.index(colours[t.key]) if t.key in colours else -1 for t in tracklets], np.int64),
        **_links(contents),
        **_visits(contents, index),
    }


def _links(contents: Contents) -> dict[str, Column]:
    """Columns of the reasons, named ``link_…``; none where the linker could not explain itself."""
    table = contents.run.links()
    if table is None:
        return {}
    ends = {
        end: _numbers(contents, table.column(f"{end}_camera"), table.column(f"{end}_track"))
        for end in ("from", "to", "runner_up")
    }
    kinds = [name for name in EVIDENCE if name in table.column_names]
    numbers = ("seconds", "probability", "margin", "cosine", "prior", "runner_up_probability", *kinds)
    decisive = [
        sum(1 << EVIDENCE.index(k) for k in text.split(",") if k in EVIDENCE) for text in table["decisive"].to_pylist()
    ]
    return {
        **{f"link_{end}": rows for end, rows in ends.items()},
        **{f"link_{name}": np.asarray(table.column(name).to_numpy(), np.float32) for name in numbers},
        "link_decisive": np.array(decisive, np.int64),
    }


def _numbers(contents: Contents, cameras: pa.ChunkedArray, tracks: pa.ChunkedArray) -> Long:
    keys = zip(cameras.to_pylist(), tracks.to_pylist(), strict=True)
    return np.array([contents.number.get(key, -1) for key in keys], np.int64)


def _visits(contents: Contents, index: Mapping[str, int]) -> dict[str, Column]:
    """Columns of the visits, named ``visit_…``; none in runs of before there were any."""
    if not contents.run.path("visits").exists():
        return {}
    table = contents.run.visits()
    columns = {name: table.column(name).to_numpy() for name in ("vehicle_id", "entry", "exit", "speed_kmh")}
    start, end = (_ticks(table.column(name).to_numpy()) for name in ("start_s", "end_s"))
    return {
        "visit_vehicle": (columns["vehicle_id"], 1),
        "visit_camera": np.array([index[name] for name in table.column("camera_id").to_pylist()], np.int64),
        "visit_start": (start, 1),
        "visit_length": end - start,
        "visit_entry": columns["entry"],
        "visit_exit": columns["exit"],
        "visit_speed": columns["speed_kmh"],
    }


# --- one camera ------------------------------------------------------------------------------------------------------


def _boxes(contents: Contents, camera: Camera) -> dict[str, Column]:
    """Every box of the camera, tracklet after tracklet, and when each frame was taken."""
    tracklets = contents.of_camera(camera.id)
    frames = np.concatenate([np.zeros(0, np.int64), *(t.frames for t in tracklets)])
    xyxy = np.concatenate([np.zeros((0, 4)), *(t.xyxy for t in tracklets)])
    steps = np.rint(np.asarray(xyxy, np.float64) * STEPS_PER_PX).astype(np.int64)
    last = max([camera.frame_count - 1, *(int(t.frames[-1]) for t in tracklets)])
    columns: dict[str, Column] = {
        "time": (_ticks(camera.time_s(np.arange(last + 1))), 2),
        "frame": (frames, 1),
        "left": (steps[:, 0], 1), "top": (steps[:, 1], 1),
        "width": (steps[:, 2] - steps[:, 0], 1), "height": (steps[:, 3] - steps[:, 1], 1),
    }  # fmt: skip
    if camera.image_to_ground is not None:
        places = np.concatenate([np.zeros((0, 2)), *(camera.ground_points(bottom_centres(t.xyxy)) for t in tracklets)])
        decimetres = np.rint(np.clip(np.nan_to_num(places, nan=1e6), -1e6, 1e6) * 10).astype(np.int64)
        columns |= {"east": (decimetres[:, 0], 1), "north": (decimetres[:, 1], 1)}
    return columns


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Crops of one camera: ``keys`` (camera, track id) and ``colours`` of each, and the columns for the page."""

    keys: tuple[tuple[str, int], ...]
    colours: tuple[str, ...]
    columns: dict[str, Column]


def _crops(contents: Contents, camera: Camera) -> Pictures:
    stored = contents.run.crops(camera.id)
    table = pa.table(dict.fromkeys(CROPS, ())) if stored is None else stored
    keys = [(camera.id, track) for track in table.column("track_id").to_pylist()]
    pictures = table.column("picture").to_pylist()
    columns: dict[str, Column] = {
        "tracklet": (np.array([contents.number.get(key, -1) for key in keys], np.int64), 1),
        "frame": (np.array(table.column("frame").to_pylist(), np.int64), 1),
        "bytes": np.array([len(picture) for picture in pictures], np.int64),
        "pictures": np.frombuffer(b"".join(pictures), np.uint8),
    }
    attention = [one for one in table["attention"].to_pylist() if one] if "attention" in table.column_names else []
    if attention:
        columns["attention"] = np.frombuffer(b"".join(attention), np.uint8)
    return Pictures(tuple(keys), tuple(table.column("colour").to_pylist()), columns)


def _vectors(contents: Contents) -> NDArray[np.int64] | None:
    """Mean vector (K, D) of each tracklet in 1/127, zeros where it has none; None where the run has no embeddings."""
    found = {camera.id: contents.run.embeddings_of(camera.id) for camera in contents.cameras}
    size = max((e.vectors.shape[1] for e in found.values() if e is not None), default=0)
    if size == 0 or not contents.tracklets:
        return None
    means = np.zeros((len(contents.tracklets), size))
    for camera_id, embeddings in found.items():
        if embeddings is None or len(embeddings) == 0:
            continue
        rows = np.array([contents.number.get((camera_id, track), -1) for track in embeddings.track_ids.tolist()])
        known = rows >= 0
        np.add.at(means, rows[known], embeddings.vectors[known] * np.maximum(embeddings.quality[known, None], 1e-3))
    if size > VECTOR_SIZE:
        directions = np.linalg.eigh(means.T @ means)[1][:, ::-1][:, :VECTOR_SIZE]
        means = means @ directions
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    return np.asarray(np.rint(127 * means), np.int64)


def _ticks(times_s: NDArray[np.float64]) -> Long:
    return np.asarray(np.rint(times_s * TICKS_PER_S), np.int64)
