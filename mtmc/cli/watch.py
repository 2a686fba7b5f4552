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
    every: Annotated[
        float, typer.Option(min=0.1, max=86_400, help="Look into the folder every so many seconds.")
    ] = 10.0,
    settle: Annotated[
        float, typer.Option(min=0, max=86_400, help="A file is closed that has not changed for so long.")
    ] = 5.0,
    until_idle: Annotated[
        float | None,
        typer.Option(min=0, max=1e9, help="End when nothing has closed for so many seconds.", show_default=False),
    ] = None,
    lag: Annotated[
        float,
        typer.Option(min=0, max=1e9, help="Vehicles go into settled/ so many seconds behind the cameras, for good."),
    ] = 120.0,
    stream: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=URL", help="Record a camera's stream (rtsp://...) into VIDEOS; may be repeated."),
    ] = None,
    segment: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds of a recording of --stream.")] = 60.0,
    metrics: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Serve http://127.0.0.1:PORT/metrics for Prometheus.", show_default=False),
    ] = None,
) -> None:
    """Follow a folder into which cameras' recordings are written: each is worked on when it has closed, and the run
    folder holds what is known so far.

    \b
    Examples:
      mtmc watch /var/recordings --out runs/live --detector motion
      mtmc watch /var/recordings --out runs/live --metrics 9100 --until-idle 600
      mtmc watch rec/ --out runs/live --stream north=rtsp://10.0.0.5/main --stream south=rtsp://10.0.0.6/main
    """
    from mtmc.cli.progress import console, logged, watching
    from mtmc.pipeline import default_workers, run_pipeline
    from mtmc.watching import Metrics, Recorder, follow

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
    streams = [Recorder(*_named(text), folder, segment) for text in stream or []]
    how = {"every_s": every, "settle_s": settle, "idle_s": idle, "lag_s": lag, "metrics": told, "streams": streams}
    with logged(out):
        try:
            for recorder in streams:
                folder.mkdir(parents=True, exist_ok=True)
                recorder.start()
            follow(folder, out, run, overrides=set_ or [], **how, **parts)  # type: ignore[arg-type]
        finally:
            for recorder in streams:
                recorder.stop()


def _named(stream: str) -> tuple[str, str]:
    name, _, address = stream.partition("=")
    return name, address
