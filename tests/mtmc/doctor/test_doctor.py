from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mtmc.doctor import examine
from mtmc.errors import InputError
from tests.builders import make_video


def found(folder: Path, deep: bool = False) -> dict[tuple[str, str], str]:
    return {(f.camera, f.severity): f.what for f in examine(folder, deep)}


def write_jumping(path: Path, times: list[float], picture: int | None = None) -> None:
    """H.264 whose frames are shown at ``times`` seconds; the same picture throughout if one is given."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number, time in enumerate(times):
            value = 3 * number % 250 if picture is None else picture
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), value, np.uint8), format="bgr24")
            frame.pts, frame.time_base = round(time * 10), Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_missing_side_files_are_notes_with_a_remedy(tmp_path: Path) -> None:
    make_video(tmp_path / "cam1.avi")
    make_video(tmp_path / "cam2.avi", fps=20)
    findings = found(tmp_path)
    assert findings["cam1", "warning"] == "no clock offset"
    assert findings["", "note"] == "different frame rates: 10, 20"
    assert ("cam1", "error") not in findings


def test_truncated_video_is_an_error(tmp_path: Path) -> None:
    path = make_video(tmp_path / "cam1.avi", frames=40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cut short" in found(tmp_path)["cam1", "error"]


def test_empty_video_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cam1.mp4").touch()
    assert "0 bytes" in found(tmp_path)["cam1", "error"]


def test_odd_rate_and_clock_jump(tmp_path: Path) -> None:
    make_video(tmp_path / "odd.avi", fps=13.4)
    write_jumping(tmp_path / "jump.mp4", [i / 10 for i in range(30)] + [8 + i / 10 for i in range(30)])
    findings = examine(tmp_path)
    assert any(f.camera == "odd" and "13.4" in f.what for f in findings)
    assert any(f.camera == "jump" and "clock jump" in f.what and "5.1 s" in f.what for f in findings)


def test_frozen_picture_is_found_only_by_looking(tmp_path: Path) -> None:
    write_jumping(tmp_path / "cam1.mp4", [i / 10 for i in range(30)], picture=120)
    assert not any("stands still" in f.what for f in examine(tmp_path))
    assert any("stands still" in f.what for f in examine(tmp_path, deep=True))


def test_black_mask_is_an_error(tmp_path: Path) -> None:
    make_video(tmp_path / "c001" / "vdo.avi")
    cv2.imwrite(str(tmp_path / "c001" / "roi.jpg"), np.zeros((64, 96), np.uint8))
    assert "black" in found(tmp_path)["c001", "error"]


def test_folder_without_videos(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        examine(tmp_path)
