"""``reid eval``: a checkpoint's figures on a data set's test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reid.cli.options import BatchSize, DatasetName, Device, Flip, Json, Precision, Root, embedding
from reid.errors import UserError

if TYPE_CHECKING:
    from reid.evaluation.datasets import Figure


def evaluate(
    dataset: DatasetName,
    root: Root,
    weights: Annotated[
        Path | None,
        typer.Option(help="Checkpoint of `reid train`, demo, or an exported .onnx or .xml.", show_default=False),
    ] = None,
    vectors: Annotated[
        Path | None,
        typer.Option(
            help="Instead of weights: features of any model, a Parquet table of path and vector, or an .npz of "
            "paths and vectors.",
            show_default=False,
        ),
    ] = None,
    tmap: Annotated[
        Literal["correct", "released"],
        typer.Option(help="VeRi-776's image-to-track figure; 'released' repeats the published code's camera slip."),
    ] = "correct",
    rerank: Annotated[
        bool, typer.Option("--rerank", help="k-reciprocal re-ranking (k1 20, k2 6, lambda 0.3); the figure says so.")
    ] = False,
    submission: Annotated[
        Path | None,
        typer.Option(help="CityFlow-ReID: write the first 100 answers per query for the challenge's server."),
    ] = None,
    flip: Flip = False,
    device: Device = "auto",
    batch_size: BatchSize = 64,
    precision: Precision = "auto",
    json_: Json = False,
) -> None:
    """Evaluate a checkpoint by the data set's own protocol; it may have been trained on any other data set.

    \b
    Examples:
      reid eval --weights runs/veri/best.safetensors --dataset veri776 --root ~/VeRi
      reid eval --weights runs/veri/best.safetensors --dataset vehicleid --root ~/VehicleID_V1.0
      reid eval --vectors features.parquet --dataset veri776 --root ~/VeRi
      reid eval --weights runs/cityflow/best.safetensors --dataset cityflow --root ~/AIC20_ReID --submission track2.txt
    """
    from reid.datasets import load_dataset
    from reid.evaluation.datasets import embed_test, evaluate_dataset, write_submission
    from reid.evaluation.rerank import Reciprocal
    from reid.evaluation.vectors import stored_vectors

    if (source := weights or vectors) is None or (weights and vectors):
        found = "both" if weights else "neither"
        raise UserError("reid eval", "either --weights or --vectors", found, "Give the one that is to be evaluated.")
    data = load_dataset(dataset, root)
    embed = stored_vectors(source) if vectors else embedding(source, device, batch_size, precision, flip)
    again = Reciprocal() if rerank else None
    if submission is not None:
        write_submission(submission, *embed_test(embed, data), data.gallery, again)
        facts = {
            "submission": str(submission),
            "queries": len(data.query),
            "protocol": again.name if again else "cosine",
        }
        typer.echo(json.dumps(facts) if json_ else f"{submission}: {len(data.query)} queries, {facts['protocol']}")
        return
    figures = evaluate_dataset(embed, data, tmap, again)
    typer.echo(_as_json(source, dataset, flip, figures) if json_ else _as_table(f"{source} on {dataset}", figures))


def _as_json(source: Path, dataset: str, flip: bool, figures: list[Figure]) -> str:
    from dataclasses import asdict

    rows = [asdict(figure) for figure in figures]
    return json.dumps({"weights": str(source), "dataset": dataset, "flip": flip, "figures": rows}, indent=2)


def _as_table(title: str, figures: list[Figure]) -> str:
    """Percent, one row per protocol; 95 % intervals over vehicles in brackets."""
    names = list(figures[0].values)
    width = max(len(figure.protocol) for figure in figures)
    lines = [title, "  ".join(["protocol".ljust(width), "queries", *(name.rjust(20) for name in names)])]
    for figure in figures:
        cells = [_percent(figure, name).rjust(20) for name in names]
        lines.append("  ".join([figure.protocol.ljust(width), f"{figure.queries:7,}", *cells]))
    return "\n".join(lines)


def _percent(figure: Figure, name: str) -> str:
    if name not in figure.values:
        return ""
    text = f"{figure.values[name]:.2%}"
    if name in figure.deviations:
        text += f" ± {100 * figure.deviations[name]:.2f}"
    if name in figure.intervals:
        low, high = figure.intervals[name]
        text += f" [{100 * low:.1f}, {100 * high:.1f}]"
    return text
