"""One reader for every text file: marks, line ends, other encodings, empty fields; scene.toml by line and key."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from mtmc.calibration import read_calibration
from mtmc.errors import ConfigError, InputError, UserError
from mtmc.scene_reader import read_scene
from mtmc.scene_reader.clocks import read_timestamps
from mtmc.track_files.formats import read_aicity_boxes, read_mot_detections, read_mot_tracks
from tests.builders import make_video

FORMS = {
    "plain": lambda t: t.encode(),
    "BOM": lambda t: b"\xef\xbb\xbf" + t.encode(),
    "CRLF": lambda t: t.replace("\n", "\r\n").encode(),
}
FORMS["BOM, CRLF"] = lambda t: b"\xef\xbb\xbf" + t.replace("\n", "\r\n").encode()
FORMS["CR"] = lambda t: t.replace("\n", "\r").encode()
UTF16 = {
    "little": lambda t: t.encode("utf-16"),
    "big": lambda t: b"\xfe\xff" + t.encode("utf-16-be"),
    "unmarked": lambda t: t.encode("utf-16-le"),
}
FILES = {
    "gt.txt": (
        "1,2,3,4,5,6,1,-1,-1,-1\n2,2,3,4,5,6,1,-1,-1,-1\n",
        lambda p: read_mot_tracks(p, "c001")[0].frames.tolist(),
        [0, 1],
    ),
    "det.txt": ("1,-1,3,4,5,6,-1\n2,-1,3,4,5,6,0.5\n", lambda p: read_mot_detections(p).scores.tolist(), [1.0, 0.5]),
    "track3.txt": ("41 2 1 3 4 5 6 -1 -1\n", lambda p: read_aicity_boxes(p).cameras, ("c041",)),
    "calibration.txt": (
        "Homography matrix: 1 0 0;0 2 0;0 0 1\n",
        lambda p: float(np.linalg.det(read_calibration(p).ground_to_image)),
        2.0,
    ),
    "S07.txt": ("c001 12.5\nc002 1.25\n", read_timestamps, {"c001": 12.5, "c002": 1.25}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FILES)
def test_marks_and_line_ends_do_not_matter(tmp_path: Path, name: str, form: str) -> None:
    text, read, expected = FILES[name]
    (tmp_path / name).write_bytes(FORMS[form](text))
    assert read(tmp_path / name) == expected  # type: ignore[operator]


@pytest.mark.parametrize("form", UTF16)
@pytest.mark.parametrize("name", [*FILES, "scene.toml"])
def test_utf16_is_named(tmp_path: Path, name: str, form: str) -> None:
    make_video(tmp_path / "cam1.avi")
    text, read, _ = FILES.get(name, ("[cameras.cam1]\noffset_s = 1\n", lambda p: read_scene(p.parent), None))
    (tmp_path / name).write_bytes(UTF16[form](text))
    with pytest.raises(UserError, match=r"UTF-16 text.*Save it as UTF-8"):
        read(tmp_path / name)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1,-1,,3,4,5,0.9\n", ":1: .*an empty field in column 3"),
        ("1,-1,2,3,4,5,0.9\n2,-1,2,3, ,5,0.9\n", ":2: .*an empty field in column 5"),
        (",1,-1,2,3,4,5\n", ":1: .*an empty field in column 1"),
        ("1,-1,2,3,4,5,,-1,-1,-1\n", ":1: .*an empty field in column 7"),
    ],
)
def test_an_empty_field_does_not_shift_the_others(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "det.txt").write_text(text)
    with pytest.raises(InputError, match=place):
        read_mot_detections(tmp_path / "det.txt")


def test_a_last_comma_is_no_field(tmp_path: Path) -> None:
    (tmp_path / "det.txt").write_text("1,-1,2,3,4,5,0.9,\n2,-1,2,3,4,5,0.9,\n")
    assert len(read_mot_detections(tmp_path / "det.txt")) == 2


def test_offsets_survive_a_byte_order_mark(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for camera in ("c001", "c002"):
        make_video(tmp_path / "S07" / camera / "vdo.avi")
    (tmp_path / "cam_timestamp").mkdir()
    (tmp_path / "cam_timestamp" / "S07.txt").write_bytes(b"\xef\xbb\xbfc001 12.5\r\nc002 1.25\r\nc003 2\r\n")
    with caplog.at_level(logging.WARNING):
        cameras = read_scene(tmp_path / "S07").cameras
    assert [(c.offset_s, c.offset_known) for c in cameras.values()] == [(12.5, True), (1.25, True)]
    assert "c003, which is no camera here" in caplog.text


@pytest.mark.parametrize("form", FORMS)
def test_scene_toml_in_any_form(tmp_path: Path, form: str) -> None:
    make_video(tmp_path / "cam1.avi")
    (tmp_path / "scene.toml").write_bytes(FORMS[form]('name = "Kreuzung Süd"\n[cameras.cam1]\noffset_s = 12.5\n'))
    scene = read_scene(tmp_path)
    assert (scene.name, scene.cameras["cam1"].offset_s) == ("Kreuzung Süd", 12.5)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("name = 5", r"scene\.toml:1: name: expected a valid string, found 5"),
        ("\norigin = [91, 0]", r"scene\.toml:2: origin: expected \[latitude, longitude\].*found \[91, 0\]"),
        ("origin = [1]", r"scene\.toml:1: origin: expected \[latitude, longitude\]"),
        ("[cameras]\ncam1 = 12.5", r"scene\.toml:2: cameras\.cam1: expected a table such as \[cameras\.cam1\], found 12\.5"),  # noqa: E501
        ("cameras = 3", r"scene\.toml:1: cameras: expected a table"),
        ("[cameras.cam1]\nofset_s = 1", r"scene\.toml:2: .*found 'cameras\.cam1\.ofset_s'.*Did you mean offset_s"),
        ("nmae = 'x'", r"scene\.toml:1: .*found 'nmae'.*Did you mean name"),
        ("[cameras.cam1]\noffset_s = 'later'", r"scene\.toml:2: cameras\.cam1\.offset_s: expected a valid number, found 'later'"),  # noqa: E501
        ("[cameras.cam1]\noffset_s = true", r"scene\.toml:2: .*expected a valid number, found True"),
        ("[cameras.cam1]\noffset_s = nan", r"scene\.toml:2: .*finite number"),
        ("[cameras.cam1]\nfps = 0", r"scene\.toml:2: cameras\.cam1\.fps: expected greater than or equal to 0.1"),
        ("[cameras.cam1]\nground = 'feet'", r"scene\.toml:2: .*'gps' or 'metres'"),
        ("[cameras.cam1]\nstart = 'noon'", r"scene\.toml:2: cameras\.cam1\.start"),
        ("[cameras.cam1]\nvideo = ['a.mp4', 'b.mp4']", "cameras.cam1: expected files that are there, found no file a.mp4"),  # noqa: E501
        ("[cameras.cam1]\nvideo = 5", r"scene\.toml:2: cameras\.cam1\.video"),
        ("[[cameras.cam1.recordings]]\nvideo='cam1.avi'\nbegin = 1", r"scene\.toml:3: .*found 'cameras\.cam1\.recordings\.0\.begin'"),  # noqa: E501
        ("[cameras.cam2]\nfps = 10", r"scene\.toml:1: expected cameras out of cam1, found 'cam2'.*Did you mean cam1"),
        ("cameras = [", "TOML"),
    ],
)  # fmt: skip
def test_bad_scene_toml_is_one_sentence_with_its_line(tmp_path: Path, toml: str, message: str) -> None:
    make_video(tmp_path / "cam1.avi")
    (tmp_path / "scene.toml").write_text(toml)
    with pytest.raises((ConfigError, InputError), match=message):
        read_scene(tmp_path)
