"""Videos and runs at URLs: the same bytes as in a folder, whole or not at all, and nothing finished made twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

import mtmc
from mtmc.errors import StoreError, UserError
from mtmc.files import is_local, to_path
from mtmc.files.atomic import locked, part_of, replacing
from reid import storage
from tests.mtmc.pipeline.test_units import film

QUICK: dict[str, Any] = {"detector": "recorded", "embedder": "histogram", "link": "electricity"}
SLICES = ["detect.slice_s=3", "report.video=false", "report.page=false"]
OTHERWISE = {"run.json", "timings.json"}
"""They say where the videos are, and how long it took."""


@pytest.fixture
def store() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


@pytest.fixture(scope="module")
def cams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cams")
    for camera in ("c001", "c002"):
        film(folder / camera / "vdo", "h264")
    return folder


def contents(store: Any, folder: str) -> dict[str, bytes]:
    return {name.removeprefix(f"{folder}/"): store.cat(name) for name in store.find(folder)}


def test_a_run_at_a_url_has_the_bytes_of_one_in_a_folder(cams: Path, tmp_path: Path, store: Any) -> None:
    store.put(str(cams), "/bucket/cams", recursive=True)
    mtmc.run(cams, tmp_path / "run", overrides=SLICES, **QUICK)
    run = mtmc.run("memory://bucket/cams/", "memory://bucket/run", overrides=SLICES, **QUICK)
    here = {str(p.relative_to(tmp_path / "run")): p.read_bytes() for p in (tmp_path / "run").rglob("[!.]*.*")}
    there = contents(store, "/bucket/run")
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == sorted(OTHERWISE)
    assert len([name for name in there if name.startswith("detections/c001/")]) > 1
    assert mtmc.open("memory://bucket/run").boxes == run.boxes


def test_a_killed_run_at_a_url_makes_nothing_twice(cams: Path, store: Any) -> None:
    store.put(str(cams), "/bucket/cams", recursive=True)

    def kill(name: str, stage: str, done: int, total: int) -> None:
        if stage == "embed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mtmc.run("memory://bucket/cams", "memory://bucket/run", overrides=SLICES, watch=kill, **QUICK)
    finished = {name: store.created(name) for name in store.find("/bucket/run") if name.endswith(".parquet")}
    assert any("/detections/" in name for name in finished)
    assert not store.exists("/bucket/run/vehicles.parquet")
    mtmc.run("memory://bucket/cams", "memory://bucket/run", overrides=SLICES, **QUICK)
    assert {name: store.created(name) for name in finished} == finished
    assert store.exists("/bucket/run/vehicles.parquet")


def test_a_write_that_breaks_leaves_what_was_there(store: Any) -> None:
    path = to_path("memory://bucket/table")
    with replacing(path) as temporary:
        temporary.write_text("first")
    with pytest.raises(StoreError, match="a file that can be written"), replacing(path) as temporary:
        temporary.with_name("none").read_text()
    assert path.read_text() == "first"
    assert not part_of(path).exists()


def test_where_files_grow_they_are_renamed(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "OBJECT_STORES", frozenset())
    with replacing(to_path("memory://bucket/inner/table")) as temporary:
        temporary.write_text("whole")
    assert contents(store, "/bucket") == {"inner/table": b"whole"}


def test_one_process_of_this_machine_at_a_time(store: Any) -> None:
    folder = to_path("memory://bucket/run")
    with locked(folder), pytest.raises(UserError, match="another run at work"), locked(folder):
        pass


@pytest.mark.parametrize("name", ["nobody://bucket/cams", "s3://"])
def test_what_cannot_be_reached_is_one_sentence(name: str) -> None:
    with pytest.raises(UserError, match="a URL that can be reached"):
        to_path(name)


def test_paths_of_this_machine_stay_what_they_are(tmp_path: Path) -> None:
    assert to_path(f"file://{tmp_path}") == to_path(str(tmp_path)) == to_path(tmp_path) == tmp_path
    assert is_local(tmp_path)


def test_a_file_alone_leads_to_no_store(
    cams: Path, tmp_path: Path, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mtmc.run(cams, tmp_path / "run", overrides=SLICES, **QUICK)
    told = (tmp_path / "run" / "run.json").read_text().replace(str(cams), "memory://elsewhere/cams")
    (tmp_path / "run" / "run.json").write_text(told)
    store.put(str(cams), "/elsewhere/cams", recursive=True)
    with pytest.raises(UserError, match="MTMC_STORES=memory://elsewhere"):
        _ = mtmc.open(tmp_path / "run").scene
    monkeypatch.setenv("MTMC_STORES", "s3://other memory://elsewhere")
    assert list(mtmc.open(tmp_path / "run").scene.cameras) == ["c001", "c002"]
