from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from mtmc.report import ReportParams, draw, mosaic
from mtmc.report.colours import colour_of
from mtmc.report.mosaic import GAP_PX, lay_out, moments_shown
from mtmc.report.paint import marks_of, paint
from mtmc.report.privacy import Veil
from mtmc.scene import Camera, Scene
from mtmc.scene_reader import read_camera
from mtmc.video import Image, Video, VideoWriter
from tests.builders import make_camera, make_tracklet, make_vehicle

SIZE = (320, 180)


def write_grey(path: Path, frames: int, fps: float, grey: int) -> Camera:
    with VideoWriter(path, fps, SIZE, crf=5) as writer:
        for _ in range(frames):
            writer.write(np.full((SIZE[1], SIZE[0], 3), grey, np.uint8))
    return read_camera(path.stem, path)


def near(image: Image, colour: tuple[int, int, int]) -> bool:
    """Whether a good number of pixels have the colour, as far as 4:2:0 leaves it."""
    return bool((np.abs(image.astype(int) - colour).max(axis=-1) < 45).sum() > 60)


def read(path: Path) -> list[Image]:
    return [clip.images[0] for clip in Video(read_camera("x", path)).clips(1)]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras, the second starts a second later and runs at half the rate; vehicle 3 passes both, vehicle 4 the
    first."""
    folder = tmp_path_factory.mktemp("report")
    cameras = (
        write_grey(folder / "c001.mp4", 30, 10.0, 130),
        replace(write_grey(folder / "c002.mp4", 15, 5.0, 190), offset_s=1.0),
    )
    still = {"box": (60, 60, 160, 130), "step": (0, 0)}
    vehicles = [
        make_vehicle(3, make_tracklet("c001", 1, range(5), **still), make_tracklet("c002", 1, range(2, 5), **still)),
        make_vehicle(4, make_tracklet("c001", 2, range(10, 15), **still)),
    ]
    draw(
        Scene("s", {c.id: c for c in cameras}),
        vehicles,
        folder / "video",
        ReportParams(trail_s=0.5),
        lambda *news: None,
        Veil("nothing", {}),
    )
    return folder / "video"


def test_all_videos_are_there_and_whole(drawn: Path) -> None:
    assert sorted(p.name for p in drawn.iterdir()) == ["c001.mp4", "c002.mp4", "mosaic.mp4"]
    assert [len(read(drawn / f"{name}.mp4")) for name in ("c001", "c002", "mosaic")] == [30, 15, 40]
    with av.open(str(drawn / "mosaic.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].codec_context.width <= 1280


def test_a_mosaic_joined_of_strips_shows_the_same(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = [write_grey(tmp_path / f"c{number}.mp4", 12, 10.0, 60 + 30 * number) for number in range(5)]
    scene = Scene("s", {c.id: c for c in cameras})
    for name, at_once in (("whole", 5), ("strips", 2)):
        monkeypatch.setattr(mosaic, "AT_ONCE", at_once)
        draw(scene, [], tmp_path / name, ReportParams(), lambda *news: None, Veil("nothing", {}))
    assert sorted(p.name for p in (tmp_path / "strips").iterdir()) == [*(f"c{n}.mp4" for n in range(5)), "mosaic.mp4"]
    whole, strips = (read(tmp_path / name / "mosaic.mp4") for name in ("whole", "strips"))
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(whole, strips, strict=True)) < 2


def test_boxes_stand_in_their_frames_in_the_vehicles_colour(drawn: Path) -> None:
    first, second = read(drawn / "c001.mp4"), read(drawn / "c002.mp4")
    assert [near(image[50:140], colour_of(3)) for image in first] == [frame < 5 for frame in range(30)]
    assert [near(image[50:140], colour_of(3)) for image in second] == [2 <= frame < 5 for frame in range(15)]


def test_mosaic_runs_on_the_scenes_clock(drawn: Path) -> None:
    images = read(drawn / "mosaic.mp4")
    height = images[0].shape[0]
    upper, lower = [i[: height // 2] for i in images], [i[height // 2 + GAP_PX :] for i in images]
    assert [near(i[45:], colour_of(3)) for i in upper] == [step < 5 for step in range(40)]
    # camera 2: frames 2 to 4 at 5 frames a second, a second late: 1.4 s to 2.0 s
    assert [near(i[45:], colour_of(3)) for i in lower] == [14 <= step < 20 for step in range(40)]
    assert [near(i[45:], (190, 190, 190)) for i in lower] == [step >= 10 for step in range(40)]
    assert [near(i[45:], (130, 130, 130)) for i in upper] == [step < 30 for step in range(40)]


def test_neighbours_in_number_differ_for_all_kinds_of_colour_vision() -> None:
    """Machado's matrices for full protan-, deuter- and tritanopia: ids up to three apart never fall together."""
    seen = {
        "normal": np.eye(3),
        "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        "deuter": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    }
    rgb = np.array([colour_of(k)[::-1] for k in range(100)], float)
    linear = (rgb / 255) ** 2.2
    for kind, matrix in seen.items():
        shown = 255 * np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        apart = min(np.linalg.norm(shown[step:] - shown[:-step], axis=1).min() for step in (1, 2, 3))
        assert apart > 20, kind


def test_box_at_the_border_is_drawn_without_error() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    vehicle = make_vehicle(1, make_tracklet(frames=[0], box=(-5, -5, 85, 65)))
    paint(picture, marks_of([vehicle], "c001", 10)[0], 1.0)
    assert picture.any()


@pytest.mark.parametrize(
    ("sizes", "columns"),
    [
        ([(1920, 1080)], 1),
        ([(640, 220), (720, 252)], 1),
        ([(1920, 1080)] * 2, 1),
        ([(1920, 1080)] * 6, 2),
        ([(1080, 1920)] * 3, 3),
    ],
)
def test_layout_shows_cameras_as_large_as_it_can(sizes: list[tuple[int, int]], columns: int) -> None:
    grid = lay_out(sizes, (1280, 960))
    assert grid.columns == columns
    assert grid.size[0] <= 1281
    assert grid.size[1] <= 961
    assert grid.size[0] % 2 == grid.size[1] % 2 == 0


def test_pauses_of_all_cameras_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Two clips of 4 s an hour apart make 8 s of mosaic; a clock of 1970 beside one of today ends too."""
    near, hour, ages = (
        make_camera(name, 10, frames=40, offset_s=s) for name, s in (("a", 0), ("b", 3600), ("c", 1.7e9))
    )
    shown = moments_shown([hour, near, ages], 10.0)
    expected = np.concatenate([start + np.arange(40) / 10 for start in (0, 3600, 1.7e9)])
    np.testing.assert_allclose(shown, expected)
    assert "leaves out 1699999992 s" in caplog.text
    assert len(moments_shown([near, make_camera("b", 10, frames=40, offset_s=4.5)], 10.0)) == 85
