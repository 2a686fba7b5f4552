"""Maps and SUMO's files, each opened by its reader."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from mtmc.errors import InputError
from mtmc.traffic import Question, Traffic
from mtmc.traffic.maps import write_geojson
from mtmc.traffic.sumo import write_sumo
from tests.golden.commands import mtmc
from tests.mtmc.traffic.cities import city, observed, pieces_of_city


def test_maps_open_in_geopandas_and_movingpandas(run_folder: Path, tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas", reason="wants geopandas (pip install geopandas)")
    mtmc("traffic", run_folder, "--samples", 5, "--format", "geojson,geoparquet", "--out", tmp_path)
    movements = geopandas.read_file(tmp_path / "movements.geojson")
    stored = geopandas.read_parquet(tmp_path / "movements.geo.parquet")
    assert list(movements["vehicles"]) == list(stored["vehicles"])
    assert stored.crs.to_epsg() == 4326 or stored.crs.equals("OGC:CRS84")
    assert movements.geometry.geom_equals(stored.geometry).all()
    lon, lat = movements.geometry[0].coords[0]
    assert (lon, lat) == (pytest.approx(-90.72, abs=0.05), pytest.approx(42.53, abs=0.05))
    legs = geopandas.read_file(tmp_path / "legs.geojson")
    assert {"from", "to", "exit_to_entry_p50_s"} <= set(legs.columns)


def test_trips_are_as_kepler_and_movingpandas_want_them(run_folder: Path, tmp_path: Path) -> None:
    geopandas, movingpandas = (pytest.importorskip(name) for name in ("geopandas", "movingpandas"))
    mtmc("traffic", run_folder, "--samples", 0, "--format", "geojson", "--out", tmp_path)
    trips = json.loads((tmp_path / "trips.geojson").read_text())["features"]
    assert len(geopandas.read_file(tmp_path / "trips.geojson")) == len(trips)
    moving = movingpandas.read_mf_json(str(tmp_path / "trips.geojson"), traj_id_property="vehicle_id")
    assert len(moving) == len(trips)
    assert max(trip.get_length() for trip in moving) > 20
    assert len(trips) == pd.read_parquet(run_folder / "vehicles.parquet")["vehicle_id"].nunique()
    for trip in trips:
        times = [point[3] for point in trip["geometry"]["coordinates"]]
        assert all(len(point) == 4 for point in trip["geometry"]["coordinates"])
        assert times == sorted(times)


def test_without_a_map_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="GPS calibration"):
        write_geojson(Traffic(observed(*pieces_of_city(city(1), 1)), Question(samples=0)), tmp_path)


def test_sumo_drives_what_was_seen(tmp_path: Path) -> None:
    sumo = pytest.importorskip("sumo", reason="wants sumo (pip install eclipse-sumo)")
    sumolib = pytest.importorskip("sumolib", reason="wants sumolib (pip install sumolib)")
    traffic = Traffic(observed(*pieces_of_city(city(2), 2)), Question(bins="5min", samples=0))
    write_sumo(traffic, tmp_path)
    binaries = Path(sumo.SUMO_HOME) / "bin"
    parts = [
        f"--{kind}-files=traffic.{ending}.xml"
        for kind, ending in (("node", "nod"), ("edge", "edg"), ("connection", "con"))
    ]
    run = {"cwd": tmp_path, "check": True, "capture_output": True, "timeout": 60}
    subprocess.run([binaries / "netconvert", *parts, "-o", "traffic.net.xml"], **run)  # type: ignore[call-overload]
    net = sumolib.net.readNet(str(tmp_path / "traffic.net.xml"))
    assert {f"{camera}_in" for camera in traffic.observed.pieces.cameras} <= {edge.getID() for edge in net.getEdges()}
    vehicles = list(sumolib.xml.parse(str(tmp_path / "traffic.rou.xml"), "vehicle"))
    assert len(vehicles) == sum(traffic.tables["od"]["vehicles"].to_pylist())
    command = [
        "sumo",
        "-n",
        "traffic.net.xml",
        "-r",
        "traffic.rou.xml",
        "-a",
        "traffic.add.xml",
        "--tripinfo-output",
        "t.xml",
    ]
    subprocess.run([binaries / command[0], *command[1:], "--no-step-log"], **run)  # type: ignore[call-overload]
    assert len(list(sumolib.xml.parse(str(tmp_path / "t.xml"), "tripinfo"))) == len(vehicles)
    counted = ET.parse(tmp_path / "traffic.edgedata.xml").getroot().iter("edge")
    assert sum(int(edge.get("entered", "0")) for edge in counted) == len(vehicles)
