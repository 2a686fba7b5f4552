"""One ground plane for all cameras: from pixels to metres about one origin."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mtmc.calibration import Calibration
from mtmc.geometry import EARTH_RADIUS_M, inverse, project
from mtmc.scene import Camera, Scene
from mtmc.structures import Double


def on_one_plane(scene: Scene) -> Scene:
    """Give every calibrated camera its pixel-to-metres homography about one origin, by default the middle of the
    GPS-calibrated views."""
    origin = scene.origin
    if origin is None:
        centres = [c for c in map(_view_centre, scene.cameras.values()) if c is not None]
        origin = (
            (math.fsum(c[0] for c in centres) / len(centres), math.fsum(c[1] for c in centres) / len(centres))
            if centres
            else None
        )
    cameras = {
        camera_id: replace(camera, image_to_ground=_image_to_ground(camera.calibration, origin))
        for camera_id, camera in scene.cameras.items()
    }
    return replace(scene, cameras=cameras, origin=origin)


def _view_centre(camera: Camera) -> tuple[float, float] | None:
    """(lat, lon) of the ground at three quarters of the image height, a point that surely is ground."""
    if camera.calibration is None or not camera.calibration.gps:
        return None
    width, height = camera.size
    lat, lon = project(inverse(camera.calibration.ground_to_image), np.array([[width / 2, 0.75 * height]]))[0]
    return float(lat), float(lon)


def _image_to_ground(calibration: Calibration | None, origin: tuple[float, float] | None) -> Double | None:
    if calibration is None:
        return None
    to_ground = inverse(calibration.ground_to_image)
    if not calibration.gps or origin is None:
        return to_ground
    lat, lon = origin
    per_degree = math.radians(EARTH_RADIUS_M)
    east = per_degree * math.cos(math.radians(lat))
    to_metres = np.array([[0.0, east, -east * lon], [per_degree, 0.0, -per_degree * lat], [0.0, 0.0, 1.0]])
    return np.asarray(to_metres @ to_ground, np.float64)
