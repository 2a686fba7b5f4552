"""Folders from strangers: nothing that they say writes outside the run folder or loads code."""

from __future__ import annotations

import io
import json
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.cli import main
from mtmc.cli.page import save_edits
from mtmc.errors import ConfigError
from mtmc.scene_reader import read_scene
from mtmc.store import open_run
from tests.builders import make_video


@pytest.mark.parametrize(
    "camera_id", ["../../../evil", "/tmp/evil", ".hidden", "a/b", "a\\\\b", "c\\u0000", "a\\nb", "x" * 300, ".."]
)
def test_a_camera_id_is_a_file_name(camera_id: str, tmp_path: Path) -> None:
    make_video(tmp_path / "a.avi", frames=2)
    (tmp_path / "scene.toml").write_text(f'[cameras."{camera_id}"]\nvideo = "a.avi"\n')
    with pytest.raises(ConfigError, match="can name a file"):
        read_scene(tmp_path)


@pytest.mark.parametrize("name", ["mosaic", "Mosaic"])
def test_no_camera_shares_its_video_with_the_mosaic(name: str, tmp_path: Path) -> None:
    make_video(tmp_path / f"{name}.avi", frames=2)
    with pytest.raises(ConfigError, match="other than mosaic, which is the video of all cameras"):
        read_scene(tmp_path)


def mtmc(*words: object) -> tuple[int, str]:
    err = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0), err.getvalue()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one camera with a vehicle of ten frames, and its truth."""
    folder = tmp_path_factory.mktemp("strangers")
    make_video(folder / "S01" / "c001" / "vdo.avi", frames=12)
    (folder / "S01" / "c001" / "gt").mkdir()
    rows = [f"{frame},1,{8 + 2 * frame},20,30,24,1,-1,-1,-1\n" for frame in range(1, 11)]
    (folder / "S01" / "c001" / "gt" / "gt.txt").write_text("".join(rows))
    (folder / "S01" / "c001" / "det.txt").write_text("".join(rows))
    parts = ("--detector", "recorded", "--weights", "det.txt", "--embedder", "histogram", "--workers", 1)
    quiet = ("--set", "report.video=false", "--set", "report.page=false", "--set", "track.clean.min_length_s=0.1")
    code, said = mtmc("run", folder / "S01", "--out", folder / "run", *parts, *quiet)
    assert code == 0, said
    return folder


def name_evil(folder: Path, stage: str, kind: str) -> None:
    """Let the run folder name a part whose module leaves a file when it is loaded."""
    settings = json.loads((folder / "run" / "run.json").read_text())
    settings["config"][stage][kind] = "evil:make"
    (folder / "run" / "run.json").write_text(json.dumps(settings))
    (folder / "evil.py").write_text("open('it ran', 'w')\ndef make(params, device): return None\n")


@pytest.mark.parametrize(
    ("stage", "kind", "words"),
    [
        ("link", "linker", ("edit", "run", "--not-vehicle", "c001/1")),
        ("track", "tracker", ("edit", "run", "--not-vehicle", "c001/1")),
        ("embed", "embedder", ("find", "run", "--like", "car.png")),
    ],
)
def test_commands_on_a_run_load_its_parts_only_when_they_are_named(
    stage: str, kind: str, words: tuple[str, ...], finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, tmp_path / "x")
    monkeypatch.chdir(tmp_path / "x")
    monkeypatch.delitem(sys.modules, "evil", raising=False)
    name_evil(Path(), stage, kind)
    cv2.imwrite("car.png", np.full((40, 60, 3), 90, np.uint8))
    code, said = mtmc(*words)
    assert (code, Path("it ran").exists()) == (2, False)
    assert "--part evil:make" in said
    assert mtmc(*words, "--part", "evil:make")[0] == 2  # loaded now, and it makes no part
    assert Path("it ran").exists() or stage == "track"  # its tracks are fresh


def test_the_served_page_loads_no_part_of_the_run(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, tmp_path / "x")
    monkeypatch.chdir(tmp_path / "x")
    monkeypatch.delitem(sys.modules, "evil", raising=False)
    name_evil(Path(), "link", "linker")
    assert "--part evil:make" in (save_edits(open_run("run"), "") or "")
    assert not Path("it ran").exists()


@pytest.mark.parametrize(("stage", "kind"), [("track", "tracker"), ("link", "linker")])
def test_a_run_folder_loads_no_code_by_itself(
    stage: str, kind: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, tmp_path / "x")
    tmp_path /= "x"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "evil", raising=False)
    name_evil(tmp_path, stage, kind)
    for words in (
        ("score", "run", "--oracle"),
        ("score", "run"),
        ("status", "run"),
        ("export", "run", "--format", "csv"),
    ):
        code, said = mtmc(*words)
        assert not (tmp_path / "it ran").exists(), words
        assert code in (0, 2), said
    assert "--part evil:make" in mtmc("score", "run", "--oracle")[1]
    if kind == "tracker":  # loaded now, and it makes no part
        assert mtmc("score", "run", "--oracle", "--part", "evil:make")[0] == 2
        assert (tmp_path / "it ran").exists()
