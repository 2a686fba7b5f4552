"""``reid export``: a checkpoint as ONNX, OpenVINO or TorchScript."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reid.cli.options import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reid.model.export import ExportFormat
    from reid.model.sgfd import SGFD

SAMPLES, CALIBRATION = 6, 200


def export(
    weights: Weights,
    out: Annotated[
        Path, typer.Option(help="File to write: .onnx, .xml for OpenVINO, or .pt for TorchScript.", show_default=False)
    ],
    samples: Annotated[
        Path | None, typer.Option(help="Folder of crops to compare on; drawn vehicles without.", show_default=False)
    ] = None,
    form: Annotated[
        Literal["onnx", "openvino", "torchscript"] | None,
        typer.Option("--format", help="By the ending of --out.", show_default=False),
    ] = None,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="ONNX with eight-bit weights and activations, calibrated on --samples; `reid bench` compares.",
        ),
    ] = False,
) -> None:
    """Write a network for other runtimes: RGB pixels 0..255 (batch, 3, height, width) in, unit vectors out.

    The file is run on sample crops and kept only if the cosine to PyTorch is at least 0.9999 on each; exit code 1
    otherwise.

    \b
    Example:
      reid export --weights runs/veri/best.safetensors --out sgfd.onnx --samples crops/
      reid export --weights runs/veri/best.safetensors --out sgfd-int8.onnx --samples crops/ --int8
    """
    from reid.model.checkpoint import load_model
    from reid.model.export import LEAST_COSINE, export

    model = load_model(weights)
    if int8:
        _export_int8(model, out, samples)
        return
    by_ending: dict[str, ExportFormat] = {".onnx": "onnx", ".xml": "openvino"}
    chosen = form or by_ending.get(out.suffix, "torchscript")
    made = export(model, out, _samples(samples, model.params.image_size, SAMPLES), chosen)
    if not made.kept:
        message = f"error: {out}: cosine {made.cosine:.6f} to PyTorch is below {LEAST_COSINE}; not written"
        typer.echo(message, err=True)
        raise typer.Exit(1)
    typer.echo(f"{out}: {chosen}, cosine to PyTorch at least {made.cosine:.6f} on {SAMPLES} crops")


def _export_int8(model: SGFD, out: Path, samples: Path | None) -> None:
    """By way of the plain ONNX file; how much it differs is measured on samples that it was not calibrated on."""
    import tempfile

    import numpy as np

    from reid.errors import UserError
    from reid.model.export import export, open_onnx
    from reid.model.quantise import quantise

    if samples is None or out.suffix != ".onnx":
        found = "none" if samples is None else f"{out.name}"
        fix = "Give --samples a folder of some hundred crops, and --out an .onnx file."
        raise UserError("--int8", "--samples to calibrate on, and an .onnx file", found, fix)
    pixels = _samples(samples, model.params.image_size, CALIBRATION)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        export(model, plain, pixels[:2], "onnx")
        quantise(plain, out, pixels[::2])
        test = np.ascontiguousarray(pixels[1::2].transpose(0, 3, 1, 2), dtype=np.float32)
        cosine = (open_onnx(plain)(test) * open_onnx(out)(test)).sum(axis=1)
    typer.echo(f"{out}: int8 onnx, cosine to float32 {cosine.mean():.4f} in the mean, {cosine.min():.4f} at least")


def _samples(folder: Path | None, size: tuple[int, int], count: int) -> NDArray[np.uint8]:
    """Crops (count, h, w, 3) of the network's size, evenly picked from the folder's, used again where it has fewer."""
    import numpy as np

    from reid.data.images import find_images, read_image, resize
    from reid.datasets.toy import draw_vehicle

    if folder is None:
        return np.stack([resize(draw_vehicle(row, row % 3, (row,)), size) for row in range(count)])
    paths = find_images([folder])
    picked = [paths[row * len(paths) // count if len(paths) >= count else row % len(paths)] for row in range(count)]
    return np.stack([resize(read_image(path), size) for path in picked])
