"""The table of visits: pieces of one passage, zones drawn and learned, what the clip's ends cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.calibration import Calibration
from mtmc.errors import ConfigError
from mtmc.scene import Scene
from mtmc.scene_reader.scene_file import read_scene_file
from mtmc.structures import GlobalTrack
from mtmc.visits import visits
from mtmc.visits.motion import standing
from mtmc.visits.stays import grouped
from tests.builders import make_camera, make_scene, make_tracklet, make_vehicle


def rows(scene: Scene, *vehicles: GlobalTrack, **known: object) -> list[dict[str, object]]:
    return pa.table(visits(scene, list(vehicles), **known)).to_pylist()  # type: ignore[arg-type,no-any-return]


def slow_stays(pieces: list[tuple[int, int, float, float]]) -> list[list[int]]:
    """Piece by piece: a gap of 10 s parts two stays, or of 2 s if another camera saw the vehicle begin in it."""
    found: list[list[int]] = []
    for vehicle in sorted({p[0] for p in pieces}):
        mine = sorted((p[2], p[1], k) for k, p in enumerate(pieces) if p[0] == vehicle)
        here: dict[int, list[int]] = {}
        for start, camera, k in mine:
            group = here.get(camera)
            end = pieces[group[-1]][3] if group else -np.inf
            between = any(end < s < start for s, c, _ in mine if c != camera)
            if group is None or start - end > (2.0 if between else 10.0):
                group = here[camera] = []
                found.append(group)
            group.append(k)
    return sorted(found)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 60), st.integers(0, 5)), max_size=25))
def test_stays_are_those_of_the_slow_way(drawn: list[tuple[int, int, int, int]]) -> None:
    last: dict[tuple[int, int], float] = {}
    pieces = []
    for vehicle, camera, start, length in sorted(drawn, key=lambda d: d[2]):
        if start > last.get((vehicle, camera), -1.0):  # no vehicle is twice in one camera at one time
            pieces.append((vehicle, camera, float(start), float(start + length)))
            last[vehicle, camera] = start + length
    vehicle_, camera_, start_, end_ = (np.array([p[k] for p in pieces]) for k in range(4))
    order, first = grouped(vehicle_, camera_, start_.astype(float), end_.astype(float))
    groups = [g.tolist() for g in np.split(order, np.flatnonzero(first)[1:])] if pieces else []
    assert sorted(groups) == slow_stays(pieces)


def test_no_vehicles_make_no_visits() -> None:
    assert rows(make_scene(make_camera())) == []


def test_a_vehicle_enters_twice_stands_and_is_cut() -> None:
    camera = make_camera(frames=1000)
    twice = make_vehicle(
        1, make_tracklet(track_id=1, frames=range(20)), make_tracklet(track_id=2, frames=range(300, 330))
    )
    late = make_vehicle(2, make_tracklet(track_id=3, frames=range(985, 1000)))
    found = rows(make_scene(camera), twice, late)
    assert [(r["vehicle_id"], r["visit"]) for r in found] == [(1, 1), (1, 2), (2, 1)]
    assert [r["cut_start"] for r in found] == [True, False, False]
    assert [r["cut_end"] for r in found] == [False, False, True]
    assert {found[0][name] for name in ("speed_kmh", "stopped_s", "start_utc", "confidence")} == {None}


def test_drawn_zones_are_lines_crossed_and_polygons_entered() -> None:
    line, yard = (
        ("west", np.array([[0.2, 0.0], [0.2, 1.0]])),
        ("yard", np.array([[0.6, 0.0], [1, 0], [1, 1], [0.6, 1]])),
    )
    camera = replace(make_camera(frames=1000), zones=(line, yard))
    through = make_vehicle(1, make_tracklet(frames=range(100, 160)))  # bottom centres from 0.1 to 0.69 of the width
    left = make_vehicle(2, make_tracklet(track_id=2, frames=range(200, 220)))  # to 0.29
    unseen = make_vehicle(3, make_tracklet(track_id=3, frames=range(300, 303)))
    found = rows(make_scene(camera), through, left, unseen)
    assert [(r["entry_zone"], r["exit_zone"]) for r in found] == [
        ("west", "yard"), ("elsewhere", "west"), ("elsewhere", "elsewhere"),
    ]  # fmt: skip


def test_zones_of_scene_toml_are_checked(tmp_path: Path) -> None:
    (tmp_path / "scene.toml").write_text("[cameras.c1]\nzones.north = [[0.1, 0.2], [0.3, 0.2]]\n")
    assert read_scene_file(tmp_path).cameras["c1"].zones == {"north": [[0.1, 0.2], [0.3, 0.2]]}
    (tmp_path / "scene.toml").write_text("[cameras.c1]\nzones.north = [[0.1, 0.2], [300, 0.2]]\n")
    with pytest.raises(ConfigError, match="less than or equal to 1"):
        read_scene_file(tmp_path)


def test_calendar_times_are_utc_where_the_zone_is_known() -> None:
    zero = datetime(2026, 5, 1, 7, tzinfo=timezone(timedelta(hours=2)))
    scene = replace(make_scene(make_camera()), clock_zero=zero)
    found = rows(scene, make_vehicle(1, make_tracklet(frames=range(10, 20))))
    assert found[0]["start_utc"] == datetime(2026, 5, 1, 5, 0, 1, tzinfo=UTC).replace(tzinfo=None)


def test_standing_and_speed_on_the_ground() -> None:
    ground = np.diag([0.5, 0.5, 1.0])  # half a metre a pixel
    calibration = Calibration(np.diag([2.0, 2.0, 1.0]), None, None, gps=False, error_px=1.0)
    camera = replace(make_camera(size=(2000, 100)), calibration=calibration, image_to_ground=ground)
    vehicle = make_vehicle(1, make_tracklet(frames=range(50), step=(2, 0)))
    (row,) = rows(make_scene(camera), vehicle)
    assert (row["speed_kmh"], row["stopped_s"]) == (pytest.approx(36.0), 0)
    assert row["speed_error_kmh"] == pytest.approx(3.6 * 0.5 * np.sqrt(4) / 4.9, rel=1e-4)
    times, places = np.arange(0, 20, 0.1), np.zeros((200, 2))
    places[:, 0] = np.interp(times, [0, 5, 12, 20], [0, 50, 50, 130])
    ((first, last),) = standing(times, places)
    assert times[[first, last]] == pytest.approx([5.0, 12.0], abs=0.3)


def test_confidence_is_of_the_surest_link_to_another_stay() -> None:
    scene = make_scene(make_camera("c001"), make_camera("c002"))
    both = make_vehicle(1, make_tracklet("c001", 1), make_tracklet("c002", 7, frames=range(40, 50)))
    alone = make_vehicle(2, make_tracklet("c001", 2, frames=range(70, 80)))
    links = pa.table({
        "from_camera": ["c001"], "from_track": [1], "to_camera": ["c002"], "to_track": [7], "probability": [0.75],
    })  # fmt: skip
    assert [r["confidence"] for r in rows(scene, both, alone, links=links)] == [0.75, 0.75, None]
