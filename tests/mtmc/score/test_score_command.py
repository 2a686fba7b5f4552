"""``mtmc score`` as people call it: files, folders, runs, switches, and one sentence for every mistake."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path

import cv2
import motmetrics
import numpy as np
import pytest

from mtmc.cli import main
from mtmc.store import create_run
from mtmc.store.tables import write_vehicles
from mtmc.structures import GlobalTrack
from mtmc.track_files.formats import read_ground_truth, write_aicity
from tests.builders import make_tracklet, make_vehicle, make_video

Capture = pytest.CaptureFixture[str]

VEHICLES = [
    make_vehicle(
        n, make_tracklet("c006", n, range(8), (10, 30 * n, 60, 30 * n + 20)), make_tracklet("c007", n, range(3, 9))
    )
    for n in (1, 2)
]


def call(*arguments: object) -> int:
    """Exit code of ``mtmc score`` with these arguments."""
    try:
        main(["score", *map(str, arguments)])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def shifted(vehicles: list[GlobalTrack]) -> list[GlobalTrack]:
    """The second vehicle under two ids."""
    first, second = vehicles
    return [first, GlobalTrack(2, second.tracklets[:1]), GlobalTrack(3, second.tracklets[1:])]


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.txt"
    write_aicity(path, VEHICLES)
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A scene folder with ground truth per camera."""
    folder = tmp_path / "S02"
    for camera_id in ("c006", "c007"):
        (folder / camera_id / "gt").mkdir(parents=True)
        rows = [
            f"{frame + 1},{v.vehicle_id},{int(x1)},{int(y1)},{int(x2 - x1)},{int(y2 - y1)},1,-1,-1,-1"
            for v in VEHICLES
            for t in v.tracklets
            if t.camera_id == camera_id
            for frame, (x1, y1, x2, y2) in zip(t.frames, t.xyxy, strict=True)
        ]
        (folder / camera_id / "gt" / "gt.txt").write_text("\n".join(rows))
    return folder


def make_run(folder: Path, scene: Path, vehicles: list[GlobalTrack]) -> Path:
    run = create_run(folder, {"videos": str(scene), "config": {}})
    write_vehicles(run.path("vehicles"), vehicles, {"stage": "link"})
    return folder


def test_a_file_against_a_file(tmp_path: Path, truth: Path, capsys: Capture) -> None:
    write_aicity(tmp_path / "track3.txt", shifted(VEHICLES))
    assert call(tmp_path / "track3.txt", "--gt", truth, "--explain", "--oracle", "--check") == 0
    printed = capsys.readouterr()
    assert "motmetrics agrees" in printed.err
    for words in ("IDF1", "c006 - c007", "14 rows seen by one camera only", "left in one camera", "ceilings"):
        assert words in printed.out


def test_json_is_for_machines_alone(tmp_path: Path, truth: Path, capsys: Capture) -> None:
    write_aicity(tmp_path / "track3.txt", shifted(VEHICLES))
    assert call(tmp_path / "track3.txt", "--gt", truth, "--no-multi-camera", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["idf1"] == pytest.approx(44 / 56)  # the larger half of vehicle 2 keeps its score
    assert found["loss"]["causes"]["missed_link"] == pytest.approx(12 / 56)
    assert found["filters"]["single_camera"] is None
    assert found["params"]["multi_camera"] is False
    assert found["cameras"]["c007"]["idf1"] == 1.0


def test_motmetrics_engine_gives_the_same_numbers_but_no_hota(truth: Path, tmp_path: Path, capsys: Capture) -> None:
    write_aicity(tmp_path / "track3.txt", shifted(VEHICLES))
    found = []
    for engine in ("mtmc", "motmetrics"):
        assert call(tmp_path / "track3.txt", "--gt", truth, "--engine", engine, "--json") == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[1]["hota"] is None
    for name in ("idf1", "idp", "idr", "idtp", "mota", "motp", "switches", "fragmentations", "mt", "pt", "ml"):
        assert found[1][name] == pytest.approx(found[0][name], abs=1e-9), name


def test_check_fails_where_the_engines_differ(truth: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    genuine = motmetrics.math_util.quiet_divide
    monkeypatch.setattr(motmetrics.math_util, "quiet_divide", lambda a, b: genuine(a, b) - 1e-8)
    assert call(truth, "--gt", truth, "--check") == 1
    assert "the engines disagree" in capsys.readouterr().err


def test_a_run_is_scored_against_its_own_scene_and_keeps_the_scores(
    tmp_path: Path, scene: Path, capsys: Capture
) -> None:
    run = make_run(tmp_path / "runs" / "one", scene, VEHICLES)
    assert call(run) == 0
    saved = json.loads((run / "scores.json").read_text())
    assert saved["idf1"] == saved["hota"] == 1.0
    assert saved["truth"] == str(scene)
    assert call(scene, "--gt", scene) == 0
    assert not (scene / "scores.json").exists()


def test_a_run_scores_as_its_submission_does(tmp_path: Path, scene: Path, capsys: Capture) -> None:
    """Boxes of a run are fractional; the submission, and so the score, has whole pixels."""
    off = [
        make_vehicle(
            v.vehicle_id,
            *(
                make_tracklet(t.camera_id, v.vehicle_id, t.frames, t.xyxy[0] + [0.4, 0.3, 17.4, 0.3])
                for t in v.tracklets
            ),
        )
        for v in VEHICLES
    ]
    run = make_run(tmp_path / "runs" / "one", scene, off)
    write_aicity(run / "track3.txt", off)
    found = []
    for path in (run, run / "track3.txt"):
        assert call(path, "--gt", scene, "--json") == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["motp"] == found[1]["motp"] < 1


def test_alone_it_scores_the_newest_run(
    tmp_path: Path, scene: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call() == 2
    assert "runs: expected a finished run, found none" in capsys.readouterr().err
    newer = make_run(tmp_path / "runs" / "a_new", scene, VEHICLES)
    older = make_run(tmp_path / "runs" / "b_old", scene, VEHICLES[:1])
    os.utime(older / "vehicles.parquet", (1, 1))
    assert call("--json") == 0
    assert json.loads(capsys.readouterr().out)["idf1"] == 1.0
    assert (newer / "scores.json").exists()
    assert not (older / "scores.json").exists()


def test_plain_camera_names_meet_the_challenges_numbers(tmp_path: Path, truth: Path, capsys: Capture) -> None:
    renamed = [
        make_vehicle(
            v.vehicle_id,
            *(make_tracklet(f"cam{t.camera_id[-1]}", v.vehicle_id, t.frames, t.xyxy[0]) for t in v.tracklets),
        )
        for v in VEHICLES
    ]
    run = make_run(tmp_path / "runs" / "plain", tmp_path, renamed)
    assert call(run, "--gt", truth, "--json") == 0
    assert json.loads(capsys.readouterr().out)["idf1"] == 1.0


def test_ceilings_of_a_run_are_had_by_running_it_again(tmp_path: Path, capsys: Capture) -> None:
    """One square passes two cameras; the detector loses every fifth frame and sees a ghost."""
    for camera_id in ("c001", "c002"):
        folder = make_video(tmp_path / "S01" / camera_id / "vdo.avi", frames=18).parent
        rows = [f"{frame + 1},ID,{4 * frame},20,20,20,1,-1,-1,-1" for frame in range(18)]
        for name in ("gt", "det"):
            (folder / name).mkdir()
        (folder / "gt" / "gt.txt").write_text("\n".join(rows).replace("ID", "1"))
        found = [row for frame, row in enumerate(rows) if frame % 5 != 4]
        found += [f"{frame + 1},ID,5,45,15,15,0.9,-1,-1,-1" for frame in range(6)]
        (folder / "det" / "det_mask_rcnn.txt").write_text("\n".join(found).replace("ID", "-1"))
    quick = ["--detector", "recorded", "--embedder", "histogram", "--link", "electricity", "--workers", "1"]
    switches = ["report.video=false", "track.repair.max_fill_s=0"]
    arguments = ["run", "--videos", str(tmp_path / "S01"), "--out", str(tmp_path / "r"), *quick]
    with pytest.raises(SystemExit) as end:
        main([*arguments, *(word for switch in switches for word in ("--set", switch))])
    assert not end.value.code
    capsys.readouterr()
    assert call(tmp_path / "r", "--oracle", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["idf1"] < 1
    assert found["oracle"]["boxes_retracked"]["idf1"] == 1.0
    assert found["oracle"]["tracklets_relinked"]["idf1"] >= found["idf1"]
    assert found["oracle"]["tracklets_relinked"]["idf1"] < 1


# --- masks -----------------------------------------------------------------------------------------------------------


def write_mask(folder: Path, camera_id: str, black_rows: slice) -> None:
    mask = np.full((240, 320), 255, np.uint8)
    mask[black_rows] = 0
    (folder / camera_id).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / camera_id / "roi.png"), mask)


@pytest.mark.parametrize("split", ["", "validation"])
def test_given_masks_are_used_as_they_are(tmp_path: Path, scene: Path, split: str, capsys: Capture) -> None:
    write_mask(tmp_path / "roi" / split, "c006", slice(50, 75))  # vehicle 2's lower corners... and its upper ones at 60
    write_mask(tmp_path / "roi" / split, "c007", slice(0, 0))
    assert call(scene, "--gt", scene, "--roi", tmp_path / "roi", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["filters"] == {"roi": 16, "single_camera": 12, "duplicate": 0, "other_camera": 0}
    assert call(scene, "--gt", scene, "--roi", tmp_path / "roi", "--no-roi", "--json") == 0
    assert json.loads(capsys.readouterr().out)["idf1"] == 1.0


def test_masks_beside_the_truth_are_used_if_the_truth_keeps_inside(
    tmp_path: Path, scene: Path, capsys: Capture
) -> None:
    far = make_vehicle(9, make_tracklet("c006", 9, range(4), (10, 150, 60, 170)), make_tracklet("c007", 9, range(4)))
    run = make_run(tmp_path / "runs" / "x", scene, [*VEHICLES, far])
    for camera_id in ("c006", "c007"):
        write_mask(scene, camera_id, slice(140, 240))
    assert call(run, "--json") == 0
    assert json.loads(capsys.readouterr().out)["filters"]["roi"] == 4
    write_mask(scene, "c006", slice(50, 60))
    assert call(run, "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["filters"]["roi"] is None
    assert "cut 8 of its own 28 boxes, so they are left out" in printed.err


# --- mistakes --------------------------------------------------------------------------------------------------------

GOOD = "6 1 1 10 30 50 20 -1 -1\n7 1 1 10 30 50 20 -1 -1\n"
MISTAKES = {
    "8 columns": ("6 1 2 10 30 50 20 -1", "bad.txt:3: expected 9 numbers"),
    "a header": ("CameraId Id FrameId X Y W H Xw Yw", "bad.txt:3: expected 9 numbers"),
    "negative width": ("6 1 2 10 30 -50 20 -1 -1", "bad.txt:3: expected a box of positive width"),
    "NaN": ("6 1 2 nan 30 50 20 -1 -1", "bad.txt:3: expected a box of four finite numbers"),
    "frame 0": ("6 1 0 10 30 50 20 -1 -1", "bad.txt:3: expected a whole frame number from 1 on"),
    "a camera without truth": ("9 1 2 10 30 50 20 -1 -1", "bad.txt:3: expected a camera that has ground truth"),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_bad_predictions_get_one_sentence_with_file_and_line(
    tmp_path: Path, truth: Path, name: str, capsys: Capture
) -> None:
    row, message = MISTAKES[name]
    (tmp_path / "bad.txt").write_text(GOOD + row + "\n")
    assert call(tmp_path / "bad.txt", "--gt", truth) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1
    assert printed.out == ""


def test_repeated_rows_are_dropped_from_predictions_and_refused_in_truth(
    tmp_path: Path, truth: Path, capsys: Capture
) -> None:
    (tmp_path / "twice.txt").write_text(truth.read_text() + truth.read_text().splitlines()[0] + "\n")
    line = len(truth.read_text().splitlines()) + 1
    assert call(tmp_path / "twice.txt", "--gt", truth, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["idf1"], found["filters"]["duplicate"]) == (1.0, 1)
    for arguments in (
        [truth, "--gt", tmp_path / "twice.txt"],
        [tmp_path / "twice.txt", "--gt", truth, "--no-duplicates"],
    ):
        assert call(*arguments) == 2
        assert f"twice.txt:{line}: expected one box per camera, id and frame" in capsys.readouterr().err


def test_damaged_and_missing_files(tmp_path: Path, truth: Path, scene: Path, capsys: Capture) -> None:
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("track3.txt", truth.read_text() * 30)
    (tmp_path / "cut.zip").write_bytes((tmp_path / "whole.zip").read_bytes()[:-40])
    (tmp_path / "cut.tar.gz").write_bytes(gzip.compress(os.urandom(4096))[:2000])
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "roi").mkdir()
    cases: list[tuple[list[object], str]] = [
        ([tmp_path / "cut.zip", "--gt", truth], "cut.zip: expected a whole archive"),
        ([tmp_path / "cut.tar.gz", "--gt", truth], "cut.tar.gz: expected a whole archive"),
        ([truth, "--gt", tmp_path / "empty.txt"], "expected at least one box, found none. Without ground truth"),
        ([truth, "--gt", tmp_path / "none.txt"], "none.txt: expected a text file, found no such file"),
        ([truth], "expected ground truth to compare with, found none given. Pass --gt"),
        ([tmp_path / "nothing", "--gt", truth], "expected ground truth in cNNN/gt/gt.txt, found none"),
        ([make_run(tmp_path / "r", tmp_path / "nothing", VEHICLES)], "expected the scene's ground truth"),
        (
            [truth, "--gt", truth, "--roi", tmp_path / "roi"],
            "expected a mask for camera c006 (c006/roi.jpg), found none",
        ),
    ]
    for arguments, message in cases:
        assert call(*arguments) == 2, message
        assert message in capsys.readouterr().err
    write_mask(tmp_path / "roi", "c006", slice(0))
    (tmp_path / "roi" / "c006" / "roi.png").write_text("no image")
    assert call(truth, "--gt", truth, "--roi", tmp_path / "roi") == 2
    assert "expected a mask image, found a file that is none" in capsys.readouterr().err


@pytest.mark.shared
def test_real_ground_truth(shared: Path, tmp_path: Path, capsys: Capture) -> None:
    """S90 against itself is perfect; against every vehicle it lacks one, seen by one camera, whose 27 boxes were
    missed."""
    road = shared / "data" / "uab-road" / "S90"
    for camera_id in ("c901", "c902"):
        (tmp_path / camera_id / "gt").mkdir(parents=True)
        text = (road / camera_id / "gt" / "gt_all.txt").read_text()
        (tmp_path / camera_id / "gt" / "gt.txt").write_text(text)
    assert len(read_ground_truth(road)) == 16
    found = []
    for predicted, truth in ((road, road), (road, tmp_path), (tmp_path, road)):
        assert call(predicted, "--gt", truth, "--check", "--json") == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["idf1"] == found[0]["hota"] == found[0]["mota"] == 1.0
    assert found[1]["idf1"] == 2 * 507 / (507 + 534)
    assert found[1]["loss"]["boxes"]["missed_by_detector"] == 27
    assert found[2]["idf1"] == 1.0
    assert found[2]["filters"]["single_camera"] == 27


def test_one_camera_hints_at_the_rule_of_two(tmp_path: Path, capsys: Capture) -> None:
    for name in ("truth.txt", "track.txt"):
        write_aicity(tmp_path / name, [make_vehicle(1, make_tracklet("c006", 1, range(8)))])
    assert call(tmp_path / "track.txt", "--gt", tmp_path / "truth.txt") == 0
    assert "--no-multi-camera" in capsys.readouterr().err
    assert call(tmp_path / "track.txt", "--gt", tmp_path / "truth.txt", "--no-multi-camera") == 0
    assert "--no-multi-camera" not in capsys.readouterr().err
