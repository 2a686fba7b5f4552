"""The one page on tables and files says what is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import mtmc
from mtmc.cli import main
from mtmc.export import EXPORTS
from mtmc.store import Run

PAGE = (Path(mtmc.__file__).parent / "export" / "README.md").read_text()
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| `")]


def columns(cell: str) -> list[str]:
    """The words of the last part in backticks."""
    return re.findall(r"`([^`]+)`", cell)[-1].split()


def files(run: Run, name: str) -> list[Path]:
    return sorted(run.folder.glob(re.sub("<[a-z]+>", "*", name)))


@pytest.mark.parametrize("row", [row for row in ROWS if ".parquet`" in row[0]], ids=lambda row: row[0].strip(" `"))
def test_tables(row: list[str], run: Run) -> None:
    found = files(run, columns(row[0])[0])
    assert found, "no such table in a run"
    for path in found:
        schema = pq.read_schema(path)
        assert schema.names == columns(row[2])
        if any(name.endswith("frame") for name in schema.names):
            assert schema.metadata[b"frame_base"] == b"0"


@pytest.mark.parametrize("row", [row for row in ROWS if ".json`" in row[0]], ids=lambda row: row[0].split("`")[1])
def test_json(row: list[str], run: Run) -> None:
    name = row[0].split("`")[1]
    if name == "scores.json":
        with pytest.raises(SystemExit) as end:
            main(["score", str(run.folder)])
        assert not end.value.code
    if name == "given.json":
        again = mtmc.from_tracks(run.folder / "tracklets", run.folder.parent / "given", fps=10)
        assert list(json.loads((again.folder / name).read_text())) == columns(row[1])
    else:
        assert list(json.loads((run.folder / name).read_text())) == columns(row[1])


def test_nothing_is_left_out(run: Run) -> None:
    for path in (*run.folder.rglob("*.parquet"), *run.folder.glob("*.json*")):
        place = path.relative_to(run.folder)
        name = place.name if place.parent == Path() else f"{place.parent}/<"
        assert f"`{name}" in PAGE, place


def test_exports_and_python(run: Run) -> None:
    named = {
        form for row in ROWS if len(row) == 3 and ".parquet`" not in row[0] for form in re.findall(r"`(\w+)`", row[0])
    }
    assert named == set(EXPORTS)
    opened = mtmc.open(run.folder)
    (boxes,) = [row[2] for row in ROWS if row[0].startswith(" `csv`")]
    assert opened.boxes.column_names == columns(boxes)
    for name in ("tracklets", "vehicles"):
        said = re.search(rf"`run\.{name}` \(`([^`]+)`\)", PAGE)
        assert said
        assert getattr(opened, name).column_names == said[1].split()
