"""``mtmc report`` and ``mtmc view``: the results page, as a file and from a small local server."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtmc.cli.edit import TRUSTED

if TYPE_CHECKING:
    from mtmc.store import Run


class Subject(StrEnum):
    """What a figure shows."""

    vehicles = "vehicles"
    mosaic = "mosaic"
    timeline = "timeline"
    map = "map"


class Format(StrEnum):
    """Forms of figures."""

    png = "png"
    svg = "svg"
    pdf = "pdf"


class Private(StrEnum):
    """What pictures may not show."""

    plates = "plates"
    boxes = "boxes"
    pictures = "pictures"


def report(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    gt: Annotated[
        Path | None, typer.Option(help="Ground truth, for the truth panel: file or folder.", show_default=False)
    ] = None,
    truth: Annotated[bool, typer.Option("--truth", help="With the ground truth of the run's own scene.")] = False,
    embed_video: Annotated[bool, typer.Option("--embed-video", help="Put the videos into the page itself.")] = False,
    private: Annotated[
        Private | None,
        typer.Option(
            help="Hide in all pictures: plates (the lower half of vehicles, persons whole), boxes (whole), or pictures "
            "(make none).",
            show_default=False,
        ),
    ] = None,
    figure: Annotated[
        Subject | None,
        typer.Option(help="Draw this for a paper instead, as RUN/<figure>.<format>.", show_default=False),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="Form of the figure.")] = Format.png,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write RUN/report.html, to see every vehicle over all cameras, and why. It opens by double click, offline.

    Example: mtmc report runs/S06 --open
    """
    from mtmc.cli.progress import logged, watching
    from mtmc.config import build_config
    from mtmc.embed import attention_of
    from mtmc.results_page import Asked, make_page
    from mtmc.store import open_run

    opened = open_run(run)
    config = build_config(opened.settings["config"], "run.json")
    params = config.report
    hide = params.hide if private is None else private.value
    if figure is not None:
        from mtmc.report.figures import draw_figure
        from mtmc.report.privacy import Veil, promised

        path = run / f"{figure.value}.{format_.value}"
        veil = Veil.of(opened, opened.scene, promised(opened, hide))
        draw_figure(opened, opened.scene, figure.value, path, veil)
        typer.echo(path)
        return
    with logged(), watching() as watch:
        asked = Asked(
            truth=truth or gt is not None, ground_truth=gt and gt.resolve(), embed_video=embed_video, hide=hide
        )
        path = make_page(opened, opened.scene, params, watch, asked, attention_of(config.embed))
    typer.echo(path)
    if open_:
        typer.launch(str(path))


def view(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8720,
    part: Annotated[list[str] | None, typer.Option(help=TRUSTED, metavar="MODULE:CALLABLE")] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open it in the browser.")] = True,
) -> None:
    """Serve RUN/report.html on this machine; corrections made in the page go into RUN/edits.jsonl and are linked at
    once.

    Example: mtmc view runs/S06
    """
    from mtmc.report.serve import make_server
    from mtmc.store import open_run

    opened = open_run(run)
    if not (run / "report.html").exists():
        report(run)
    try:
        server = make_server(run, port, lambda text: save_edits(opened, text, part or []))
    except OSError as error:
        from mtmc.errors import InputError

        raise InputError(f"--port {port}", "a free port", error.strerror or str(error), "Choose another.") from error
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    typer.echo(f"{address} (Ctrl+C ends it)")
    if open_:
        typer.launch(address)
    with server:
        server.serve_forever()


def find(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    where: Annotated[str, typer.Option(help="Words, as in the page's search field: red truck c001>c003 p<0.6.")] = "",
    like: Annotated[
        Path | None, typer.Option(help="A picture of a vehicle: the most alike first.", show_default=False)
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", help="Seen at or after this: seconds, 08:15 or 2024-05-01T08:15.")
    ] = "",
    to: Annotated[str, typer.Option(help="Seen at or before this.")] = "",
    part: Annotated[list[str] | None, typer.Option(help=TRUSTED, metavar="MODULE:CALLABLE")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10**9, help="Most rows.")] = 50,
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Find vehicles by id, kind, colour, cameras passed, times, doubt, or by a picture.

    \b
    Examples:
      mtmc find runs/S06 --where "truck c041>c043 travel<60"
      mtmc find runs/mon runs/tue --like car.jpg --from 08:00 --to 08:30
    """
    import json

    from rich.console import Console
    from rich.table import Table

    from mtmc.find import find as search
    from mtmc.store import open_run

    found = [vehicle for folder in runs for vehicle in search(open_run(folder), where, like, from_, to, part or ())]
    if like is not None:
        found.sort(key=lambda vehicle: -(vehicle.cosine or 0.0))
    if json_:
        keys = ("run", "vehicle_id", "label", "colour", "start_s", "end_s", "start_utc", "end_utc", "boxes", "p",
                "speed_kmh", "cosine", "cameras")  # fmt: skip
        typer.echo(json.dumps([{key: getattr(v, key) for key in keys} for v in found[:limit]], indent=2, default=str))
        return
    table = Table("run", "vehicle", "what", "way", "from", "to", "least sure" if like is None else "alike")
    for v in found[:limit]:
        last = v.p if like is None else v.cosine
        what = v.label if v.colour == "unclear" else f"{v.colour} {v.label}"
        sure = "" if last is None else f"{last:.2f}"
        start = f"{v.start_s:.1f}" if v.start_utc is None else f"{v.start_utc:%F %T}"
        end = f"{v.end_s:.1f}" if v.end_utc is None else f"{v.end_utc:%T}"
        table.add_row(v.run, str(v.vehicle_id), what, " > ".join(v.cameras), start, end, sure)
    Console().print(table)
    typer.echo(f"{len(found)} found")


def save_edits(run: Run, text: str, trusted: Collection[str] = ()) -> str | None:
    """Keep the page's edits and link again; what was wrong with them, and nothing changed, or None."""
    from mtmc.edits import read_edit, read_edits, write_edits
    from mtmc.errors import UserError
    from mtmc.pipeline import run_pipeline
    from mtmc.pipeline.planning import plan_to_run_again

    path = run.path_of_edits
    try:
        before = read_edits(path)
        edits = [read_edit(line, f"edit {n}") for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    except UserError as mistake:
        return str(mistake)
    try:
        write_edits(path, edits)
        run_pipeline(plan_to_run_again(run, trusted), 1, lambda *news: None)
    except UserError as mistake:
        write_edits(path, before)
        return str(mistake)
    return None
