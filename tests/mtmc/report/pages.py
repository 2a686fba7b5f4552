"""What the tests of the page ask of it and of the run's tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Open = Callable[..., Any]

PRESENTED = (
    "() => window.mtmc.mosaic.tiles.filter((t) => t.visible).every((t) => t.frame >= 0 && t.video.readyState >= 2)"
)

SETTLED = """() => window.mtmc.mosaic.tiles.every(
  (t) => t.boxes && !t.video.seeking && t.frame === t.boxes.frameAt(window.mtmc.clock.time))"""


def table(run_folder: Path, name: str) -> list[dict[str, Any]]:
    return list(pq.read_table(run_folder / f"{name}.parquet").to_pylist())


def shared_vehicle(run_folder: Path) -> tuple[int, float]:
    """A vehicle in two cameras, and a moment at which the first of them sees it."""
    visits = table(run_folder, "visits")
    ids = {v["vehicle_id"] for v in visits if v["camera_id"] == "c001"} & {
        v["vehicle_id"] for v in visits if v["camera_id"] == "c002"
    }
    chosen = min(ids)
    first = min((v for v in visits if v["vehicle_id"] == chosen), key=lambda v: v["start_s"])
    return chosen, (first["start_s"] + first["end_s"]) / 2


VEHICLES = """
  WITH visits AS (SELECT *, end_s - start_s AS stay FROM '{0}/visits.parquet'),
  kinds AS (SELECT vehicle_id, label, row_number() OVER (PARTITION BY vehicle_id ORDER BY count(*) DESC, label) AS place
            FROM '{0}/vehicles.parquet' GROUP BY vehicle_id, label),
  links AS (SELECT vehicle_id, min(probability) AS p FROM '{0}/links.parquet' WHERE prior <> 0 GROUP BY vehicle_id)
"""
FLOW = """SELECT DISTINCT a.vehicle_id FROM visits a JOIN visits b USING (vehicle_id)
  WHERE a.camera_id = '{}' AND b.camera_id = '{}' AND b.start_s > a.start_s"""


def search(run_folder: Path, question: str) -> list[tuple[Any, ...]]:
    duckdb = pytest.importorskip("duckdb")
    return list(duckdb.sql(VEHICLES.format(run_folder) + question).fetchall())
