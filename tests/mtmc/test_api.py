"""The public face: what ``import mtmc`` offers, what it costs, and a run from Python."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

import mtmc
from mtmc.errors import InputError, UserError
from mtmc.export.columns import BOX_COLUMNS, box_table, ground_speed_kmh, tracklet_table, vehicle_table
from tests.builders import make_camera, make_scene, make_tracklet, make_vehicle, make_video


def test_exported_members_are_there_sorted_and_all() -> None:
    assert sorted(mtmc.__all__) == mtmc.__all__
    for name in mtmc.__all__:
        assert getattr(mtmc, name) is not None
    assert set(mtmc.__all__) <= set(dir(mtmc))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mtmc.nothing


def test_import_loads_nothing() -> None:
    heavy = "{'numpy', 'torch', 'cv2', 'scipy', 'pandas', 'pyarrow', 'pydantic'}"
    code = f"import sys, mtmc; assert not {heavy} & set(sys.modules); mtmc.run, mtmc.track"
    code += "; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(mtmc.__file__).parents[1])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> mtmc.Run:
    folder = tmp_path_factory.mktemp("api")
    for name in ("a", "b"):
        make_video(folder / "cams" / f"{name}.avi", frames=60, size=(320, 240))
    keep = ["track.clean.parked='keep'", "report.video=false"]
    return mtmc.run(folder / "cams", folder / "run", detector="motion", embedder="histogram", overrides=keep)


def test_a_run_is_its_tables(run: mtmc.Run) -> None:
    assert len(run.vehicles) >= 1
    assert run.boxes.column_names == list(BOX_COLUMNS)
    assert run.vehicles["boxes"].to_numpy().sum() == len(run.boxes) == len(run.to_pandas())
    assert len(run.tracklets) == run.vehicles["tracklets"].to_numpy().sum()
    assert run.boxes["x_m"].null_count == len(run.boxes), "no calibration, no metres"
    assert run.boxes.schema.metadata[b"frame_base"] == b"0"
    assert len(run.visits) <= len(run.tracklets)
    again = mtmc.open(run.folder)
    assert again.boxes.equals(run.boxes)
    assert str(run.folder) in repr(again)
    assert "<table>" in again._repr_html_()


def test_tables_carry_the_calendar_where_the_day_is_known() -> None:
    seen = [make_vehicle(3, make_tracklet("c001", 1, [5, 6]))]
    scene = make_scene(make_camera("c001", offset_s=2.0))
    assert box_table(scene, seen)["time_utc"].null_count == 2
    zone = timezone(timedelta(hours=2))
    dated = replace(scene, clock_zero=datetime(2026, 5, 1, 7, tzinfo=zone))
    assert box_table(dated, seen)["time_utc"].to_pylist()[1] == datetime(2026, 5, 1, 5, 0, 2, 600000)
    rows = tracklet_table(dated, seen)
    assert rows.schema.metadata[b"frame_base"] == b"0"
    assert rows["start_utc"].to_pylist() == [datetime(2026, 5, 1, 5, 0, 2, 500000)]
    assert vehicle_table(dated, seen)["last_utc"].to_pylist() == [datetime(2026, 5, 1, 5, 0, 2, 600000)]


def test_what_a_run_does_not_have_is_said(run: mtmc.Run) -> None:
    with pytest.raises(InputError, match="one of its vehicles"):
        run.explain(10**6)
    with pytest.raises(UserError, match="ground truth"):
        run.score()
    with pytest.raises(TypeError, match="detectr"):
        mtmc.run(run.folder, detectr="motion")


def test_show_opens_the_page(run: mtmc.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert run.show() == run.folder / "report.html"
    assert opened == [(run.folder / "report.html").as_uri()]


def test_a_route_names_the_cameras_in_time() -> None:
    scene = make_scene(make_camera("c001"), make_camera("c002"))
    pieces = [make_tracklet("c001", 1, range(10)), make_tracklet("c001", 2, range(12, 20))]
    table = vehicle_table(scene, [make_vehicle(1, *pieces, make_tracklet("c002", 1, range(15, 40)))])
    (row,) = table.to_pylist()
    assert (row["route"], row["cameras"], row["tracklets"]) == ("c001 c002", 2, 3)
    assert (row["first_s"], row["last_s"]) == (0.0, 3.9)


def test_speed_is_the_way_within_a_second() -> None:
    time_s = np.arange(30) / 10
    metres = np.column_stack([10 * time_s, np.zeros(30)])
    assert ground_speed_kmh(metres, time_s) == pytest.approx(36.0)
    assert np.isnan(ground_speed_kmh(metres[:1], time_s[:1])).all()
    assert np.isnan(ground_speed_kmh(np.full((30, 2), np.nan), time_s)).all()
