from __future__ import annotations

import json
import logging

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reid.crops.boxes import Clip, find_videos, iou, read_annotated, read_run, relabel
from reid.crops.cut import CropRules, choose_validation, cut_crops
from reid.datasets import load_dataset
from reid.errors import UserError

FRAMES, WIDTH, HEIGHT = 12, 160, 96


def shade(frame):
    """Grey level of the box in a frame, so that a crop tells which frame it is from."""
    return 20 + 18 * frame


def write_video(path):
    """A box of 40 x 32 px that moves 4 px a frame and gets brighter frame by frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    for frame in range(FRAMES):
        image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
        image[30:62, 10 + 4 * frame : 50 + 4 * frame] = shade(frame)
        writer.write(image)
    writer.release()


def truth_rows(vehicle):
    return [f"{frame + 1},{vehicle},{10 + 4 * frame},30,40,32,1,-1,-1,-1" for frame in range(FRAMES)]


@pytest.fixture
def scene(tmp_path):
    for camera in ("c001", "c002"):
        write_video(tmp_path / "S01" / camera / "vdo.avi")
        (tmp_path / "S01" / camera / "gt").mkdir()
        (tmp_path / "S01" / camera / "gt/gt.txt").write_text("\n".join(truth_rows(7)) + "\n")
    return tmp_path / "S01"


def write_run(folder, scene, shift=0.0):
    frames = list(range(FRAMES))
    boxes = np.array([[10 + 4 * f + shift, 30, 50 + 4 * f + shift, 62] for f in frames], np.float32)
    columns = {name: np.tile(boxes[:, i], 2) for i, name in enumerate(("x1", "y1", "x2", "y2"))}
    cameras = ["c001"] * FRAMES + ["c002"] * FRAMES
    table = {
        "vehicle_id": [3] * 2 * FRAMES,
        "camera_id": cameras,
        "track_id": [1] * 2 * FRAMES,
        "frame": frames * 2,
    } | columns
    folder.mkdir()
    pq.write_table(pa.table(table), folder / "vehicles.parquet")
    (folder / "run.json").write_text(json.dumps({"videos": str(scene)}))
    return folder


def test_crops_are_the_boxes_of_their_frames(scene, tmp_path):
    rows = cut_crops(read_annotated(scene), tmp_path / "crops", CropRules(per_track=4, validation=0))
    assert [row["frame"] for row in rows] == ["0", "4", "7", "11"] * 2
    for row in rows:
        crop = cv2.imread(str(tmp_path / "crops" / row["path"]))
        assert crop.shape[:2] == (32, 40)
        assert crop.mean() == pytest.approx(shade(int(row["frame"])), abs=4)  # JPEG twice


def test_the_table_is_read_back_as_a_data_set(scene, tmp_path):
    cut_crops(read_annotated(scene), tmp_path / "crops", CropRules(per_track=3, validation=0))
    data = load_dataset("csv", tmp_path / "crops")
    assert data.train.vehicle_ids.tolist() == [7] * 6
    assert data.train.camera_ids.tolist() == [0, 0, 0, 1, 1, 1]  # c001 and c002, in order


def test_a_run_gives_its_own_vehicles(scene, tmp_path):
    clips = read_run(write_run(tmp_path / "run", scene))
    assert [clip.camera_id for clip in clips] == ["c001", "c002"]
    assert set(clips[0].vehicle_ids) == {3}
    rows = cut_crops(clips, tmp_path / "crops", CropRules(per_track=2, validation=0))
    assert rows[0]["path"] == "images/00003_c001_000000.jpg"


def test_a_run_with_truth_takes_true_ids_and_drops_false_boxes(scene, tmp_path):
    clips = read_run(write_run(tmp_path / "run", scene, shift=5), scene)
    assert set(clips[0].vehicle_ids) == {7}
    assert clips[0].xyxy[0].tolist() == [15, 30, 55, 62]  # the tracked box, not the true one
    off = read_run(write_run(tmp_path / "off", scene, shift=25), scene)
    assert len(off[0]) == 0


def test_nine_columns_as_truth(scene, tmp_path):
    lines = [f"{camera} 9 {frame + 1} 10 30 40 32 -1 -1" for camera in (1, 2) for frame in range(3)]
    (tmp_path / "truth.txt").write_text("\n".join(lines))
    clips = read_annotated(scene, tmp_path / "truth.txt")
    assert [(clip.camera_id, clip.frames.tolist(), set(clip.vehicle_ids)) for clip in clips] == [
        ("c001", [0, 1, 2], {9}),
        ("c002", [0, 1, 2], {9}),
    ]


def clip(camera, boxes, frames=None, ids=None):
    count = len(boxes)
    return Clip(camera, None, np.array(frames or [0] * count), np.array(ids or range(count)), np.array(boxes, float))


def test_relabel_is_one_to_one_and_best_in_total():
    true = clip("c1", [(0, 0, 10, 10), (4, 0, 14, 10)], ids=[5, 6])
    found = clip("c1", [(3, 0, 13, 10), (1, 0, 11, 10), (50, 50, 60, 60)])
    assert relabel(found, true).vehicle_ids.tolist() == [6, 5]


def test_overlap_by_hand():
    assert iou(
        np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 15, 10.0], [0, 0, 10, 10], [20, 20, 30, 30]])
    ).tolist() == [[pytest.approx(1 / 3), 1.0, 0.0]]


def test_small_boxes_are_left_out(scene, tmp_path):
    with pytest.raises(UserError, match="none of 24"):
        cut_crops(read_annotated(scene), tmp_path / "crops", CropRules(min_side_px=33))


def test_boxes_beyond_the_image_are_cut_and_margins_added(scene, tmp_path):
    video = scene / "c001/vdo.avi"
    boxes = [(-30, 40, 30, 80), (10, 30, 50, 62), (200, 10, 260, 60)]
    clips = [Clip("c001", video, np.array([0, 1, 2]), np.array([1, 2, 3]), np.array(boxes, float))]
    rows = cut_crops(clips, tmp_path / "crops", CropRules(margin=0.1, validation=0))
    shapes = [cv2.imread(str(tmp_path / "crops" / row["path"])).shape[:2] for row in rows]
    assert shapes == [(48, 36), (38, 48)]  # the third lies outside


def test_a_video_shorter_than_its_boxes_says_so(scene, tmp_path, caplog):
    clips = [
        Clip("c001", scene / "c001/vdo.avi", np.array([10, 40]), np.array([1, 1]), np.array([[0, 0, 40, 40.0]] * 2))
    ]
    with caplog.at_level(logging.WARNING, "reid"):
        rows = cut_crops(clips, tmp_path / "crops", CropRules())
    assert len(rows) == 1
    assert "ends before frame 41: 1 boxes left out" in caplog.text


def test_validation_vehicles_are_seen_by_several_cameras():
    clips = [clip("c1", [(0, 0, 9, 9)] * 6, ids=[1, 2, 3, 4, 5, 6]), clip("c2", [(0, 0, 9, 9)] * 4, ids=[1, 2, 3, 4])]
    held_out = choose_validation(clips, CropRules(validation=0.5))
    assert len(held_out) == 2
    assert held_out <= {1, 2, 3, 4}
    assert choose_validation(clips, CropRules(validation=0.5)) == held_out
    assert len(choose_validation(clips, CropRules(validation=0.01))) == 1
    assert choose_validation(clips, CropRules(validation=0)) == set()


def test_plain_videos_and_no_videos(tmp_path):
    write_video(tmp_path / "cams/north.avi")
    assert [camera for camera, _ in find_videos(tmp_path / "cams")] == ["north"]
    with pytest.raises(UserError, match="expected ground truth"):
        read_annotated(tmp_path / "cams")
    with pytest.raises(UserError, match="expected videos"):
        find_videos(tmp_path / "nowhere")


def test_a_line_that_does_not_fit(scene):
    (scene / "c002/gt/gt.txt").write_text("1,7,10,30,40,32,1\n2,7,ten,30,40,32\n")
    with pytest.raises(UserError, match="line 2: expected numbers"):
        read_annotated(scene)
    (scene / "c002/gt/gt.txt").write_text("1,7,10,30\n")
    with pytest.raises(UserError, match="line 1: expected 6 or more numbers"):
        read_annotated(scene)


def test_an_unfinished_run_and_a_used_folder(scene, tmp_path):
    run = write_run(tmp_path / "run", scene)
    cut_crops(read_run(run), tmp_path / "crops", CropRules())
    with pytest.raises(UserError, match=r"holds an index\.csv"):
        cut_crops(read_run(run), tmp_path / "crops", CropRules())
    (run / "vehicles.parquet").unlink()
    with pytest.raises(UserError, match="Let `mtmc run` finish"):
        read_run(run)


def test_a_file_that_is_no_video(scene, tmp_path):
    (scene / "c001/vdo.avi").write_bytes(b"no video")
    with pytest.raises(UserError, match=r"vdo\.avi: expected a video"):
        cut_crops(read_annotated(scene), tmp_path / "crops", CropRules())


def test_two_scenarios_that_count_anew(scene, tmp_path):
    write_video(tmp_path / "S02/c001/vdo.avi")
    (tmp_path / "S02/c001/gt").mkdir()
    (tmp_path / "S02/c001/gt/gt.txt").write_text("\n".join(truth_rows(7)))
    with pytest.raises(UserError, match="vehicle 7 of c001 twice"):
        cut_crops(read_annotated(tmp_path), tmp_path / "crops", CropRules())
    (tmp_path / "S02/c001/gt/gt.txt").write_text("\n".join(truth_rows(8)))
    rows = cut_crops(read_annotated(tmp_path), tmp_path / "crops", CropRules(per_track=2))
    assert len(rows) == 6


def test_rows_marked_ignore_and_spaces(scene):
    (scene / "c001/gt/gt.txt").write_text("1 7 10 30 40 32\n2,7,10,30,40,32,0\n\n3,7,10,30,40,32,1,-1,-1,-1\n")
    assert read_annotated(scene)[0].frames.tolist() == [0, 2]


def test_an_empty_field_is_named(scene):
    truth = scene / "c001" / "gt" / "gt.txt"
    lines = truth.read_text().splitlines()
    truth.write_text("\n".join([lines[0], "2,7,,20,40,32,1", *lines[2:]]))
    with pytest.raises(UserError, match=r"gt\.txt, line 2.*an empty one in column 3"):
        read_annotated(scene)
    (scene / "c001" / "._vdo.avi").write_bytes(b"\0\5\x16\7")
    truth.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    assert len(read_annotated(scene)) == 2
