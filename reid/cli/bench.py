"""``reid bench``: speed and accuracy of several models side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from reid.cli.options import Device, Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reid.evaluation.embed import Features

REPEATS = 3


class Row(NamedTuple):
    """One model: file, MiB, images/s by the clock, the lowest cosine to the first file's vectors (None: other sizes or
    networks), and mAP and Top-1 (None without a data set)."""

    model: str
    mib: float
    images_per_s: float
    cosine: float | None
    map: float | None
    top1: float | None


def bench(
    models: Annotated[
        list[Path], typer.Argument(help="Checkpoints, or exported .onnx and .xml files.", show_default=False)
    ],
    dataset: Annotated[str | None, typer.Option(help="Data set to score them on.", show_default=False)] = None,
    root: Annotated[Path | None, typer.Option(help="Its folder.", show_default=False)] = None,
    images: Annotated[int, typer.Option(min=1, max=4096, help="Drawn vehicles at once, to time.")] = 32,
    threads: Annotated[int, typer.Option(min=0, max=1024, help="Threads; 0: all.")] = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Images/s, size and accuracy of models side by side, from pixels to unit vectors; the best of three runs.

    \b
    Example:
      reid bench best.safetensors sgfd.onnx sgfd-int8.onnx --dataset csv --root crops/
    """
    import json

    import torch

    if threads:
        torch.set_num_threads(threads)
    rows: list[Row] = []
    first: Features | None = None
    for path in models:
        size, run = _opened(path, device, threads)
        pixels = _drawn(size, images)
        vectors = run(pixels)
        first = vectors if first is None else first
        cosine = float((vectors * first).sum(axis=1).min()) if vectors.shape == first.shape else None
        scores = _scores(size, run, dataset, root)
        rate = images / min(_seconds(partial(run, pixels)) for _ in range(REPEATS))
        rows.append(Row(str(path), _bytes(path) / 2**20, rate, cosine, *scores))
    typer.echo(json.dumps([row._asdict() for row in rows]) if as_json else _table(rows))


def _opened(path: Path, device: str, threads: int) -> tuple[tuple[int, int], Callable[[NDArray[np.uint8]], Features]]:
    """(h, w), and a function from pictures (B, h, w, 3) uint8 RGB to unit vectors."""
    import numpy as np

    from reid.devices import choose_device, choose_precision
    from reid.evaluation.embed import embed_crops
    from reid.model.checkpoint import load_model
    from reid.model.export import EXPORTED, open_exported
    from reid.model.fuse import fused

    if path.suffix in EXPORTED:
        size, session = open_exported(path, threads or None)
        return size, lambda crops: session(np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32))
    chosen = choose_device(device)
    model = fused(load_model(path, chosen), choose_precision("auto", chosen))
    size = model.params.image_size
    return size, lambda crops: embed_crops(model, list(crops), size, chosen, len(crops))


def _bytes(path: Path) -> int:
    """Size of a model, OpenVINO's weights beside it included."""
    files = [path, path.with_suffix(".bin")] if path.suffix == ".xml" else [path]
    return sum(file.stat().st_size for file in files)


def _drawn(size: tuple[int, int], count: int) -> NDArray[np.uint8]:
    import numpy as np

    from reid.data.images import resize
    from reid.datasets.toy import draw_vehicle

    return np.stack([resize(draw_vehicle(row % 40, row % 3, (row,)), size) for row in range(count)])


def _scores(
    size: tuple[int, int], run: Callable[[NDArray[np.uint8]], Features], dataset: str | None, root: Path | None
) -> tuple[float | None, float | None]:
    """(mAP, Top-1) of the data set's first figure."""
    import numpy as np

    from reid.data.images import read_ahead
    from reid.datasets import load_dataset
    from reid.evaluation.datasets import evaluate_dataset

    if dataset is None or root is None:
        return None, None

    def embed(paths: Sequence[Path]) -> Features:
        crops = list(read_ahead(paths, size))
        return np.concatenate([run(np.stack(crops[start : start + 64])) for start in range(0, len(crops), 64)])

    values = evaluate_dataset(embed, load_dataset(dataset, root))[0].values
    return values["mAP"], values["Top-1"]


def _seconds(work: Callable[[], object]) -> float:
    import time

    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _table(rows: list[Row]) -> str:
    width = max(len(row.model) for row in rows)
    lines = [f"{'model':<{width}}      MiB  images/s  cosine to first     mAP   Top-1"]
    for row in rows:
        cosine, mean, top = (
            "-" if value is None else form.format(value)
            for value, form in ((row.cosine, "{:.4f}"), (row.map, "{:.2%}"), (row.top1, "{:.2%}"))
        )
        line = f"{row.model:<{width}}  {row.mib:7.1f}  {row.images_per_s:8.1f}  {cosine:>15} {mean:>7} {top:>7}"
        lines.append(line)
    return "\n".join(lines)
