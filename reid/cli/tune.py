"""``reid tune``: settings that learn better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reid.cli.options import Device, Json

if TYPE_CHECKING:
    from reid.config import TrainParams
    from reid.training.tuning import Settings


def tune(
    config: Annotated[
        Path, typer.Option(help="Recipe to start from: TOML file, or veri776, small, ...", show_default=False)
    ],
    root: Annotated[Path | None, typer.Option(help="Folder of its data set.", show_default=False)] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value over the file, in every trial, e.g. loop.epochs=10.", show_default=False),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="key=lowest:highest, e.g. optimizer.lr=1e-5:1e-3; repeatable. Without: rate, margin, jitter, erasing.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=2, max=100_000, help="Trainings, the recipe as it is among them.")] = 10,
    validation: Annotated[
        float, typer.Option(min=0.01, max=0.4, help="Share of the vehicles to choose by, and again to judge by.")
    ] = 0.2,
    out: Annotated[Path, typer.Option(help="Folder for the trials and tuned.json.")] = Path("runs/tune"),
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Search a recipe's settings with Optuna: chosen by some held-out vehicles, judged on others.

    The data set's test is never looked at. What is printed holds for the recipe's number of epochs.

    \b
    Example:
      reid tune --config small --root crops/ --set loop.epochs=10 --vary optimizer.lr=1e-4:1e-2 --vary loss.margin=0.1:1
    """
    import json
    from dataclasses import asdict

    from reid.config import load_config
    from reid.datasets import load_dataset
    from reid.datasets.toy import make_toy
    from reid.devices import choose_device
    from reid.errors import UserError
    from reid.evaluation.datasets import evaluator
    from reid.extras import require
    from reid.training.tuning import RANGES, tune

    require("optuna")

    def recipe(settings: Settings) -> TrainParams:
        changed = [*(overrides or []), "loop.evaluate_every=0", *(f"{key}={value}" for key, value in settings.items())]
        return load_config(config, changed, root=root, validation=validation)

    params, chosen = recipe({}), choose_device(device)
    if not isinstance(params.dataset, str) or (params.dataset != "toy" and not isinstance(params.root, Path)):
        raise UserError("--root", "the folder of one data set", str(params.root), "Say where it was unpacked to.")
    out.mkdir(parents=True, exist_ok=True)
    data = make_toy(out / "toy") if params.dataset == "toy" else load_dataset(params.dataset, Path(str(params.root)))
    ranges = dict(_range(text) for text in vary) if vary else RANGES
    evaluate = evaluator(params.network.image_size, chosen, params.loop.precision)
    tuned = tune(recipe, ranges, data, out, trials, evaluate=evaluate, device=chosen)
    (out / "tuned.json").write_text(json.dumps(asdict(tuned), indent=2), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(asdict(tuned)))
        return
    settings = " ".join(f"--set {key}={value:g}" for key, value in tuned.settings.items())
    typer.echo(settings or "the recipe as it is was best")
    typer.echo(f"mAP of the vehicles chosen by: {tuned.chosen_before:.4f} -> {tuned.chosen_after:.4f}")
    typer.echo(f"mAP of other vehicles:         {tuned.held_out_before:.4f} -> {tuned.held_out_after:.4f}")


def _range(text: str) -> tuple[str, tuple[float, float]]:
    from reid.errors import UserError

    key, _, span = text.partition("=")
    try:
        low, high = (float(word) for word in span.split(":"))
    except ValueError:
        low, high = 1.0, 0.0
    if not low < high:
        raise UserError("--vary", "key=lowest:highest, e.g. loss.margin=0.1:1", repr(text), "Correct it.")
    return key, (low, high)
