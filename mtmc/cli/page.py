"""``mtmc report``: the results page."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write RUN/report.html, to see every vehicle over all cameras, and why. It opens by double click, offline.

    Example: mtmc report runs/S06 --open
    """
    from mtmc.cli.progress import logged, watching
    from mtmc.config import build_config
    from mtmc.results_page import make_page
    from mtmc.store import open_run

    opened = open_run(run)
    params = build_config(opened.settings["config"], "run.json").report
    if private is not None:
        params = params.model_copy(update={"hide": private.value})
    with logged(), watching() as watch:
        path = make_page(opened, opened.scene, params, watch, gt, truth or gt is not None, embed_video)
    typer.echo(path)
    if open_:
        typer.launch(str(path))
