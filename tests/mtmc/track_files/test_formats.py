"""Text at the border: what is written reads back, and every bad line is named."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mtmc.errors import InputError
from mtmc.structures import GlobalTrack, Tracklet
from mtmc.track_files.formats import (
    number_cameras,
    read_aicity,
    read_aicity_boxes,
    read_ground_truth,
    read_mot_detections,
    read_mot_tracks,
    write_aicity,
    write_mot_tracks,
)

ROWS = "41 7 1 10 20 30 40 -1 -1\n41 7 2 11 20 30 40 -1 -1\n6 7 5 0 0 8 9 12.5 3.25\n"


def tracklet(camera_id: str, track_id: int, frames: list[int], left: float = 10.0) -> Tracklet:
    xyxy = [[left + f, 20.0, left + f + 30.0, 60.0] for f in frames]
    return Tracklet(camera_id, track_id, np.array(frames), np.array(xyxy), np.full(len(frames), 0.5), 0)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def packed(folder: Path, kind: str, text: str, members: int = 1) -> Path:
    path = folder / f"rows{kind}"
    if kind == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(members):
                archive.writestr(f"track{number}.txt", text)
        return path
    with tarfile.open(path, "w:gz") as archive:
        for number in range(members):
            entry = tarfile.TarInfo(f"track{number}.txt")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize("separator", [" ", "\t", ",", ", ", "  "])
def test_aicity_separators(tmp_path: Path, separator: str) -> None:
    boxes = read_aicity_boxes(put(tmp_path / "a.txt", ROWS.replace(" ", separator)))
    assert boxes.cameras == ("c006", "c041")
    assert boxes.frames.tolist() == [0, 1, 4]
    assert boxes.xywh.tolist() == [[10, 20, 30, 40], [11, 20, 30, 40], [0, 0, 8, 9]]
    assert np.isnan(boxes.world[:2]).all()
    assert boxes.world[2].tolist() == [12.5, 3.25]
    assert boxes.where(2) == f"{tmp_path / 'a.txt'}:3"


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_aicity_archives(tmp_path: Path, kind: str) -> None:
    (vehicle,) = read_aicity(packed(tmp_path, kind, ROWS))
    assert vehicle.vehicle_id == 7
    assert vehicle.cameras == ("c006", "c041")
    assert vehicle.tracklets[1].xyxy[0].tolist() == [10, 20, 40, 60]


def test_aicity_round_trip_counts_frames_from_one_and_rounds_corners(tmp_path: Path) -> None:
    path = tmp_path / "track3.txt"
    write_aicity(path, [GlobalTrack(3, (tracklet("c041", 1, [0, 4], 10.4), tracklet("cam6", 9, [2], 10.6)))])
    assert path.read_text() == "6 3 3 13 20 30 40 -1 -1\n41 3 1 10 20 30 40 -1 -1\n41 3 5 14 20 30 40 -1 -1\n"
    (vehicle,) = read_aicity(path)
    assert [t.frames.tolist() for t in vehicle.tracklets] == [[2], [0, 4]]


def test_aicity_of_no_vehicles_is_an_empty_file(tmp_path: Path) -> None:
    write_aicity(tmp_path / "none.txt", [])
    assert (tmp_path / "none.txt").read_text() == ""
    assert read_aicity(tmp_path / "none.txt") == []


def test_aicity_needs_camera_numbers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a number in their id, found 'north'"):
        write_aicity(tmp_path / "a.txt", [GlobalTrack(1, (tracklet("north", 1, [0]),))])
    with pytest.raises(InputError, match="one camera per number, found 'c001' and 'c1'"):
        write_aicity(tmp_path / "a.txt", [GlobalTrack(1, (tracklet("c001", 1, [0]), tracklet("c1", 1, [0])))])
    with pytest.raises(ValueError, match="positive"):
        write_aicity(tmp_path / "a.txt", [GlobalTrack(0, (tracklet("c001", 1, [0]),))])


BAD_ROWS = {
    "8 columns": ("1 2 3 4 5 6 7 8", "expected 9 numbers .* found 8 columns"),
    "10 columns": ("1 2 3 4 5 6 7 8 9 10", "found 10 columns"),
    "header": ("CameraId Id FrameId X Y Width Height Xworld Yworld", "header"),
    "word": ("1 2 3 4 5 six 7 -1 -1", "found '1 2 3 4 5 six 7 -1 -1'"),
    "negative width": ("1 2 3 4 5 -6 7 -1 -1", "positive width and height, found 4 5 -6 7"),
    "zero height": ("1 2 3 4 5 6 0 -1 -1", "positive width and height"),
    "NaN": ("1 2 3 4 nan 6 7 -1 -1", "four finite numbers"),
    "infinite world": ("1 2 3 4 5 6 7 inf -1", "finite world"),
    "frame 0": ("1 2 0 4 5 6 7 -1 -1", "a whole frame number from 1 on in column 3, found 0"),
    "half frame": ("1 2 1.5 4 5 6 7 -1 -1", "a whole frame number"),
    "negative id": ("1 -1 1 4 5 6 7 -1 -1", "a whole vehicle number from 0"),
    "repeated row": ("41 7 2 11 20 30 40 -1 -1", "one box per camera, id and frame, found a second box of id 7"),
}


@pytest.mark.parametrize("name", list(BAD_ROWS))
@pytest.mark.parametrize("blank", ["", "\n \n"])
def test_bad_aicity_rows_are_named_with_file_and_line(tmp_path: Path, name: str, blank: str) -> None:
    row, message = BAD_ROWS[name]
    path = put(tmp_path / "bad.txt", ROWS + blank + row + "\n")
    with pytest.raises(InputError, match=message) as caught:
        read_aicity(path)
    assert caught.value.where == f"{path}:{4 + 2 * bool(blank)}"


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_damaged_archives(tmp_path: Path, kind: str) -> None:
    whole = packed(tmp_path, kind, ROWS * 50).read_bytes()
    (tmp_path / f"cut{kind}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="a whole archive, found a damaged one"):
        read_aicity(tmp_path / f"cut{kind}")
    with pytest.raises(InputError, match="exactly one file in it, found 2 files"):
        read_aicity(packed(tmp_path, kind, ROWS, members=2))


def test_missing_file_and_binary_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no such file"):
        read_aicity(tmp_path / "none.txt")
    (tmp_path / "image.txt").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(InputError, match="bytes that are no text"):
        read_aicity(tmp_path / "image.txt")
    with pytest.raises(InputError, match="found a folder"):
        read_aicity(tmp_path)


def test_mot_tracks_round_trip(tmp_path: Path) -> None:
    before = [tracklet("c001", 2, [0, 3, 4], 10.25), tracklet("c001", 5, [3])]
    write_mot_tracks(tmp_path / "mot.txt", before)
    assert (tmp_path / "mot.txt").read_text().splitlines()[0] == "1,2,10.25,20.00,30.00,40.00,0.5000,-1,-1,-1"
    after = read_mot_tracks(tmp_path / "mot.txt", "c001")
    for one, other in zip(before, after, strict=True):
        assert one.key == other.key
        assert np.array_equal(one.frames, other.frames)
        assert np.array_equal(one.xyxy, other.xyxy)
        assert np.array_equal(one.scores, other.scores)


def test_mot_tracks_of_short_and_uneven_rows(tmp_path: Path) -> None:
    path = put(tmp_path / "mot.txt", "1,4,0,0,5,5\n2,4,0,0,5,5,-1\n")
    (only,) = read_mot_tracks(path, "c001")
    assert only.frames.tolist() == [0, 1]
    assert only.scores.tolist() == [1, 1]
    with pytest.raises(InputError, match="a second box of id 4 in frame 1"):
        read_mot_tracks(put(tmp_path / "twice.txt", "1,4,0,0,5,5\n1,4,1,0,5,5\n"), "c001")


def test_mot_detections_are_sorted_cut_and_chosen(tmp_path: Path) -> None:
    rows = [
        "3,-1,10,10,20,20,0.9,-1,-1,-1",
        "1,-1,-5,-5,20,20,0.8,-1,-1,-1",  # cut at the upper left corner
        "1,-1,90,40,20,20,0.7,-1,-1,-1",  # cut at the right and bottom edge
        "2,-1,200,10,20,20,0.9,-1,-1,-1",  # wholly outside
        "2,-1,10,10,20,20,0.1,-1,-1,-1",  # below min_score
    ]
    found = read_mot_detections(put(tmp_path / "det.txt", "\n".join(rows)), (100, 50), min_score=0.3)
    assert found.frames.tolist() == [0, 0, 2]
    assert found.xyxy.tolist() == [[0, 0, 15, 15], [90, 40, 100, 50], [10, 10, 30, 30]]
    assert len(read_mot_detections(tmp_path / "det.txt")) == 5
    with pytest.raises(InputError, match=r"det.txt:1: expected a confidence in \[0, 1\] in column 7, found 90"):
        read_mot_detections(put(tmp_path / "det.txt", "1,-1,0,0,5,5,90,-1,-1,-1"))
    with pytest.raises(InputError, match=r"det.txt:1: .*found 3 columns"):
        read_mot_detections(put(tmp_path / "det.txt", "1,-1,0\n"))
    assert len(read_mot_detections(put(tmp_path / "det.txt", ""))) == 0


def test_ground_truth_folders_share_ids(tmp_path: Path) -> None:
    put(
        tmp_path / "S02/c006/gt/gt.txt", "1,9,0,0,5,5,1,-1,-1,-1\n2,3,0,0,5,5,0,-1,-1,-1\n"
    )  # the second row is marked "ignore"
    put(tmp_path / "S02/c007/gt/gt.txt", "4,9,0,0,5,5,1,-1,-1,-1\n")
    for folder in (tmp_path, tmp_path / "S02"):
        (vehicle,) = read_ground_truth(folder)
        assert vehicle.vehicle_id == 9
        assert vehicle.cameras == ("c006", "c007")
    put(tmp_path / "S05/c006/gt/gt.txt", "1,9,0,0,5,5,1,-1,-1,-1\n")
    with pytest.raises(InputError, match="one ground truth for camera c006"):
        read_ground_truth(tmp_path)
    with pytest.raises(InputError, match="found none"):
        read_ground_truth(tmp_path / "S02/c006")


@pytest.mark.parametrize(
    ("cameras", "numbers"),
    [(["c041", "c042"], [41, 42]), (["cam1", "north"], [1, 2]), (["west 1", "east 1"], [1, 2]), ([], [])],
)
def test_every_camera_gets_a_number_of_its_own(cameras: list[str], numbers: list[int]) -> None:
    assert number_cameras(cameras) == dict(zip(cameras, numbers, strict=True))


@pytest.mark.parametrize("box", ["999999999999,1,4,4", "1,1,1e-9,4", "999999,1,0.001,4"])
def test_a_box_that_vanishes_in_32_bits_is_refused(box: str, tmp_path: Path) -> None:
    (tmp_path / "c001.txt").write_text(f"1,1,{box},1,-1,-1,-1\n")
    with pytest.raises(InputError, match=r"c001\.txt:1: expected a box .+ Correct the line\."):
        read_mot_tracks(tmp_path / "c001.txt", "c001")
