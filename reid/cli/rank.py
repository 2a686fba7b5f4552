"""``reid rank``: a picture of queries and their first answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from reid.cli.options import BatchSize, DatasetName, Device, Flip, Precision, Root, Weights, embedding


def rank(
    weights: Weights,
    dataset: DatasetName,
    root: Root,
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("ranking.png"),
    queries: Annotated[int, typer.Option(min=1, max=1000, help="Rows of the picture.")] = 10,
    answers: Annotated[int, typer.Option(min=1, max=1000, help="Answers per row.")] = 10,
    pick: Annotated[
        Literal["worst", "random", "first"],
        typer.Option(help="Which queries: lowest average precision, random, first."),
    ] = "random",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the random choice.")] = 0,
    flip: Flip = False,
    device: Device = "auto",
    batch_size: BatchSize = 64,
    precision: Precision = "auto",
) -> None:
    """Draw queries and their first answers, framed green where right and red where wrong.

    \b
    Example:
      reid rank --weights runs/veri/best.safetensors --dataset veri776 --root ~/VeRi --pick worst --out worst.png
    """
    import numpy as np

    from reid.datasets import load_dataset
    from reid.evaluation.datasets import embed_test, ranked
    from reid.evaluation.ranking import first_answers
    from reid.figures.rankings import draw_sheet, pick_queries, ranking_row, save_picture

    data = load_dataset(dataset, root)
    query, gallery = embed_test(embedding(weights, device, batch_size, precision, flip), data)
    scores = ranked(data.name, query, gallery) if data.gallery.labelled else None
    rows = pick_queries(scores, len(query), queries, pick, seed)
    found = list(first_answers(query.take(np.array(rows)), gallery, answers))
    sheet = draw_sheet(
        [ranking_row(data.query, row, data.gallery, line) for row, line in zip(rows, found, strict=True)]
    )
    save_picture(sheet, out)
    typer.echo(f"{out}: {len(rows)} queries")
