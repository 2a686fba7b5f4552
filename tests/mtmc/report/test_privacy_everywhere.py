"""Every picture that any command leaves behind a private run, looked at for pixels from inside a box.

All boxes of the scene that are large enough to show anything are dotted with magenta, which nothing else is, and which
averages away.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from mtmc.errors import UserError
from mtmc.report.pictures import draw_pictures
from mtmc.report.privacy import Veil
from mtmc.scene_reader import read_scene
from mtmc.store import open_run
from mtmc.video import Image, Video, VideoWriter
from reid.crops.boxes import read_run
from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc

LEAST_PX, DOTS = 28, 4
"""Side of the smallest box that gets dots, and dots along its shorter side: as many as a veiled box keeps averages."""
SEEN_PX = 20
"""So many magenta pixels are no accident of a codec."""
COMMANDS = [
    ("report", "{run}"),
    ("report", "{run}", "--figure", "vehicles"),
    ("report", "{run}", "--figure", "mosaic"),
    ("report", "{run}", "--figure", "timeline"),
    ("report", "{run}", "--figure", "map"),
    ("traffic", "{run}", "--plots", "png", "--samples", "4"),
    ("network", "{run}", "--png", "{run}/network.png"),
    *[("export", "{run}", "--format", "rerun", "--out", "{run}/run.rrd")] * (find_spec("rerun") is not None),
]
SHOWN = {"vehicles.png", "video/mosaic.mp4", "crops/c001.parquet"} | {
    f"video/{kind}c00{k}.mp4" for k in (1, 2) for kind in ("", "web/", "preview/")
}
SHOWN |= {word.removeprefix("{run}/") for command in COMMANDS for word in command if word.endswith(".rrd")}
"""What must show dots where nothing is hidden: so the measure sees them."""


@pytest.fixture(scope="module")
def dotted(scene_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene with magenta dots in all of its boxes."""
    folder = tmp_path_factory.mktemp("dotted") / "S01"
    shutil.copytree(scene_folder, folder)
    for camera in read_scene(scene_folder).cameras.values():
        (folder / camera.id / "vdo.avi").unlink()
        rows = np.loadtxt(folder / camera.id / "det" / "true.txt", delimiter=",")
        with VideoWriter(folder / camera.id / "vdo.mp4", camera.fps, camera.size, crf=8) as writer:
            for clip in Video(camera).clips(1):
                boxes = rows[rows[:, 0] == clip.first_frame + 1, 2:6]
                writer.write(with_dots(clip.images[0], boxes[boxes[:, 2:].min(axis=1) >= LEAST_PX]))
    return folder


def with_dots(image: Image, boxes: np.ndarray) -> Image:
    image = image.copy()
    y, x = np.indices(image.shape[:2])
    for left, top, width, height in boxes:
        each = min(width, height) // DOTS
        inside = (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
        image[inside & ((x - left) % each < 0.42 * each) & ((y - top) % each < 0.42 * each)] = (255, 0, 255)
    return image


def magenta(image: np.ndarray) -> int:
    blue, green, red = np.moveaxis(image[..., :3].astype(int), -1, 0)
    return int(((blue > 190) & (red > 190) & (green < 70)).sum())


def pictures_of(path: Path) -> Iterator[np.ndarray]:
    """Every picture in a file."""
    if path.suffix == ".mp4":
        video = cv2.VideoCapture(str(path))
        while (read := video.read())[0]:
            yield read[1]
    elif path.suffix == ".rrd":
        for number, data in enumerate(videos_in(path)):
            copy = path.with_name(f"{path.stem}-{number}.mp4")
            copy.write_bytes(data)
            yield from pictures_of(copy)
            copy.unlink()
    elif path.suffix == ".parquet" and path.parent.name == "crops":
        for data in pq.read_table(path).column("picture").to_pylist():
            yield cv2.imdecode(np.frombuffer(data, np.uint8), 1)
    elif path.suffix in (".png", ".jpg", ".webp"):
        yield cv2.imread(str(path))


def videos_in(recording: Path) -> Iterator[bytes]:
    """The videos in a recording of rerun's, by its own reader."""
    from rerun.chunk import RrdReader

    for part in RrdReader(recording).stream().to_chunks():
        rows = part.to_record_batch()
        if "AssetVideo:blob" in rows.schema.names:
            yield from (np.asarray(row, np.uint8).tobytes() for row in rows["AssetVideo:blob"].flatten().to_pylist())


def dots_in(folder: Path) -> dict[str, int]:
    """Most magenta pixels of a picture, by file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    shown = {str(path.relative_to(folder)): [magenta(image) for image in pictures_of(path)] for path in files}
    return {name: max(counts) for name, counts in shown.items() if counts}


def all_outputs(run_folder: Path) -> dict[str, int]:
    run = open_run(run_folder)
    draw_pictures(run, Veil.of(run, run.scene, open_run(run_folder).settings["config"]["report"]["hide"]))
    for command in COMMANDS:
        mtmc(*(word.format(run=run_folder) for word in command))
    return dots_in(run_folder)


@pytest.fixture(scope="module")
def shown_run(dotted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(dotted, tmp_path_factory.mktemp("shown") / "run", "nothing")


def make(scene: Path, out: Path, hide: str) -> Path:
    settings = [word for setting in (*KEEP_ALL, f"report.hide={hide}") for word in ("--set", setting)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mtmc.report.looks.FEW_CAMERAS", 1)  # with previews
        mtmc("run", "--videos", scene, "--out", out, *TRUE_BOXES, "--workers", 1, *settings)
        one, other = (max(open_run(out).tracklets(camera), key=len).track_id for camera in ("c001", "c002"))
        mtmc("edit", out, "--same", f"c001/{one}=c002/{other}")  # so that the sheet of vehicles has one to show
        assert all_outputs(out)
    return out


def test_measure_sees_what_is_shown(shown_run: Path) -> None:
    found = dots_in(shown_run)
    assert {name for name in SHOWN if found[name] > SEEN_PX} == SHOWN
    assert any(name.startswith("traffic/turning") and count > SEEN_PX for name, count in found.items())


def test_private_run_leaves_no_pixel_of_a_box_anywhere(dotted: Path, tmp_path: Path) -> None:
    private = make(dotted, tmp_path / "run", "boxes")
    found = dots_in(private)
    assert set(found) >= SHOWN | {"mosaic.png", "network.png", "map.png", "timeline.png"}
    assert {name: count for name, count in found.items() if count > SEEN_PX} == {}
    with pytest.raises(UserError, match="expected a run that hides nothing, found one that hides boxes"):
        read_run(private)  # `reid crops`


def test_run_made_private_later_keeps_no_picture_of_before(
    shown_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtmc.report.looks.FEW_CAMERAS", 1)
    copy = shutil.copytree(shown_run, tmp_path / "run")
    mtmc("report", copy, "--private", "boxes")
    assert {name: count for name, count in dots_in(copy).items() if count > SEEN_PX} == {}
    assert (copy / "timeline.png").exists()  # shows no camera
    for command in COMMANDS[1:]:  # the first asks for a page that hides nothing
        if "mosaic" not in command:  # drawn with the videos, which are gone
            mtmc(*(word.format(run=copy) for word in command))
    assert {name: count for name, count in dots_in(copy).items() if count > SEEN_PX} == {}
