"""The run as a user meets it: results, resume, staleness, a kill in the middle, and every mistake in one sentence."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from mtmc.cli import main
from mtmc.store import open_run
from mtmc.track_files.formats import read_aicity
from tests.builders import make_video

COMMAND = [sys.executable, "-m", "mtmc"]
QUICK = [
    "--detector",
    "recorded",
    "--embedder",
    "histogram",
    "--link",
    "electricity",
    "--workers",
    "1",
    "--set",
    "report.video=false",
]


def mtmc(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command, in this process: starting a new one for each would cost more than all the work."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    return subprocess.CompletedProcess(arguments, int(end.value.code or 0), out.getvalue(), err.getvalue())


def write_recorded(video: Path, frames: int) -> None:
    """The moving square of ``make_video`` as MOT detections beside its video."""
    rows = [f"{n + 1},-1,{(4 * n) % 76},20,20,20,0.9,-1,-1,-1" for n in range(frames)]
    (video.parent / "det").mkdir()
    (video.parent / "det" / "det_mask_rcnn.txt").write_text("\n".join(rows) + "\n")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Two cameras that see the same square at the same times."""
    for camera_id in ("c001", "c002"):
        write_recorded(make_video(tmp_path / "S01" / camera_id / "vdo.avi", frames=18), 18)
    return tmp_path / "S01"


def contents(folder: Path) -> dict[str, bytes]:
    """All results; timings and the log tell of the run, not of the vehicles."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name not in ("timings.json", "log.txt")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_run_gives_every_artifact_and_resumes(city: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = mtmc("run", "--videos", city, "--out", out, *QUICK, "--json")
    assert first.returncode == 0, first.stderr
    summary = json.loads(first.stdout)
    assert summary["vehicles"] >= 1
    assert {"track3.txt", "vehicles.parquet", "run.json", "detections/c001.parquet"} <= set(summary["files"])
    run = open_run(out)
    written = {
        (v.vehicle_id, t.camera_id, int(f))
        for v in read_aicity(out / "track3.txt")
        for t in v.tracklets
        for f in t.frames
    }
    stored = {(v.vehicle_id, t.camera_id, int(f)) for v in run.vehicles() for t in v.tracklets for f in t.frames}
    assert written == stored

    before, times = contents(out), {p: p.stat().st_mtime_ns for p in out.rglob("*.parquet")}
    again = mtmc("run", "--videos", city, "--out", out, *QUICK)
    assert again.returncode == 0, again.stderr
    assert contents(out) == before
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.parquet")} == times

    changed = mtmc("run", "--videos", city, "--out", out, *QUICK, "--set", "track.jde.max_lost_s=3.0")
    assert "tracklets/c001 is stale: params.jde.max_lost_s 2.0 -> 3.0" in " ".join(changed.stderr.split())
    assert "detections/c001 is" not in changed.stderr
    assert out.joinpath("detections/c001.parquet").stat().st_mtime_ns == times[out / "detections/c001.parquet"]

    status = mtmc("status", out, "--json")
    assert {entry["state"] for entry in json.loads(status.stdout).values()} == {"fresh"}


def test_processes_and_one_process_agree(city: Path, tmp_path: Path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        finished = mtmc("run", "--videos", city, "--out", tmp_path / name, *QUICK, "--workers", workers)
        assert finished.returncode == 0, finished.stderr
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.slow
def test_killed_run_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """Killed as soon as the first camera's detections are there, with the second's under way."""
    for camera_id in ("c001", "c002"):
        make_video(tmp_path / "S01" / camera_id / "vdo.avi", frames=150, size=(320, 240))
    motion = ["--videos", tmp_path / "S01", "--detector", "motion", *QUICK[2:]]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    process = subprocess.Popen(
        [*COMMAND, "run", *map(str, motion), "--out", str(broken)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while not (broken / "detections" / "c001.parquet").exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (broken / "vehicles.parquet").exists()
    for out in (whole, broken):
        finished = mtmc("run", *motion, "--out", out)
        assert finished.returncode == 0, finished.stderr
    assert contents(broken) == contents(whole)


def test_track3_is_the_vehicles_own_after_a_kill_between_them(city: Path, tmp_path: Path) -> None:
    """A run that was killed after the vehicles and before track3.txt: the next one finds the vehicles fresh and writes
    the text."""
    run = tmp_path / "run"
    mtmc("run", "--videos", city, "--out", run, *QUICK)
    first = (run / "track3.txt").read_bytes()
    one_linker = ("--link", "hungarian", "--set", "link.hungarian_max_distance=0.0")
    mtmc("run", "--videos", city, "--out", run, *QUICK, *one_linker)
    other = (run / "track3.txt").read_bytes()
    assert not (run / "network.json").exists()  # it was learned for other vehicles
    (run / "track3.txt").unlink()
    mtmc("run", "--videos", city, "--out", run, *QUICK, *one_linker)
    assert (run / "track3.txt").read_bytes() == other
    mtmc("run", "--videos", city, "--out", run, *QUICK)
    assert (run / "track3.txt").read_bytes() == first


def test_a_video_that_is_gone_is_drawn_again(city: Path, tmp_path: Path) -> None:
    quick = [word for word in QUICK if "report.video" not in word]
    quick = quick[:-1] if quick[-1] == "--set" else quick
    mosaic = tmp_path / "run" / "video" / "mosaic.mp4"
    for _ in range(2):
        mtmc("run", "--videos", city, "--out", tmp_path / "run", *quick)
        mosaic.unlink()  # FileNotFoundError where it was not drawn


def test_exports(city: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    mtmc("run", "--videos", city, "--out", out, *QUICK)
    for form in ("aicity", "mot", "parquet", "csv"):
        finished = mtmc("export", out, "--format", form)
        assert finished.returncode == 0, finished.stderr
        assert all(Path(line).exists() for line in finished.stdout.split())
    assert mtmc("export", out, "--format", "geojson").returncode == 2  # not calibrated
    assert mtmc("export", out, "--format", "docx").returncode == 2


def one_sentence(finished: subprocess.CompletedProcess[str], *words: str) -> None:
    lines = [line for line in finished.stderr.splitlines() if line.startswith("error: ")]
    assert finished.returncode == 2, finished.stderr
    assert len(lines) == 1
    assert "Traceback" not in finished.stderr
    assert all(word in lines[0] for word in words), lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--videos", "nowhere"], ["nowhere"]),
        (["--videos", "."], ["cam1.mp4"]),
        (["--set", "track.jde.max_lots_s=1"], ["max_lots_s", "Did you mean track.jde.max_lost_s?"]),
        (["--set", "track.jde.max_lost_s=-1"], ["track.jde.max_lost_s", "greater"]),
        (["--set", "nonsense"], ["key=value"]),
        (["--detector", "yolo99"], ["yolo99"]),
        (["--detector", "onnx", "--weights", "nowhere.onnx"], ["nowhere.onnx"]),
        (["--detector", "onnx", "--weights", __file__], [Path(__file__).name]),
        (["--config", "nowhere.toml"], ["nowhere.toml"]),
        (["--tracker", "best"], ["best"]),
        (["other_videos"], ["one folder of videos", "other_videos and "]),
        (["--link", "magic"], ["magic"]),
    ],
)
def test_mistakes_in_the_command(
    city: Path, tmp_path: Path, arguments: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    if "--videos" in arguments and arguments[1] == ".":
        monkeypatch.chdir(tmp_path / "empty")
    one_sentence(mtmc("run", "--videos", city, "--out", tmp_path / "run", *QUICK, *arguments), *words)


def damage_video(city: Path) -> None:
    path = city / "c002" / "vdo.avi"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_video_cut_in_half_is_refused_before_any_detection(city: Path, tmp_path: Path) -> None:
    damage_video(city)
    finished = mtmc("run", "--videos", city, "--out", tmp_path / "run", "--detector", "motion", *QUICK[2:])
    one_sentence(finished, "c002", "18 frames as its header says")
    assert not list(tmp_path.glob("run/detections/*"))


def test_all_cameras_are_checked_before_the_first_is_detected(city: Path, tmp_path: Path) -> None:
    (city / "c002" / "roi.png").write_bytes(b"no picture")
    one_sentence(mtmc("run", "--videos", city, "--out", tmp_path / "run", *QUICK), "c002/roi.png", "a mask image")
    (city / "c002" / "roi.png").unlink()
    shutil.rmtree(city / "c002" / "det")
    one_sentence(mtmc("run", "--videos", city, "--out", tmp_path / "run", *QUICK), "detections for camera c002")
    assert not (tmp_path / "run" / "detections").exists()


@pytest.mark.parametrize(
    ("row", "words"),
    [("1,-1,5", ["det_mask_rcnn.txt:3", "3"]), ("1,-1,nan,5,20,20,0.9,-1,-1,-1", ["det_mask_rcnn.txt:3", "nan"])],
)
def test_bad_recorded_detections(city: Path, tmp_path: Path, row: str, words: list[str]) -> None:
    path = city / "c002" / "det" / "det_mask_rcnn.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], row, *lines[3:]]))
    one_sentence(mtmc("run", "--videos", city, "--out", tmp_path / "run", *QUICK), *words)


def test_bad_calibration_and_empty_video(city: Path, tmp_path: Path) -> None:
    (city / "c001" / "calibration.txt").write_text("1 2 3;4 5 6;7 8")
    one_sentence(mtmc("run", "--videos", city, "--out", tmp_path / "run", *QUICK), "calibration.txt:1", "8 numbers")
    (city / "c001" / "vdo.avi").write_bytes(b"")
    one_sentence(mtmc("run", "--videos", city, "--out", tmp_path / "run", *QUICK), "c001/vdo.avi", "0 bytes")


def test_output_in_the_way_of_a_file(city: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("I am a file")
    one_sentence(mtmc("run", "--videos", city, "--out", tmp_path / "run", *QUICK), "run", "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_output(city: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    one_sentence(mtmc("run", "--videos", city, "--out", tmp_path / "locked" / "run", *QUICK), "permission")


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of 64 KiB; needs root."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount here: {mounted.stderr.decode().strip()}")
    return folder


def test_full_disk_keeps_finished_work(city: Path, small_disk: Path) -> None:
    try:
        (small_disk / "ballast").write_bytes(b"0" * 48_000)
        finished = mtmc("run", "--videos", city, "--out", small_disk / "run", *QUICK)
        one_sentence(finished, "full disk")
        assert not list(small_disk.rglob(".partial-*"))
    finally:
        subprocess.run(["umount", "-l", small_disk], check=True)


def test_numbers_of_the_summary_match_the_tables(city: Path, tmp_path: Path) -> None:
    summary = json.loads(mtmc("run", city, "--out", tmp_path / "run", *QUICK, "--json").stdout)
    vehicles = open_run(tmp_path / "run").vehicles()
    assert summary["vehicles"] == len(vehicles)
    assert summary["vehicles_in_several_cameras"] == sum(len(v.cameras) > 1 for v in vehicles)
    assert np.sum([len(v.tracklets) for v in vehicles]) == summary["tracklets"]


def test_a_run_folder_belongs_to_one_scene(city: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert mtmc("run", city, "--out", out, *QUICK).returncode == 0
    before = (out / "run.json").read_bytes()
    write_recorded(make_video(tmp_path / "b" / "S01" / "c009" / "vdo.avi", frames=18), 18)
    one_sentence(mtmc("run", tmp_path / "b" / "S01", "--out", out, *QUICK), "a run of", "b/S01", "--out")
    assert (out / "run.json").read_bytes() == before


def test_a_camera_taken_out_of_the_scene_is_out_of_the_run(city: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert mtmc("run", city, "--out", out, *QUICK).returncode == 0
    shutil.rmtree(city / "c002")
    finished = mtmc("run", city, "--out", out, *QUICK)
    assert finished.returncode == 0, finished.stderr
    assert {t.camera_id for v in open_run(out).vehicles() for t in v.tracklets} == {"c001"}
    assert open_run(out).cameras("tracklets") == ["c001"]
    assert mtmc("export", out, "--format", "mot").returncode == 0
    assert {path.stem for path in (out / "mot").iterdir()} == {"c001"}


def test_a_run_is_scored_on_the_frames_that_it_looked_at(city: Path, tmp_path: Path) -> None:
    for camera in city.iterdir():
        rows = (f"{n + 1},1,{(4 * n) % 76},20,20,20,1,-1,-1,-1" for n in range(18))
        (camera / "gt").mkdir()
        (camera / "gt" / "gt.txt").write_text("\n".join(rows) + "\n")
    kept = ["--set", "track.clean.min_length_s=0", "--set", "track.clean.min_best_score=0"]
    done = mtmc("run", city, "--out", tmp_path / "run", *QUICK, *kept, "--max-fps", 5)
    assert done.returncode == 0, done.stderr
    scored = mtmc("score", tmp_path / "run", "--no-multi-camera", "--json")
    assert "18 of 36 true boxes are of frames that the run did not look at" in scored.stderr
    assert json.loads(scored.stdout)["truth_boxes"] == 18
