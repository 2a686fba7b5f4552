"""The run folder: Parquet tables with stamps, atomic writes, fresh / stale / missing.

    runs/<name>/
      run.json                     what was asked: videos, resolved configuration, timings
      given.json                   of tracks made elsewhere: where they came from, and their cameras
      recordings/<file>.parquet    stamp time_s key: the frames of each video file, by its fingerprint
      detections/<camera>.parquet  frame x1 y1 x2 y2 score label [feature]
      tracklets/<camera>.parquet   track_id frame x1 y1 x2 y2 score label
      embeddings/<camera>.parquet  track_id frame quality vector
      vehicles.parquet             vehicle_id camera_id track_id frame x1 y1 x2 y2 score label
      visits.parquet               one row per vehicle and stay in a camera
      links.parquet network.json   why tracklets were linked, and the camera network that was learned
      possible.parquet             links that could be, made or not, from which whole solutions can be drawn
      track3.txt scores.json report.html video/ crops/ log.txt

Long recordings, and cameras of several, have a folder of tables instead of one, ``detections/<camera>/00001.parquet``
and so on in time, which Arrow, DuckDB and polars read as one; ``embeddings`` likewise.

What lives where: ``tables`` arrays to Parquet and back; ``parts`` some of them at a time; ``schemas`` what each table
holds; ``documents`` JSON files; ``stamps`` what a table was made from, and why it is stale; ``recordings`` packet
indexes; ``given_tracks`` tracks that were made elsewhere.

The folder may be a URL (``s3://bucket/runs/cams``): then files are put whole (``reid.storage``), and ``log.txt`` is not
kept.

Frames are 0-based, boxes 0-based xyxy pixels. A table's stamp says what it was made from; it is fresh when that equals
what would be asked for now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from mtmc.errors import StoreError
from mtmc.files import lies_there, named_by_file, to_path
from mtmc.files.atomic import TEMPORARY, write_json
from mtmc.params import merge
from mtmc.scene import Camera, Scene
from mtmc.scene_reader import InputParams, read_scene
from mtmc.scene_reader.file_names import check_camera_id
from mtmc.store.documents import read_network_file, read_run_file
from mtmc.store.given_tracks import Given, read_given
from mtmc.store.parts import vehicles_in_parts
from mtmc.store.recordings import KeptRecordings
from mtmc.store.schemas import AGAIN, CROPS, LINKS, POSSIBLE, VISITS
from mtmc.store.stamps import digest, stored_stamp
from mtmc.store.tables import (
    read_detections,
    read_embeddings,
    read_optional_table,
    read_table,
    read_tracklets,
    read_vehicles,
)
from mtmc.structures import Detections, Embeddings, GlobalTrack, Tracklet


class Run:
    """One run folder. Raises StoreError where it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def settings(self) -> dict[str, Any]:
        """``run.json``: videos, config, stages."""
        return read_run_file(self.folder)

    @property
    def scene(self) -> Scene:
        """The scene that the run was made from, read anew; what its video files show is known from ``recordings``."""
        return self.scene_of(self.videos, self._asked)

    @property
    def videos(self) -> Path:
        """Where the videos lie. Raises InputError for a URL in a store that only ``run.json`` names."""
        return named_by_file(self.settings["videos"], f"{self.folder}/run.json, videos")

    def scene_of(self, videos: Path, asked: InputParams) -> Scene:
        """The scene of ``videos``, or that of tracks without any."""
        told = None if self.given is None else self.given.scene
        return told or read_scene(videos, self.kept_recordings, asked)

    @property
    def given(self) -> Given | None:
        """The tables that were not made here, None where all were."""
        return read_given(self.folder)

    @property
    def looks_at_a_part(self) -> bool:
        """Whether the run was asked to look at a part of the frames only."""
        return self._asked != InputParams(fps=self._asked.fps)

    @property
    def _asked(self) -> InputParams:
        return merge(InputParams, [(f"{self.folder}/run.json, input", self.settings["config"].get("input", {}))])

    @property
    def kept_recordings(self) -> KeptRecordings:
        """Reads video files' packets, once each."""
        return KeptRecordings(self.folder / "recordings")

    def keep_recordings(self, camera: Camera) -> None:
        """Write the packet indexes of a camera's video files."""
        for recording in camera.recordings:
            if not recording.pictures:
                self.kept_recordings.keep(recording)

    def detections(self, camera_id: str) -> Detections:
        """Detections of one camera."""
        return read_detections(*self.tables("detections", camera_id))

    def tracklets(self, camera_id: str | None = None) -> list[Tracklet]:
        """Tracklets of one camera, or of all, by camera and track id."""
        cameras = self._all_or_none("tracklets") if camera_id is None else [camera_id]
        return [t for camera in cameras for t in read_tracklets(self.path("tracklets", camera), camera)]

    def embeddings(self) -> dict[str, Embeddings]:
        """Embeddings by camera id."""
        return {
            camera: read_embeddings(*self.tables("embeddings", camera)) for camera in self._all_or_none("embeddings")
        }

    def embeddings_of(self, camera_id: str) -> Embeddings | None:
        """Embeddings of one camera, None where it has none."""
        tables = self.tables("embeddings", camera_id)
        return read_embeddings(*tables) if tables[0].exists() else None

    @property
    def network(self) -> dict[str, Any] | None:
        """The learned camera network (``network.json``), None where the linker learned none."""
        path = self.folder / "network.json"
        return read_network_file(path) if lies_there(path) else None

    def vehicles(self) -> list[GlobalTrack]:
        """The vehicles over all cameras, by vehicle id. Raises StoreError where they were seen by other cameras than
        the run's."""
        return self._known(read_vehicles(self.path("vehicles")))

    def vehicles_in_parts(
        self, column: str = "vehicle_id", key: Callable[[Any], Any] | None = None
    ) -> Iterator[list[GlobalTrack]]:
        """The same, as many at a time as memory holds; by ``camera_id`` what some cameras saw of them all, the cameras
        in order of ``key``."""
        for part in vehicles_in_parts(self.path("vehicles"), column, key):
            yield self._known(part)

    def _known(self, vehicles: list[GlobalTrack]) -> list[GlobalTrack]:
        self._refuse_strangers("vehicles", {t.camera_id for vehicle in vehicles for t in vehicle.tracklets})
        return vehicles

    def _of_ours(self, name: str, table: pa.Table, *columns: str) -> pa.Table:
        """The table, whose columns of camera ids name the run's cameras only. Raises StoreError."""
        self._refuse_strangers(name, {word for column in columns for word in table[column].unique().to_pylist()})
        return table

    def _refuse_strangers(self, name: str, cameras: set[str]) -> None:
        ours = self.settings.get("cameras")
        if ours is not None and not cameras <= set(ours):
            stranger = min(cameras - set(ours))
            raise StoreError(self.path(name), f"cameras of this run ({', '.join(ours)[:200]})", repr(stranger), AGAIN)

    def visits(self) -> pa.Table:
        """One row per stay of a vehicle in a camera, as ``mtmc.visits`` describes."""
        return self._of_ours("visits", read_table(self.path("visits"), VISITS), "camera_id")

    def links(self) -> pa.Table | None:
        """Why tracklets were linked, one row per link; None where the linker did not say."""
        table = read_optional_table(self.path("links"), LINKS)
        return None if table is None else self._of_ours("links", table, "from_camera", "to_camera")

    def possible(self) -> pa.Table | None:
        """Links that could be, made or not; None where the linker does not know how sure it is."""
        return read_optional_table(self.path("possible"), POSSIBLE)

    def crops(self, camera_id: str) -> pa.Table | None:
        """The best crops of a camera's tracklets; None in a run without a results page."""
        return read_optional_table(self.path("crops", camera_id), CROPS)

    @property
    def path_of_edits(self) -> Path:
        """Where the corrections of whoever looked at the run lie."""
        return self.folder / "edits.jsonl"

    def path(self, table: str, camera_id: str | None = None) -> Path:
        """Where a table lies, inside the run folder whatever the camera is called."""
        for part in () if camera_id is None else camera_id.split("/"):  # a camera, or one of its parts: cam1/00001
            check_camera_id(part, self.folder)
        return self.folder / (f"{table}.parquet" if camera_id is None else f"{table}/{camera_id}.parquet")

    def tables(self, table: str, camera_id: str) -> list[Path]:
        """Where a camera's table lies: the file, or those of its parts, by rising time."""
        return _visible(self.folder / table / camera_id, "*.parquet") or [self.path(table, camera_id)]

    def made_from(self, table: str, camera_id: str) -> Any:
        """The stamp of a camera's table, None where it has none; of several the digest of each."""
        stamps = [stored_stamp(path) for path in self.tables(table, camera_id)]
        return stamps[0] if len(stamps) == 1 else [digest(stamp or {}) for stamp in stamps]

    def keep_tables(self, table: str, camera_id: str, names: Collection[str]) -> None:
        """Remove tables of a camera that was cut in another way."""
        whole = self.path(table, camera_id)
        parts = {path: f"{camera_id}/{path.stem}" for path in self.tables(table, camera_id)}
        for path, name in (parts | {whole: camera_id}).items():
            if name not in names:
                path.unlink(missing_ok=True)

    def _all_or_none(self, table: str) -> list[str]:
        """Ids of all the run's cameras, if any of them has this table: what only some have is missed when read."""
        found = self.cameras(table)
        return self.settings.get("cameras", found) if found else []

    def cameras(self, table: str) -> list[str]:
        """Ids of the run's cameras that have this table; tables of cameras that are no longer in its scene do not
        count."""
        entries = _visible(self.folder / table, "*")
        found = sorted({p.name if p.is_dir() else p.stem for p in entries if p.is_dir() or p.suffix == ".parquet"})
        ours = self.settings.get("cameras", found) if found else []
        return [camera_id for camera_id in found if camera_id in ours]


def _visible(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith(TEMPORARY))


def open_run(folder: Path | str) -> Run:
    """A run folder made before. Raises StoreError if ``folder`` is none."""
    run = Run(to_path(folder))
    _ = run.settings
    return run


def create_run(folder: Path, settings: Mapping[str, Any]) -> Run:
    """Make or reuse a run folder and write its ``run.json``."""
    write_json(folder / "run.json", settings)
    return Run(folder)
