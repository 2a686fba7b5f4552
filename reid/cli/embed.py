"""``reid embed``: images in, a Parquet table of vectors out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reid.cli.options import BatchSize, Device, Flip, Precision, Weights, embedding


def embed(
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.", show_default=False)],
    weights: Weights,
    out: Annotated[Path, typer.Option(help="Parquet file to write: path, vector.", show_default=False)],
    flip: Flip = False,
    device: Device = "auto",
    batch_size: BatchSize = 64,
    precision: Precision = "auto",
) -> None:
    """Write the unit feature vector of each image to a Parquet table (path: string, vector: list of float32).

    \b
    Example:
      reid embed crops/ --weights runs/veri/best.safetensors --out features.parquet
    """
    from reid.data.images import find_images
    from reid.evaluation.vectors import write_vectors

    paths = find_images(images)
    vectors = embedding(weights, device, batch_size, precision, flip)(paths)
    write_vectors(out, paths, vectors, {"weights": str(weights), "flip": str(flip).lower()})
    typer.echo(f"{out}: {len(paths)} vectors of {vectors.shape[1]}")
