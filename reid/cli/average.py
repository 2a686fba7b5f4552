"""``reid average``: one checkpoint out of several, a model soup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def average(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="Two or more of one network, tuned from the same start.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Checkpoint to write, .safetensors.", show_default=False)],
    share: Annotated[
        list[float] | None,
        typer.Option(help="How much each counts, in their order; none: all alike.", show_default=False),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store float16: half the size.")] = False,
) -> None:
    """Write the mean of the weights of several checkpoints: often better than each, and no slower than one.

    Of trainings from the same start on other data or with other rates: `reid train --pretrained START`. Classifiers
    are left out.

    \b
    Examples:
      reid average city/last.safetensors street/last.safetensors --out both.safetensors
      reid average a.safetensors b.safetensors --share 0.3 --share 0.7 --half --out demo.safetensors
    """
    from reid.model.average import average
    from reid.model.checkpoint import save_model

    model, facts = average(checkpoints, share or ())
    save_model(model, out, facts, half=half)
    typer.echo(f"{out}: the mean of {len(checkpoints)}, {model.feature_size} numbers an image")
