"""Runs from Python: ``mtmc.run`` makes one, ``mtmc.open`` takes up one that is there; its results are Arrow tables.

>>> import mtmc
>>> run = mtmc.run("cams/", detector="motion")          # doctest: +SKIP
>>> run.vehicles.to_pandas(), run.score().idf1          # doctest: +SKIP
>>> run.show()                                          # doctest: +SKIP
"""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtmc.config import load_config
from mtmc.errors import InputError
from mtmc.export.columns import box_table, tracklet_table, vehicle_table
from mtmc.pipeline import default_workers, run_pipeline
from mtmc.planning import Plan, plan
from mtmc.scene import Scene
from mtmc.store import Run as Folder
from mtmc.store import open_run
from mtmc.store.tables import read_table
from mtmc.workers import Watch

if TYPE_CHECKING:
    import pyarrow as pa

    from mtmc.score import Scores

PARTS = {
    "detector": "detect.detector",
    "weights": "detect.weights",
    "tracker": "track.tracker",
    "embedder": "embed.embedder",
    "reid_weights": "embed.weights",
    "link": "link.linker",
    "start": "input.start",
    "end": "input.end",
    "stride": "input.stride",
    "fps": "input.fps",
}
"""Short names of the parameters that choose parts, and what of the videos is looked at, and their keys."""


def run(
    videos: Path | str, out: Path | str | None = None, *, workers: int = 1, watch: Watch | None = None, **settings: Any
) -> Run:
    """Track every vehicle over all cameras of a scene; what is fresh in the run folder is not made again.

    Args:
        videos: folder of one scene: AI City (``S06/c041/vdo.avi``) or plain videos (``cam1.mp4``).
        out: run folder; ``runs/<name of the scene's folder>`` by default.
        workers: cameras at once, each in a process of its own; 0: one per core.
        watch: told (camera id, stage, done, total) now and then.
        settings: as for ``planned``: parts by name, ``config``, ``overrides``, ``device``.

    Raises UserError for anything that the caller can mend.
    """
    todo = planned(videos, out, **settings)
    count = workers or default_workers(todo.units, todo.device)
    return Run(run_pipeline(todo, count, watch or (lambda *news: None)))


def planned(
    videos: Path | str,
    out: Path | str | None = None,
    *,
    config: Path | str | None = None,
    overrides: Sequence[str] = (),
    device: str = "auto",
    **parts: str | Path | float | None,
) -> Plan:
    """What ``run`` would do; nothing is written.

    Args:
        videos, out: as for ``run``.
        config: TOML file of parameters.
        overrides: single parameters, such as ``"track.jde.max_lost_s=2"``.
        device: ``auto``, ``cpu``, ``cuda``, ...
        parts: ``detector weights tracker embedder reid_weights link start end stride fps``, as the command's options.
    """
    unknown = [name for name in parts if name not in PARTS]
    if unknown:
        raise TypeError(f"no setting {unknown[0]!r}; parts are {', '.join(PARTS)}")
    settings = load_config(None if config is None else Path(config), overrides, **_given(parts))
    folder = Path("runs") / Path(videos).resolve().name if out is None else Path(out)
    return plan(Path(videos), folder, settings, device)


def open(folder: Path | str) -> Run:
    """A run made before. Raises StoreError if ``folder`` is none."""
    return Run(open_run(folder))


def _given(parts: Mapping[str, str | Path | float | None]) -> dict[str, dict[str, str | float]]:
    """The parts chosen as sections of the configuration."""
    sections: dict[str, dict[str, str | float]] = {}
    for name, value in parts.items():
        if value is not None:
            section, _, key = PARTS[name].partition(".")
            sections.setdefault(section, {})[key] = str(value) if isinstance(value, Path) else value
    return sections


class Run:
    """A finished run. Tables are Arrow's: ``.to_pandas()``, or any tool that reads Arrow."""

    def __init__(self, store: Folder) -> None:
        self._store = store

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._store.folder

    @cached_property
    def scene(self) -> Scene:
        """The cameras with their clocks."""
        return self._store.scene

    @cached_property
    def boxes(self) -> pa.Table:
        """One row per box, with seconds, and metres and speed where calibrated (``mtmc.export.columns.box_table``)."""
        return box_table(self.scene, self._store.vehicles())

    @cached_property
    def tracklets(self) -> pa.Table:
        """One row per tracklet (``mtmc.export.columns.tracklet_table``)."""
        return tracklet_table(self.scene, self._store.vehicles())

    @cached_property
    def visits(self) -> pa.Table:
        """One row per stay of a vehicle in a camera, as ``mtmc.visits`` describes."""
        return read_table(self._store.path("visits"))

    @cached_property
    def vehicles(self) -> pa.Table:
        """One row per vehicle (``mtmc.export.columns.vehicle_table``)."""
        return vehicle_table(self.scene, self._store.vehicles())

    def to_pandas(self) -> Any:
        """``boxes`` as a data frame."""
        return self.boxes.to_pandas()

    def score(self, gt: Path | str | None = None) -> Scores:
        """Scores by the AI City rules against ``gt``, a file or folder; by default the scene's own ground truth."""
        from mtmc.score import score
        from mtmc.score.sources import load_sides

        sides = load_sides(self.folder, None if gt is None else Path(gt), None)
        return score(sides.truth, sides.predicted, masks=sides.masks)

    def explain(self, vehicle: int) -> list[dict[str, Any]]:
        """The links of a vehicle, each with the evidence for it; none for a vehicle of one tracklet, or a linker
        without reasons."""
        if vehicle not in self.vehicles["vehicle_id"].to_pylist():
            raise InputError(
                self.folder, "the id of one of its vehicles", str(vehicle), "Choose one from run.vehicles."
            )
        path = self._store.path("links")
        rows = read_table(path).to_pylist() if path.exists() else []
        return [row for row in rows if row.get("vehicle_id") == vehicle]

    def show(self) -> Path:
        """Open the report, or else the mosaic video, in a browser; its path."""
        for name in ("report.html", "video/mosaic.mp4"):
            path = (self.folder / name).resolve()
            if path.exists():
                webbrowser.open(path.as_uri())
                return path
        raise InputError(self.folder, "a report or a video", "neither", "Run again with report.video=true.")

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        rows = self.vehicles.slice(0, 20).to_pylist()
        head = "".join(f"<th>{escape(name)}</th>" for name in self.vehicles.column_names)
        body = "".join("<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row.values()) + "</tr>" for row in rows)
        caption = f"{escape(str(self.folder))}: {len(self.vehicles)} vehicles"
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>"


def _cell(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else escape(str(value))
