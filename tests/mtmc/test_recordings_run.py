"""Cameras as they really are, from videos to links: a rate that falls at dusk, and recorders that cut a camera into
files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mtmc.scene_reader import read_scene
from mtmc.store import open_run
from tests.golden.commands import mtmc

SIZE = (256, 144)
CROSSING_S, TRAVEL_S, CARS = 2.5, 5.0, 12
RECORDED = ["--detector", "recorded", "--set", "detect.recorded=det/{camera}.txt", "--embedder", "histogram"]
NO_PICTURES = ["--set", "report.video=false", "--set", "report.page=false", "--workers", "1"]
MS = Fraction(1, 1000)


class Traffic:
    """Twelve cars of twelve colours that cross camera 1 and, five seconds after leaving it, camera 2."""

    def __init__(self, seed: int = 4) -> None:
        rng = np.random.default_rng(seed)
        self.starts = np.cumsum(rng.uniform(3, 6, CARS))
        hues = rng.permutation(np.arange(0, 180, 180 // CARS)).astype(np.uint8)
        self.colours = cv2.cvtColor(
            np.stack([hues, np.full(CARS, 230), np.full(CARS, 220)], 1).astype(np.uint8)[None], cv2.COLOR_HSV2BGR
        )[0]
        self.end = float(self.starts[-1]) + 2 * CROSSING_S + TRAVEL_S + 2

    def boxes(self, camera: int, moment: float) -> list[tuple[int, int, int]]:
        """(car, left, right) of those in view."""
        since = (moment - self.starts - (camera - 1) * (CROSSING_S + TRAVEL_S)) / CROSSING_S
        lefts = np.round(-28 + since * (SIZE[0] + 28)).astype(int)
        edges = [
            (int(c), max(int(lefts[c]), 0), min(int(lefts[c]) + 32, SIZE[0] - 1))
            for c in np.flatnonzero((since >= 0) & (since <= 1))
        ]
        return [(car, left, right) for car, left, right in edges if right - left > 4]

    def film(self, path: Path, camera: int, times: Sequence[float], rows: list[str]) -> None:
        """Write what the camera sees at these times, from the first one on, and its boxes as MOT rows, frames counted
        through."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
            stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
            stream.time_base = stream.codec_context.time_base = MS
            first = int(rows.pop()) if rows and rows[-1].isdigit() else 0
            for number, moment in enumerate(times, start=first + 1):
                image = np.full((SIZE[1], SIZE[0], 3), 110, np.uint8)
                for car, left, right in self.boxes(camera, moment):
                    image[80:100, left:right] = self.colours[car]
                    rows.append(f"{number},-1,{left},80,{right - left},20,0.95,-1,-1,-1")
                frame = av.VideoFrame.from_ndarray(image, "bgr24")
                frame.pts, frame.time_base = round((moment - times[0]) * 1000), MS
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
            rows.append(str(first + len(times)))


def write_rows(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(row for row in rows if not row.isdigit()) + "\n")


def assert_linked(run: Path) -> None:
    """Twelve vehicles, each in both cameras; the learned travel time is the true one."""
    vehicles = open_run(run).vehicles()
    assert [v.cameras for v in vehicles] == [("cam1", "cam2")] * CARS
    (street,) = json.loads(mtmc("network", run, "--json"))["streets"]
    assert (street["from"], street["to"], round(street["vehicles"])) == ("cam1", "cam2", CARS)
    assert street["travel_s"][1] == pytest.approx(TRAVEL_S, abs=0.3)


@pytest.mark.parametrize("end", ["mp4", "mkv", "ts"])
def test_a_rate_that_falls_at_dusk(tmp_path: Path, end: str) -> None:
    """Camera 2 falls from 20 to 5 frames a second; nobody is lost and times stay true."""
    traffic = Traffic()
    steady = np.arange(0, traffic.end, 1 / 25)
    dusk = np.concatenate([np.arange(0, 35, 1 / 20), np.arange(35, traffic.end, 1 / 5)])
    for camera, times in ((1, steady), (2, dusk)):
        rows: list[str] = []
        traffic.film(tmp_path / "scene" / f"cam{camera}.{end}", camera, times.tolist(), rows)
        write_rows(tmp_path / "scene" / "det" / f"cam{camera}.txt", rows)
    (tmp_path / "scene" / "scene.toml").write_text("[cameras.cam1]\noffset_s=0\n[cameras.cam2]\noffset_s=0\n")
    cameras = read_scene(tmp_path / "scene").cameras
    assert np.abs(cameras["cam1"].time_s(range(len(steady))) - steady).max() < 0.5 / 25
    assert np.abs(cameras["cam2"].time_s(range(len(dusk))) - dusk).max() < 0.5 / 25
    mtmc("run", tmp_path / "scene", "--out", tmp_path / "run", *RECORDED, *NO_PICTURES)
    assert_linked(tmp_path / "run")


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras of four files each, cut where they were, and ``whole``: the same in one file each."""
    folder = tmp_path_factory.mktemp("recorder")
    traffic, rate = Traffic(), 10
    times = np.arange(0, int(traffic.end * rate) // 4 * 4) / rate
    for camera in (1, 2):
        rows: list[str] = []
        for piece in np.split(times, 4):
            second = round(float(piece[0]) * 1000)
            stem = f"cam{camera}_202405010{7 + second // 3600000}{second // 60000 % 60:02d}{second // 1000 % 60:02d}{second % 1000:03d}"  # noqa: E501
            traffic.film(folder / "parts" / f"{stem}.mp4", camera, piece.tolist(), rows)
        write_rows(folder / "parts" / "det" / f"cam{camera}.txt", rows)
        traffic.film(folder / "whole" / f"cam{camera}.mp4", camera, times.tolist(), [])
    shutil.copytree(folder / "parts" / "det", folder / "whole" / "det")
    (folder / "whole" / "scene.toml").write_text("[cameras.cam1]\noffset_s=0\n[cameras.cam2]\noffset_s=0\n")
    return folder


def test_four_files_are_as_good_as_one(recorder: Path, tmp_path: Path) -> None:
    for name in ("parts", "whole"):
        mtmc("run", recorder / name, "--out", tmp_path / name, *RECORDED, *NO_PICTURES)
    assert_linked(tmp_path / "parts")
    parts, whole = (open_run(tmp_path / name).vehicles() for name in ("parts", "whole"))
    assert [[(t.key, t.frames.tolist()) for t in v.tracklets] for v in parts] == [
        [(t.key, t.frames.tolist()) for t in v.tracklets] for v in whole
    ]
    names = sorted(p.name for p in (tmp_path / "parts" / "detections" / "cam1").iterdir())
    assert names == [f"0000{n}.parquet" for n in (1, 2, 3, 4)]
    border = len(read_scene(recorder / "parts").cameras["cam1"].recordings[0])
    crossing = [
        t for v in parts for t in v.tracklets if any(t.frames[0] < n * border <= t.frames[-1] for n in (1, 2, 3))
    ]
    assert crossing  # a car is in view while the recorder begins a new file, and stays one tracklet


@pytest.mark.slow
def test_processes_share_the_files_of_one_camera(recorder: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        arguments = [*RECORDED, *NO_PICTURES[:-1], str(workers)]
        mtmc("run", recorder / "parts", "--out", tmp_path / str(workers), *arguments)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def contents(folder: Path) -> dict[str, bytes]:
    """All results; timings and the log tell of the run, not of the vehicles."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name not in ("timings.json", "log.txt")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if not p.name.startswith(".")}


@pytest.mark.slow
def test_a_killed_run_reads_no_finished_file_again(recorder: Path, tmp_path: Path) -> None:
    """Killed in the third file of the first camera."""
    arguments = ["run", recorder / "parts", "--detector", "motion", "--embedder", "histogram", *NO_PICTURES]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    mtmc(*arguments, "--out", whole)
    command = [sys.executable, "-m", "mtmc", *map(str, arguments), "--out", str(broken)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
    parts = broken / "detections" / "cam1"
    while not (parts / "00002.parquet").exists() and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = {p: p.stat().st_mtime_ns for p in parts.glob("0000*.parquet")}
    assert 2 <= len(finished) < 4
    mtmc(*arguments, "--out", broken)
    assert {p: p.stat().st_mtime_ns for p in finished} == finished
    assert contents(broken) == contents(whole)
