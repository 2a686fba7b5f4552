"""What is handed out while a folder is followed: each box once, numbers that stay, in the end the batch's vehicles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.scene import Scene
from mtmc.store.schemas import VEHICLES
from mtmc.store.tables import read_table, write_vehicles
from mtmc.structures import GlobalTrack, Tracklet
from mtmc.watching import Settled
from tests.builders import make_camera, make_scene, make_tracklet, make_vehicle

STEP = 100
"""Frames between two turns, 10 s."""


def scene_until(frame: int, cameras: int) -> Scene:
    return make_scene(*(make_camera(f"c{number:03d}", frames=frame) for number in range(1, cameras + 1)))


def turn(folder: Path, vehicles: list[GlobalTrack]) -> pa.Table:
    write_vehicles(folder / "vehicles.parquet", vehicles, {})
    return read_table(folder / "vehicles.parquet", VEHICLES)


def handed_out(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])


def until(tracklet: Tracklet, frame: int) -> Tracklet | None:
    keep = tracklet.frames < frame
    if not keep.any():
        return None
    parts = tracklet.frames[keep], tracklet.xyxy[keep], tracklet.scores[keep]
    return Tracklet(tracklet.camera_id, tracklet.track_id, *parts, tracklet.label)


def journeys(starts: list[tuple[int, int]], cameras: int) -> list[GlobalTrack]:
    """Vehicle k is seen by ``count`` cameras one after the other, 30 frames each, 20 apart, from ``start`` on."""
    return [
        make_vehicle(
            k,
            *(
                make_tracklet(
                    f"c{c:03d}", k, range(start + 50 * (c - 1), start + 50 * (c - 1) + 30), (k, k, k + 9, k + 9)
                )
                for c in range(1, min(count, cameras) + 1)
            ),
        )
        for k, (start, count) in enumerate(starts, start=1)
    ]


@settings(max_examples=30, deadline=None)
@given(
    starts=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 3)), min_size=1, max_size=8),
    seed=st.integers(0, 100),
)
def test_a_stream_behind_what_linking_changes_is_the_batch(
    tmp_path_factory: pytest.TempPathFactory, starts: list[tuple[int, int]], seed: int
) -> None:
    """Each turn renames all vehicles, and links a tracklet to those before it only when it has been seen for 5 s."""
    folder = tmp_path_factory.mktemp("run")
    random, settled, batch = np.random.default_rng(seed), Settled(folder / "settled"), journeys(starts, 3)
    for end in range(STEP, 700, STEP):
        seen = list[list[Tracklet]]()
        for vehicle in batch:
            pieces = [piece for t in vehicle.tracklets if (piece := until(t, end))]
            firm = [t for t in pieces if t.frames[0] < end - 50]
            seen += [group for group in [firm, *([t] for t in pieces if t not in firm)] if group]
        names = random.permutation(len(seen)) + 1
        vehicles = [make_vehicle(int(name), *group) for name, group in zip(names, seen, strict=True)]
        assert settled.add(turn(folder, vehicles), scene_until(end, 3), 6.0) == 0
        settled = Settled(folder / "settled")  # as if it had been killed
    settled.add(turn(folder, batch), scene_until(700, 3), 0.0)
    table, whole = handed_out(folder / "settled"), turn(folder, batch)
    key = ["camera_id", "track_id", "frame"]
    found = table.join(whole.select([*key, "vehicle_id"]), key, right_suffix="_batch")
    assert len(found) == len(whole) == len(table)
    pairs = found.group_by(["vehicle_id", "vehicle_id_batch"]).aggregate([])
    assert len(pairs) == len(batch) == len(set(pairs["vehicle_id"].to_pylist()))


def test_numbers_stay_when_a_turn_thinks_otherwise(tmp_path: Path) -> None:
    settled = Settled(tmp_path / "settled")
    a, b = make_tracklet("c001", 1, range(0, 60)), make_tracklet("c001", 2, range(70, 90), (50, 50, 60, 60))
    settled.add(turn(tmp_path, [make_vehicle(1, a, b)]), scene_until(200, 1), 10.0)
    later = make_tracklet("c001", 3, range(110, 130))
    changed = settled.add(turn(tmp_path, [make_vehicle(1, b), make_vehicle(2, a, later)]), scene_until(400, 1), 10.0)
    assert changed == pytest.approx(20 / 80)
    rows = handed_out(tmp_path / "settled").to_pandas()
    assert rows.groupby("track_id").vehicle_id.unique().map(list).to_dict() == {1: [1], 2: [1], 3: [1]}


def test_a_box_waits_for_every_camera_that_still_records(tmp_path: Path) -> None:
    ahead, behind = make_camera("c001", frames=300), make_camera("c002", frames=100)
    vehicles = turn(tmp_path, [make_vehicle(1, make_tracklet("c001", 1, range(0, 200)))])
    Settled(tmp_path / "settled").add(vehicles, make_scene(ahead, behind), 0.0)
    times = handed_out(tmp_path / "settled")["time_s"].to_pylist()
    assert max(times) == pytest.approx(10.0)
    assert len(times) == 101
