"""Runs from Python: ``mtmc.run`` makes one of videos, ``mtmc.from_tracks`` of tracks made elsewhere, ``mtmc.open``
takes up one that is there; its results are Arrow tables.

>>> import mtmc
>>> run = mtmc.run("cams/", detector="motion")          # doctest: +SKIP
>>> run.vehicles.to_pandas(), run.score().idf1          # doctest: +SKIP
>>> run.show()                                          # doctest: +SKIP
"""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtmc.config import Config, load_config
from mtmc.errors import ConfigError, InputError
from mtmc.export.columns import box_table, tracklet_table, vehicle_table
from mtmc.files import to_path
from mtmc.pipeline import default_workers, run_pipeline
from mtmc.pipeline.given_tracks import take_tracks
from mtmc.pipeline.planning import Plan, plan
from mtmc.pipeline.workers import Watch
from mtmc.scene import Scene
from mtmc.scene_reader import read_scene
from mtmc.scene_reader.clocks import read_timestamps
from mtmc.store import Run as Folder
from mtmc.store import open_run
from mtmc.track_files import read_tracks, read_vectors
from mtmc.track_files.told import scene_of

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
    "zones": "link.zones_file",
    "start": "input.start",
    "end": "input.end",
    "stride": "input.stride",
    "max_fps": "input.max_fps",
    "fps": "input.fps",
}
"""Short names of the parameters that choose parts, and what of the videos is looked at, and their keys."""


def run(
    videos: Path | str,
    out: Path | str | None = None,
    *,
    workers: int = 1,
    cluster: str = "",
    watch: Watch | None = None,
    **settings: Any,
) -> Run:
    """Track every vehicle over all cameras of a scene; what is fresh in the run folder is not made again.

    Args:
        videos: folder of one scene: AI City (``S06/c041/vdo.avi``) or plain videos (``cam1.mp4``); or its URL.
        out: run folder, or its URL; ``runs/<name of the scene's folder>`` by default.
        workers: slices of recordings at once, each in a process of its own; 0: one per core.
        cluster: work on the Ray cluster of this address instead: ``auto`` or ``ray://HEAD:10001``.
        watch: told (camera id, stage, done, total) now and then.
        settings: as for ``planned``: parts by name, ``config``, ``overrides``, ``device``.

    Raises UserError for anything that the caller can mend.
    """
    todo = planned(videos, out, **settings)
    count = workers or default_workers(todo.units, todo.device)
    return Run(run_pipeline(todo, count, watch or (lambda *news: None), cluster))


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
        parts: ``detector weights tracker embedder reid_weights link start end stride max_fps fps``, as the command's
            options.
    """
    settings = _settings(config, overrides, parts)
    source = to_path(videos)
    folder = Path("runs") / (source.resolve().name or "run") if out is None else to_path(out)
    return plan(source, folder, settings, device)


def from_tracks(tracks: Path | str, out: Path | str | None = None, *, watch: Watch | None = None, **told: Any) -> Run:
    """Link tracks that were made elsewhere; no videos needed.

    Args:
        tracks: a file of all cameras, a folder with a file per camera, or a pattern with ``{camera}``; which forms:
            ``mtmc.track_files``.
        out: run folder; ``runs/<name of the file or folder>`` by default.
        watch: told (camera id, stage, done, total) now and then.
        told: as for ``planned_tracks``: ``vectors``, ``videos``, clocks and rates, parts, ``config``, ``overrides``.

    Raises UserError for anything that the caller can mend.
    """
    return Run(run_pipeline(planned_tracks(tracks, out, **told), 1, watch or (lambda *news: None)))


def planned_tracks(
    tracks: Path | str,
    out: Path | str | None = None,
    *,
    videos: Path | str | None = None,
    vectors: Path | str | None = None,
    offsets: Path | str | None = None,
    fps: float | Mapping[str, float] | None = None,
    size: tuple[int, int] | Mapping[str, tuple[int, int]] | None = None,
    first_frame: int | None = None,
    config: Path | str | None = None,
    overrides: Sequence[str] = (),
    device: str = "auto",
    **parts: str | Path | float | None,
) -> Plan:
    """What ``from_tracks`` would do; the tracks are in the run folder then.

    Args:
        tracks, out: as for ``from_tracks``.
        videos: folder of the scene they were made from, for crops and pictures.
        vectors: an ``.npz``, ``.npy`` or ``.parquet`` file of vectors of tracks (``mtmc.track_files.vectors``).
        offsets: lines such as ``c001 1.640``: each camera's start in seconds on the common clock.
        fps, size: frames per second and (width, height) in pixels, of all cameras or by camera; where files do
            not tell.
        first_frame: the number of a video's first frame, 0 or 1; None: as the format has it.
        config, overrides, device, parts: as for ``planned``; ``zones`` too, a file of zones and travel times, by which
            tracks are linked unless ``link`` names another linker.
    """
    if parts.get("zones") is not None and parts.get("link") is None:
        parts["link"] = "zones"
    settings = _settings(config, overrides, parts)
    source = Path(os.path.realpath(tracks))
    found = read_tracks(source, first_frame)
    said = {"offsets": offsets, "fps": fps, "size": size}
    if videos is None:
        clocks = {} if offsets is None else read_timestamps(Path(offsets))
        scene = scene_of(found, source, _by_camera(fps), _by_camera(size), clocks)
    else:
        given = [name for name, value in said.items() if value is not None]
        if given:
            fix = "Say it in scene.toml beside the videos."
            raise ConfigError(f"--{given[0]}", "clocks and sizes of the videos themselves", "both", fix)
        scene = read_scene(videos, params=settings.input)
    mine = {camera_id: list(camera.tracklets) for camera_id, camera in found.items()}
    known = None if vectors is None else read_vectors(vectors, mine)
    folder = Path("runs") / source.stem.strip("{}") if out is None else Path(out)
    place = None if videos is None else Path(videos)
    return take_tracks(str(source), scene, place, mine, known, folder, settings, device)


def _by_camera(value: Any) -> Mapping[str, Any]:
    """By camera; of all cameras under ""."""
    return {} if value is None else value if isinstance(value, Mapping) else {"": value}


def open(folder: Path | str) -> Run:
    """A run made before. Raises StoreError if ``folder`` is none."""
    return Run(open_run(folder))


def _settings(
    config: Path | str | None, overrides: Sequence[str], parts: Mapping[str, str | Path | float | None]
) -> Config:
    unknown = [name for name in parts if name not in PARTS]
    if unknown:
        raise TypeError(f"no setting {unknown[0]!r}; parts are {', '.join(PARTS)}")
    return load_config(None if config is None else Path(config), overrides, **_given(parts))


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
        return self._store.visits()

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

    def traffic(self, **question: Any) -> dict[str, pa.Table]:
        """Counts, travel times, origins and destinations, speeds and queues by name; ``question`` as
        ``mtmc.traffic.Question``: ``bins="15min"``, ``gates``, ``classes``, ``samples``, ..."""
        from mtmc.traffic import Question, Traffic, observe

        return Traffic(observe(self._store), Question(**question)).tables

    def explain(self, vehicle: int) -> list[dict[str, Any]]:
        """The links of a vehicle, each with the evidence for it; none for a vehicle of one tracklet, or a linker
        without reasons."""
        if vehicle not in self.vehicles["vehicle_id"].to_pylist():
            raise InputError(
                self.folder, "the id of one of its vehicles", str(vehicle), "Choose one from run.vehicles."
            )
        table = self._store.links()
        return [] if table is None else [row for row in table.to_pylist() if row["vehicle_id"] == vehicle]

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
