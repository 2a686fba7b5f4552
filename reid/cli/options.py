"""Options that several commands share, and the embedding of images with a checkpoint that they lead to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reid.devices import PrecisionName
from reid.errors import UserError

if TYPE_CHECKING:
    from reid.evaluation.embed import Features

Weights = Annotated[
    Path,
    typer.Option(
        help="Checkpoint of `reid train`, or demo; to eval, rank and embed also an exported .onnx or .xml.",
        show_default=False,
    ),
]
DatasetName = Annotated[
    str,
    typer.Option(
        help="veri776, cityflow, vehicleid, veriwild, vric, market1501, dukemtmc, msmt17 or csv.", show_default=False
    ),
]
Root = Annotated[
    Path, typer.Option(help="Folder of the data set; for csv the table or its folder.", show_default=False)
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
BatchSize = Annotated[int, typer.Option(min=1, max=65_536, help="Images at once.")]
Flip = Annotated[bool, typer.Option("--flip", help="Average each feature with that of the mirrored image.")]
Json = Annotated[bool, typer.Option("--json", help="Print for machines on stdout.")]
Precision = Annotated[
    PrecisionName,
    typer.Option(
        help="auto is bfloat16 where the hardware multiplies it fast (the packaged network then keeps cosine 0.997 and "
        "mAP to 0.6 points), else float32."
    ),
]


def embedding(
    weights: Path, device: str, batch_size: int, precision: PrecisionName = "auto", flip: bool = False
) -> Callable[[Sequence[Path]], Features]:
    """A function from image files to unit vectors (N, D) that shows its progress on stderr.

    weights: a checkpoint, or an exported network, which runs on the CPU in its own runtime and type. Raises UserError
    for weights or a device that cannot be used.
    """
    from rich.console import Console
    from rich.progress import Progress

    from reid.devices import choose_device, choose_precision
    from reid.evaluation.embed import embed_exported, embed_images
    from reid.model.checkpoint import load_model
    from reid.model.export import EXPORTED
    from reid.model.fuse import fused

    run: Callable[..., Features]
    if weights.suffix in EXPORTED:
        if device not in ("auto", "cpu"):
            raise UserError("--device", "cpu for an exported network", device, "Leave it out, or give the checkpoint.")
        run = partial(embed_exported, weights, batch_size=batch_size)
    else:
        chosen = choose_device(device)
        model = fused(load_model(weights, chosen), choose_precision(precision, chosen))
        run = partial(embed_images, model, size=model.params.image_size, device=chosen, batch_size=batch_size)

    def embed(paths: Sequence[Path]) -> Features:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("embedding", total=len(paths))
            return run(paths=paths, flip=flip, progress=partial(progress.advance, task))

    return embed
