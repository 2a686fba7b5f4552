"""A small finished run whose zones are learned."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc, record_truth, run


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras of a straight road, twelve seconds, true boxes; do not change it."""
    city = tmp_path_factory.mktemp("traffic") / "city"
    mtmc("synth", city, "--preset", "tiny", "--seed", 2, "--seconds", 12, "--set", "width_px=480")
    record_truth(city / "S01")
    run(city / "S01", city.parent / "run", (*TRUE_BOXES, "--workers", 1), (*KEEP_ALL, "report.page=false"))
    return city.parent / "run"
