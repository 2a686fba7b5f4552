"""Pictures: something of everything, the same bytes again, nothing where nothing may be shown."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from mtmc.errors import ConfigError
from mtmc.scene import Scene
from mtmc.store import Run, open_run
from mtmc.traffic.camera_pictures import background_pictures
from mtmc.traffic.page_panel import panel
from mtmc.traffic.pictures import check_plots
from tests.golden.commands import mtmc

PICTURES = {"od", "travel_times", "time_space", "turning-c001", "turning-c002"}


def test_every_picture_is_drawn_alike_twice(run_folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        mtmc("traffic", run_folder, "--bins", "5s", "--samples", 5, "--plots", "svg", "--out", tmp_path / name)
    drawn = {path.stem: path.read_bytes() for path in (tmp_path / "a").glob("*.svg")}
    assert drawn.keys() == PICTURES
    assert all((tmp_path / "b" / f"{name}.svg").read_bytes() == data for name, data in drawn.items())
    mtmc("traffic", run_folder, "--samples", 0, "--plots", "png", "--out", tmp_path)
    for name in PICTURES:
        image = cv2.imread(str(tmp_path / f"{name}.png"))
        assert image.std() > 5
    with pytest.raises(ConfigError, match="one of png, svg, pdf"):
        check_plots("gif")


def test_flows_lie_on_the_cameras_picture(run_folder: Path) -> None:
    run: Run = open_run(run_folder)
    scene: Scene = run.scene
    pictures = background_pictures(run, scene)
    assert {name: image.shape[1::-1] for name, image in pictures.items()} == {
        name: camera.size for name, camera in scene.cameras.items()
    }


def test_the_pages_panel_tells_what_the_tables_tell(run_folder: Path) -> None:
    told = panel(open_run(run_folder))
    stays = open_run(run_folder).visits()
    assert sum(movement[7] for movement in told["movements"]) == stays.num_rows
    assert sum(cell[2] for cell in told["od"]) == len(set(stays["vehicle_id"].to_pylist()))
    size = next(iter(open_run(run_folder).scene.cameras.values())).size
    assert all(0 <= x <= size[0] for _, x, _, u, _, *_ in told["movements"] for x in (x, u))
    assert all(len(leg[-1]) == told["bins"]["count"] for leg in told["legs"])
