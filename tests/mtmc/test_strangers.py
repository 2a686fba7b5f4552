"""Folders from strangers: nothing that they say writes outside the run folder or loads code."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from mtmc.cli import main
from mtmc.errors import ConfigError
from mtmc.scene_reader import read_scene
from tests.builders import make_video


@pytest.mark.parametrize(
    "camera_id", ["../../../evil", "/tmp/evil", ".hidden", "a/b", "a\\\\b", "c\\u0000", "a\\nb", "x" * 300, ".."]
)
def test_a_camera_id_is_a_file_name(camera_id: str, tmp_path: Path) -> None:
    make_video(tmp_path / "a.avi", frames=2)
    (tmp_path / "scene.toml").write_text(f'[cameras."{camera_id}"]\nvideo = "a.avi"\n')
    with pytest.raises(ConfigError, match="can name a file"):
        read_scene(tmp_path)


def mtmc(*words: object) -> tuple[int, str]:
    err = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0), err.getvalue()


@pytest.mark.parametrize(("stage", "kind"), [("track", "tracker"), ("link", "linker")])
def test_a_run_folder_loads_no_code_by_itself(
    stage: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "S01" / "c001" / "vdo.avi", frames=3)
    (tmp_path / "S01" / "c001" / "gt").mkdir()
    (tmp_path / "S01" / "c001" / "gt" / "gt.txt").write_text("1,1,10,20,20,20,1,-1,-1,-1\n")
    (tmp_path / "S01" / "c001" / "det.txt").write_text("1,-1,10,20,20,20,0.9,-1,-1,-1\n")
    parts = ("--detector", "recorded", "--weights", "det.txt", "--embedder", "histogram", "--workers", 1)
    code, said = mtmc("run", "S01", "--out", "run", *parts, "--set", "report.video=false", "--set", "report.page=false")
    assert code == 0, said
    settings = json.loads((tmp_path / "run" / "run.json").read_text())
    settings["config"][stage][kind] = "evil:make"
    (tmp_path / "run" / "run.json").write_text(json.dumps(settings))
    (tmp_path / "evil.py").write_text("open('it ran', 'w')\ndef make(params, device): return None\n")
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
