from __future__ import annotations

from pathlib import Path

import pytest

from mtmc.detect import DetectParams, detect, make_detector
from mtmc.errors import InputError
from mtmc.scene_reader import read_camera
from mtmc.structures import Detections
from mtmc.video import Video
from tests.builders import make_video


def find(folder: Path, lines: str, name: str = "det/det_mask_rcnn.txt", **params: object) -> Detections:
    camera = read_camera("c007", make_video(folder / "vdo.avi"))
    file = folder / name.replace("{camera}", "c007")
    file.parent.mkdir(exist_ok=True)
    file.write_text(lines)
    chosen = DetectParams(detector="recorded", recorded=name, **params)  # type: ignore[arg-type]
    return detect(camera, Video(camera), make_detector(chosen), chosen)


def test_reads_the_data_sets_own_file(tmp_path: Path) -> None:
    found = find(tmp_path, "3,-1,11,21,30,20,0.9,-1,-1,-1\n1,-1,1,1,20,10,0.8,-1,-1,-1\n")
    assert found.frames.tolist() == [0, 2]
    assert found.xyxy.tolist() == [[1, 1, 21, 11], [11, 21, 41, 41]]
    assert found.features.shape == (2, 48)


def test_pattern_names_the_camera(tmp_path: Path) -> None:
    assert len(find(tmp_path, "1,-1,1,1,20,10,0.8,-1,-1,-1\n", name="{camera}.txt")) == 1


def test_weak_boxes_and_doubles_go(tmp_path: Path) -> None:
    rows = ["1,-1,1,1,20,10,0.8", "1,-1,1,1,20,11,0.7", "1,-1,40,1,20,10,0.05"]
    assert find(tmp_path, "".join(f"{row},-1,-1,-1\n" for row in rows)).scores.tolist() == pytest.approx([0.8])


def test_missing_file_says_how_to_name_it(tmp_path: Path) -> None:
    camera = read_camera("c007", make_video(tmp_path / "vdo.avi"))
    params = DetectParams(detector="recorded")
    with pytest.raises(InputError, match=r"camera c007.*detect\.recorded"):
        detect(camera, Video(camera), make_detector(params), params)


def test_file_of_another_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="frames 1 to 12"):
        find(tmp_path, "13,-1,1,1,20,10,0.8,-1,-1,-1\n")
