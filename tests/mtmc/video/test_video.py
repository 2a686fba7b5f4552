from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from mtmc.errors import InputError, StoreError
from mtmc.scene import Camera
from mtmc.scene_reader import read_camera
from mtmc.video import Image, Video, VideoWriter

SIZE = (64, 48)
FRAMES = 60


def draw_number(frame: int, size: tuple[int, int] = SIZE) -> Image:
    """A picture that tells its number in six black or white bars, as binary digits, whatever a codec does to shades."""
    picture = np.full((size[1], size[0], 3), 128, np.uint8)
    for digit in range(6):
        picture[:, 10 * digit : 10 * digit + 10] = 235 if frame >> digit & 1 else 20
    return picture


def read_number(image: Image) -> int:
    return sum((image[:, 10 * digit + 3 : 10 * digit + 7].mean() > 128) << digit for digit in range(6))


def write_counting(path: Path, codec: str = "libx264", key_every: int = 20) -> Path:
    """A video whose frames tell their numbers, with key frames now and then and B-frames where the codec has them."""
    with av.open(str(path), "w", options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = key_every
        for frame in range(FRAMES):
            noise = np.random.default_rng(frame).integers(0, 12, (SIZE[1], SIZE[0], 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw_number(frame) + noise, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def open_camera(path: Path) -> Camera:
    return read_camera("c001", path)


CONTAINERS = [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.mkv", "libx264"), ("a.ts", "libx264"), ("b.avi", "mjpeg")]


@pytest.mark.parametrize(("name", "codec"), CONTAINERS)
def test_every_frame_comes_once_and_in_order(tmp_path: Path, name: str, codec: str) -> None:
    video = Video(open_camera(write_counting(tmp_path / name, codec=codec)))
    clips = list(video.clips(7))
    assert [len(clip) for clip in clips] == [7] * 8 + [4]
    assert [clip.first_frame for clip in clips] == list(range(0, 60, 7))
    assert [read_number(image) for clip in clips for image in clip.images] == list(range(FRAMES))


@pytest.mark.parametrize(("name", "codec"), CONTAINERS)
def test_chosen_frames_are_the_same_pictures_as_in_clips(tmp_path: Path, name: str, codec: str) -> None:
    video = Video(open_camera(write_counting(tmp_path / name, codec=codec)))
    images = [clip.images[0] for clip in video.clips(1)]
    for chosen in ([0], [59], [58, 3, 3, 31], range(0, 60, 13), [19, 20, 21, 40]):
        found = list(video.at(list(chosen)))
        assert [frame for frame, _ in found] == sorted(set(chosen))
        assert all((image == images[frame]).all() for frame, image in found)


def test_asking_for_no_frame_gives_none(tmp_path: Path) -> None:
    assert list(Video(open_camera(write_counting(tmp_path / "a.mp4"))).at([])) == []


def test_a_frame_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no frame 60"):
        list(Video(open_camera(write_counting(tmp_path / "a.mp4"))).at([5, 60]))


def test_progress_counts_frames(tmp_path: Path) -> None:
    seen: list[int] = []
    for _ in Video(open_camera(write_counting(tmp_path / "a.mp4")), seen.append).clips(25):
        pass
    assert seen == [25, 50, 60]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4")])
def test_half_a_video_is_refused_with_its_frame_counts(tmp_path: Path, name: str, codec: str) -> None:
    path = write_counting(tmp_path / name, codec=codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"expected 60 frames as its header says, found \d+: .* cut short"):
        open_camera(path)


def test_mp4_that_lacks_its_index_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(write_counting(tmp_path / "whole.mp4").read_bytes()[:200])
    with pytest.raises(InputError):
        open_camera(path)


def test_written_video_is_what_a_browser_plays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.mp4"
    with VideoWriter(path, 12.5, (65, 49)) as writer:
        for frame in range(9):
            writer.write(draw_number(frame, (65, 49)))
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.frames, float(stream.average_rate), stream.codec_context.width) == (9, 12.5, 64)
    assert [read_number(clip.images[0]) for clip in Video(open_camera(path)).clips(1)] == list(range(9))


def test_broken_off_write_leaves_nothing(tmp_path: Path) -> None:
    class Broken(Exception):
        pass

    def write_half() -> None:
        with VideoWriter(tmp_path / "a.mp4", 10, SIZE) as writer:
            writer.write(draw_number(0))
            raise Broken

    with pytest.raises(Broken):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(StoreError, match="a place to write a video"),
        VideoWriter(tmp_path / "file" / "a.mp4", 10, SIZE),
    ):
        pass


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    """Whatever lay in memory before; widths that are no multiple of 16 are the hard ones."""
    pictures = np.random.default_rng(0).integers(0, 255, (20, 66, 100, 3), np.uint8)
    written = set()
    for number in range(25):
        _ = [np.full(size, number, np.uint8) for size in range(1000, 100_000, 777)]
        with VideoWriter(tmp_path / "x.mp4", 10, (100, 66)) as video:
            for picture in pictures:
                video.write(picture)
        written.add((tmp_path / "x.mp4").read_bytes())
    assert len(written) == 1
