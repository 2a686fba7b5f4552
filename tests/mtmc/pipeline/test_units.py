"""Long recordings in slices: every frame in one of them, the same pictures as in one piece, the same tables."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import av
import duckdb
import numpy as np
import polars as pl
import pyarrow.dataset as ds
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtmc.scene import Camera
from mtmc.scene_reader import InputParams, read_scene
from mtmc.store import open_run
from mtmc.store.parts import DetectionsInTime
from mtmc.store.recordings import KeptRecordings
from mtmc.video import Video, read_packets
from tests.golden.commands import mtmc

FRAMES, FPS = 120, 10
CODECS = {
    "h264": ("libx264", {"g": "17", "bf": "2"}, "mp4"),
    "hevc": ("libx265", {"x265-params": "keyint=16:bframes=2:open-gop=1:log-level=none"}, "mkv"),
    "mpeg4": ("mpeg4", {"g": "10"}, "avi"),
    "mjpeg": ("mjpeg", {}, "avi"),
    "ts": ("libx264", {"g": "15", "bf": "2"}, "ts"),
}
QUICK = ["--detector", "recorded", "--embedder", "histogram", "--link", "electricity", "--workers", "1"]
NO_PICTURES = ["--set", "report.video=false", "--set", "report.page=false"]


def film(path: Path, codec: str) -> Path:
    """A noisy road with a square that goes from left to right again and again, its boxes beside it."""
    name, options, end = CODECS[codec]
    path = path.with_suffix(f".{end}")
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(60, 120, (72, 128, 3), dtype=np.uint8)
    rows = []
    with av.open(str(path), "w") as out:
        stream = out.add_stream(name, rate=FPS, options=options)
        stream.width, stream.height = 128, 72
        stream.pix_fmt = "yuvj420p" if name == "mjpeg" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, FPS)
        for number in range(FRAMES):
            image, left = noise.copy(), 4 * (number % 25)
            image[20:50, left : left + 28] = (40, 60, 90 + number)
            rows.append(f"{number + 1},-1,{left + 1},21,28,30,0.9,-1,-1,-1")
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    (path.parent / "det").mkdir(exist_ok=True)
    (path.parent / "det" / "det_mask_rcnn.txt").write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {codec: film(tmp_path_factory.mktemp(codec) / "cam1", codec) for codec in CODECS}


def pictures(camera: Camera) -> dict[int, bytes]:
    return {
        int(frame): image.tobytes()
        for clip in Video(camera).clips(7)
        for frame, image in zip(clip.frames, clip.images, strict=True)
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    codec=st.sampled_from(list(CODECS)),
    slice_s=st.floats(0.3, 8),
    multiple=st.integers(1, 5),
    stride=st.integers(1, 3),
    start=st.integers(0, 50),
)
def test_slices_show_what_the_whole_shows(
    cameras: dict[str, Path], codec: str, slice_s: float, multiple: int, stride: int, start: int
) -> None:
    params = InputParams(start=str(start / FPS), stride=stride)
    (camera,) = read_scene(cameras[codec], params=params).cameras.values()
    parts = camera.parts(slice_s, multiple)
    assert np.concatenate([part.frames for part in parts]).tolist() == camera.frames.tolist()
    assert all(len(part.frames) % multiple == 0 for part in parts[:-1])
    sliced = [pictures(part) for part in parts]
    assert {frame: image for part in sliced for frame, image in part.items()} == pictures(camera)


def test_a_long_recording_is_cut_at_about_the_seconds(cameras: dict[str, Path]) -> None:
    (camera,) = read_scene(cameras["mjpeg"]).cameras.values()
    assert [len(part.frames) for part in camera.parts(2.9)] == [30, 30, 30, 30]
    assert len(camera.parts(7.0)) == len(camera.parts()) == 1


def test_parts_know_their_own_recording_and_the_cameras_clock(tmp_path: Path) -> None:
    for name in ("cam1_20240501_070000", "cam1_20240501_070020"):
        film(tmp_path / name, "h264")
    (camera,) = read_scene(tmp_path).cameras.values()
    parts = camera.parts(4.0)
    assert {len(part.recordings) for part in parts} == {1}
    assert (
        np.concatenate([part.time_s(part.frames) for part in parts]).tolist() == camera.time_s(camera.frames).tolist()
    )
    assert {frame: image for part in parts for frame, image in pictures(part).items()} == pictures(camera)


@pytest.fixture(scope="module")
def runs(cameras: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same video in one piece and in slices."""
    folder = tmp_path_factory.mktemp("runs")
    for name, slice_s in (("whole", 60), ("slices", 2)):
        how = [*QUICK, *NO_PICTURES, "--set", f"detect.slice_s={slice_s}"]
        mtmc("run", cameras["h264"].parent, "--out", folder / name, *how)
    return folder / "whole", folder / "slices"


def test_slices_give_what_one_piece_gives(runs: tuple[Path, Path]) -> None:
    whole, slices = map(open_run, runs)
    assert len(whole.tables("detections", "cam1")) == 1 < len(slices.tables("detections", "cam1"))
    assert len(slices.tables("embeddings", "cam1")) > 1
    for one, other in (
        (whole.detections("cam1"), slices.detections("cam1")),
        (whole.embeddings()["cam1"], slices.embeddings()["cam1"]),
    ):
        assert len(one) > 0
        for column in one.column_names():  # type: ignore[attr-defined]
            assert np.array_equal(getattr(one, column), getattr(other, column)), column
    assert (runs[0] / "track3.txt").read_bytes() == (runs[1] / "track3.txt").read_bytes()


def test_parts_are_read_as_one_table(runs: tuple[Path, Path]) -> None:
    whole, parts = runs[0] / "detections" / "cam1.parquet", runs[1] / "detections"
    frames = pl.read_parquet(whole)["frame"].to_list()
    assert ds.dataset(parts / "cam1").to_table()["frame"].to_pylist() == frames
    assert pl.scan_parquet(parts / "**" / "*.parquet").select("frame").collect()["frame"].to_list() == frames
    found = duckdb.sql(f"SELECT frame FROM read_parquet('{parts}/**/*.parquet') ORDER BY frame").fetchall()
    assert [frame for (frame,) in found] == frames


def test_other_slices_leave_no_old_tables(cameras: dict[str, Path], tmp_path: Path) -> None:
    counts = []
    for slice_s in (2, 4, 60, 2):
        how = [*QUICK, *NO_PICTURES, "--set", f"detect.slice_s={slice_s}"]
        mtmc("run", cameras["h264"].parent, "--out", tmp_path / "run", *how)
        files = list((tmp_path / "run" / "detections").rglob("*.parquet"))
        assert len(files) == len(open_run(tmp_path / "run").tables("detections", "cam1"))
        counts.append(len(files))
    assert counts[0] == counts[3] > counts[1] > counts[2] == 1


def test_detections_are_read_as_far_as_they_are_asked_for(runs: tuple[Path, Path]) -> None:
    whole, slices = map(open_run, runs)
    every, in_time = whole.detections("cam1"), DetectionsInTime(slices.tables("detections", "cam1"))
    for first, end in ((0, 120), (0, 1), (19, 21), (30, 90), (119, 500), (50, 50)):
        found, expected = in_time(first, end), every.take((every.frames >= first) & (every.frames < end))
        assert np.array_equal(found.xyxy, expected.xyxy)
        assert np.array_equal(found.features, expected.features)


COUNTING = """
from pathlib import Path

import numpy as np


class Counting:
    def __init__(self, params, device):
        self.log = Path(params.options["log"])

    def vectors(self, crops):
        with self.log.open("a") as log:
            log.write("x" * len(crops))
        return np.full((len(crops), 4), 0.5, np.float32)
"""


def test_vectors_of_tracklets_that_stayed_are_not_made_again(
    cameras: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other parameters of tracking, the same tracklets: new stamps on the tables, and the bytes of a run of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counting.py").write_text(COUNTING)
    log = tmp_path / "log.txt"
    how = [*QUICK, *NO_PICTURES, "--set", "detect.slice_s=2", "--embedder", "counting:Counting"]
    how += ["--set", f"embed.options.log={log}"]
    mtmc("run", cameras["h264"].parent, "--out", tmp_path / "run", *how)
    count = len(log.read_text())
    other = [*how, "--set", "track.clean.parked_min_s=14"]
    mtmc("run", cameras["h264"].parent, "--out", tmp_path / "run", *other)
    assert len(log.read_text()) == count > 0
    mtmc("run", cameras["h264"].parent, "--out", tmp_path / "own", *other)
    tables = open_run(tmp_path / "run").tables("embeddings", "cam1")
    assert len(tables) > 1
    for table in tables:
        assert table.read_bytes() == (tmp_path / "own" / table.relative_to(tmp_path / "run")).read_bytes()


def test_a_kept_packet_index_is_the_one_that_was_read(
    cameras: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All facts of the files, and no file is looked through again."""
    read = {path: read_packets(path) for path in cameras.values()}
    kept = KeptRecordings(tmp_path)
    for recording in read.values():
        kept.keep(recording)
    monkeypatch.delattr("mtmc.store.recordings.read_packets")
    for path, recording in read.items():
        again = kept(path)
        for field in dataclasses.fields(recording):
            assert np.array_equal(getattr(again, field.name), getattr(recording, field.name)), field.name
