"""Which vehicles of an mtmc run are certain: held together by probable links, and by what somebody confirmed.

Read from ``links.parquet`` and ``edits.jsonl`` of the run's folder; a place in an edit means the track with its box.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from reid.errors import UserError
from reid.files import parse_json, read_parquet, read_text

LINKS = pa.schema(
    [
        ("from_camera", pa.string()),
        ("from_track", pa.int64()),
        ("to_camera", pa.string()),
        ("to_track", pa.int64()),
        ("probability", pa.float64()),
    ]
)
Track = tuple[str, int]
"""Camera and number of a track."""
SAME_BOX_PX = 0.05
"""Edits keep boxes to a hundredth of a pixel."""


def certain_vehicles(run: Path, boxes: pa.Table, least: float) -> NDArray[np.int64]:
    """Ids of the vehicles of several cameras whose tracks are all joined by links of at least this probability or by
    edits.

    boxes: the run's table with vehicle_id, camera_id, track_id and corners. Raises UserError for a run without links.
    """
    tracks: dict[Track, int] = {}
    vehicles: list[int] = []
    rows = zip(*(boxes[name].to_pylist() for name in ("camera_id", "track_id", "vehicle_id")), strict=True)
    for camera, track, vehicle in dict.fromkeys(rows):
        tracks[camera, track] = len(vehicles)
        vehicles.append(vehicle)
    joined = [
        pair for pair in (*_probable(run, least), *_confirmed(run, boxes)) if pair[0] in tracks and pair[1] in tracks
    ]
    start, stop = (np.array([tracks[pair[side]] for pair in joined], dtype=np.intp) for side in (0, 1))
    graph = sparse.coo_array((np.ones(len(joined)), (start, stop)), shape=(len(vehicles), len(vehicles)))
    component = connected_components(graph, directed=False)[1]
    cameras = np.unique([camera for camera, _ in tracks], return_inverse=True)[1]
    own = np.array(vehicles, dtype=np.int64)
    whole = [vehicle for vehicle in np.unique(own) if _is_one(component[own == vehicle], cameras[own == vehicle])]
    return np.array(whole, dtype=np.int64)


def _is_one(components: NDArray[np.int32], cameras: NDArray[np.intp]) -> bool:
    return len(np.unique(components)) == 1 and len(np.unique(cameras)) > 1


def _probable(run: Path, least: float) -> Iterator[tuple[Track, Track]]:
    path = run / "links.parquet"
    names = LINKS.names
    try:
        table = read_parquet(path, "links", "Run mtmc again.", names).cast(LINKS)
    except (UserError, pa.ArrowException, ValueError):
        found = "another table" if path.is_file() else "none"
        raise UserError(run, "links.parquet with probabilities", found, "Run mtmc with --link network.") from None
    for one, first, other, second, probability in zip(*(table[name].to_pylist() for name in names), strict=True):
        if probability is not None and probability >= least:
            yield (one, first), (other, second)


def _confirmed(run: Path, boxes: pa.Table) -> Iterator[tuple[Track, Track]]:
    """Pairs of tracks that somebody said are one vehicle."""
    path = run / "edits.jsonl"
    lines = read_text(path).split("\n") if os.path.lexists(path) else []
    corners = np.stack([boxes[name].to_numpy() for name in ("x1", "y1", "x2", "y2")], axis=1)
    camera, track = (np.array(boxes[name].to_pylist()) for name in ("camera_id", "track_id"))
    for number, line in enumerate(lines, start=1):
        found = [
            np.flatnonzero((camera == name) & (np.abs(corners - box) <= SAME_BOX_PX).all(axis=1))
            for name, box in _same(line, f"{path}, line {number}")
        ]
        if found and all(len(rows) for rows in found):
            one, other = ((str(camera[rows[0]]), int(track[rows[0]])) for rows in found)
            yield one, other


def _same(line: str, where: str) -> list[tuple[str, NDArray[np.float64]]]:
    """Camera and box of the two places of an edit that joins; none for other edits. Raises UserError for no edit."""
    try:
        edit = parse_json(line, where) if line.strip() else {}
        ends = (edit["at"], edit["and"]) if edit.get("edit") == "same" else ()
        return [(str(end["camera"]), np.array(end["box"], float).reshape(4)) for end in ends]
    except (UserError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(where, "an edit as `mtmc edit` writes it", repr(line[:60]), "Correct the line.") from None
