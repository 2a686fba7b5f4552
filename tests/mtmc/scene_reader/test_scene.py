from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.calibration import read_calibration
from mtmc.errors import ConfigError, InputError
from mtmc.geometry import gps_to_metres, metres_to_gps, project
from mtmc.scene_reader import read_scene
from tests.builders import make_video

LATITUDE, LONGITUDE = 42.4987, -90.6864
# A plausible view: ground degrees to pixels, camera looking north over some 60 m.
TO_METRES = np.array([[0, 81_800.0, 81_800.0 * -LONGITUDE], [111_320.0, 0, -111_320.0 * LATITUDE], [0, 0, 1.0]])
METRES_TO_IMAGE = np.array([[9.0, 3.0, 320.0], [0.5, -2.0, 400.0], [0.0, 0.02, 1.0]])
GPS_TO_IMAGE = METRES_TO_IMAGE @ TO_METRES


def homography_text(matrix: np.ndarray) -> str:
    return ";".join(" ".join(repr(float(v)) for v in row) for row in matrix)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """An AI City scenario S03 with c010 (calibrated, masked) and c015 (8 fps by publication)."""
    for camera_id in ("c010", "c015"):
        make_video(tmp_path / "train" / "S03" / camera_id / "vdo.avi", size=(640, 480))
    folder = tmp_path / "train" / "S03"
    text = f"Homography matrix: {homography_text(GPS_TO_IMAGE)}\nReprojection error: 1.5\n"
    (folder / "c010" / "calibration.txt").write_text(text)
    mask = np.zeros((480, 640), np.uint8)
    mask[200:] = 255
    cv2.imwrite(str(folder / "c010" / "roi.jpg"), mask)
    (tmp_path / "cam_timestamp").mkdir()
    (tmp_path / "cam_timestamp" / "S03.txt").write_text("c010 8.715\nc015 8.492\n")
    return folder


def test_ai_city_folder_gives_clocks_rates_and_masks(city: Path) -> None:
    scene = read_scene(city)
    assert list(scene.cameras) == ["c010", "c015"]
    assert scene.cameras["c015"].fps == 8.0  # published, whatever the file says
    camera = scene.cameras["c010"]
    assert camera.time_s([0, 10]).tolist() == [8.715, 9.715]
    assert camera.offset_known
    assert camera.roi is not None
    assert camera.roi[300, 5]
    assert not camera.roi[100, 5]


def test_root_with_one_scenario_is_that_scenario(city: Path) -> None:
    assert read_scene(city.parent.parent).name == "S03"


def test_root_with_two_scenarios_asks_for_one(city: Path) -> None:
    make_video(city.parent / "S04" / "c016" / "vdo.avi")
    with pytest.raises(InputError, match="2 scenarios"):
        read_scene(city.parent)


def test_calibration_leads_from_pixels_to_metres(city: Path) -> None:
    scene = read_scene(city)
    camera = scene.cameras["c010"]
    assert scene.origin is not None
    ground_gps = np.array([[LATITUDE + 0.0001, LONGITUDE - 0.0001]])
    pixel = project(GPS_TO_IMAGE, ground_gps)
    expected = gps_to_metres(ground_gps, scene.origin)
    np.testing.assert_allclose(camera.ground_points(pixel), expected, atol=1e-3)
    np.testing.assert_allclose(metres_to_gps(expected, scene.origin), ground_gps, atol=1e-9)
    assert np.isnan(scene.cameras["c015"].ground_points(pixel)).all()


def test_bare_calibration_of_2019_and_labelled_one_agree(tmp_path: Path) -> None:
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text(homography_text(GPS_TO_IMAGE) + "\n-0.6 0.5 0.01 0.0\n")
    new.write_text(
        f"Intrinsic parameter matrix: 1000 0 320;0 1000 240;0 0 1\nDistortion coefficients: -0.6 0.5 0.01 0.0\nHomography matrix: {homography_text(GPS_TO_IMAGE)}\n"  # noqa: E501
    )
    a, b = read_calibration(old), read_calibration(new)
    np.testing.assert_array_equal(a.ground_to_image, b.ground_to_image)
    np.testing.assert_array_equal(a.distortion, b.distortion)
    assert a.intrinsic is None
    assert b.intrinsic is not None


def test_distortion_is_undone_before_the_homography(city: Path) -> None:
    path = city / "c010" / "calibration.txt"
    lens = np.array([[600.0, 0, 320], [0, 600.0, 240], [0, 0, 1]])
    path.write_text(
        path.read_text()
        + f"Intrinsic parameter matrix: {homography_text(lens)}\nDistortion coefficients: -0.3 0.1 0 0\n"
    )
    camera = read_scene(city).cameras["c010"]
    straight = np.array([[100.0, 400.0]])
    rays = np.concatenate([(straight - [320, 240]) / 600, np.ones((1, 1))], axis=1)
    bent, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), lens, np.array([-0.3, 0.1, 0, 0]))
    expected = project(camera.image_to_ground, straight)  # type: ignore[arg-type]
    np.testing.assert_allclose(camera.ground_points(bent[0]), expected, atol=1e-2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3;4 5 6;7 8", "8 numbers"),
        ("Homography matrix: 1 2 3;4 five 6;7 8 9", "five"),
        ("1 2 3;4 5 6;7 8 nan", "finite"),
        ("Reprojection error: 3", "none"),
        ("0 0 0;0 0 0;0 0 0", "singular"),
        ("Homography matrix: 1 0 0;0 1 0;0 0 1\nIntrinsic parameter matrix: 9 0 1;0 0 1;0 0 1", "a singular one"),
        ("Homography matrix: 1 0 0;0 1 0;0 0 1\nIntrinsic parameter matrix: 0 1 0;1 0 0;0 0 1", "a singular one"),
    ],
)
def test_bad_calibration_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "calibration.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_calibration(path)


def test_plain_folder_with_scene_toml(tmp_path: Path) -> None:
    make_video(tmp_path / "cam1.avi")
    make_video(tmp_path / "odd name.avi")
    (tmp_path / "scene.toml").write_text(
        'name = "junction"\n[cameras.cam1]\noffset_s = 2.5\nfps = 5\n[cameras.north]\nvideo = "odd name.avi"\n'
    )
    scene = read_scene(tmp_path)
    assert scene.name == "junction"
    assert list(scene.cameras) == ["cam1", "north"]
    assert scene.cameras["cam1"].time_s(10) == 4.5
    assert not scene.cameras["north"].offset_known


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[cameras.cam1]\nofset_s = 1", "ofset_s"),
        ("[cameras.cam1]\noffset_s = 'later'", "later"),
        ("[cameras.cam1]\nfps = 0", "fps"),
        ("[cameras.cam9]\nfps = 10", "cam9"),
        ("origin = [1]", "origin"),
        ("cameras = [", "TOML"),
        ("[cameras.cam1]\nfps = true", "fps"),
        ("[cameras.cam1]\nfps = '10'", "fps"),
        ("[cameras.cam1]\noffset_s = 1e300", "offset_s"),
        ("origin = [91.0, 0.0]", "origin"),
    ],
)
def test_bad_scene_toml_names_the_key(tmp_path: Path, toml: str, message: str) -> None:
    make_video(tmp_path / "cam1.avi")
    (tmp_path / "scene.toml").write_text(toml)
    with pytest.raises(ConfigError, match=message):
        read_scene(tmp_path)


def test_missing_empty_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing"):
        read_scene(tmp_path / "nowhere")
    with pytest.raises(InputError, match="neither"):
        read_scene(tmp_path)
    (tmp_path / "cam1.mp4").touch()
    with pytest.raises(InputError, match="0 bytes"):
        read_scene(tmp_path)
    (tmp_path / "cam1.mp4").write_bytes(b"this is no video" * 100)
    with pytest.raises(InputError, match="no readable video stream"):
        read_scene(tmp_path)


@pytest.mark.parametrize("kind", ["a broken link", "a folder", "a pipe", "a device", "two files"])
@pytest.mark.parametrize("name", ["cam2.avi", "c002/vdo.avi"])
def test_no_camera_vanishes(kind: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    make_video(
        path.with_name(path.name.replace("2", "1")) if path.parent == tmp_path else tmp_path / "c001" / "vdo.avi"
    )
    path.parent.mkdir(exist_ok=True)
    if kind == "a folder":
        path.mkdir()
        (path / "notes.txt").touch()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "two files":
        make_video(path)
        make_video(path.with_suffix(".mkv"))
    else:
        path.symlink_to("nowhere" if kind == "a broken link" else "/dev/zero")
    with pytest.raises(InputError, match=r"(cam2|c002).*: expected .+, found .+\. \S"):
        read_scene(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"), [("c010 1\nc010 2\n", "c010 again"), ("c010 1e11\n", "within"), ("c010 nan\n", "finite")]
)
def test_offsets_are_told_once_and_within_reason(text: str, message: str, city: Path) -> None:
    (city.parents[1] / "cam_timestamp" / "S03.txt").write_text(text)
    with pytest.raises(InputError, match=rf"S03\.txt:\d: expected .*{message}|{message}"):
        read_scene(city)


def test_mask_of_another_size_is_refused(city: Path) -> None:
    cv2.imwrite(str(city / "c010" / "roi.jpg"), np.zeros((10, 10), np.uint8))
    camera = read_scene(city).cameras["c010"]
    with pytest.raises(InputError, match="10 x 10"):
        _ = camera.roi


@pytest.mark.shared
def test_real_scene(shared: Path) -> None:
    scene = read_scene(shared / "data" / "uab-road" / "S90")
    assert {c.id: (c.fps, c.frame_count, c.size, c.offset_s) for c in scene.cameras.values()} == {
        "c901": (10.0, 552, (640, 220), 0.0),
        "c902": (10.0, 535, (720, 252), 3.7),
    }
