"""Figures for papers: each subject in each form, the same bytes again, and a sentence where something is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest

from mtmc.errors import InputError
from mtmc.report.figures import FORMATS, draw_figure
from mtmc.report.privacy import Veil
from mtmc.store import open_run
from tests.golden.commands import mtmc

BEGINS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.mark.parametrize("subject", ["vehicles", "timeline", "map"])
def test_each_figure_in_each_form(run_folder: Path, tmp_path: Path, subject: str) -> None:
    run = open_run(run_folder)
    for form in FORMATS:
        first, again = tmp_path / f"a.{form}", tmp_path / f"b.{form}"
        for path in (first, again):
            draw_figure(run, run.scene, subject, path, Veil("nothing", {}))  # type: ignore[arg-type]
        assert first.read_bytes().startswith(BEGINS[form])
        assert first.read_bytes() == again.read_bytes()
    assert min(cv2.imread(str(tmp_path / "a.png")).shape[:2]) > 100


def test_command_names_the_file_and_what_is_missing(run_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    assert mtmc("report", copy, "--figure", "timeline", "--format", "svg").strip() == str(copy / "timeline.svg")
    run = open_run(copy)
    with pytest.raises(InputError, match=r"the mosaic video of the run"):
        draw_figure(run, run.scene, "mosaic", copy / "mosaic.png", Veil("nothing", {}))
