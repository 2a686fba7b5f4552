"""``mtmc traffic``: files that their readers open, and mistakes in one sentence."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from mtmc.cli import main
from tests.golden.commands import mtmc

TABLES = {
    "counts", "counts_by_bin", "legs", "legs_by_bin", "od", "od_by_bin", "routes", "speeds", "speeds_by_bin", "queues",
    "cameras",
}  # fmt: skip


def refused(*arguments: object) -> str:
    err = io.StringIO()
    with redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    assert end.value.code == 2
    return " ".join(err.getvalue().split())


def test_all_tables_as_csv_parquet_and_sheets(run_folder: Path, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="wants duckdb (pip install duckdb)")
    words = ("--bins", "5s", "--classes", "three", "--format", "csv,parquet,xlsx", "--scale", "recall", "--samples", 20)
    said = json.loads(mtmc("traffic", run_folder, *words, "--out", tmp_path, "--json"))
    assert said["rows"].keys() == TABLES
    book = openpyxl.load_workbook(tmp_path / "traffic.xlsx", read_only=True)
    assert set(book.sheetnames) == TABLES
    for name, count in said["rows"].items():
        frame = pd.read_csv(tmp_path / f"{name}.csv")
        assert len(frame) == count
        assert duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/{name}.parquet'").fetchall() == [(count,)]
        assert [cell.value for cell in next(book[name].iter_rows())] == list(frame.columns)
    counts, visits = pd.read_csv(tmp_path / "counts.csv"), pd.read_parquet(run_folder / "visits.parquet")
    assert counts["vehicles"].sum() == len(visits)
    assert (counts["low"] <= counts["high"]).all()
    assert (pd.read_csv(tmp_path / "od.csv")["scaled"] >= 0).all()
    speeds = pd.read_csv(tmp_path / "speeds.csv")
    driving = speeds[speeds["p50_kmh"] > 5]  # others are parked
    assert driving["time_mean_kmh"].between(driving["low_kmh"], driving["high_kmh"]).all()
    assert (driving["space_mean_kmh"] <= driving["time_mean_kmh"] + 1e-6).all()
    assert driving["space_mean_kmh"].between(30, 60).all()  # the drivers' 13 m/s


def test_the_same_seed_gives_the_same_bytes(run_folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        mtmc("traffic", run_folder, "--samples", 10, "--out", tmp_path / name)
    for table in TABLES:
        assert (tmp_path / "a" / f"{table}.csv").read_bytes() == (tmp_path / "b" / f"{table}.csv").read_bytes()


def test_counts_under_the_names_of_otanalytics(run_folder: Path, tmp_path: Path) -> None:
    mtmc("traffic", run_folder, "--bins", "1min", "--samples", 0, "--format", "ota", "--out", tmp_path)
    frame = pd.read_csv(tmp_path / "counts_ota.csv")
    assert list(frame.columns) == [
        "start time", "start occurrence date", "start occurrence time",
        "end time", "end occurrence date", "end occurrence time",
        "classification", "flow", "from section", "to section", "count",
    ]  # fmt: skip
    assert (pd.to_datetime(frame["end time"]) - pd.to_datetime(frame["start time"])).dt.total_seconds().unique() == [60]
    assert frame["count"].sum() == len(pd.read_parquet(run_folder / "visits.parquet"))


def test_mistakes_say_what_to_do(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text('west = "c01"\n')
    assert "Did you mean c001?" in refused("traffic", run_folder, "--gates", tmp_path / "gates.toml")
    (tmp_path / "classes.toml").write_text('heavy = ["lorry"]\n')
    assert "Choose from car, bus" in refused("traffic", run_folder, "--classes", tmp_path / "classes.toml")
    assert "a width such as 15min" in refused("traffic", run_folder, "--bins", "quarter")
    assert "some of csv" in refused("traffic", run_folder, "--format", "ods")
    assert "seconds, as no camera's clock is known" in refused("traffic", run_folder, "--from", "07:00")
    (tmp_path / "totals.csv").write_text("gate,from,to\nc009,1,2\n")
    assert "a gate of this run" in refused("traffic", run_folder, "--scale", tmp_path / "totals.csv")
