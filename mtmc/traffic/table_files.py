"""The tables as files: CSV and Parquet, a workbook, and counts under OTAnalytics' column names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from mtmc.errors import ConfigError, InstallError, what_is_missing
from mtmc.files.atomic import replacing
from mtmc.traffic.maps import write_geojson, write_geoparquet
from mtmc.traffic.sumo import write_sumo

if TYPE_CHECKING:
    from mtmc.traffic import Traffic

Tables = Mapping[str, pa.Table]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Scene times are counted from here where no file tells the day."""


def check_formats(text: str) -> list[str]:
    """Names of formats, split at commas. Raises ConfigError for one that is not there."""
    forms = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [form for form in forms if form not in FORMATS]
    if unknown or not forms:
        expected = f"some of {', '.join(FORMATS)}, with commas"
        raise ConfigError("--format", expected, repr(unknown[0] if unknown else text), "Choose from them.")
    return forms


def write(traffic: Traffic, forms: Sequence[str], folder: Path) -> list[Path]:
    """Write the traffic in each form (keys of ``FORMATS``) into a folder; the files made."""
    return [path for form in forms for path in FORMATS[form](traffic, folder)]


def write_csv(tables: Tables, folder: Path) -> list[Path]:
    """A file per table."""
    return _each(tables, folder, ".csv", pa_csv.write_csv)


def write_parquet(tables: Tables, folder: Path) -> list[Path]:
    """A file per table."""
    return _each(tables, folder, ".parquet", lambda table, path: pq.write_table(table, path, compression="zstd"))


def write_xlsx(tables: Tables, folder: Path) -> list[Path]:
    """``traffic.xlsx`` with a sheet per table. Raises InstallError without openpyxl."""
    try:
        from openpyxl import Workbook
    except ImportError as error:
        missing = what_is_missing(error)
        raise InstallError("--format xlsx", "the package openpyxl", "none", missing.fix if missing else "") from error
    book = Workbook(write_only=True)
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append(table.column_names)
        for row in table.to_pylist():
            sheet.append(list(row.values()))
    path = folder / "traffic.xlsx"
    with replacing(path) as temporary:
        book.save(temporary)
    return [path]


def write_ota(tables: Tables, folder: Path) -> list[Path]:
    """``counts_ota.csv``: counts by bin under the column names of OTAnalytics' exports."""
    path = folder / "counts_ota.csv"
    with replacing(path) as temporary:
        pa_csv.write_csv(as_ota(tables["counts_by_bin"]), temporary)
    return [path]


def as_ota(counts: pa.Table) -> pa.Table:
    """Counts by bin as OTAnalytics names them; a flow goes from section to section, here of one camera."""
    columns: dict[str, Any] = {}
    for end, name in (("start", "from"), ("end", "to")):
        moments = _moments(counts, name)
        columns[f"{end} time"] = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in moments]
        columns[f"{end} occurrence date"] = [moment.strftime("%Y-%m-%d") for moment in moments]
        columns[f"{end} occurrence time"] = [moment.strftime("%H:%M:%S") for moment in moments]
    camera, entry, exit_ = (counts[name].to_pylist() for name in ("camera_id", "entry", "exit"))
    ends = [[f"{c}/{zone}" for c, zone in zip(camera, zones, strict=True)] for zones in (entry, exit_)]
    columns["classification"] = counts["kind"]
    columns["flow"] = [f"{a} --> {b}" for a, b in zip(*ends, strict=True)]
    columns["from section"], columns["to section"] = ends
    columns["count"] = counts["vehicles"]
    return pa.table(columns).sort_by([(name, "ascending") for name in ("start time", "classification", "flow")])


def _moments(counts: pa.Table, name: str) -> list[datetime]:
    if f"{name}_time" in counts.column_names:
        return list(counts[f"{name}_time"].to_pylist())
    return [EPOCH + timedelta(seconds=second) for second in counts[f"{name}_s"].to_pylist()]


def _each(tables: Tables, folder: Path, ending: str, write: Callable[[pa.Table, Path], object]) -> list[Path]:
    paths = []
    for name, table in tables.items():
        with replacing(folder / f"{name}{ending}") as temporary:
            write(table, temporary)
        paths.append(folder / f"{name}{ending}")
    return paths


FORMATS: dict[str, Callable[[Traffic, Path], list[Path]]] = {
    "csv": lambda traffic, folder: write_csv(traffic.tables, folder),
    "parquet": lambda traffic, folder: write_parquet(traffic.tables, folder),
    "xlsx": lambda traffic, folder: write_xlsx(traffic.tables, folder),
    "ota": lambda traffic, folder: write_ota(traffic.tables, folder),
    "geojson": write_geojson,
    "geoparquet": write_geoparquet,
    "sumo": write_sumo,
}
"""Form to its writer."""
