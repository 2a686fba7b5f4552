"""A finished run in the forms that other tools read.

- ``columns``: tables of boxes, tracklets and vehicles with seconds, metres and speeds (Parquet, CSV, Excel, the Python
  interface)
- ``annotations``: MOTChallenge with classes, CVAT for video, COCO with tracks
- ``trips``: GeoJSON for maps
- ``rerun``: a recording for the rerun viewer

What every file holds, with its columns and keys: ``README.md`` beside this.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from mtmc.errors import ConfigError, InstallError, what_is_missing
from mtmc.export.annotations import joined, write_coco, write_cvat, write_motchallenge
from mtmc.export.columns import NOTES, box_table, tracklet_table, vehicle_table
from mtmc.export.rerun import write_rerun
from mtmc.export.trips import write_geojson
from mtmc.files.atomic import replacing
from mtmc.store import Run
from mtmc.track_files.formats import write_mot_tracks, write_submission


def export(run: Run, form: str, out: Path | None = None) -> list[Path]:
    """Write the run's vehicles as ``form`` (a key of ``EXPORTS``) and name the files made.

    ``out`` is a file, or a folder for forms with a file per camera; in the run folder by default. Raises ConfigError
    for an unknown form, InputError where GeoJSON is asked for without GPS calibration, InstallError for a form whose
    package is missing.
    """
    if form not in EXPORTS:
        raise ConfigError("--format", f"one of {', '.join(EXPORTS)}", repr(form), "Choose one of them.")
    name, write = EXPORTS[form]
    return write(run, out or run.folder / name)


def _aicity(run: Run, out: Path) -> list[Path]:
    write_submission(out, [run.vehicles()], run.cameras("tracklets"))
    return [out]


def _mot(run: Run, out: Path) -> list[Path]:
    """One file per camera; ids are the vehicles', so that they agree over cameras."""
    written = []
    for camera_id in run.cameras("tracklets"):
        seen = [(v.vehicle_id, [t for t in v.tracklets if t.camera_id == camera_id]) for v in run.vehicles()]
        with replacing(out / f"{camera_id}.txt") as temporary:
            write_mot_tracks(temporary, [joined(vehicle_id, parts) for vehicle_id, parts in seen if parts])
        written.append(out / f"{camera_id}.txt")
    return written


def _parquet(run: Run, out: Path) -> list[Path]:
    with replacing(out) as temporary:
        pq.write_table(box_table(run.scene, run.vehicles()), temporary, compression="zstd")
    return [out]


def _csv(run: Run, out: Path) -> list[Path]:
    with replacing(out) as temporary:
        pa_csv.write_csv(box_table(run.scene, run.vehicles()), temporary)
    return [out]


def _xlsx(run: Run, out: Path) -> list[Path]:
    """A workbook with a sheet each of vehicles, visits and tracklets, and what their columns mean; boxes are too many
    for a sheet."""
    try:
        from openpyxl import Workbook
    except ImportError as error:
        missing = what_is_missing(error)
        raise InstallError("--format xlsx", "the package openpyxl", "none", missing.fix if missing else "") from error
    scene, vehicles = run.scene, run.vehicles()
    sheets: dict[str, pa.Table] = {
        "vehicles": vehicle_table(scene, vehicles),
        "visits": run.visits(),
        "tracklets": tracklet_table(scene, vehicles),
    }
    book = Workbook(write_only=True)
    for name, table in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append(table.column_names)
        for row in table.to_pylist():
            sheet.append([None if value != value else value for value in row.values()])  # Excel knows no NaN
    about = book.create_sheet("about")
    for note in NOTES.items():
        about.append(note)
    with replacing(out) as temporary:
        book.save(temporary)
    return [out]


EXPORTS: dict[str, tuple[str, Callable[[Run, Path], list[Path]]]] = {
    "aicity": ("track3.txt", _aicity),
    "mot": ("mot", _mot),
    "motchallenge": ("motchallenge", write_motchallenge),
    "cvat": ("cvat", write_cvat),
    "coco": ("coco.json", write_coco),
    "parquet": ("export.parquet", _parquet),
    "csv": ("vehicles.csv", _csv),
    "xlsx": ("vehicles.xlsx", _xlsx),
    "geojson": ("vehicles.geojson", write_geojson),
    "rerun": ("vehicles.rrd", write_rerun),
}
"""Form to default name in the run folder and writer."""
