"""Certain vehicles of a run: by links and by edits."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reid.crops.boxes import read_run
from reid.crops.certain import certain_vehicles
from reid.errors import UserError

TRACKS = [  # vehicle, camera, track
    (1, "c001", 1), (1, "c002", 1), (1, "c003", 1),
    (2, "c001", 2), (2, "c002", 2),
    (3, "c001", 3),
    (4, "c002", 4), (4, "c003", 4), (4, "c001", 4),
]  # fmt: skip
LINKS = [("c001", 1, "c002", 1, 0.99), ("c002", 1, "c003", 1, 0.95), ("c001", 2, "c002", 2, 0.6),
         ("c002", 4, "c003", 4, 0.97), ("c003", 4, "c001", 4, 0.5)]  # fmt: skip


def box(vehicle: int, camera: str) -> list[float]:
    left = 100.0 * vehicle + 10 * int(camera[1:])
    return [left, 20.25, left + 40, 60.5]


@pytest.fixture
def boxes() -> pa.Table:
    rows = [(vehicle, camera, track, 7, *box(vehicle, camera)) for vehicle, camera, track in TRACKS]
    names = ["vehicle_id", "camera_id", "track_id", "frame", "x1", "y1", "x2", "y2"]
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    names = ["from_camera", "from_track", "to_camera", "to_track", "probability"]
    table = dict(zip(names, map(list, zip(*LINKS, strict=True)), strict=True))
    pq.write_table(pa.table(table), tmp_path / "links.parquet")
    return tmp_path


def confirm(run: Path, vehicle: int, one: str, other: str) -> None:
    ends = [{"camera": camera, "time_s": 0.7, "box": box(vehicle, camera)} for camera in (one, other)]
    line = json.dumps({"edit": "same", "at": ends[0], "and": ends[1]})
    kind = json.dumps({"edit": "kind", "at": ends[0], "kind": "truck"})
    (run / "edits.jsonl").write_text(f"{kind}\n\n{line}\n")


def test_every_track_hangs_on_a_probable_link(run: Path, boxes: pa.Table) -> None:
    assert certain_vehicles(run, boxes, 0.9).tolist() == [1]
    assert certain_vehicles(run, boxes, 0.5).tolist() == [1, 2, 4]
    assert certain_vehicles(run, boxes, 0.98).tolist() == []


def test_what_was_confirmed_counts_as_a_link(run: Path, boxes: pa.Table) -> None:
    confirm(run, 4, "c001", "c002")  # no link of its own between these two
    assert certain_vehicles(run, boxes, 0.9).tolist() == [1, 4]


def test_mistakes(run: Path, boxes: pa.Table) -> None:
    pq.write_table(boxes, run / "vehicles.parquet")
    with pytest.raises(UserError, match=r"links of 0\.999 and more, found none"):
        read_run(run, None, 0.999)
    box = '{"edit": "same", "at": {"camera": "c001", "box": [1, 2]}, "and": {"camera": "c001", "box": [1, 2]}}'
    for line in ('{"edit": "same"}', "[]", "{", box):
        (run / "edits.jsonl").write_text(line + "\n")
        with pytest.raises(UserError, match=r"edits\.jsonl, line 1"):
            certain_vehicles(run, boxes, 0.9)
    (run / "edits.jsonl").unlink()
    pq.write_table(pq.read_table(run / "links.parquet").drop(["probability"]), run / "links.parquet")
    with pytest.raises(UserError, match=r"links\.parquet with probabilities, found another table"):
        certain_vehicles(run, boxes, 0.9)
    (run / "links.parquet").unlink()
    with pytest.raises(UserError, match=r"links\.parquet with probabilities, found none"):
        certain_vehicles(run, boxes, 0.9)
