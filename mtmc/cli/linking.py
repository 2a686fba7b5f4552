"""``mtmc bench-link``: all linkers on the same tracklets. ``mtmc explain``: why tracklets were linked. ``mtmc
network``: what was learned of the cameras."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtmc.cli.options import LINKERS, offered

if TYPE_CHECKING:
    from mtmc.link.benchmark import Case

TABLE_WIDTH = 140
"""Columns of a table that no terminal limits: no name is cut."""
COLUMNS = ("idf1", "link_precision", "link_recall", "link_f1", "seconds", "peak_mb")


def bench_link(
    paths: Annotated[
        list[Path], typer.Argument(help="Run folders with ground truth, or folders of `mtmc synth OUT --tracklets`.")
    ],
    linker: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these linkers (repeatable); all by default.", show_default=False, autocompletion=offered(LINKERS)
        ),
    ] = None,
    zones: Annotated[
        Path | None, typer.Option(help="Zones for the zones linker; else zones.toml in the folder.", show_default=False)
    ] = None,
    gt: Annotated[
        Path | None, typer.Option(help="Ground truth of a run whose scene has none.", show_default=False)
    ] = None,
    forget_clocks: Annotated[
        bool, typer.Option("--forget-clocks", help="Withhold the cameras' start offsets from the linkers.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="One linking parameter, such as link.hungarian_max_distance=0.5; repeatable."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the numbers for machines.")] = False,
) -> None:
    """Run all linkers on the same tracklets and print their accuracy, seconds and memory.

    IDF1 of several folders is their mean, seconds their sum, memory the largest. On simulated tracklets IDF1 weighs
    each tracklet by its boxes; on runs it is that of `mtmc score`.

    \b
    Examples:
      mtmc synth sim --tracklets --level 3 && mtmc bench-link sim
      mtmc bench-link runs/s90 --forget-clocks
    """
    from mtmc.cli.progress import console
    from mtmc.config import load_config

    params = load_config(None, set_ or ()).link
    names = tuple(linker) if linker else tuple(LINKERS)
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for path in paths:
        case = _case(path, gt, forget_clocks)
        for name in names:
            with console.status(f"{path.name}: {name}"):
                numbers, warnings = case.run(name, params, zones)
            rows[name].append(numbers)
            for warning in warnings:
                console.print(f"{path.name}: {name}: {warning}", highlight=False)
    summary = {name: _summed(found) for name, found in rows.items()}
    if json_:
        typer.echo(json.dumps({"linkers": summary}))
    else:
        _show(summary, len(paths))


def _case(path: Path, gt: Path | None, forget_clocks: bool) -> Case:
    from mtmc.link.benchmark import run_case, simulated_case

    if (path / "tracklets.parquet").exists():
        from mtmc.synth.writers.tracklet_files import read_tracklets

        simulated = read_tracklets(path)
        known = simulated.clock_known and not forget_clocks
        return simulated_case(path, simulated.table, simulated.vehicle_id, simulated.boxes, known)
    from mtmc.score import ScoreParams, score
    from mtmc.score.sources import load_sides
    from mtmc.store import open_run

    run = open_run(path)
    sides = load_sides(path, gt, None)

    def judge(vehicles: list[Any]) -> dict[str, float]:
        scores = score(sides.truth, vehicles, ScoreParams(), sides.masks)
        links = scores.links
        rates = {"link_precision": links.precision, "link_recall": links.recall, "link_f1": links.f1}
        return {"idf1": scores.idf1, **rates}

    return run_case(path, run.scene, run.tracklets(), run.embeddings(), judge, forget_clocks)


def _summed(found: list[dict[str, float]]) -> dict[str, float]:
    mean = {key: sum(row[key] for row in found) / len(found) for key in COLUMNS[:4]}
    rest = {"seconds": sum(row["seconds"] for row in found), "peak_mb": max(row["peak_mb"] for row in found)}
    return {key: round(value, 4) for key, value in (mean | rest).items()}


def _show(summary: dict[str, dict[str, float]], count: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("linker", *COLUMNS, title=f"{count} folder{'s' * (count != 1)}, the same tracklets for all")
    for name, row in summary.items():
        table.add_row(
            name, *(f"{row[key]:.4f}" for key in COLUMNS[:4]), f"{row['seconds']:.2f}", f"{row['peak_mb']:.0f}"
        )
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=TABLE_WIDTH)
    console.print(table)


def explain(
    run: Annotated[Path, typer.Argument(help="Run folder made with the network linker.")],
    vehicle: Annotated[int, typer.Argument(help="Vehicle id, as in track3.txt.")],
    json_: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Say why a vehicle's tracklets were linked: the evidence, the runner-up and the margin of every link.

    Evidence is in natural logarithms of odds: 0 says nothing, 2.3 ten to one for, -2.3 ten to one against.

    \b
    Example:
      mtmc explain runs/s90 3
    """
    from mtmc.cli.explanation import link_rows, vehicle_sentences
    from mtmc.store import open_run

    folder = open_run(run)
    rows = link_rows(folder, vehicle)
    if json_:
        typer.echo(json.dumps({"vehicle": vehicle, "links": rows}))
        return
    for line in vehicle_sentences(folder, vehicle, rows):
        typer.echo(line)


def network(
    run: Annotated[Path, typer.Argument(help="Run folder, or a network.json.")],
    png: Annotated[Path | None, typer.Option(help="Draw the cameras and streets here.", show_default=False)] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print clocks and streets for machines.")] = False,
) -> None:
    """Show the camera network that linking learned: which camera leads to which, how long it takes, how far each clock
    is ahead.

    \b
    Examples:
      mtmc network runs/s90
      mtmc network runs/s90 --png network.png
      mtmc run --videos monday --out runs/monday --set link.network_file=runs/sunday/network.json
    """
    from mtmc.cli.network_picture import clocks_and_streets, draw, sentences
    from mtmc.store.documents import read_network_file

    stored = read_network_file(run if run.is_file() else run / "network.json")
    linked = None if run.is_file() else _links_made(run)
    if png is not None:
        draw(stored, png)
    if json_:
        typer.echo(json.dumps(clocks_and_streets(stored, linked)))
        return
    for line in sentences(stored, linked):
        typer.echo(line)


def _links_made(run: Path) -> dict[tuple[str, str], int] | None:
    """Links of a run by the camera they lead from and to, None where the linker did not say."""
    from mtmc.store.schemas import LINKS
    from mtmc.store.tables import read_optional_table

    links = read_optional_table(run / "links.parquet", LINKS)
    if links is None:
        return None
    return Counter(zip(links["from_camera"].to_pylist(), links["to_camera"].to_pylist(), strict=True))
