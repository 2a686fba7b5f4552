"""Vehicles on the map: GeoJSON whose lines kepler.gl plays as trips, and movingpandas reads as trajectories (OGC Moving
Features).

Longitude before latitude (RFC 7946). A point is ``[lon, lat, 0, t]``: t is scene time in seconds, counted as if the
scene's clock began with 1970, since the day is not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.errors import InputError
from mtmc.export.columns import ground_speed_kmh
from mtmc.files.atomic import replacing
from mtmc.geometry import bottom_centres
from mtmc.scene import Camera, Scene
from mtmc.store import Run
from mtmc.structures import LABELS, GlobalTrack, Tracklet
from mtmc.visits.moving import moving_line


def write_geojson(run: Run, out: Path) -> list[Path]:
    """One line per tracklet of a calibrated camera. Raises InputError where no camera is calibrated in latitude and
    longitude."""
    scene = run.scene
    calibrated = {c.id: c for c in scene.cameras.values() if c.calibration is not None and c.calibration.gps}
    if scene.origin is None or not calibrated:
        fix = "Put calibration.txt (homography GPS to pixel) beside the videos, or export another format."
        raise InputError(scene.folder, "cameras with GPS calibration", "none", fix)
    features = [feature for vehicle in run.vehicles() for feature in _features(vehicle, calibrated, scene)]
    with replacing(out) as temporary:
        temporary.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return [out]


def _features(vehicle: GlobalTrack, cameras: dict[str, Camera], scene: Scene) -> Iterator[dict[str, Any]]:
    for tracklet in sorted(vehicle.tracklets, key=lambda t: t.key):
        camera = cameras.get(tracklet.camera_id)
        feature = None if camera is None else _feature(vehicle.vehicle_id, tracklet, camera, scene)
        if feature is not None:
            yield feature


def _feature(vehicle_id: int, tracklet: Tracklet, camera: Camera, scene: Scene) -> dict[str, Any] | None:
    """The way of one tracklet; None where fewer than two of its boxes stand on known ground."""
    assert scene.origin is not None
    metres = camera.ground_points(bottom_centres(tracklet.xyxy))
    seen = np.isfinite(metres).all(axis=1)
    if seen.sum() < 2:
        return None
    metres, time_s = metres[seen], np.round(camera.time_s(tracklet.frames[seen]), 3)
    speeds = ground_speed_kmh(metres, time_s)
    properties = {
        "trip": f"{vehicle_id} {camera.id} {tracklet.track_id}",
        "vehicle_id": vehicle_id,
        "camera_id": camera.id,
        "label": LABELS[tracklet.label],
        "speed_kmh": round(float(np.median(speeds)), 1) if np.isfinite(speeds).all() else None,
        "times_s": time_s.tolist(),
    }
    return {**moving_line(metres, time_s, scene.origin), "properties": properties}
