"""``mtmc watch``: a folder of recordings that grows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtmc.cli.options import Cluster, Config, Detector, Device, Embedder, Settings, Workers

if TYPE_CHECKING:
    from mtmc.pipeline.planning import Plan


def watch(
    folder: Annotated[Path, typer.Argument(metavar="VIDEOS", help="Folder into which recordings are written.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    config: Config = None,
    set_: Settings = None,
    detector: Detector = None,
    weights: Annotated[str | None, typer.Option(help="The detector's model file.")] = None,
    embedder: Embedder = None,
    device: Device = "auto",
    workers: Workers = None,
    cluster: Cluster = "",
    every: Annotated[float, typer.Option(min=0.1, help="Look into the folder every so many seconds.")] = 10.0,
    settle: Annotated[float, typer.Option(min=0, help="A file is closed that has not changed for so long.")] = 5.0,
    until_idle: Annotated[
        float | None, typer.Option(min=0, help="End when nothing has closed for so many seconds.", show_default=False)
    ] = None,
    metrics: Annotated[
        int | None, typer.Option(help="Serve http://127.0.0.1:PORT/metrics for Prometheus.", show_default=False)
    ] = None,
) -> None:
    """Follow a folder into which cameras' recordings are written: each is worked on when it has closed, and the run
    folder holds what is known so far.

    \b
    Examples:
      mtmc watch /var/recordings --out runs/live --detector motion
      mtmc watch /var/recordings --out runs/live --metrics 9100 --until-idle 600
    """
    from mtmc.cli.progress import console, logged, watching
    from mtmc.pipeline import default_workers, run_pipeline
    from mtmc.watching import Metrics, follow

    told = Metrics()
    if metrics is not None:
        told.serve(metrics)

    def run(todo: Plan) -> None:
        with watching(todo.stale()) as bars:
            run_pipeline(todo, workers or default_workers(todo.units, device), bars, cluster)
        videos = sum(len(camera.recordings) for camera in todo.scene.cameras.values())
        console.print(f"{videos} recordings, {len(todo.run.vehicles())} vehicles so far")

    parts = {"detector": detector, "weights": weights, "embedder": embedder, "config": config, "device": device}
    idle = float("inf") if until_idle is None else until_idle
    how = {"every_s": every, "settle_s": settle, "idle_s": idle, "metrics": told, "overrides": set_ or []}
    with logged(out):
        follow(folder, out, run, **how, **parts)  # type: ignore[arg-type]
