"""``mtmc plan``: what a larger job would take."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def plan(
    run: Annotated[Path, typer.Argument(help="A finished run of a few of the cameras: its rates are taken.")],
    cameras: Annotated[int, typer.Option(min=1, max=10**9, help="How many cameras.")],
    hours: Annotated[float, typer.Option(help="How many hours of each.")] = 24.0,
    fps: Annotated[float, typer.Option(help="Frames per second that are looked at.")] = 10.0,
    workers: Annotated[int, typer.Option(min=1, max=10**9, help="Workers at once, each like those of the run.")] = 16,
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Reckon what many cameras take, from the rates of a small run: worker hours, disk, network; on what each rests.

    Example: mtmc plan runs/sample --cameras 1000 --hours 24 --fps 10
    """
    from rich.console import Console
    from rich.table import Table

    from mtmc.doctor.capacity import needs, rates_of
    from mtmc.errors import ConfigError
    from mtmc.store import open_run

    for name, value in (("--hours", hours), ("--fps", fps)):
        if not 0 < value < 1e9:
            raise ConfigError(name, "a number above 0", repr(value), "Correct it.")
    answer = needs(rates_of(open_run(run)), cameras, hours, fps, workers)
    if json_:
        typer.echo(json.dumps([asdict(need) for need in answer], indent=2))
        return
    table = Table("what", "how much", "rests on")
    for need in answer:
        table.add_row(need.what, need.words, need.rests_on)
    Console().print(table)
