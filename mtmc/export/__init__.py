"""A finished run in the forms that other tools read: AI City and MOT text, Parquet, CSV, GeoJSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pa_csv

from mtmc.atomic import replacing
from mtmc.errors import ConfigError, InputError
from mtmc.formats import write_mot_tracks, write_submission
from mtmc.geometry import bottom_centres, metres_to_gps
from mtmc.scene import Camera, Scene
from mtmc.store import Run
from mtmc.store.tables import read_table
from mtmc.structures import LABELS, GlobalTrack, Tracklet


def export(run: Run, form: str, out: Path | None = None) -> list[Path]:
    """Write the run's vehicles as ``form`` (a key of ``EXPORTS``) and name the files made.

    ``out`` is a file, or a folder for ``mot``; the run folder by default. Raises ConfigError for an unknown form, InputError
    where GeoJSON is asked for without GPS calibration.
    """
    if form not in EXPORTS:
        raise ConfigError("--format", f"one of {', '.join(EXPORTS)}", repr(form), "Choose one of them.")
    name, write = EXPORTS[form]
    return write(run, out or run.folder / name)


def _aicity(run: Run, out: Path) -> list[Path]:
    write_submission(out, run.vehicles(), run.cameras("tracklets"))
    return [out]


def _mot(run: Run, out: Path) -> list[Path]:
    """One file per camera; ids are the vehicles', so that they agree over cameras."""
    written = []
    for camera_id in run.cameras("tracklets"):
        seen = [(v.vehicle_id, [t for t in v.tracklets if t.camera_id == camera_id]) for v in run.vehicles()]
        with replacing(out / f"{camera_id}.txt") as temporary:
            write_mot_tracks(temporary, [_joined(vehicle_id, parts) for vehicle_id, parts in seen if parts])
        written.append(out / f"{camera_id}.txt")
    return written


def _joined(vehicle_id: int, parts: Sequence[Tracklet]) -> Tracklet:
    order = np.argsort(np.concatenate([t.frames for t in parts]), kind="stable")
    frames, xyxy, scores = (
        np.concatenate([getattr(t, name) for t in parts])[order] for name in ("frames", "xyxy", "scores")
    )
    return Tracklet(parts[0].camera_id, vehicle_id, frames, xyxy, scores, parts[0].label)


def _parquet(run: Run, out: Path) -> list[Path]:
    with replacing(out) as temporary:
        shutil.copyfile(run.path("vehicles"), temporary)
    return [out]


def _csv(run: Run, out: Path) -> list[Path]:
    table = read_table(run.path("vehicles"))
    label = table.column("label").cast("string")
    with replacing(out) as temporary:
        pa_csv.write_csv(table.set_column(table.schema.get_field_index("label"), "label", label), temporary)
    return [out]


def _geojson(run: Run, out: Path) -> list[Path]:
    scene = run.scene
    calibrated = {c.id: c for c in scene.cameras.values() if c.calibration is not None and c.calibration.gps}
    if scene.origin is None or not calibrated:
        fix = "Put calibration.txt (homography GPS to pixel) beside the videos, or export another format."
        raise InputError(scene.folder, "cameras with GPS calibration", "none", fix)
    features = [f for vehicle in run.vehicles() for f in _features(vehicle, calibrated, scene)]
    with replacing(out) as temporary:
        temporary.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return [out]


def _features(vehicle: GlobalTrack, cameras: dict[str, Camera], scene: Scene) -> list[dict[str, Any]]:
    """One LineString per tracklet, longitude before latitude (RFC 7946), scene times beside it."""
    assert scene.origin is not None
    features = []
    for tracklet in sorted(vehicle.tracklets, key=lambda t: t.key):
        camera = cameras.get(tracklet.camera_id)
        if camera is None or len(tracklet) < 2:
            continue
        gps = metres_to_gps(camera.ground_points(bottom_centres(tracklet.xyxy)), scene.origin)
        seen = np.isfinite(gps).all(axis=1)
        properties = {
            "vehicle_id": vehicle.vehicle_id,
            "camera_id": camera.id,
            "label": LABELS[tracklet.label],
            "times_s": np.round(camera.time_s(tracklet.frames[seen]), 3).tolist(),
        }
        line = {"type": "LineString", "coordinates": np.round(gps[seen][:, ::-1], 7).tolist()}
        features.append({"type": "Feature", "geometry": line, "properties": properties})
    return features


EXPORTS: dict[str, tuple[str, Callable[[Run, Path], list[Path]]]] = {
    "aicity": ("track3.txt", _aicity),
    "mot": ("mot", _mot),
    "parquet": ("export.parquet", _parquet),
    "csv": ("vehicles.csv", _csv),
    "geojson": ("vehicles.geojson", _geojson),
}
"""Form to default name in the run folder and writer."""
