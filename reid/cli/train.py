"""``reid train``: learn a network from a data set."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reid.cli.options import Device, Json

if TYPE_CHECKING:
    from reid.config import TrainParams
    from reid.datasets import Dataset
    from reid.training.distributed import Process
    from reid.training.run_log import RunLog
    from reid.training.trainer import Trained


def train(
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="veri776, cityflow, vehicleid, market1501, dukemtmc, csv, ..., or toy; repeat, each with its --root, "
            "to learn from several: the first one's test counts.",
            show_default=False,
        ),
    ] = None,
    root: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of the data set; for csv the table or its folder.", show_default=False),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file, or veri776, smoke, ...", show_default=False)] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value over the file, e.g. loss.margin=0.7.", show_default=False),
    ] = None,
    pretrained: Annotated[
        str | None,
        typer.Option(
            help="imagenet, none, an SGFD checkpoint, a file of backbone weights, or a folder of those.",
            show_default=False,
        ),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.9, help="Share of the training vehicles to hold out and evaluate on.", show_default=False
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and logs.")] = Path("runs/reid"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in --out.")] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Train SGFD, or a smaller network of its family, and evaluate it as it learns.

    Under torchrun each process takes its own share of every batch's identities.

    \b
    Examples:
      reid train --config smoke
      reid train --config veri776 --root VeRi --out runs/veri
      reid train --config cityflow --root AIC20_track2 --validation 0.1 --out runs/cityflow
      reid train --resume --out runs/veri
      torchrun --nproc_per_node 4 -m reid train --config veri776 --root VeRi --out runs/veri
    """
    from reid.config import load_config
    from reid.training.distributed import this_process

    given = {
        "dataset": _one_or_all(dataset),
        "root": _one_or_all(root),
        "pretrained": pretrained,
        "validation": validation,
    }
    saved = out / "config.json" if resume and config is None else None
    params = load_config(saved or config, overrides or [], **given)
    process = this_process()
    trained = _run(params, out, resume, device, process)
    if process.is_main:
        _report(trained, as_json)


def _one_or_all(values: Sequence[object] | None) -> object:
    return values[0] if values and len(values) == 1 else values or None


def _run(params: TrainParams, out: Path, resume: bool, device: str, process: Process) -> Trained:
    from reid.atomic import locked
    from reid.devices import choose_device
    from reid.evaluation.datasets import evaluator
    from reid.training.distributed import joined
    from reid.training.run_log import FolderLog
    from reid.training.trainer import Training

    chosen = process.device(choose_device(device))
    mine = locked(out, what="training") if process.is_main else nullcontext()
    with mine, joined(process, chosen):
        data = _read(params, out, process)
        log = FolderLog(out, params.loop.epochs) if process.is_main else None
        evaluate = evaluator(params.network.image_size, chosen, params.loop.precision)
        training = Training(params, data, out, evaluate=evaluate, device=chosen, process=process, log=log)
        if resume:
            training.resume()
        if log is not None:
            _announce(log, params, data, str(chosen), process.world)
        try:
            return training.run()
        finally:
            if log is not None:
                log.close()


def _read(params: TrainParams, out: Path, process: Process) -> Dataset:
    """What to learn from and to evaluate on; the toy is drawn first."""
    from reid.datasets import load_dataset
    from reid.datasets.combine import hold_out, join
    from reid.datasets.toy import make_toy
    from reid.errors import UserError

    names = (params.dataset,) if isinstance(params.dataset, str) else params.dataset
    roots = params.root if isinstance(params.root, tuple) else (params.root,) if params.root else ()
    if names == ("toy",):
        folder = roots[0] if roots else out / "toy"
        if process.is_main:
            make_toy(folder)
        process.wait()
        data = make_toy(folder)
    elif len(roots) != len(names):
        found = f"{len(roots)} of {len(names)}" if roots else "nothing"
        fix = "Say where each data set was unpacked to."
        raise UserError("--root", f"the folder of {' and of '.join(names)}", found, fix)
    else:
        data = join([load_dataset(name, root) for name, root in zip(names, roots, strict=True)])
    return hold_out(data, params.validation, params.loop.seed) if params.validation else data


def _announce(log: RunLog, params: TrainParams, data: Dataset, device: str, world: int) -> None:
    from reid.training.trainer import testable

    many = f", {world} processes" if world > 1 else ""
    height, width = params.network.image_size
    log.info(
        f"{data.name}: {len(data.train)} images of {data.train.vehicle_count} vehicles; {params.network.variant} "
        f"{params.network.backbone} at {height} x {width} px on {device}{many}"
    )
    if not testable(data):
        log.info(
            "no test with public labels: not evaluated while it trains, no best.safetensors; "
            "--validation 0.1 holds vehicles out"
        )


def _report(trained: Trained, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    if as_json:
        typer.echo(json.dumps({**asdict(trained), "folder": str(trained.folder)}))
        return
    learned = f"loss {trained.losses['total']:.4f}" if trained.losses else "nothing was left to learn"
    typer.echo(f"{trained.folder / 'last.safetensors'}: {learned}")
    if trained.best_epoch:
        typer.echo(f"{trained.folder / 'best.safetensors'}: mAP {trained.best_map:.4f} at epoch {trained.best_epoch}")
