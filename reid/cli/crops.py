"""``reid crops``: a training set out of videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def crops(
    source: Annotated[
        Path, typer.Argument(help="Folder of annotated videos (S01/c001/vdo.avi, gt/gt.txt), or of an mtmc run.")
    ],
    out: Annotated[Path, typer.Option(help="New folder for images/ and index.csv.", show_default=False)],
    gt: Annotated[
        Path | None,
        typer.Option(help="Ground truth: a 9-column AI City file, or a folder of c001/gt/gt.txt.", show_default=False),
    ] = None,
    certain: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Of an mtmc run only vehicles of several cameras whose every link is at least so probable, or was "
            "confirmed by an edit.",
            show_default=False,
        ),
    ] = None,
    per_track: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Crops per vehicle and camera, evenly spaced.")
    ] = 20,
    min_side: Annotated[
        int, typer.Option(min=1, max=100_000, help="Leave out boxes narrower or lower than this, pixels.")
    ] = 24,
    margin: Annotated[float, typer.Option(min=0, max=1, help="Share of the box added on each side.")] = 0.0,
    validation: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the vehicles of several cameras that go to split val.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the choice of validation vehicles.")] = 0,
) -> None:
    """Cut a training set out of annotated or tracked videos, in the form that `--dataset csv` reads.

    From an mtmc run the vehicle ids are the run's own; with --gt only its boxes that overlap the truth count, under
    true ids.

    \b
    The table index.csv has the columns path (relative to it), vehicle_id, camera_id, split and any others; splits are
    train and one test: either query and gallery, or val (or test, or gallery alone), of which each vehicle's images in
    its first camera ask and all others answer.

    \b
    Examples:
      reid crops AICity/train/S01 --out crops/
      reid crops runs/S01 --gt AICity/train/S01 --out crops/
      reid crops runs/mine --certain 0.95 --out crops/
      reid train --dataset csv --root crops/
    """
    from reid.crops.boxes import read_annotated, read_run
    from reid.crops.cut import CropRules, cut_crops
    from reid.errors import UserError

    is_run = (source / "run.json").exists()
    if certain is not None and not is_run:
        raise UserError("--certain", "the folder of an mtmc run", str(source), "Leave it out: truth is certain.")
    rules = CropRules(per_track, min_side, margin, validation, seed)
    rows = cut_crops(read_run(source, gt, certain) if is_run else read_annotated(source, gt), out, rules)
    vehicles, cameras = ({row[name] for row in rows} for name in ("vehicle_id", "camera_id"))
    held_out = {row["vehicle_id"] for row in rows if row["split"] == "val"}
    counts = f"{len(rows):,} crops of {len(vehicles)} vehicles ({len(held_out)} val) in {len(cameras)} cameras"
    typer.echo(f"{out / 'index.csv'}: {counts}")
