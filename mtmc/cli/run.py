"""``mtmc run``: videos in, vehicles out."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Annotated

import typer

from mtmc.cli.options import (
    Cluster,
    Config,
    Detector,
    Device,
    Embedder,
    Linker,
    ReidWeights,
    Settings,
    Tracker,
    Workers,
)
from mtmc.errors import ConfigError

if TYPE_CHECKING:
    from mtmc.pipeline.planning import Plan

log = logging.getLogger(__name__)

STREAMS = {
    ("rtsp:", "rtmp:", "http:", "https:"): "Record and follow it: mtmc watch cams/ --out runs/live --stream cam1=URL.",
    ("/dev/video",): "Record it: ffmpeg -f v4l2 -i /dev/video0 -f segment -segment_time 60 -strftime 1 "
    "cams/cam1_%Y%m%d_%H%M%S.mp4; meanwhile mtmc watch cams/ --out runs/live.",
}
"""What to do with what is no folder, by how it begins."""


def run(
    folder: Annotated[
        str | None,
        typer.Argument(
            path_type=str,
            metavar="[VIDEOS]",
            help="Folder of one scene, or its URL: AI City (S06/c041/vdo.avi) or videos (cam1.mp4).",
        ),
    ] = None,
    videos: Annotated[str | None, typer.Option(path_type=str, help="The same, by name.", show_default=False)] = None,
    out: Annotated[
        str | None,
        typer.Option(path_type=str, help="Run folder, or its URL.  (default: runs/<scene>)", show_default=False),
    ] = None,
    config: Config = None,
    set_: Settings = None,
    detector: Detector = None,
    weights: Annotated[str | None, typer.Option(help="The detector's model file (or recorded boxes).")] = None,
    tracker: Tracker = None,
    embedder: Embedder = None,
    reid_weights: ReidWeights = None,
    link: Linker = None,
    start: Annotated[str | None, typer.Option(help="From here on: seconds or clock time (07:30:00).")] = None,
    end: Annotated[str | None, typer.Option(help="Up to here, likewise.")] = None,
    stride: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Every so many-th frame only.")] = None,
    max_fps: Annotated[
        float | None, typer.Option(min=0, help="Frames per second looked at, 0 for all.  (default: 10 with auto)")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second of folders of pictures.")] = None,
    device: Device = "auto",
    workers: Workers = None,
    cluster: Cluster = "",
    json_: Annotated[bool, typer.Option("--json", help="Print a summary for machines on stdout.")] = False,
) -> None:
    """Track every vehicle over all cameras of a scene: detect, track, embed, link, export, draw.

    Run it again and only what is stale runs; kill it and it resumes.

    \b
    Examples:
      mtmc run cams/
      mtmc run cams/ --detector motion --set track.jde.max_lost_s=2.0
      mtmc run S06/ --config paper --reid-weights best.safetensors
      mtmc run cams/ --cluster ray://head:10001
      mtmc run s3://bucket/cams --out s3://bucket/runs/cams
    """
    from mtmc import api
    from mtmc.cli.progress import logged, watching
    from mtmc.doctor.forecast import forecast
    from mtmc.pipeline import default_workers, run_pipeline

    parts = {
        "detector": detector,
        "weights": weights,
        "tracker": tracker,
        "embedder": embedder,
        "reid_weights": reid_weights,
        "link": link,
        "start": start,
        "end": end,
        "stride": stride,
        "max_fps": max_fps,
        "fps": fps,
    }
    with logged():
        todo = api.planned(_one_of(folder, videos), out, config=config, overrides=set_ or [], device=device, **parts)
    count, stale = workers or default_workers(todo.units, device), todo.stale()
    with logged(todo.run.folder), watching(stale) as watch:
        if todo.auto and any(stage == "detections" for stage, _ in stale):
            log.info("%s", forecast(todo.scene, todo.config.detect, device))
        run_pipeline(todo, count, watch, cluster)
    tell(todo, json_)


def _one_of(folder: str | None, videos: str | None) -> str:
    given = [name for name in (folder, videos) if name is not None]
    if len(given) != 1:
        found = " and ".join(given) or "nothing"
        raise ConfigError("mtmc run", "one folder of videos", found, "Write `mtmc run FOLDER`.")
    for beginnings, fix in STREAMS.items():
        if given[0].startswith(beginnings):
            raise ConfigError("mtmc run", "a folder of recordings", f"the live stream {given[0]}", fix)
    return given[0]


def tell(done: Plan, as_json: bool) -> None:
    """What came out of a run: how many vehicles, where to look."""
    from mtmc.files import inside
    from mtmc.store.documents import KeptTimings, read_kept

    folder = done.run.folder
    seen = [(len(v.cameras), len(v.tracklets)) for part in done.run.vehicles_in_parts() for v in part]
    shared = sum(cameras > 1 for cameras, _ in seen)
    timings = read_kept(folder / "timings.json", KeptTimings)
    summary = {
        "run": str(folder),
        "vehicles": len(seen),
        "vehicles_in_several_cameras": shared,
        "tracklets": sum(tracklets for _, tracklets in seen),
        "files": sorted(str(inside(p, folder)) for p in folder.rglob("[!.]*") if p.is_file()),
        "timings": timings.root if timings else {},
    }
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    typer.echo(f"{len(seen)} vehicles, {shared} of them in several cameras: {folder}/track3.txt, vehicles.parquet")
    if done.config.report.page:
        typer.echo(f"look at {folder}/report.html")
