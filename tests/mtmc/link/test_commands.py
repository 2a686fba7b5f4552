"""``mtmc bench-link`` and ``mtmc explain``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mtmc.cli import app
from mtmc.errors import InputError, StoreError
from mtmc.link import LinkParams, Problem, solve
from mtmc.link.model.camera_network import CameraNetwork
from mtmc.link.model.json_io import to_json
from mtmc.synth.writers.tracklet_files import read_tracklets, write_tracklets
from tests.mtmc.link.worlds import small

LINKERS = {"network", "electricity", "hungarian", "agglomerative", "zones"}
NUMBERS = {"idf1", "link_precision", "link_recall", "link_f1", "seconds", "peak_mb"}


def test_written_tracklets_come_back(tmp_path: Path) -> None:
    world = small(max_offset_s=9.0)
    write_tracklets(tmp_path, world)
    back = read_tracklets(tmp_path)
    for name in ("features", "start_s", "entry_xy", "camera"):
        assert np.array_equal(getattr(back.table, name), getattr(world.table, name))
    assert back.table.cameras == world.table.cameras
    assert np.array_equal(back.vehicle_id, world.vehicle_id)
    assert not back.clock_known
    assert back.offset_s == pytest.approx(world.offset_s)


def test_the_same_seed_gives_the_same_tracklets() -> None:
    one, other = small.__wrapped__(), small.__wrapped__()
    assert np.array_equal(one.table.features, other.table.features)


@pytest.mark.slow
def test_bench_link(tmp_path: Path) -> None:
    write_tracklets(tmp_path / "sim", small())
    result = CliRunner().invoke(app, ["bench-link", str(tmp_path / "sim"), "--json"], catch_exceptions=False)
    linkers = json.loads(result.stdout)["linkers"]
    assert set(linkers) == LINKERS
    assert all(set(row) == NUMBERS for row in linkers.values())
    assert max(linkers, key=lambda name: linkers[name]["idf1"]) == "network"


def test_table_in_a_pipe_is_not_cut(tmp_path: Path) -> None:
    write_tracklets(tmp_path / "sim", small(minutes=3))
    arguments = ["bench-link", str(tmp_path / "sim"), "--linker", "agglomerative"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "…" not in result.stdout
    assert all(name in result.stdout for name in ("linker", "agglomerative", *NUMBERS))


def test_bench_link_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run folder"):
        CliRunner().invoke(app, ["bench-link", str(tmp_path)], catch_exceptions=False)
    (tmp_path / "tracklets.parquet").write_text("")
    with pytest.raises(InputError, match="simulated tracklets"):
        CliRunner().invoke(app, ["bench-link", str(tmp_path)], catch_exceptions=False)


def test_explain_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run folder"):
        CliRunner().invoke(app, ["explain", str(tmp_path), "1"], catch_exceptions=False)


def test_network_is_shown_and_drawn(tmp_path: Path) -> None:
    learned = solve(Problem.of(small(minutes=20).table), LinkParams()).network
    assert isinstance(learned, CameraNetwork)
    (tmp_path / "network.json").write_text(json.dumps(to_json(learned)))
    arguments = ["network", str(tmp_path), "--png", str(tmp_path / "graph.png"), "--json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    shown = json.loads(result.stdout)
    assert {s["from"] for s in shown["streets"]} <= set(shown["cameras"])
    assert (tmp_path / "graph.png").stat().st_size > 5000
    with pytest.raises(StoreError, match="network"):
        CliRunner().invoke(app, ["network", str(tmp_path / "nowhere")], catch_exceptions=False)
