"""Vehicles that cross a line, as counted by hand (scripts/bench_counts.py has all ten clips)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from mtmc.detect import DetectParams

BENCH = Path(__file__).resolve().parents[3] / "scripts" / "bench_counts.py"


@pytest.mark.shared
@pytest.mark.parametrize("name", ["04254_00h", "04254_18h"])
def test_a_street_by_night_and_at_dusk(shared: Path, name: str) -> None:
    spec = importlib.util.spec_from_file_location("bench_counts", BENCH)
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    params = DetectParams(detector="onnx", weights=shared / "weights" / "yolox_nano.onnx")
    [(_, count, _)] = bench.counted(shared / "data" / "tfl-jamcam", [name], params)
    assert count == bench.BY_HAND[name]
