"""Traffic on the map: movements, legs and vehicles' trips as GeoJSON, and the first two as GeoParquet.

Longitude before latitude (RFC 7946, GeoParquet 1.1). kepler.gl and movingpandas play ``trips.geojson``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mtmc.errors import InputError
from mtmc.files.atomic import replacing
from mtmc.geometry import metres_to_gps
from mtmc.structures import LABELS, Double
from mtmc.visits.moving import moving_line

if TYPE_CHECKING:
    from mtmc.traffic import Traffic

WKB_LINE = 2
LAYERS = ("movements", "legs")


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line on the map: ``places`` (N, 2) longitude and latitude, and what is told of it."""

    places: Double
    told: Mapping[str, Any]


def write_geojson(traffic: Traffic, folder: Path) -> list[Path]:
    """``movements.geojson``, ``legs.geojson`` and ``trips.geojson``. Raises InputError without GPS calibration."""
    collections = {name: [_feature(line) for line in lines] for name, lines in _layers(traffic).items()}
    collections["trips"] = list(_trips(traffic))
    for name, features in collections.items():
        with replacing(folder / f"{name}.geojson") as temporary:
            temporary.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return [folder / f"{name}.geojson" for name in collections]


def write_geoparquet(traffic: Traffic, folder: Path) -> list[Path]:
    """``movements.geo.parquet`` and ``legs.geo.parquet``. Raises InputError without GPS calibration."""
    paths = []
    for name, lines in _layers(traffic).items():
        table = pa.Table.from_pylist([dict(line.told) for line in lines])
        table = table.append_column("geometry", pa.array([_wkb(line.places) for line in lines], pa.binary()))
        column = {"encoding": "WKB", "geometry_types": ["LineString"], "bbox": _bbox(lines)}
        told = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        path = folder / f"{name}.geo.parquet"
        with replacing(path) as temporary:
            pq.write_table(table.replace_schema_metadata({"geo": json.dumps(told)}), temporary, compression="zstd")
        paths.append(path)
    return paths


def _layers(traffic: Traffic) -> dict[str, list[Line]]:
    scene, found = traffic.observed.scene, traffic.estimates
    known = np.isfinite(traffic.observed.pieces.entry_m).all(axis=1)
    if scene is None or scene.origin is None or not known.any():
        where = "traffic" if scene is None else scene.folder
        fix = "Put calibration.txt (homography GPS to pixel) beside the videos, or choose another format."
        raise InputError(where, "cameras with GPS calibration", "none", fix)
    stays, pieces = found.stays, traffic.observed.pieces
    ends = [metres_to_gps(m[rows], scene.origin)[:, ::-1]
            for m, rows in ((pieces.entry_m, stays.first), (pieces.exit_m, stays.last))]  # fmt: skip
    cameras = np.array(pieces.cameras)[stays.camera]
    entries, exits = (
        np.array([names[c][z] for c, z in zip(stays.camera.tolist(), zones.tolist(), strict=True)])
        for names, zones in ((pieces.entry_names, stays.entry), (pieces.exit_names, stays.exit))
    )
    movements = []
    for row in traffic.tables["counts"].to_pylist():
        mine = (cameras == row["camera_id"]) & (entries == row["entry"]) & (exits == row["exit"])
        movements += _line([_middle(end[mine]) for end in ends], row)
    gates = {name: _middle(np.concatenate([end[cameras == name] for end in ends])) for name in pieces.cameras}
    legs = [
        line
        for row in traffic.tables["legs"].to_pylist()
        if row["from"] in gates and row["to"] in gates
        for line in _line([gates[row["from"]], gates[row["to"]]], row)
    ]
    return {"movements": movements, "legs": legs}


def _middle(places: Double) -> Double:
    known = places[np.isfinite(places).all(axis=1)]
    return np.median(known, axis=0) if len(known) else np.full(2, np.nan)


def _line(ends: Sequence[Double], told: Mapping[str, Any]) -> list[Line]:
    """A line between two places; none where one is unknown."""
    places = np.asarray(np.round(np.array(ends), 7), np.float64)
    return [Line(places, told)] if np.isfinite(places).all() else []


def _feature(line: Line) -> dict[str, Any]:
    geometry = {"type": "LineString", "coordinates": line.places.tolist()}
    return {"type": "Feature", "geometry": geometry, "properties": dict(line.told)}


def _trips(traffic: Traffic) -> Iterator[dict[str, Any]]:
    """Each vehicle's way over all calibrated cameras: where and when it came into and went out of view."""
    scene, found, pieces = traffic.observed.scene, traffic.estimates, traffic.observed.pieces
    assert scene is not None
    assert scene.origin is not None
    stays = found.stays
    places = np.stack([pieces.entry_m[stays.first], pieces.exit_m[stays.last]], axis=1)
    times = np.stack([stays.start_s, stays.end_s], axis=1)
    for rows in np.split(np.arange(len(stays)), np.flatnonzero(np.diff(stays.vehicle)) + 1) if len(stays) else ():
        at, when = places[rows].reshape(-1, 2), times[rows].ravel()
        known = np.flatnonzero(np.isfinite(at).all(axis=1))
        known = known[np.argsort(when[known], kind="stable")]
        if len(known) < 2:
            continue
        told = {
            "vehicle_id": int(stays.vehicle[rows[0]]),
            "kind": LABELS[int(found.label[rows[0]])],
            "route": " ".join(pieces.cameras[c] for c in stays.camera[rows]),
        }
        yield {**moving_line(at[known], when[known], scene.origin), "properties": told}


def _wkb(places: Double) -> bytes:
    """A line as well-known binary, little endian."""
    return struct.pack("<BII", 1, WKB_LINE, len(places)) + np.ascontiguousarray(places, "<f8").tobytes()


def _bbox(lines: Sequence[Line]) -> list[float]:
    places = np.concatenate([np.zeros((0, 2)), *(line.places for line in lines)])
    return [*places.min(axis=0).tolist(), *places.max(axis=0).tolist()] if len(places) else [-180.0, -90.0, 180.0, 90.0]
