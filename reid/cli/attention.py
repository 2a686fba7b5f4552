"""``reid attention``: a picture of where networks look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reid.cli.options import Device, Json

if TYPE_CHECKING:
    import torch

    from reid.figures.attention import Look
    from reid.model.sgfd import SGFD

Vehicles = list[tuple[str, list[Path]]]
"""Caption and views of each vehicle."""


def attention(
    weights: Annotated[
        list[Path], typer.Option(help="Checkpoint; repeat to compare several, a row each.", show_default=False)
    ],
    images: Annotated[
        list[Path] | None, typer.Argument(help="Image files, or folders of them.", show_default=False)
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Instead: vehicles of a data set's test, a row each, views side by side.", show_default=False
        ),
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.", show_default=False)] = None,
    views: Annotated[
        int, typer.Option(min=1, max=1000, help="With --dataset: views of a vehicle, of other cameras first.")
    ] = 4,
    points: Annotated[
        bool, typer.Option("--points", help="A red dot on each peak of the attention instead of colours.")
    ] = False,
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("attention.png"),
    count: Annotated[
        int, typer.Option(min=1, max=10_000, help="At most so many images or vehicles, evenly picked.")
    ] = 8,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Overlay the attention map Q on images: red where a network looks most, the image itself where least.

    \b
    Examples:
      reid attention crops/ --weights runs/gb_gfb/best.safetensors --weights runs/full/best.safetensors --out look.png
      reid attention --dataset veri776 --root VeRi --weights runs/full/best.safetensors --points --out views.png
    """
    from reid.data.images import find_images
    from reid.devices import choose_device
    from reid.errors import UserError
    from reid.figures.attention import attend, draw_attention, draw_views
    from reid.figures.rankings import save_picture

    if (images is None) == (dataset is None):
        given = "neither" if images is None else "both"
        raise UserError("reid attention", "images or --dataset", given, "Give what is to be looked at.")
    chosen = choose_device(device)
    vehicles = _vehicles(dataset, root, count, views) if dataset else []
    found = [path for _, paths in vehicles for path in paths] if dataset else find_images(images or [])
    picked = found if dataset else [found[row] for row in _evenly(len(found), count)]
    looks = [attend(_with_attention(path, chosen), picked, chosen, "points" if points else "heat") for path in weights]
    names = [_name(path) for path in weights]
    save_picture(draw_views(vehicles, names, looks) if dataset else draw_attention(picked, names, looks), out)
    _report(weights, picked, looks, out, as_json)


def _vehicles(dataset: str, root: Path | None, count: int, views: int) -> Vehicles:
    """Vehicles of the test with their views, first one of each camera. Raises UserError where there are none."""
    import numpy as np

    from reid.datasets import load_dataset
    from reid.errors import UserError

    if root is None:
        raise UserError("--root", f"the folder of {dataset}", "nothing", "Say where the data set was unpacked to.")
    gallery = load_dataset(dataset, root).gallery
    if not gallery.labelled or not len(gallery):
        raise UserError(dataset, "a test with public labels", "none", "Give images instead of --dataset.")
    vehicles: Vehicles = []
    ids = np.unique(gallery.vehicle_ids)
    for vehicle in ids[_evenly(len(ids), count)]:
        rows = np.flatnonzero(gallery.vehicle_ids == vehicle)
        _, first = np.unique(gallery.camera_ids[rows], return_index=True)
        order = [*rows[np.sort(first)], *np.delete(rows, first)]
        vehicles.append((f"vehicle {vehicle}", [gallery.paths[row] for row in order[:views]]))
    return vehicles


def _evenly(total: int, count: int) -> list[int]:
    """At most ``count`` of the numbers below ``total``."""
    return [row * total // count for row in range(count)] if total > count else list(range(total))


def _report(weights: list[Path], picked: list[Path], looks: list[list[Look]], out: Path, as_json: bool) -> None:
    import json

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
