"""The results page of a run: what its cameras look like, what is only known above the report's room, all into
``report.html``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from mtmc import __version__
from mtmc.report import ReportParams, Watch
from mtmc.report.looks import make_looks
from mtmc.report.page import is_current, write_page
from mtmc.scene import Scene
from mtmc.store import Run
from mtmc.store.stamps import digest, stored_stamp


def make_page(run: Run, scene: Scene, params: ReportParams, watch: Watch, embed_video: bool = False) -> Path:
    """Write the web videos, crops and ``report.html`` of a finished run, each only where it is missing or stale.

    Raises InputError for a damaged video, StoreError for a run folder that lacks tables or cannot be written.
    """
    for camera in scene.cameras.values():
        make_looks(run, camera, params, watch)
    path, mark = run.folder / "report.html", _mark(run, scene, embed_video)
    if not is_current(path, mark):
        write_page(run, scene, mark, {}, embed_video)
    return path


def _mark(run: Run, scene: Scene, embed_video: bool) -> str:
    """What the page was made from, in short."""
    tables: dict[str, Any] = {
        "vehicles": stored_stamp(run.path("vehicles")),
        "visits": stored_stamp(run.path("visits")),
    }
    tables |= {f"crops/{camera_id}": stored_stamp(run.path("crops", camera_id)) for camera_id in scene.cameras}
    page = {p.name: p.read_text(encoding="utf-8") for p in (files("mtmc.report") / "page").iterdir()}
    return digest({"mtmc": __version__, "page": page, "tables": tables, "embed_video": embed_video})
