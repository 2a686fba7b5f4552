"""Tracks of somebody else's tracker become a run like any other, with videos or without."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

import mtmc
from mtmc.cli import main
from mtmc.errors import UserError
from mtmc.pipeline.planning import plan_again
from mtmc.store import open_run
from mtmc.structures import GlobalTrack, Tracklet
from mtmc.track_files.formats import write_mot_tracks
from tests.builders import make_camera, make_tracklet, make_video


def crossing(count: int = 12) -> dict[str, list[Tracklet]]:
    """Vehicles that cross c001 and then, some 5 s later, c002; every 4 s one."""
    places = {"c001": (5.0, 0), "c002": (20.0, 70)}
    found: dict[str, list[Tracklet]] = {}
    for camera_id, (left, late) in places.items():
        starts, box = range(late, 40 * count + late, 40), (left, 20, left + 40, 50)
        found[camera_id] = [
            make_tracklet(camera_id, n, range(first, first + 20), box, (5, 0))
            for n, first in enumerate(starts, start=1)
        ]
    return found


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of MOT tracks, vectors, and the starts of the cameras."""
    tracks, random = crossing(), np.random.default_rng(1)
    (tmp_path / "mot").mkdir()
    for camera_id, mine in tracks.items():
        write_mot_tracks(tmp_path / "mot" / f"{camera_id}.txt", mine)
    looks = random.normal(size=(12, 32))
    rows = np.concatenate([looks + 0.1 * random.normal(size=looks.shape) for _ in tracks])
    ids, cameras = np.tile(np.arange(1, 13), 2), np.repeat(list(tracks), 12)
    np.savez(tmp_path / "vectors.npz", vectors=rows, track_id=ids, camera_id=cameras)
    (tmp_path / "starts.txt").write_text("c001 0\nc002 -2\n")
    return tmp_path


def partition(vehicles: Sequence[GlobalTrack]) -> set[frozenset[tuple[str, int]]]:
    return {frozenset(t.key for t in vehicle.tracklets) for vehicle in vehicles}


def test_tracks_and_vectors_alone_are_linked_as_the_stage_links_them(files: Path) -> None:
    told = {"fps": 10, "size": (200, 100), "offsets": files / "starts.txt", "vectors": files / "vectors.npz"}
    run = mtmc.from_tracks(files / "mot", files / "run", **told)
    cameras = [make_camera("c001", frames=460), make_camera("c002", frames=530, offset_s=-2)]
    scene = mtmc.Scene("mot", {camera.id: camera for camera in cameras})
    store = open_run(run.folder)
    wanted = mtmc.link.link(scene, store.tracklets(), store.embeddings())
    assert partition(store.vehicles()) == partition(wanted)
    assert len(run.vehicles) == 12
    assert run.scene.cameras["c002"].offset_s == -2
    assert run.visits.column("start_s").to_pylist()[:2] == [0.0, 5.0]


def test_the_run_folder_serves_every_command(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    given = "link mot --fps 10 --size 200x100 --offsets starts.txt --vectors vectors.npz --out run"
    call(*given.split())
    call("export", "run", "--format", "aicity", "--out", "truth.txt")
    for command in (
        "score run --gt truth.txt", "explain run 1", "bench-link run --gt truth.txt --linker hungarian", "status run",
        "export run --format coco", "report run", "network run", "edit run --different c001/1=c002/1",
    ):  # fmt: skip
        call(*command.split())
    capsys.readouterr()
    call("score", "run", "--gt", "truth.txt", "--json")
    assert 0.5 < json.loads(capsys.readouterr().out)["idf1"] < 1  # the edit holds
    made = (files / "run" / "visits.parquet").stat().st_mtime_ns
    call(*given.split())  # nothing new, nothing made
    assert made == (files / "run" / "visits.parquet").stat().st_mtime_ns


def call(*arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code, arguments


def test_zones_are_linked_by(files: Path) -> None:
    (files / "zones.toml").write_text(
        "[cameras.c001]\nout = [0.4, 0.0, 1.0, 1.0]\n[cameras.c002]\nin = [0.0, 0.0, 0.6, 1.0]\n"
        "[[links]]\nfrom = 'c001.out'\nto = 'c002.in'\ntravel_s = [2, 4]\n"
    )
    told = {"fps": 10, "size": (200, 100), "offsets": files / "starts.txt", "vectors": files / "vectors.npz"}
    run = mtmc.from_tracks(files / "mot", files / "run", zones=files / "zones.toml", **told)
    assert open_run(run.folder).settings["config"]["link"]["linker"] == "zones"
    assert set(run.vehicles["route"].to_pylist()) == {"c001 c002"}


def test_who_stands_at_the_kerb_in_all_views_is_left_out_where_that_is_asked_for(files: Path) -> None:
    parked = make_tracklet("c001", 13, range(240), (70, 60, 110, 90), (0, 0))
    write_mot_tracks(files / "mot" / "c001.txt", [*crossing()["c001"], parked])
    known = np.load(files / "vectors.npz")
    looks = {"vectors": np.random.default_rng(2).normal(size=(1, 32)), "track_id": [13], "camera_id": ["c001"]}
    np.savez(files / "vectors.npz", **{name: np.concatenate([known[name], looks[name]]) for name in looks})
    told = {"fps": 10, "size": (200, 100), "offsets": files / "starts.txt", "vectors": files / "vectors.npz"}
    for rule, left in (("keep", {13}), ("drop", set())):
        run = mtmc.from_tracks(files / "mot", files / rule, overrides=[f"link.parked={rule}"], **told)
        tracks = {t.track_id for vehicle in open_run(run.folder).vehicles() for t in vehicle.tracklets}
        assert tracks - set(range(1, 13)) == left
        assert len(tracks) == 12 + len(left)
        call("report", str(run.folder))


def test_videos_beside_the_tracks_give_crops_and_pictures(files: Path) -> None:
    for camera_id, frames in (("c001", 470), ("c002", 540)):
        make_video(files / "cams" / f"{camera_id}.avi", frames, (200, 100))
    run = mtmc.from_tracks(files / "mot", files / "run", videos=files / "cams", embedder="histogram",
                           overrides=["report.video=false"])  # fmt: skip
    store = open_run(run.folder)
    assert len(store.embeddings()["c001"]) > 0
    assert len(store.tracklets()) == 24
    assert (run.folder / "video" / "web" / "c001.mp4").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "frames per second"),
        ({"fps": 10, "videos": "cams"}, "scene.toml"),
        ({"videos": "short"}, "frames of the video of c001"),
        ({"videos": "others"}, "cameras out of north"),
        ({"fps": 10, "link": "netwrk"}, "netwrk"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_written(
    change: Mapping[str, object], says: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    for name in ("cams/c001", "cams/c002", "short/c001", "short/c002", "others/north"):
        make_video(files / f"{name}.avi", 12, (200, 100))
    with pytest.raises(UserError, match=says):
        mtmc.from_tracks("mot", "run", **change)
    assert not (files / "run").exists()


def test_a_camera_without_tracks_is_named(files: Path, caplog: pytest.LogCaptureFixture) -> None:
    for camera_id, frames in (("c001", 470), ("c002", 540)):
        make_video(files / "cams" / f"{camera_id}.avi", frames, (96, 64))
    (files / "mot" / "c001.txt").unlink()
    quiet = ["report.video=false", "report.page=false"]
    mtmc.from_tracks(files / "mot", files / "run", videos=files / "cams", embedder="histogram", overrides=quiet)
    assert "No tracks of c001 in" in caplog.text


def test_a_run_folder_belongs_to_its_tracks(files: Path) -> None:
    run = mtmc.from_tracks(files / "mot", files / "run", fps=10)
    with pytest.raises(UserError, match="mtmc link"):
        mtmc.run(files, files / "run")
    with pytest.raises(UserError, match="Give another folder"):
        mtmc.from_tracks(f"{files}/mot/{{camera}}.txt", files / "run", fps=10)
    (run.folder / "tracklets" / "c001.parquet").unlink()
    with pytest.raises(UserError, match="Run `mtmc link` again"):
        plan_again(open_run(run.folder))
