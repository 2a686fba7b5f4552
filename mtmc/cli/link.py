"""``mtmc link``: tracks that were made elsewhere in, vehicles out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from mtmc.cli.options import Config, Device, Embedder, Linker, ReidWeights, Settings

T = TypeVar("T")


def link_tracks(
    tracks: Annotated[
        str,
        typer.Argument(
            metavar="TRACKS",
            help="File of all cameras, folder with a file per camera, or a pattern such as 'mot/{camera}.txt'.",
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Run folder.  (default: runs/<name>)", show_default=False)] = None,
    vectors: Annotated[
        str | None,
        typer.Option(help="Appearance: .npz, .npy or .parquet; may have {camera} in it.", show_default=False),
    ] = None,
    videos: Annotated[
        Path | None, typer.Option(help="The scene's videos, for crops and pictures.", show_default=False)
    ] = None,
    offsets: Annotated[
        Path | None, typer.Option(help="Starts of the cameras: lines such as c001 1.640.", show_default=False)
    ] = None,
    zones: Annotated[
        Path | None,
        typer.Option(
            help="TOML of zones and travel times: to link by, or with --link network as a prior.", show_default=False
        ),
    ] = None,
    fps: Annotated[
        list[str] | None, typer.Option(help="Frames per second where files do not tell: 10, or c001=10.", metavar="FPS")
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(help="Size of pictures: 1920x1080, or c001=1920x1080.", metavar="SIZE")
    ] = None,
    first_frame: Annotated[
        int | None,
        typer.Option(
            min=0, max=1, help="What the first frame is called.  (default: as the format has it)", show_default=False
        ),
    ] = None,
    link: Linker = None,
    embedder: Embedder = None,
    reid_weights: ReidWeights = None,
    config: Config = None,
    set_: Settings = None,
    device: Device = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print a summary for machines on stdout.")] = False,
) -> None:
    """Link tracks of your own tracker over all cameras; no videos needed. The run folder serves score, explain,
    bench-link, export, report and edit as any other.

    Tracks: AI City, MOT, CSV or Parquet with named columns, CVAT for video,
    OTVision. Their frames count from 1 in AI City, MOT and OTVision files, else from 0,
    unless --first-frame says so.

    \b
    Examples:
      mtmc link tracks.csv --fps 10 --vectors vectors.npz --out runs/mine
      mtmc link 'mot/{camera}.txt' --fps 10 --size 1280x720 --offsets starts.txt
      mtmc link mot/ --videos cams/ --embedder histogram
    """
    from mtmc import api
    from mtmc.cli.progress import logged, watching
    from mtmc.cli.run import tell
    from mtmc.pipeline import run_pipeline

    parts = {"zones": zones, "link": link, "embedder": embedder, "reid_weights": reid_weights}
    rates, sizes = _by_camera("--fps", fps, float, "10"), _by_camera("--size", size, _size, "1920x1080")
    with logged():
        todo = api.planned_tracks(
            tracks, out, videos=videos, vectors=vectors, offsets=offsets, fps=rates, size=sizes,
            first_frame=first_frame, config=config, overrides=set_ or [], device=device, **parts,
        )  # fmt: skip
    with logged(todo.run.folder), watching() as watch:
        run_pipeline(todo, 1, watch)
    tell(todo, json_)


def _by_camera(
    option: str, values: Sequence[str] | None, read: Callable[[str], T], example: str
) -> dict[str, T] | None:
    """``10`` is of all cameras (under ""), ``c001=10`` of one; None for none."""
    from mtmc.errors import ConfigError

    found = {}
    for value in values or ():
        camera_id, _, text = value.rpartition("=")
        try:
            found[camera_id] = read(text)
        except ValueError as error:
            raise ConfigError(option, f"{example}, or c001={example}", repr(value), "Correct it.") from error
    return found or None


def _size(text: str) -> tuple[int, int]:
    width, height = (int(side) for side in text.lower().split("x"))
    if min(width, height) < 1:
        raise ValueError(text)
    return width, height
