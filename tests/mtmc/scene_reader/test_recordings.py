"""Folders as recorders leave them: a camera in many files, pictures, strange names, and what is said of each file."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from mtmc.doctor import examine
from mtmc.errors import ConfigError, InputError
from mtmc.scene_reader import InputParams, find_recordings, read_scene
from mtmc.scene_reader.file_names import parse
from mtmc.track_files.formats import number_cameras, read_aicity, write_submission
from mtmc.video import Video
from tests.builders import make_tracklet, make_vehicle
from tests.mtmc.video.painted import SIZE, number_of, numbers_shown, paint, write

RATE = 10.0


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four videos of one second whose numbers run on: 0-9, 10-19, 20-29, 30-39."""
    folder = tmp_path_factory.mktemp("clips")
    return [write(folder / f"{n}.mp4", [k / RATE for k in range(10)], first=10 * n, gop=5) for n in range(4)]


def put(clip: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(clip, path))


@pytest.mark.parametrize(
    ("stem", "camera", "start"),
    [
        ("cam1_20240501_070000", "cam1", "2024-05-01T07:00:00"),
        ("192.168.1.64_01_20240501080000123", "192.168.1.64_01", "2024-05-01T08:00:00.123"),
        ("OTCamera01_FR20_2023-05-24_07-00-00", "OTCamera01_FR20", "2023-05-24T07:00:00"),
        ("north 2024-05-01T07:00:00+02:00", "north", "2024-05-01T07:00:00+02:00"),
        ("2024-05-01T07-00-00Z_north", "north", "2024-05-01T07:00:00+00:00"),
        ("RLC-410-00-20240501080000-20240501081500", "RLC-410-00", "2024-05-01T08:00:00"),
        ("2024-05-01 10.00.00-10.15.00[R][0@0][0]", "", "2024-05-01T10:00:00"),
        ("cam1.1714550400", "cam1", "2024-05-01T08:00:00+00:00"),
        ("cam1-20240501-080000-1714550400", "cam1", "2024-05-01T08:00:00"),
    ],
)
def test_file_names_tell_camera_and_start(stem: str, camera: str, start: str) -> None:
    assert (parse(stem).camera, parse(stem).start) == (camera, datetime.fromisoformat(start))


@pytest.mark.parametrize("stem", ["cam1", "c041", "20241399_000000", "MOT16-02", "GX010231", "1920x1080_20240501"])
def test_names_without_a_time_are_cameras_as_they_stand(stem: str) -> None:
    assert (parse(stem).camera, parse(stem).start) == (stem, None)


def test_quarter_hours_are_two_cameras_on_one_clock(tmp_path: Path, clips: list[Path]) -> None:
    for camera, second in (("cam1", 0), ("cam2", 2)):
        for n, clip in enumerate(clips):
            start = datetime(2024, 5, 1, 7) + timedelta(seconds=second + n)
            put(clip, tmp_path / f"{camera}_{start:%Y%m%d_%H%M%S}.mp4")
    scene = read_scene(tmp_path)
    assert list(scene.cameras) == ["cam1", "cam2"]
    assert scene.clock_zero == datetime(2024, 5, 1, 7)
    for camera, offset in zip(scene.cameras.values(), (0.0, 2.0), strict=True):
        assert (camera.frame_count, camera.offset_s, camera.offset_known) == (40, offset, True)
        np.testing.assert_allclose(camera.time_s(range(40)), offset + np.arange(40) / RATE, atol=1e-9)
        assert camera.times_s is None  # as if it were one file
        assert numbers_shown(Video(camera)) == list(range(40))
        assert [number_of(image) for _, image in Video(camera).at([0, 9, 10, 25, 39])] == [0, 9, 10, 25, 39]
        assert [(r.path.stem[-2:], k) for r, k in map(camera.locate, (0, 10, 39))] == [
            (f"{int(offset) + n:02d}", k) for n, k in ((0, 0), (1, 0), (3, 9))
        ]


def test_gaps_and_overlaps_stay_and_are_said(tmp_path: Path, clips: list[Path]) -> None:
    for clip, start in zip(clips, ("00.000", "05.000", "05.500", "09.000"), strict=True):
        put(clip, tmp_path / f"cam1_2024-05-01_07-00-{start}.mp4")
    camera = read_scene(tmp_path).cameras["cam1"]
    expected = np.concatenate([start + np.arange(10) / RATE for start in (0, 5, 5.5, 9)])
    np.testing.assert_allclose(camera.time_s(range(40)), expected, atol=1e-9)
    again = set(range(20, 25))  # of a time that the file before has shown
    assert numbers_shown(Video(camera)) == [n for n in range(40) if n not in again]
    said = " ".join(finding.what for finding in examine(tmp_path))
    assert "a gap of 4.0 s" in said
    assert "begins 0.5 s before the one before it ends" in said
    assert "a gap of 2.5 s" in said


def test_whole_seconds_in_names_make_no_overlap(tmp_path: Path, clips: list[Path]) -> None:
    """Ten frames at 9.7 a second last 1.03 s, the next file's name says 1 s."""
    for n, clip in enumerate(clips):
        put(clip, tmp_path / f"cam1_20240501_07000{n}.mp4")
    (tmp_path / "scene.toml").write_text("[cameras.cam1]\nfps = 9.7\n")
    camera = read_scene(tmp_path).cameras["cam1"]
    assert camera.times_s is None or (np.diff(camera.times_s) > 0.05).all()


def test_a_folder_per_camera(tmp_path: Path, clips: list[Path]) -> None:
    for n, clip in enumerate(clips):
        put(clip, tmp_path / "north" / f"part{9 + n}.mp4")  # 9, 10, 11, 12: counted, not spelled
        put(clip, tmp_path / "south" / "2024-05-01" / f"07.00.0{n}.mp4")
    scene = read_scene(tmp_path)
    assert {c.id: numbers_shown(Video(c)) for c in scene.cameras.values()} == {
        name: list(range(40)) for name in ("north", "south")
    }
    assert not scene.cameras["north"].offset_known
    assert scene.cameras["south"].offset_known


def test_scene_toml_lists_files_and_starts(tmp_path: Path, clips: list[Path]) -> None:
    for name, clip in zip("abcd", clips, strict=True):
        put(clip, tmp_path / f"{name}.mp4")
    (tmp_path / "scene.toml").write_text(
        """
        [[cameras.east.recordings]]
        video = "c.mp4"
        start = 2026-05-01T07:00:00+02:00
        [[cameras.east.recordings]]
        video = "d.mp4"
        start = "2026-05-01T07:00:03+02:00"
        [cameras.west]
        video = ["a.mp4", "b.mp4"]
        start = 2026-05-01T05:00:01Z
        """
    )
    scene = read_scene(tmp_path)
    assert list(scene.cameras) == ["east", "west"]
    assert scene.cameras["east"].time_s([0, 10, 19]).tolist() == pytest.approx([0, 3, 3.9])
    assert scene.cameras["west"].time_s([0, 10, 19]).tolist() == pytest.approx([1, 2, 2.9])
    assert numbers_shown(Video(scene.cameras["east"])) == list(range(20, 40))


def test_a_pattern_of_ones_own(tmp_path: Path, clips: list[Path]) -> None:
    for n, clip in enumerate(clips[:2]):
        put(clip, tmp_path / f"rec{n}-north-24050107000{n}.mp4")
    (tmp_path / "scene.toml").write_text(
        "pattern = '-(?P<camera>[a-z]+)-(?P<time>\\d{12})'\ntime_format = '%y%m%d%H%M%S'\n"
    )
    (camera,) = read_scene(tmp_path).cameras.values()
    assert (camera.id, numbers_shown(Video(camera))) == ("north", list(range(20)))
    (tmp_path / "scene.toml").write_text("pattern = 'north'\n")
    with pytest.raises(ConfigError, match=r"scene\.toml:1: pattern: expected .*\?P<camera>"):
        read_scene(tmp_path)


@pytest.mark.parametrize(
    ("start", "end", "stride", "expected"),
    [
        ("1", "2.5", 1, range(10, 25)),
        ("", "", 3, range(0, 40, 3)),
        ("07:00:01", "2024-05-01T07:00:03", 4, range(10, 30, 4)),
        ("0.95", "", 1, range(10, 40)),
    ],
)
def test_a_part_of_the_time(
    tmp_path: Path, clips: list[Path], start: str, end: str, stride: int, expected: range
) -> None:
    for n, clip in enumerate(clips):
        put(clip, tmp_path / f"cam1_20240501_07000{n}.mp4")
    camera = read_scene(tmp_path, params=InputParams(start=start, end=end, stride=stride)).cameras["cam1"]
    shown = [
        (int(f), number_of(i)) for clip in Video(camera).clips(4) for f, i in zip(clip.frames, clip.images, strict=True)
    ]
    assert shown == [(n, n) for n in expected]
    assert [part.frames.tolist() for part in camera.parts()] == [
        kept for n in range(4) if (kept := [k for k in expected if k // 10 == n])
    ]


def test_time_outside_the_videos_is_refused(tmp_path: Path, clips: list[Path]) -> None:
    put(clips[0], tmp_path / "cam1.mp4")
    with pytest.raises(ConfigError, match=r"between 0\.0 and 0\.9 s for camera cam1"):
        read_scene(tmp_path, params=InputParams(start="5"))
    with pytest.raises(ConfigError, match="no camera's clock is known"):
        read_scene(tmp_path, params=InputParams(start="07:00:00"))


# --- pictures --------------------------------------------------------------------------------------------------------


def write_pictures(folder: Path, numbers: list[int], end: str = ".png") -> Path:
    folder.mkdir(parents=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"{number:06d}{end}"), paint(number))
    return folder


@pytest.mark.parametrize("end", [".png", ".JPG", ".jpeg", ".bmp"])
def test_mot_sequence(tmp_path: Path, end: str) -> None:
    write_pictures(tmp_path / "MOT16-02" / "img1", list(range(1, 13)), end)
    (tmp_path / "MOT16-02" / "seqinfo.ini").write_bytes(b"\xef\xbb\xbf[Sequence]\r\nname=MOT16-02\r\nframeRate=30\r\n")
    for path in (tmp_path / "MOT16-02", tmp_path):
        (camera,) = read_scene(path).cameras.values()
        assert (camera.id, camera.fps, camera.size, camera.folder) == ("MOT16-02", 30, SIZE, tmp_path / "MOT16-02")
        assert numbers_shown(Video(camera)) == list(range(1, 13))


def test_pictures_without_a_rate_want_one(tmp_path: Path) -> None:
    write_pictures(tmp_path / "north", [1, 2, 5])
    with pytest.raises(InputError, match="--fps"):
        read_scene(tmp_path)
    camera = read_scene(tmp_path, params=InputParams(fps=5)).cameras["north"]
    assert camera.time_s(range(3)).tolist() == pytest.approx([0, 0.2, 0.8])  # a missing picture is a gap
    (tmp_path / "scene.toml").write_text("[cameras.north]\nfps = 2\n")
    assert read_scene(tmp_path).cameras["north"].fps == 2


def test_pictures_are_turned_by_exif_and_brought_to_eight_bits(tmp_path: Path) -> None:
    (tmp_path / "img1").mkdir()
    for number in (1, 2):
        upright = Picture.fromarray(paint(number)[:, :, ::-1])
        exif = upright.getexif()
        exif[274] = 6
        upright.transpose(Picture.Transpose.ROTATE_90).save(tmp_path / "img1" / f"{number}.jpg", exif=exif, quality=95)
    deep = paint(3)[:, :, 0].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "img1" / "3.png"), deep)
    (camera,) = read_scene(tmp_path, params=InputParams(fps=1)).cameras.values()
    assert camera.size == SIZE
    images = [image for clip in Video(camera).clips(1) for image in clip.images]
    assert [number_of(image) for image in images] == [1, 2, 3]
    np.testing.assert_array_equal(images[2], paint(3)[:, :, [0, 0, 0]])


# --- names and what is left out --------------------------------------------------------------------------------------


def test_dot_files_are_nobodys(tmp_path: Path, clips: list[Path]) -> None:
    put(clips[0], tmp_path / "cam1.mp4")
    (tmp_path / "._cam1.mp4").write_bytes(b"\0\5\x16\7" + b"\0" * 4092)
    (tmp_path / ".hidden").mkdir()
    put(clips[0], tmp_path / ".hidden" / "cam9.mp4")
    assert list(read_scene(tmp_path).cameras) == ["cam1"]
    assert not any(finding.severity == "error" or "._" in finding.what for finding in examine(tmp_path))


def test_two_files_of_one_name_are_refused(tmp_path: Path, clips: list[Path]) -> None:
    put(clips[0], tmp_path / "cam1.mp4")
    put(clips[1], tmp_path / "cam1.mov")
    with pytest.raises(InputError, match=r"one video named cam1, found cam1\.mov and cam1\.mp4"):
        read_scene(tmp_path)
    (tmp_path / "scene.toml").write_text('[cameras.cam1]\nvideo = "cam1.mp4"\n[cameras.other]\nvideo = "cam1.mov"\n')
    assert list(read_scene(tmp_path).cameras) == ["cam1", "other"]


def test_what_is_left_out_is_said_with_its_reason(tmp_path: Path, clips: list[Path]) -> None:
    put(clips[0], tmp_path / "c001" / "vdo.mp4")
    put(clips[0], tmp_path / "c001" / "extra.mp4")
    (tmp_path / "video.xyz").write_bytes(b"?")
    assert {path.name: reason.split(";")[0] for path, reason in find_recordings(tmp_path)[0].left_out} == {
        "extra.mp4": "the cameras of this folder are told by other files",
        "video.xyz": ".xyz is no known suffix of videos",
    }
    assert "extra.mp4 is left out" in " ".join(finding.what for finding in examine(tmp_path))


@pytest.mark.parametrize(
    ("cameras", "numbers"),
    [
        (["c041", "c042"], [41, 42]),
        (["192.168.1.64_01", "192.168.1.65_01"], [1, 2]),
        (["OTCamera01_FR20", "OTCamera02_FR20"], [1, 2]),
        (["20240501", "20240502"], [1, 2]),
        (["cam1", "cam99999999999999999999"], [1, 2]),
    ],
)
def test_camera_numbers_and_their_table(tmp_path: Path, cameras: list[str], numbers: list[int]) -> None:
    assert list(number_cameras(cameras).values()) == numbers
    vehicle = make_vehicle(3, *(make_tracklet(camera) for camera in cameras))
    write_submission(tmp_path / "track3.txt", [[vehicle]], cameras)
    assert {int(line.split()[0]) for line in (tmp_path / "track3.txt").read_text().splitlines()} == set(numbers)
    table = tmp_path / "track3.cameras.json"
    assert table.exists() == (cameras[0] != "c041")
    if table.exists():
        assert json.loads(table.read_text()) == dict(zip(cameras, numbers, strict=True))
    assert set(read_aicity(tmp_path / "track3.txt")[0].cameras) == set(cameras)
