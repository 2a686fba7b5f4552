"""``mtmc compare``: what differs between two runs. ``mtmc tune``: parameters that score better, on data they were not
chosen on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from mtmc.experiments.differences import Differences
    from mtmc.experiments.tuning import Tuned

MOST = 20
"""Lines of one kind that are printed."""


def compare(
    first: Annotated[Path, typer.Argument(help="Run folder.")],
    second: Annotated[Path, typer.Argument(help="Run folder of the same cameras.")],
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say how two runs differ: in settings, in scores (of runs that were scored), in vehicles.

    \b
    Example:
      mtmc compare runs/before runs/after
    """
    from mtmc.experiments.differences import differences
    from mtmc.store import open_run

    found = differences(open_run(first), open_run(second))
    if json_:
        typer.echo(json.dumps(asdict(found)))
        return
    for line in _sentences(found):
        typer.echo(line)


def _sentences(found: Differences) -> Iterator[str]:
    for key, (before, after) in found.settings.items():
        yield f"{key}: {json.dumps(before)} -> {json.dumps(after)}"
    for name, (before, after) in found.scores.items():
        yield f"{name}: {before:.4f} -> {after:.4f} ({after - before:+.4f})"
    yield f"vehicles: {len(found.same)} the same in both, {len(found.split)} split, {len(found.merged)} merged, "\
        f"{len(found.only_first)} only in the first, {len(found.only_second)} only in the second"  # fmt: skip
    yield f"the second measured against the first: IDF1 {found.agreement:.4f}"
    for vehicle, parts in list(found.split.items())[:MOST]:
        yield f"  vehicle {vehicle} became {', '.join(map(str, parts))}"
    for vehicle, parts in list(found.merged.items())[:MOST]:
        yield f"  vehicles {', '.join(map(str, parts))} became {vehicle}"


def tune(
    run: Annotated[Path, typer.Argument(help="Finished run folder.")],
    gt: Annotated[
        Path | None, typer.Option(help="Ground truth.  (default: the scene's own)", show_default=False)
    ] = None,
    stage: Annotated[
        Literal["link", "track"], typer.Option(help="Whose parameters: of the linker, of the tracker.")
    ] = "link",
    trials: Annotated[int, typer.Option(min=1, max=1_000_000, help="Settings tried.")] = 40,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed tries the same settings.")] = 0,
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Look for parameters that score better, from the run's stored boxes and crops: no video is read.

    Settings are chosen on the first half of the time and judged on the second, so the gain printed last is not the gain
    fitted. Tracking is judged camera by camera. Needs pip install "mtmc[tune]".

    \b
    Example:
      mtmc tune runs/mine --gt truth.txt --trials 100
    """
    from mtmc.experiments.tuning import tune as search
    from mtmc.store import open_run

    found = search(open_run(run), gt, stage, trials, seed)
    if json_:
        typer.echo(json.dumps(asdict(found)))
        return
    for line in _advice(found):
        typer.echo(line)


def _advice(found: Tuned) -> Iterator[str]:
    yield f"first half, chosen on:  IDF1 {found.fitted_before:.4f} -> {found.fitted_after:.4f}"
    yield f"second half, held out:  IDF1 {found.held_out_before:.4f} -> {found.held_out_after:.4f}"
    if found.held_out_after <= found.held_out_before:
        yield "What was better on the first half is not on the second: keep the parameters as they are."
        return
    yield "mtmc run ... " + " ".join(f"--set {key}={json.dumps(value)}" for key, value in found.settings.items())
