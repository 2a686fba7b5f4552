"""``mtmc demo``: the whole way on a synthetic city, from videos to a score and pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

OVERRIDES = ["track.clean.parked=keep", "link.parked=drop", "link.max_overlap_s=30"]
"""As the demo's configuration."""
LIGHT: dict[str, Any] = {"detector": "motion", "overrides": OVERRIDES}
CORE: dict[str, Any] = {"weights": "street", "overrides": OVERRIDES}
"""Without Detectron2."""


def demo(
    out: Annotated[Path, typer.Argument(help="Folder for the city and the run.")] = Path("mtmc-demo"),
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Another number, another city.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(help="Length of each video.  (default: 24)", show_default=False)
    ] = None,
    light: Annotated[bool, typer.Option("--light", help="Motion instead of a detector's network.")] = False,
) -> None:
    """Render a small city, track it with the demo weights, score it, and make pictures. Some minutes on 2 cores.

    \b
    Examples:
      mtmc demo
      mtmc demo --light --seconds 12
    """
    from mtmc import api
    from mtmc.cli.progress import console, logged, watching
    from mtmc.cli.score import score
    from mtmc.cli.synth import write_videos
    from mtmc.params import load
    from mtmc.pipeline import default_workers, run_pipeline
    from mtmc.report.pictures import draw_pictures
    from mtmc.report.privacy import Veil
    from mtmc.synth.scene import SynthParams

    start = time.monotonic()
    scene, folder = out / f"city-{seed}" / "S01", out / f"run-{seed}"
    if not scene.exists():
        console.print("rendering four cameras of a synthetic city", style="bold")
        # No parked cars: in half a minute one is hardly told from a car that waits at a red light.
        write_videos(scene.parent, load(SynthParams, preset="demo", parked=0, seconds=seconds), seed)
    how = LIGHT if light else {"config": "demo"} if _detector() else CORE
    todo = api.planned(scene, folder, **how)
    with logged(folder), watching(todo.stamps) as watch:
        run_pipeline(todo, default_workers(todo.units, "auto"), watch)
    score(folder, explain=True)
    draw_pictures(todo.run, Veil.of(todo.run, todo.scene, todo.config.report.hide))
    typer.echo(f"""
Done in {time.monotonic() - start:.0f} s. Open
  {folder}/report.html              every vehicle over all cameras, and why: open it in a browser
  {folder}/mosaic.png               one instant of all cameras, every vehicle in its own colour
  {folder}/vehicles.png             vehicles that several cameras saw, crop by crop
  {folder}/video/mosaic.mp4         the same, moving
  {scene}/map.png               the city from above
  {folder}/track3.txt               the submission file; vehicles.parquet for everything else""")


def _detector() -> bool:
    """Whether the demo's detector can run; says what brings it otherwise."""
    from importlib.util import find_spec

    from mtmc.cli.progress import console
    from mtmc.errors import DETECTRON2

    there = find_spec("torch") is not None and find_spec("detectron2") is not None
    if not there:
        console.print(
            f"No Detectron2 installed: the packaged street detector finds the vehicles instead. {DETECTRON2}",
            style="yellow",
            highlight=False,
        )
    return there
