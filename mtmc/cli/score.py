"""``mtmc score``: how good, and where the points went."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mtmc.score import ScoreParams, Scores
    from mtmc.score.sources import Sides

TABLE_WIDTH = 140
"""Columns of the tables where stdout is no terminal."""


class Engine(StrEnum):
    """Who computes IDF1 and CLEAR."""

    mtmc = "mtmc"
    motmetrics = "motmetrics"


class Measure(StrEnum):
    """What decides whether two boxes match."""

    iou = "iou"
    ground = "ground"


def score(
    predicted: Annotated[
        Path | None,
        typer.Argument(
            help="Run folder, 9-column file (.txt .zip .tar.gz) or folder of cNNN/gt/gt.txt; else the newest in runs/.",
            show_default=False,
        ),
    ] = None,
    gt: Annotated[
        Path | None,
        typer.Option(help="Ground truth: file or folder; else the run's own scene.", show_default=False),
    ] = None,
    roi: Annotated[
        Path | None,
        typer.Option(
            help="Folder of masks (cNNN/roi.jpg); else those beside the ground truth, if they fit it.",
            show_default=False,
        ),
    ] = None,
    use_roi: Annotated[
        bool, typer.Option("--use-roi/--no-roi", help="Drop boxes with a corner outside the mask.")
    ] = True,
    multi_camera: Annotated[bool, typer.Option(help="Drop ids seen in fewer than two cameras.")] = True,
    duplicates: Annotated[
        bool, typer.Option("--duplicates/--no-duplicates", help="Drop repeated camera, id, frame rows.")
    ] = True,
    ignore_other_cameras: Annotated[
        bool, typer.Option("--ignore-other-cameras", help="Ignore cameras without ground truth, as the challenge does.")
    ] = False,
    measure: Annotated[
        Measure, typer.Option(help="Match by IoU of boxes or by ground distance in metres.")
    ] = Measure.iou,
    min_iou: Annotated[float, typer.Option(min=0.01, max=1.0, help="Least IoU of a match.")] = 0.5,
    max_distance_m: Annotated[
        float, typer.Option(min=0.001, help="Greatest distance of a match by ground distance.")
    ] = 2.0,
    explain: Annotated[bool, typer.Option("--explain", help="Split 1 - IDF1 into its causes.")] = False,
    oracle: Annotated[bool, typer.Option("--oracle", help="Score again with stages replaced by the truth.")] = False,
    part: Annotated[
        list[str] | None,
        typer.Option(help="--oracle: an outside part (module:callable) of the run that may be loaded; repeatable."),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="Who computes IDF1 and CLEAR.")] = Engine.mtmc,
    check: Annotated[
        bool, typer.Option("--check", help="Compare with motmetrics; exit code 1 if they differ.")
    ] = False,
    all_: Annotated[bool, typer.Option("--all", help="All metrics in the table, wider than 80 columns.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the scores for machines.")] = False,
) -> None:
    """Score vehicles against ground truth by the AI City rules: IDF1, CLEAR, HOTA, links, causes of loss.

    The scores of a run folder are also saved in it as scores.json.

    \b
    Examples:
      mtmc score                          (newest run, its own scene)
      mtmc score runs/S02 --explain --oracle
      mtmc score track3.txt --gt truth.txt --roi AIC22/validation
    """
    from mtmc.params import load
    from mtmc.score import ScoreParams
    from mtmc.score import score as score_sides
    from mtmc.score.reference import all_differences, by_reference, reference_scores
    from mtmc.score.sources import load_sides

    params = load(
        ScoreParams,
        roi=use_roi,
        multi_camera=multi_camera,
        duplicates=duplicates,
        other_cameras="ignore" if ignore_other_cameras else "error",
        measure=measure.value,
        min_iou=min_iou,
        max_distance_m=max_distance_m,
        oracle=oracle,
    )
    sides = load_sides(predicted, gt, roi, use_roi, on_ground=measure is Measure.ground)
    for note in sides.notes:
        typer.echo(f"note: {note}", err=True)
    if multi_camera and len(sides.predicted.cameras) == 1:
        typer.echo("note: one camera only, where every vehicle is dropped; see --no-multi-camera", err=True)
    scores = score_sides(sides.truth, sides.predicted, params, sides.masks)
    if oracle and sides.run is not None and measure is Measure.iou:
        from mtmc.experiments.ceilings import with_reruns
        from mtmc.store import open_run

        scores = with_reruns(scores, open_run(sides.run), sides.truth, sides.predicted, params, part or ())
    asked = check or engine is Engine.motmetrics
    references = reference_scores(sides.truth, sides.predicted, params, sides.masks) if asked else {}
    shown = by_reference(scores, references) if engine is Engine.motmetrics else scores
    _write(sides, params, shown, engine, None if json_ else (explain, all_))
    if check:
        _report_check(all_differences(scores, references))


def _write(sides: Sides, params: ScoreParams, scores: Scores, engine: Engine, tables: tuple[bool, bool] | None) -> None:
    """Print the scores, as tables (explained? all metrics?) or else as JSON; a run's folder keeps them too."""
    from mtmc.files.atomic import write_json
    from mtmc.score.scores import to_json

    document = {
        "predicted": str(sides.predicted_path),
        "truth": str(sides.truth_path),
        "engine": engine.value,
        "masks": len(sides.masks),
        "params": params.model_dump(mode="json"),
        **to_json(scores),
    }
    if sides.run is not None:
        write_json(sides.run / "scores.json", document)
    if tables is None:
        typer.echo(json.dumps(document, indent=2))
        return
    from rich.console import Console

    from mtmc.score.table import renderables

    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=TABLE_WIDTH)
    console.print(f"{sides.predicted_path} against {sides.truth_path}", soft_wrap=True)
    for part in renderables(scores, *tables):
        console.print(part, soft_wrap=not hasattr(part, "columns"))


def _report_check(found: dict[str, dict[str, tuple[float, float]]]) -> None:
    """Say on stderr whether the engines agree; exit code 1 where they do not."""
    from rich.console import Console

    from mtmc.score.table import differences_table

    console = Console(stderr=True)
    if not found:
        console.print("check: motmetrics agrees on every number to 1e-9")
        return
    console.print(differences_table(found))
    raise typer.Exit(1)
