"""``reid attention``: a picture of where networks look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reid.cli.options import Device, Json

if TYPE_CHECKING:
    import torch

    from reid.model.sgfd import SGFD


def attention(
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.", show_default=False)],
    weights: Annotated[
        list[Path], typer.Option(help="Checkpoint; repeat to compare several, a row each.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("attention.png"),
    count: Annotated[int, typer.Option(min=1, help="At most so many images, evenly picked.")] = 8,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Overlay the attention map Q on images: red where a network looks most, the image itself where least.

    \b
    Example:
      reid attention crops/ --weights runs/gb_gfb/best.safetensors --weights runs/full/best.safetensors --out look.png
    """
    import json

    from reid.data.images import find_images
    from reid.devices import choose_device
    from reid.figures.attention import attend, draw_attention
    from reid.figures.rankings import save_picture

    chosen = choose_device(device)
    found = find_images(images)
    picked = [found[row * len(found) // count] for row in range(count)] if len(found) > count else found
    looks = [attend(_with_attention(path, chosen), picked, chosen) for path in weights]
    save_picture(draw_attention(picked, [_name(path) for path in weights], looks), out)
    if as_json:
        rows = [
            {"weights": str(path), "image": str(image), "peak": look.peak, "half_area": look.half_area}
            for path, line in zip(weights, looks, strict=True)
            for image, look in zip(picked, line, strict=True)
        ]
        typer.echo(json.dumps(rows))
        return
    for path, line in zip(weights, looks, strict=True):
        peak, area = (sum(values) / len(line) for values in ([x.peak for x in line], [x.half_area for x in line]))
        typer.echo(f"{path}: peak {peak:.2f} x mean, half of the attention on {area:.0%} of the image")
    typer.echo(f"{out}: {len(picked)} images")


def _with_attention(path: Path, device: torch.device) -> SGFD:
    from reid.errors import UserError
    from reid.model.checkpoint import load_model

    model = load_model(path, device)
    if model.geometric_tail is None:
        found = f"variant {model.params.variant}"
        raise UserError(path, "a network with attention", found, "Train the variant geometric or full.")
    return model


def _name(path: Path) -> str:
    """Checkpoints are mostly called best.safetensors: their folder tells more."""
    return path.stem if path.stem not in ("best", "last") else path.resolve().parent.name
