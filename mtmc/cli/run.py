"""``mtmc run``: videos in, vehicles out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def run(
    videos: Annotated[
        Path, typer.Option(help="Folder of one scene: AI City (S06/c041/vdo.avi) or plain videos (cam1.mp4).")
    ],
    out: Annotated[Path | None, typer.Option(help="Run folder.  [default: runs/<scene>]", show_default=False)] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file, such as configs/pipeline/paper.toml.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one parameter; may be repeated.")
    ] = None,
    detector: Annotated[str | None, typer.Option(help="detectron2, torchvision, onnx, motion or recorded.")] = None,
    weights: Annotated[str | None, typer.Option(help="The detector's model file (or recorded boxes).")] = None,
    tracker: Annotated[str | None, typer.Option(help="jde or deepsort.")] = None,
    embedder: Annotated[str | None, typer.Option(help="sgfd or histogram.")] = None,
    reid_weights: Annotated[str | None, typer.Option(help="The SGFD checkpoint (from `reid train`).")] = None,
    link: Annotated[str | None, typer.Option(help="network, electricity, hungarian, agglomerative or zones.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Cameras at once.  [default: one per core]", show_default=False)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print a summary for machines on stdout.")] = False,
) -> None:
    """Track every vehicle over all cameras of a scene: detect, track, embed, link, export, draw.

    Run it again and only what is stale runs; kill it and it resumes.

    \b
    Examples:
      mtmc run --videos S06/
      mtmc run --videos my_cameras/ --detector motion
      mtmc run --videos S06/ --config configs/pipeline/paper.toml --set track.max_lost_s=2.0
    """
    from mtmc.cli.progress import logged, watching
    from mtmc.config import load_config
    from mtmc.pipeline import default_workers, plan, run_pipeline
    from mtmc.scene import find_videos

    choices = {
        "detect.detector": detector,
        "detect.weights": weights,
        "track.tracker": tracker,
        "embed.embedder": embedder,
        "embed.weights": reid_weights,
        "link.linker": link,
    }
    overrides = [f"{key}={json.dumps(value)}" for key, value in choices.items() if value is not None]
    settings = load_config(config, [*overrides, *(set_ or [])])
    find_videos(videos)  # a wrong folder is refused before a run folder is made
    folder = out or Path("runs") / videos.resolve().name
    with logged(folder):
        todo = plan(videos, folder, settings, device)
        count = workers or default_workers(len(todo.scene.cameras), device)
        with watching() as watch:
            finished = run_pipeline(todo, count, watch)
    _report(folder, finished.vehicles(), json_)


def _report(folder: Path, vehicles: list, as_json: bool) -> None:  # type: ignore[type-arg]
    timings = json.loads((folder / "timings.json").read_text())
    shared = sum(len(vehicle.cameras) > 1 for vehicle in vehicles)
    summary = {
        "run": str(folder),
        "vehicles": len(vehicles),
        "vehicles_in_several_cameras": shared,
        "tracklets": sum(len(vehicle.tracklets) for vehicle in vehicles),
        "files": sorted(str(p.relative_to(folder)) for p in folder.rglob("[!.]*") if p.is_file()),
        "timings": timings,
    }
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    typer.echo(f"{len(vehicles)} vehicles, {shared} of them in several cameras: {folder}/track3.txt, vehicles.parquet")
    if (folder / "video").exists():
        typer.echo(f"look at {folder}/video/mosaic.mp4")
