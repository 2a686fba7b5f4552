"""Options that several commands share, and the embedding of images with a checkpoint that they lead to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from reid.evaluation.embed import Features

Weights = Annotated[Path, typer.Option(help="Checkpoint written by `reid train`.", show_default=False)]
DatasetName = Annotated[
    str, typer.Option(help="veri776, cityflow, vehicleid, market1501, dukemtmc or csv.", show_default=False)
]
Root = Annotated[
    Path, typer.Option(help="Folder of the data set; for csv the table or its folder.", show_default=False)
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images at once.")]
Flip = Annotated[bool, typer.Option("--flip", help="Average each feature with that of the mirrored image.")]
Json = Annotated[bool, typer.Option("--json", help="Print for machines on stdout.")]
PrecisionName = Literal["float32", "bfloat16", "float16"]
Precision = Annotated[PrecisionName, typer.Option(help="bfloat16 is quicker where the hardware has it.")]


def embedding(
    weights: Path, device: str, batch_size: int, precision: PrecisionName = "float32", flip: bool = False
) -> Callable[[Sequence[Path]], Features]:
    """A function from image files to unit vectors (N, D) that shows its progress on stderr.

    Raises UserError for weights or a device that cannot be used.
    """
    from rich.console import Console
    from rich.progress import Progress

    from reid.evaluation.embed import choose_device, embed_images
    from reid.model.checkpoint import load_model

    chosen = choose_device(device)
    model = load_model(weights, chosen)
    size = model.params.image_size

    def embed(paths: Sequence[Path]) -> Features:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("embedding", total=len(paths))
            watch = lambda done: progress.advance(task, done)  # noqa: E731 - bound to this bar
            return embed_images(model, paths, size, chosen, batch_size, precision=precision, flip=flip, watch=watch)

    return embed
