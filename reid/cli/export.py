"""``reid export``: a checkpoint as ONNX or TorchScript."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reid.cli.options import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLES = 6


def export(
    weights: Weights,
    out: Annotated[Path, typer.Option(help="File to write: .onnx, or .pt for TorchScript.", show_default=False)],
    samples: Annotated[
        Path | None, typer.Option(help="Folder of crops to compare on; drawn vehicles without.", show_default=False)
    ] = None,
    form: Annotated[
        Literal["onnx", "torchscript"] | None,
        typer.Option("--format", help="By the ending of --out.", show_default=False),
    ] = None,
) -> None:
    r"""Write a network for other runtimes: RGB pixels 0..255 (batch, 3, height, width) in, unit vectors out.

    The file is run on sample crops and kept only if the cosine to PyTorch is at least 0.9999 on each; exit code 1
    otherwise.

    \b
    Example:
      reid export --weights runs/veri/best.safetensors --out sgfd.onnx --samples crops/
    """
    from reid.model.checkpoint import load_model
    from reid.model.export import LEAST_COSINE, export

    model = load_model(weights)
    chosen = form or ("onnx" if out.suffix == ".onnx" else "torchscript")
    made = export(model, out, _samples(samples, model.params.image_size), chosen)
    if not made.kept:
        message = f"error: {out}: cosine {made.cosine:.6f} to PyTorch is below {LEAST_COSINE}; not written"
        typer.echo(message, err=True)
        raise typer.Exit(1)
    typer.echo(f"{out}: {chosen}, cosine to PyTorch at least {made.cosine:.6f} on {SAMPLES} crops")


def _samples(folder: Path | None, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Crops (SAMPLES, h, w, 3) of the network's size; the folder's, used again where it has fewer."""
    import numpy as np

    from reid.data.images import find_images, read_image, resize
    from reid.datasets.toy import draw_vehicle

    if folder is None:
        return np.stack([resize(draw_vehicle(row, row % 3, (row,)), size) for row in range(SAMPLES)])
    paths = find_images([folder])
    return np.stack([resize(read_image(paths[row % len(paths)]), size) for row in range(SAMPLES)])
