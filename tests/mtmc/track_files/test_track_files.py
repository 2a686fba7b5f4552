"""Every form of tracks comes in as it went out, frames from 0 whatever the file counts from; mistakes are named."""

from __future__ import annotations

import bz2
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from mtmc.errors import InputError
from mtmc.structures import Tracklet, label_index
from mtmc.track_files import CameraTracks, read_tracks, read_vectors
from mtmc.track_files.formats import write_aicity, write_mot_tracks
from mtmc.track_files.told import scene_of
from tests.builders import make_tracklet, make_vehicle

TRACKS = {
    "c001": [make_tracklet("c001", 1, range(3, 8)), make_tracklet("c001", 4, range(6), (50, 20, 90, 60))],
    "c002": [make_tracklet("c002", 1, range(20, 24))],
}


def same(found: dict[str, list[Tracklet]]) -> None:
    assert found.keys() == TRACKS.keys()
    for camera_id, mine in TRACKS.items():
        assert [t.key for t in found[camera_id]] == [t.key for t in mine]
        for a, b in zip(found[camera_id], mine, strict=True):
            np.testing.assert_array_equal(a.frames, b.frames)
            np.testing.assert_allclose(a.xyxy, b.xyxy, atol=0.01)


def read(source: Path | str, first_frame: int | None = None) -> dict[str, list[Tracklet]]:
    return {camera_id: list(camera.tracklets) for camera_id, camera in read_tracks(source, first_frame).items()}


def table(first_frame: int = 0, names: tuple[str, ...] = ("camera", "id", "frame")) -> pa.Table:
    rows = [
        (t.camera_id, t.track_id, int(f) + first_frame, *box, "car")
        for mine in TRACKS.values() for t in mine for f, box in zip(t.frames, t.xyxy.tolist(), strict=True)
    ]  # fmt: skip
    return pa.table([list(column) for column in zip(*rows, strict=True)], [*names, "x1", "y1", "x2", "y2", "class"])


def test_mot_files_by_camera(tmp_path: Path) -> None:
    for camera_id, mine in TRACKS.items():
        write_mot_tracks(tmp_path / f"{camera_id}.txt", mine)
    same(read(tmp_path))
    same(read(f"{tmp_path}/{{camera}}.txt"))


def test_files_of_boxmot(tmp_path: Path) -> None:
    """frame, id, left, top, width, height, confidence, class, its row: as BoxMOT writes them."""
    (tmp_path / "c001.txt").write_text("1,1,10,20,30,40,0.910000,3,0\n2,1,12,20,30,40,0.880000,3,1\n")
    (track,) = read(tmp_path)["c001"]
    assert track.frames.tolist() == [0, 1]
    assert track.xyxy[1].tolist() == [12, 20, 42, 60]
    assert track.scores.tolist() == pytest.approx([0.91, 0.88])


def test_motchallenge_with_its_sequence(tmp_path: Path) -> None:
    for camera_id, mine in TRACKS.items():
        (tmp_path / camera_id / "gt").mkdir(parents=True)
        write_mot_tracks(tmp_path / camera_id / "gt" / "gt.txt", mine)
    info = "[Sequence]\nname=c001\nframeRate=25\nseqLength=600\nimWidth=1920\nimHeight=1080\n"
    (tmp_path / "c001" / "seqinfo.ini").write_text(info)
    found = read_tracks(tmp_path)
    same({camera_id: list(camera.tracklets) for camera_id, camera in found.items()})
    assert (found["c001"].fps, found["c001"].size, found["c001"].frame_count) == (25, (1920, 1080), 600)


@pytest.mark.parametrize("first_frame", [0, 1])
def test_aicity_frames_from(first_frame: int, tmp_path: Path) -> None:
    vehicles = [make_vehicle(1, TRACKS["c001"][0], TRACKS["c002"][0]), make_vehicle(4, TRACKS["c001"][1])]
    write_aicity(tmp_path / "track3.txt", vehicles)
    with zipfile.ZipFile(tmp_path / "track3.zip", "w") as archive:
        archive.write(tmp_path / "track3.txt", "track3.txt")
    found = read(tmp_path / "track3.zip", first_frame)
    shift = 1 - first_frame  # the file counts from 1
    assert found["c001"][0].frames.tolist() == (TRACKS["c001"][0].frames + shift).tolist()


def test_tables(tmp_path: Path) -> None:
    pa_csv.write_csv(table(), tmp_path / "a.csv")
    same(read(tmp_path / "a.csv"))
    pa_csv.write_csv(table(1), tmp_path / "b.csv")
    same(read(tmp_path / "b.csv", 1))
    based = table(1, ("cam_id", "track_id", "frame_id")).replace_schema_metadata({"frame_base": "1"})
    pq.write_table(based, tmp_path / "c.parquet")
    same(read(tmp_path / "c.parquet"))
    assert read(tmp_path / "a.csv")["c001"][0].label == label_index("car")


def test_seconds_of_a_table_are_its_clock(tmp_path: Path) -> None:
    plain = table()
    seconds = pa.array([2.5 + frame / 12.5 for frame in plain["frame"].to_pylist()])
    pq.write_table(plain.append_column("time_s", seconds), tmp_path / "t.parquet")
    camera = read_tracks(tmp_path / "t.parquet")["c001"]
    assert camera.fps == pytest.approx(12.5)
    assert camera.offset_s == pytest.approx(2.5)


def test_cvat_goes_straight_between_key_frames(tmp_path: Path) -> None:
    box = '<box frame="{}" outside="{}" xtl="{}" ytl="10" xbr="{}" ybr="30"/>'
    boxes = box.format(0, 0, 10, 20) + box.format(4, 0, 18, 28) + box.format(5, 1, 18, 28) + box.format(9, 0, 40, 50)
    meta = (
        "<meta><task><size>30</size><original_size><width>640</width><height>480</height></original_size></task></meta>"
    )
    text = f'<annotations><version>1.1</version>{meta}<track id="7" label="truck">{boxes}</track></annotations>'
    (tmp_path / "c001.xml").write_text(text)
    camera = read_tracks(tmp_path)["c001"]
    (track,) = camera.tracklets
    assert track.frames.tolist() == [0, 1, 2, 3, 4, 9]
    assert track.xyxy[:, 0].tolist() == [10, 12, 14, 16, 18, 40]
    assert (track.label, camera.size, camera.frame_count) == (label_index("truck"), (640, 480), 30)


def test_ottrk(tmp_path: Path) -> None:
    box = {"class": "delivery_van", "confidence": 0.8, "y": 5.0, "w": 20.0, "h": 10.0, "track-id": 3}
    rows = [{**box, "x": 10.0 + frame, "frame": frame} for frame in (1, 2, 3)]
    video = {"width": 800, "height": 600, "recorded_fps": 20.0, "recorded_start_date": "2024-05-01 07:00:02.5"}
    content = {"metadata": {"vid": video}, "data": {"detections": rows}}
    (tmp_path / "north.ottrk").write_bytes(bz2.compress(json.dumps(content).encode()))
    camera = read_tracks(tmp_path)["north"]
    (track,) = camera.tracklets
    assert track.frames.tolist() == [0, 1, 2]
    assert track.xyxy[0].tolist() == [11, 5, 31, 15]
    assert (track.label, camera.fps, camera.size) == (label_index("van"), 20, (800, 600))
    assert camera.start == datetime(2024, 5, 1, 7, 0, 2, 500000, UTC)


def test_a_scene_of_tracks_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pa_csv.write_csv(table(), tmp_path / "a.csv")
    found = read_tracks(tmp_path / "a.csv")
    scene = scene_of(found, tmp_path / "a.csv", {"": 10, "c002": 8}, {"c001": (640, 360)}, {"c002": 1.5, "c009": 3})
    first, second = scene.cameras.values()
    assert (first.fps, first.size, first.offset_known) == (10, (640, 360), False)
    assert (second.fps, second.offset_s, second.offset_known) == (8, 1.5, True)
    assert second.frame_count == 24
    assert "c009" in caplog.text
    assert "--size" in caplog.text
    with pytest.raises(InputError, match="--fps"):
        scene_of(found, tmp_path, {"c001": 10}, {}, {})


def test_starts_by_the_clock_are_one_clock(tmp_path: Path) -> None:
    zero = datetime(2024, 5, 1, 7, tzinfo=UTC)
    told = {"fps": 10.0, "size": (200, 100)}
    found = {
        "c001": CameraTracks("c001", TRACKS["c001"], 1, start=zero, **told),
        "c002": CameraTracks("c002", TRACKS["c002"], 1, start=zero + timedelta(seconds=90), **told),
    }
    scene = scene_of(found, tmp_path, {}, {}, {})
    assert scene.clock_zero == zero
    assert [camera.offset_s for camera in scene.cameras.values()] == [0, 90]
    assert all(camera.offset_known for camera in scene.cameras.values())


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "camera,id,frame,x1,y1,x2,y2\nc1,1,0,5,5,5,9\n", "row 1: expected a box of positive"),
        ("a.csv", "camera,id,frame,x1,y1,x2,y2\nc1,1,0,1,1,5,9\nc1,1,0,1,1,5,9\n", "two of track 1 in camera c1"),
        ("a.csv", "camera,id,x1,y1,x2,y2\nc1,1,1,1,5,9\n", "a column frame"),
        ("a.csv", "id,frame,x1,y1,x2,y2\n1,1,1,1,5,9\n", "a column camera_id"),
        ("a.csv", "camera,id,frame,x1,y1\nc1,1,1,1,5\n", "boxes as x1 y1 x2 y2"),
        ("a.csv", "camera,id,frame,x1,y1,x2,y2\nc1,1,half,1,1,5,9\n", "numbers in column frame"),
        ("a.csv", "camera,id,frame,x1,y1,x2,y2\nc1,1,0.5,1,1,5,9\n", "whole numbers in column frame, from 0 to"),
        ("a.csv", "camera,id,frame,x1,y1,x2,y2\n", "expected tracks"),
        ("a.xml", "<annotations><track id='1'><box frame='x'/></track></annotations>", "CVAT for video"),
        ("a.ottrk", "{}", ".ottrk file of OTVision"),
        ("a.parquet", "no table", "a Parquet table"),
        ("a.json", "{}", "expected one of .txt"),
    ],
)  # fmt: skip
def test_mistakes_are_named(name: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=says):
        read_tracks(tmp_path / name)


# --- vectors ----------------------------------------------------------------------------------------------------------


def test_vectors_of_every_form(tmp_path: Path) -> None:
    keys = [t.key for mine in TRACKS.values() for t in mine]
    cameras, ids = (np.array(column) for column in zip(*keys, strict=True))
    rows = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    np.savez(tmp_path / "v.npz", vectors=rows, track_id=ids, camera_id=cameras)
    np.save(tmp_path / "v.npy", rows)
    columns = {"camera_id": list(cameras), "track_id": ids, "vector": list(rows)}
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    for camera_id in TRACKS:
        mine = cameras == camera_id
        np.savez(tmp_path / f"{camera_id}.npz", vectors=rows[mine], track_id=ids[mine])
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for name in ("v.npz", "v.npy", "v.parquet", "{camera}.npz"):
        found = read_vectors(f"{tmp_path}/{name}", TRACKS)
        assert found["c001"].track_ids.tolist() == [1, 4]
        np.testing.assert_allclose(np.concatenate([found[c].vectors for c in TRACKS]), unit, atol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"vectors": np.ones((1, 4)), "track_id": [9], "camera_id": ["c001"]}, "track 9 of c001"),
        ({"vectors": np.zeros((1, 4)), "track_id": [1], "camera_id": ["c001"]}, "not zero"),
        ({"vectors": np.ones((1, 4)), "track_id": [1]}, "no camera_id"),
        ({"vectors": np.ones((2, 4)), "track_id": [1], "camera_id": ["c001"]}, "expected vectors"),
        ({"features": np.ones((2, 4))}, "expected vectors"),
    ],
)
def test_vectors_that_do_not_fit(arrays: dict[str, object], says: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", **arrays)
    with pytest.raises(InputError, match=says):
        read_vectors(tmp_path / "v.npz", TRACKS)
