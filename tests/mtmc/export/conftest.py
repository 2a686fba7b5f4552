"""A run to export."""

from __future__ import annotations

import pytest

from mtmc.cli import main
from mtmc.store import Run, open_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two calibrated cameras of a synthetic city, by motion."""
    folder = tmp_path_factory.mktemp("export")
    arguments = ["--detector", "motion", "--embedder", "histogram", "--workers", "1", "--set", "report.video=false"]
    for words in (
        ["synth", str(folder), "--preset", "tiny", "--seconds", "8", "--seed", "3"],
        ["run", str(folder / "S01"), "--out", str(folder / "run"), *arguments],
    ):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert not end.value.code
    return open_run(folder / "run")
