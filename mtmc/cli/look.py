"""``mtmc status``, ``mtmc export`` and ``mtmc doctor``: look at what is there."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mtmc.cli.options import Form, Settings


def status(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Tell which tables of a run are fresh, stale (and why) or missing. Example: mtmc status runs/S06"""
    from rich.console import Console
    from rich.table import Table

    from mtmc.pipeline.planning import plan_again
    from mtmc.store import open_run

    todo = plan_again(open_run(run))
    stale = todo.stale()
    rows = [(f"{stage}/{name}".rstrip("/"), stale.get((stage, name), [])) for stage, name in todo.stamps]
    states = {
        name: ("fresh" if not why else why[0] if why[0] in ("missing", "damaged") else "stale") for name, why in rows
    }
    if json_:
        typer.echo(json.dumps({name: {"state": states[name], "reasons": why} for name, why in rows}, indent=2))
        return
    table = Table("table", "state", "why")
    for (name, state, why), parts in groupby(rows, lambda row: (_of_camera(row[0]), states[row[0]], row[1])):
        count = len(list(parts))
        told = "; ".join(why) if state == "stale" else ""
        table.add_row(name if count == 1 else f"{name} ({count} parts)", state, told)
    Console().print(table)


def _of_camera(table: str) -> str:
    """A table's name less the number of its part."""
    return "/".join(table.split("/")[:2])


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    format_: Form,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File, or folder where there is one per camera.  (default: in the run folder)", show_default=False
        ),
    ] = None,
) -> None:
    """Write a run's vehicles for other tools. Example: mtmc export runs/S06 --format geojson"""
    from mtmc.export import export as write
    from mtmc.store import open_run

    for path in write(open_run(run), format_, out):
        typer.echo(path)


def doctor(
    folder: Annotated[Path | None, typer.Argument(help="Folder of one scene's videos; none: this environment.")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Decode every picture too: finds damage and frozen stretches.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say what is wrong with a folder of videos and what to do, exit code 1 if something is; or what this environment
    can do.

    \b
    Examples:
      mtmc doctor
      mtmc doctor cams/
    """
    if folder is None:
        from mtmc.doctor.environment import examine_environment

        facts = [fact.row() for fact in examine_environment()]
        _show_findings(facts, ("what", "state", "found", "fix"), json_)
        return
    from mtmc.doctor import Finding, examine
    from mtmc.doctor.forecast import forecast_folder

    found = examine(folder, deep)
    grave = any(finding.severity == "error" for finding in found)
    if not grave:
        found.append(
            Finding("", "note", forecast_folder(folder), "Or --detector motion, onnx, --weights street or demo.")
        )
    _show_findings([finding.row() for finding in found], ("camera", "severity", "what", "fix"), json_)
    if grave:
        raise typer.Exit(1)


def _show_findings(rows: list[dict[str, str]], columns: tuple[str, ...], as_json: bool) -> None:
    """A table with the grave things coloured; the second of the columns says how grave."""
    from rich.console import Console
    from rich.table import Column, Table

    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        typer.echo("nothing to complain about")
        return
    colours = {"error": "red", "missing": "yellow", "warning": "yellow", "ok": "green"}
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for row in rows:
        name, grave, found, fix = (row[column] for column in columns)
        table.add_row(name or "all", f"[{colours.get(grave, 'dim')}]{grave}[/]", escape(found), escape(fix))
    Console().print(table)


def config(
    file: Annotated[Path | None, typer.Argument(help="TOML file, or paper or demo, laid over the defaults.")] = None,
    set_: Settings = None,
) -> None:
    """Print every parameter with its meaning, unit, range and value, as TOML. Example: mtmc config paper"""
    from mtmc.cli.commented_toml import to_toml
    from mtmc.config import load_config

    typer.echo(to_toml(load_config(file, set_ or [])), nl=False)
