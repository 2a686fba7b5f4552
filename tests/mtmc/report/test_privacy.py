"""No picture that a private run leaves behind shows what it promises to hide."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from mtmc.errors import InputError
from mtmc.report.figures import draw_figure
from mtmc.report.pictures import boxes_of, cut
from mtmc.report.privacy import Veil, promised
from mtmc.scene_reader import read_camera
from mtmc.store import open_run
from mtmc.structures import Detections
from mtmc.traffic.camera_pictures import background_pictures
from mtmc.video import Image, Video
from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc

LARGE_PX = 40


def edges(image: Image) -> np.ndarray:
    return np.asarray(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.CV_32F))


def likeness(run_folder: Path, video: Path, camera_id: str) -> list[float]:
    """How much the fine detail of every large box agrees between the camera's own video and another video of it, up to
    1."""
    run = open_run(run_folder)
    camera = run.scene.cameras[camera_id]
    boxes, found = run.detections(camera_id), []
    for clip, copy in zip(Video(camera).clips(1), Video(read_camera(camera_id, video)).clips(1), strict=True):
        one, other = edges(clip.images[0]), edges(copy.images[0])
        for left, top, right, bottom in boxes.xyxy[boxes.rows_at(clip.first_frame)].round().astype(int).tolist():
            if min(right - left, bottom - top) > LARGE_PX and left > 0 and right < camera.size[0]:
                inside = slice(top + 4, bottom - 4), slice(left + 4, right - 4)
                found.append(float(np.corrcoef(one[inside].ravel(), other[inside].ravel())[0, 1]))
    return found


@pytest.fixture(scope="module")
def private_run(scene_folder: Path) -> Path:
    out = scene_folder.parent / "private"
    settings = [word for setting in (*KEEP_ALL, "report.hide=boxes") for word in ("--set", setting)]
    mtmc("run", "--videos", scene_folder, "--out", out, *TRUE_BOXES, "--workers", 1, *settings)
    return out


def test_no_video_shows_a_hidden_box(private_run: Path, run_folder: Path) -> None:
    clean = likeness(run_folder, run_folder / "video" / "web" / "c001.mp4", "c001")
    assert len(clean) > 10
    assert min(clean) > 0.4  # the measure sees what is not hidden
    for folder in ("video", "video/web"):
        hidden = [
            value for c in ("c001", "c002") for value in likeness(private_run, private_run / folder / f"{c}.mp4", c)
        ]
        assert max(hidden) < 0.25, folder


def test_no_crop_shows_a_hidden_box(private_run: Path, run_folder: Path) -> None:
    def sharpness(folder: Path) -> float:
        pictures = pq.read_table(folder / "crops" / "c001.parquet").column("picture").to_pylist()
        images = [cv2.imdecode(np.frombuffer(p, np.uint8), cv2.IMREAD_GRAYSCALE) for p in pictures]
        middles = [image[image.shape[0] // 3 : -image.shape[0] // 3, 40:-40] for image in images]
        return float(np.mean([np.abs(cv2.Laplacian(m, cv2.CV_32F)).mean() for m in middles]))

    assert sharpness(private_run) < 0.5 * sharpness(run_folder)


def test_contact_sheet_shows_no_hidden_box(private_run: Path) -> None:
    run = open_run(private_run)
    box = next(b for v in run.vehicles() for b in boxes_of(v) if min(b[2][2] - b[2][0], b[2][3] - b[2][1]) > LARGE_PX)
    clean, hidden = (cut(run, [box], Veil.of(run, run.scene, hide))[box] for hide in ("nothing", "boxes"))
    part = slice(None, 90), slice(4, 140)
    one, other = edges(clean)[part].ravel(), edges(hidden)[part].ravel()
    assert np.corrcoef(one, other)[0, 1] < 0.25


def test_previews_and_figures_hide_too(
    private_run: Path, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtmc.report.looks.FEW_CAMERAS", 1)
    copy = shutil.copytree(run_folder, tmp_path / "run")
    mtmc("report", copy)
    assert min(likeness(copy, copy / "video" / "preview" / "c001.mp4", "c001")) > 0.3
    mtmc("report", copy, "--private", "boxes")
    assert max(likeness(copy, copy / "video" / "preview" / "c001.mp4", "c001")) < 0.25
    run = open_run(copy)
    assert promised(run, "nothing") == "boxes"  # for figures and for the backgrounds of traffic's pictures
    (copy / "video" / "mosaic.mp4").touch()  # drawn by nobody knows whom
    with pytest.raises(InputError, match=r"a video that hides boxes"):
        draw_figure(run, run.scene, "mosaic", copy / "mosaic.png", Veil.of(run, run.scene, "boxes"))
    run = open_run(private_run)
    draw_figure(run, run.scene, "mosaic", tmp_path / "mosaic.png", Veil.of(run, run.scene, "boxes"))
    assert cv2.imread(str(tmp_path / "mosaic.png")) is not None


def test_backgrounds_of_traffic_show_no_hidden_box(private_run: Path) -> None:
    run = open_run(private_run)
    for camera_id, picture in background_pictures(run, run.scene).items():
        camera, found = run.scene.cameras[camera_id], run.detections(camera_id)
        frame = int(camera.frames[len(camera.frames) // 2])
        (clean,) = [image for _, image in Video(camera).at([frame])]
        for box in found.xyxy[found.rows_at(frame)].round().astype(int).tolist():
            left, top, right, bottom = np.maximum(box, 0)
            if min(right - left, bottom - top) > LARGE_PX:
                inside = slice(top + 4, bottom - 4), slice(left + 4, right - 4)
                one, other = edges(clean[inside]), edges(picture[inside])
                assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.25


def test_page_says_what_is_hidden_and_no_clean_video_stays(private_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(private_run, copy)
    mtmc("report", copy, "--private", "pictures")
    assert not list(copy.rglob("*.mp4"))
    assert all(pq.read_table(path).num_rows == 0 for path in (copy / "crops").iterdir())


def test_persons_are_hidden_whole_and_vehicles_at_the_plate() -> None:
    image = np.random.default_rng(0).integers(0, 255, (100, 200, 3), np.uint8)
    labels = np.array([0, 6], np.int16)  # car, person
    boxes = Detections(
        np.zeros(2, np.int32), np.array([[20, 20, 80, 60], [120, 20, 150, 90]]), np.ones(2), labels, np.zeros((2, 0))
    )
    seen = Veil("plates", {"c001": boxes}).shown("c001", 0, image)
    same = (seen == image).all(axis=2)
    assert same[20:37, 20:80].all()
    assert not same[40:60, 20:80].any()
    assert not same[20:90, 120:150].any()
    assert same[:, 160:].all()
    assert Veil("nothing", {}).shown("c001", 0, image) is image
    assert not Veil("pictures", {}).shown("c001", 0, image).any()


def test_audit_counts_what_was_hidden(private_run: Path) -> None:
    run = open_run(private_run)
    audit = Veil.of(run, run.scene, "boxes").audit
    boxes = sum(len(run.detections(c)) + sum(len(t) for t in run.tracklets(c)) for c in ("c001", "c002"))
    assert audit.startswith(f"{boxes} boxes are averaged away")
    assert json.loads((private_run / "run.json").read_text())["config"]["report"]["hide"] == "boxes"
