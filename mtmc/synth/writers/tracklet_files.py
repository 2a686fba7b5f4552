"""Simulated tracklets on disk: ``tracklets.parquet`` (one row each, with the truth), ``truth.json``, ``zones.toml``.

``zones.toml`` is what a patient user would draw by hand for the ``zones`` linker: the four arms of each junction, which
leads to which, and a generous window of seconds.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mtmc.errors import InputError
from mtmc.files import check_file, parse_json, read_text
from mtmc.structures import TrackletTable
from mtmc.synth.tracklets.simulated import Simulated

ARRAYS = tuple(f.name for f in fields(TrackletTable) if f.name != "cameras")
ROWS_PER_GROUP = 65_536


def write_tracklets(out: Path, simulated: Simulated) -> Path:
    """Write a simulation into a folder (made if missing) and return the Parquet file's path."""
    out.mkdir(parents=True, exist_ok=True)
    columns = {name: _to_arrow(getattr(simulated.table, name)) for name in ARRAYS}
    columns |= {"vehicle_id": pa.array(simulated.vehicle_id), "boxes": pa.array(simulated.boxes)}
    if simulated.covered is not None:
        columns["covered"] = pa.array(simulated.covered)
    path = out / "tracklets.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=ROWS_PER_GROUP)
    truth = {
        "cameras": list(simulated.table.cameras),
        "clock_known": simulated.clock_known,
        "offset_s": simulated.offset_s.tolist(),
        "links": [
            {"from": int(a), "to": int(b), "travel_s": float(s)}
            for a, b, s in zip(simulated.link_from, simulated.link_to, simulated.link_s, strict=True)
        ],
    }
    if simulated.truth_boxes is not None:
        ids, boxes = (column.tolist() for column in simulated.truth_boxes)
        truth["vehicles"] = [{"id": number, "boxes": count} for number, count in zip(ids, boxes, strict=True)]
    (out / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    (out / "zones.toml").write_text(simulated.zones_toml, encoding="utf-8")
    return path


def read_tracklets(folder: Path) -> Simulated:
    """Read a simulation back. Raises InputError where a file is missing or is not one of ours."""
    paths = folder / "tracklets.parquet", folder / "truth.json", folder / "zones.toml"
    try:
        check_file(paths[0])
        stored, zones = pq.read_table(paths[0]), read_text(paths[2])
        truth = parse_json(read_text(paths[1]), paths[1])
        table = TrackletTable(tuple(truth["cameras"]), *(_from_arrow(stored[name]) for name in ARRAYS))
        links = {key: np.array([link[key] for link in truth["links"]]) for key in ("from", "to", "travel_s")}
        covered = stored["covered"].to_numpy() if "covered" in stored.column_names else None
        vehicles = [np.array([row[key] for row in truth["vehicles"]]) for key in ("id", "boxes") if "vehicles" in truth]
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        expected = "simulated tracklets (tracklets.parquet, truth.json, zones.toml)"
        raise InputError(folder, expected, str(error), "Make them with `mtmc synth OUT --tracklets`.") from error
    return Simulated(
        table, stored["vehicle_id"].to_numpy(), stored["boxes"].to_numpy(), np.array(truth["offset_s"], np.float64),
        bool(truth["clock_known"]), links["from"].astype(np.int64), links["to"].astype(np.int64),
        links["travel_s"].astype(np.float64), zones, covered, (vehicles[0], vehicles[1]) if vehicles else None,
    )  # fmt: skip


def _to_arrow(array: np.ndarray) -> pa.Double:
    if array.ndim == 1:
        return pa.array(array)
    return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])


def _from_arrow(column: pa.ChunkedArray) -> np.ndarray:
    if not pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.to_numpy())
    flat = column.combine_chunks().flatten().to_numpy()
    return np.asarray(flat.reshape(-1, column.type.list_size))
