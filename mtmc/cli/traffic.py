"""``mtmc traffic``: counts, travel times, origins and destinations of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pyarrow as pa


def traffic(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    bins: Annotated[str, typer.Option(help="Width of a bin of time: 15min, 1h, 90s.")] = "15min",
    from_: Annotated[str, typer.Option("--from", help="Only from here on: seconds or a time by the clock.")] = "",
    to: Annotated[str, typer.Option("--to", help="Only before this.")] = "",
    gates: Annotated[
        Path | None, typer.Option(help="TOML of gates: cameras and zones.  (default: cameras)", show_default=False)
    ] = None,
    classes: Annotated[
        str, typer.Option(help="kinds, one, three (light, heavy, two-wheeled), or a TOML file.")
    ] = "kinds",
    scale: Annotated[
        str | None, typer.Option(help="Scale trips to counts: recall, or a CSV file of gate,from,to.")
    ] = None,
    samples: Annotated[int, typer.Option(min=0, max=100_000, help="Solutions drawn for the intervals; 0: none.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed draws the same ones.")] = 1,
    format_: Annotated[
        str, typer.Option("--format", help="csv, parquet, xlsx, ota, geojson, geoparquet, sumo; several with commas.")
    ] = "csv",
    plots: Annotated[
        str | None,
        typer.Option(help="Pictures too, as png, svg or pdf: OD, travel times, turning flows, time and space."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write.  (default: traffic in the run folder)", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Traffic of a run: counts by movement and kind, travel times, origins and destinations, speeds, queues.

    Zones are learned, or drawn in scene.toml; intervals run from the 5th to the 95th percentile.

    \b
    Examples:
      mtmc traffic runs/S06
      mtmc traffic runs/S06 --bins 5min --classes three --format csv,xlsx
      mtmc traffic runs/S06 --format xlsx,geojson,sumo --plots png
      mtmc traffic runs/S06 --gates gates.toml --from 07:00 --to 09:00 --scale recall
    """
    from mtmc.scene_reader.clocks import scene_time
    from mtmc.store import open_run
    from mtmc.traffic import Question, Traffic, observe
    from mtmc.traffic.camera_pictures import background_pictures
    from mtmc.traffic.pictures import check_plots, write_pictures
    from mtmc.traffic.table_files import check_formats, write

    forms = check_formats(format_)
    check_plots(plots)
    store = open_run(run)
    observed = observe(store)
    assert observed.scene is not None
    start, end = (scene_time(observed.scene, text, "--from, --to") for text in (from_, to))
    found = Traffic(observed, Question(bins, start, end, gates, classes, samples, seed, scale))
    folder = out or store.folder / "traffic"
    paths = write(found, forms, folder)
    if plots is not None:
        paths += write_pictures(found, background_pictures(store, observed.scene), plots, folder)
    if as_json:
        typer.echo(json.dumps(summary(found.tables, paths)))
    else:
        _show(found.tables)
        for path in paths:
            typer.echo(path)


def summary(tables: Mapping[str, pa.Table], paths: list[Path]) -> dict[str, Any]:
    """Rows of each table, and the files."""
    return {"rows": {name: table.num_rows for name, table in tables.items()}, "files": [str(path) for path in paths]}


def _show(tables: Mapping[str, pa.Table]) -> None:
    """The busiest movements, legs and pairs, and what stands behind them."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    shown = {
        "counts": ("camera_id", "entry", "exit", "kind", "vehicles", "low", "high"),
        "legs": (
            "from",
            "to",
            "vehicles",
            "exit_to_entry_p50_s",
            "exit_to_entry_p50_low_s",
            "exit_to_entry_p50_high_s",
        ),
        "od": ("from", "to", "vehicles", "low", "high"),
        "cameras": ("camera_id", "stays", "cut", "seen_once", "recall", "recall_low", "recall_high"),
    }
    for name, columns in shown.items():
        rows = tables[name].select(columns).to_pylist()
        if "vehicles" in columns:
            rows.sort(key=lambda row: -row["vehicles"])
        table = Table(*columns, title=f"{name}: {len(rows)} rows" + (", the busiest 10" if len(rows) > 10 else ""))
        for row in rows[:10]:
            table.add_row(*("" if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()))
        console.print(table)
