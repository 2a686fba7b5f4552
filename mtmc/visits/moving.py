"""A way over the map that other tools play: GeoJSON whose points are ``[lon, lat, 0, t]`` (kepler.gl's trips), with the
moments beside them (moving features, which movingpandas reads)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from mtmc.geometry import metres_to_gps
from mtmc.structures import Double


def moving_line(metres: Double, time_s: Double, origin: tuple[float, float]) -> dict[str, Any]:
    """Feature, without properties, of places (N, 2) in metres from ``origin`` at seconds (N,) of the scene's time."""
    places = np.round(metres_to_gps(metres, origin)[:, ::-1], 7).tolist()
    seconds = np.round(time_s, 3).tolist()
    line = [[*place, 0, second] for place, second in zip(places, seconds, strict=True)]
    moving = {"type": "MovingPoint", "coordinates": places, "datetimes": [_moment(second) for second in seconds]}
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": line},
        "temporalGeometry": moving,
    }


def _moment(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
