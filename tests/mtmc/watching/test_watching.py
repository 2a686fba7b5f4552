"""Recordings copied into a watched folder while it is followed: in the end what a run of all of them gives."""

from __future__ import annotations

import shutil
import threading
import time
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mtmc.errors import InputError
from mtmc.pipeline import run_pipeline
from mtmc.pipeline.planning import Plan
from mtmc.watching import Growing, Metrics, follow
from tests.builders import make_video
from tests.golden.commands import mtmc

HOW = {"detector": "motion", "embedder": "histogram", "link": "electricity"}


def tables(folder: Path) -> dict[str, bytes]:
    own = {"watched", "settled"}
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.parquet") if own.isdisjoint(p.parts)}


def test_what_is_copied_while_it_is_followed_is_as_good_as_there_before(tmp_path: Path) -> None:
    recorder, live, out = tmp_path / "recorder", tmp_path / "live", tmp_path / "run"
    live.mkdir()
    names = [f"cam{camera}_20240501_07000{2 * part}.avi" for part in range(3) for camera in (1, 2)]
    for name in names:
        make_video(recorder / name, frames=20)
    done = list[int]()
    metrics = Metrics()

    def run(todo: Plan) -> None:
        run_pipeline(todo, 1, lambda *news: None)
        done.append(sum(len(camera.recordings) for camera in todo.scene.cameras.values()))

    def copy() -> None:
        for name in names:
            content = (recorder / name).read_bytes()
            with (live / name).open("wb") as file:  # in two pieces, as a recorder writes
                file.write(content[: len(content) // 2])
                file.flush()
                time.sleep(0.1)
                file.write(content[len(content) // 2 :])
            time.sleep(0.4)

    copying = threading.Thread(target=copy)
    copying.start()
    follow(live, out, run, every_s=0.05, settle_s=0.3, idle_s=3.0, metrics=metrics, **HOW)
    copying.join()
    assert len(done) > 1
    assert done == sorted(done)
    assert done[-1] == len(names)
    quiet = ["--set", "report.video=false", "--set", "report.page=false", "--workers", 1]
    how = [word for name, value in HOW.items() for word in (f"--{name}", value)]
    mtmc("run", recorder, "--out", tmp_path / "batch", *how, *quiet)
    assert tables(out) == tables(tmp_path / "batch")
    assert (out / "track3.txt").read_bytes() == (tmp_path / "batch" / "track3.txt").read_bytes()
    assert metrics.values["frames_total"] == 20 * len(names)
    settled = [pq.read_table(path) for path in (out / "settled").glob("*.parquet")]
    assert sum(len(table) for table in settled) == len(pq.read_table(out / "vehicles.parquet")) > 0


def test_what_is_still_written_is_left_alone(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "cam1.avi", frames=20)
    (tmp_path / "live").mkdir()
    folder = Growing(tmp_path / "live", tmp_path / "closed", settle_s=0.0)
    (tmp_path / "live" / "cam1.avi").write_bytes(whole.read_bytes()[:3000])
    assert folder.take_closed() == []
    shutil.copy(whole, tmp_path / "live" / "cam1.avi")
    assert len(folder.take_closed()) == 1
    assert folder.take_closed() == []
    assert (tmp_path / "closed" / "cam1.avi").resolve() == (tmp_path / "live" / "cam1.avi").resolve()


def test_metrics_are_served() -> None:
    metrics = Metrics()
    port = metrics.serve(0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        assert page.read().decode() == "mtmc_turns_total 0\n"


def test_no_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder into which recordings are written"):
        follow(tmp_path / "none", tmp_path / "run", print, every_s=1, settle_s=1, metrics=Metrics())
