"""Videos as recorders, phones and editors leave them: every shown frame once, in order, at its own time."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mtmc.errors import InputError
from mtmc.scene_reader import read_camera
from mtmc.video import Video, read_packets
from tests.builders import make_video
from tests.mtmc.video.painted import SIZE, number_of, numbers_shown, paint, remux, turn, write

STEADY = [n / 25 for n in range(50)]
DUSK = STEADY + [2 + n / 5 for n in range(20)]


def assert_shows(path: Path, numbers: list[int], times: list[float], tolerance: float = 0.0021) -> None:
    """The file's frames tell these numbers, in clips and one by one, and their times are these."""
    camera = read_camera("c001", path)
    assert camera.frame_count == len(numbers)
    np.testing.assert_allclose(camera.time_s(range(len(times))), times, atol=tolerance)
    assert numbers_shown(Video(camera)) == numbers
    chosen = sorted({0, len(numbers) // 3, len(numbers) // 2, len(numbers) - 1})
    found = [(frame, number_of(image)) for frame, image in Video(camera).at(chosen)]
    assert found == [(frame, numbers[frame]) for frame in chosen]


@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("times", [STEADY, DUSK], ids=["steady", "dusk"])
@pytest.mark.parametrize("end", ["mp4", "mkv", "ts", "mov", "m2ts", "flv"])
def test_times_are_those_of_the_stamps(tmp_path: Path, end: str, times: list[float], bframes: int) -> None:
    path = write(tmp_path / f"a.{end}", times, bframes=bframes)
    assert_shows(path, list(range(len(times))), times)
    assert read_packets(path).constant == (times is STEADY)
    assert read_packets(path).fps == pytest.approx(25)


@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("cut", [24, 30])
def test_trimmed_without_encoding_anew(tmp_path: Path, cut: int, bframes: int) -> None:
    whole = write(tmp_path / "whole.mp4", STEADY, gop=50, bframes=bframes)
    path = remux(whole, tmp_path / "a.mp4", lambda _, time: time - cut / 25)
    assert_shows(path, list(range(cut, 50)), STEADY[: 50 - cut])


@pytest.mark.parametrize("end", ["mp4", "mkv", "ts"])
def test_sound_outlasts_the_picture(tmp_path: Path, end: str) -> None:
    assert_shows(write(tmp_path / f"a.{end}", STEADY, sound_s=5), list(range(50)), STEADY)


@pytest.mark.parametrize("end", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("late_s", [1.4, 3600.0])
def test_late_start(tmp_path: Path, end: str, late_s: float) -> None:
    path = write(tmp_path / f"a.{end}", [late_s + time for time in DUSK], sound_s=1)
    assert_shows(path, list(range(len(DUSK))), DUSK)


@pytest.mark.parametrize("options", [{"live": "1"}, {"cluster_time_limit": "100"}])
def test_matroska_without_a_length(tmp_path: Path, options: dict[str, str]) -> None:
    path = remux(write(tmp_path / "plain.mp4", STEADY), tmp_path / "a.mkv", options=options)
    assert_shows(path, list(range(50)), STEADY)
    assert read_packets(path).fps == 25  # whatever the header says: 1000 as a rule


def test_fragmented_mp4(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", DUSK, options={"movflags": "frag_keyframe+empty_moov"})
    assert_shows(path, list(range(len(DUSK))), DUSK)


@pytest.mark.parametrize("end", ["h264", "264", "dav"])
@pytest.mark.parametrize("bframes", [0, 2])
def test_stream_without_a_clock_is_counted(tmp_path: Path, end: str, bframes: int) -> None:
    path = tmp_path / f"a.{end}"
    path.write_bytes(write(tmp_path / "raw.h264", STEADY, bframes=bframes).read_bytes())
    assert_shows(path, list(range(50)), STEADY)
    assert not read_packets(path).stamped


@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("second_start_s", [0.0, 2.0, 7.0])
def test_joined_transport_streams(tmp_path: Path, bframes: int, second_start_s: float) -> None:
    """A clock that begins anew goes on where it was; a gap stays one."""
    a = write(tmp_path / "a.ts", STEADY, bframes=bframes)
    b = write(tmp_path / "b.ts", [second_start_s + time for time in STEADY], first=50, bframes=bframes)
    path = tmp_path / "joined.ts"
    path.write_bytes(a.read_bytes() + b.read_bytes())
    goes_on = max(second_start_s, 2.0)
    tolerance = (
        0.0021 if bframes == 0 else 0.081
    )  # two frames ahead: that much the writer puts the first file's stamps off
    assert_shows(path, list(range(100)), STEADY + [goes_on + time for time in STEADY], tolerance)


@pytest.mark.parametrize("end", ["ts", "mkv"])
@pytest.mark.parametrize(("at", "by"), [(20, -0.06), (20, 0.5), (20, 3.0), (49, -0.5)])
def test_a_stumbling_clock(tmp_path: Path, end: str, at: int, by: float) -> None:
    """Single wrong stamps lie between their neighbours again."""
    plain = write(tmp_path / "plain.mp4", STEADY, gop=10)
    path = remux(plain, tmp_path / f"a.{end}", lambda number, time: time + by * (number == at) + 5, decode_late_s=2.0)
    camera = read_camera("c001", path)
    assert numbers_shown(Video(camera)) == list(range(50))
    np.testing.assert_allclose(camera.time_s(range(50)), STEADY, atol=0.021)


def test_transport_stream_cut_in_the_middle(tmp_path: Path) -> None:
    """Begins and ends inside a group of pictures: what can be decoded is used."""
    data = write(tmp_path / "whole.ts", STEADY, gop=10).read_bytes()
    packets = len(data) // 188
    path = tmp_path / "a.ts"
    path.write_bytes(data[packets // 4 * 188 : packets * 3 // 4 * 188 + 90])
    camera = read_camera("c001", path)
    shown = [
        (int(f), number_of(i)) for clip in Video(camera).clips(1) for f, i in zip(clip.frames, clip.images, strict=True)
    ]
    assert len(shown) >= camera.frame_count - 1
    assert 5 < len(shown) < 50
    assert shown[0][0] == 0
    offset = shown[0][1]
    assert offset % 10 == 0  # a key frame
    assert [number for _, number in shown] == [frame + offset for frame, _ in shown]


def test_counted_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", STEADY, options={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with pytest.raises(InputError, match=r"expected 50 frames as its header says, found \d+: .* cut short"):
        read_packets(path)
    rest = remux(path, tmp_path / "rest.mkv")  # the remedy that is named: the packets as they are, in another container
    shown = numbers_shown(Video(read_camera("c001", rest)))
    assert 10 < len(shown) < 45
    assert shown == list(range(len(shown)))


def test_half_a_matroska_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", STEADY)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    camera = read_camera("c001", path)
    shown = numbers_shown(Video(camera))
    assert 10 < len(shown) < 45
    assert shown == list(range(len(shown)))


@pytest.mark.parametrize(
    ("matrix", "back"),
    [
        ((1, 0, 0, 1), lambda p: p),
        ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
        ((-1, 0, 0, -1), lambda p: p[::-1, ::-1]),
        ((1, 0, 0, -1), lambda p: p[::-1]),
        ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
        ((0, 1, -1, 0), lambda p: np.rot90(p, 1)),
        ((0, -1, -1, 0), lambda p: p[::-1, ::-1].transpose(1, 0, 2)),
        ((0, -1, 1, 0), lambda p: np.rot90(p, -1)),
    ],
)
def test_pictures_are_turned_as_players_do(tmp_path: Path, matrix: tuple[int, int, int, int], back: object) -> None:
    camera = read_camera("c001", turn(write(tmp_path / "plain.mp4", STEADY), tmp_path / "a.mp4", matrix))
    assert camera.size == (SIZE if matrix[0] else SIZE[::-1])
    images = [image for clip in Video(camera).clips(10) for image in clip.images]
    assert images[0].shape == (*camera.size[::-1], 3)
    assert [number_of(np.ascontiguousarray(back(image))) for image in images] == list(range(50))  # type: ignore[operator]


def test_size_changes_on_the_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    a = write(tmp_path / "a.ts", STEADY)
    b = write(tmp_path / "b.ts", [2 + time for time in STEADY], first=50, size=(320, 192))
    c = write(tmp_path / "c.ts", [2 + time for time in STEADY], first=50, size=(320, 320))
    scaled, other = tmp_path / "scaled.ts", tmp_path / "other.ts"
    scaled.write_bytes(a.read_bytes() + b.read_bytes())
    other.write_bytes(a.read_bytes() + c.read_bytes())
    assert_shows(scaled, list(range(100)), [n / 25 for n in range(100)])
    assert "pictures of 320 x 192 are scaled" in caplog.text
    there_and_back = tmp_path / "back.ts"
    there_and_back.write_bytes(a.read_bytes() + c.read_bytes() + a.read_bytes())
    with pytest.raises(InputError, match=r"160 x 96 at first\), found 320 x 320"):
        numbers_shown(Video(read_camera("c001", there_and_back)))
    assert {image.shape for clip in Video(read_camera("c001", scaled)).clips(9) for image in clip.images} == {
        (96, 160, 3)
    }
    with pytest.raises(InputError, match=r"160 x 96 at first\), found 320 x 320"):
        read_packets(other)


@pytest.mark.parametrize("end", ["mp4", "mkv", "ts"])
def test_the_largest_of_several_streams_is_the_video(tmp_path: Path, end: str) -> None:
    assert_shows(write(tmp_path / f"a.{end}", STEADY, preview=(80, 48)), list(range(50)), STEADY)
    assert read_packets(tmp_path / f"a.{end}").size == SIZE


def test_damage_costs_its_own_frames_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "a.mp4", STEADY, gop=10)
    with av.open(str(path)) as container:
        broken = next(p for n, p in enumerate(container.demux(video=0)) if n == 20)
        place, size = broken.pos, broken.size
    data = bytearray(path.read_bytes())
    data[place : place + size] = b"\xff" * size
    path.write_bytes(data)
    camera = read_camera("c001", path)
    shown = {
        int(f): number_of(i) for clip in Video(camera).clips(4) for f, i in zip(clip.frames, clip.images, strict=True)
    }
    assert 20 not in shown
    assert {n: n for n in [*range(20), *range(30, 50)]}.items() <= shown.items()
    assert f"{50 - len(shown)} of 50 frames are damaged" in caplog.text


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    grey = paint(5)[:, :, 0]
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "gray16le"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(grey.astype(np.uint16) * 257, "gray16le")))
        out.mux(stream.encode(None))
    (clip,) = Video(read_camera("c001", tmp_path / "a.mkv")).clips(1)
    assert np.abs(clip.images[0][:, :, 0].astype(int) - grey).max() <= 1


def test_a_file_without_a_single_good_picture(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", STEADY)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov") - 4] = b"\xff" * (data.index(b"moov") - 4 - start)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"pictures that cannot be decoded \(h264\)"):
        read_packets(path)


def test_wrong_files_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_bytes(b"this is no video" * 100)
    with pytest.raises(InputError, match="0 bytes"):
        read_packets(tmp_path / "empty.mp4")
    with pytest.raises(InputError, match="no readable video stream"):
        read_packets(tmp_path / "text.mp4")
    with pytest.raises(InputError, match="no such file"):
        read_packets(tmp_path / "none.mp4")


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile 'other.avi'\n",
        "#EXTM3U\n#EXTINF:1,\nother.avi\n",
        "<MPD><BaseURL>other.avi</BaseURL></MPD>",
    ],
)
def test_a_list_of_other_files_is_no_video(text: str, tmp_path: Path) -> None:
    make_video(tmp_path / "other.avi", frames=3)
    (tmp_path / "list.mp4").write_text(text)
    with pytest.raises(InputError, match=r"list\.mp4: expected .+, found .+\. \S"):
        read_packets(tmp_path / "list.mp4")


def test_a_picture_is_no_video(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.mp4"):
        (tmp_path / name).write_bytes(cv2.imencode(".jpg", np.full((64, 96, 3), 90, np.uint8))[1].tobytes())
        with pytest.raises(InputError, match="a single picture"):
            read_packets(tmp_path / name)
