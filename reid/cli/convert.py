"""``reid convert``: weights of another training as a checkpoint of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert(
    weights: Annotated[
        Path, typer.Argument(help="The released SGFD, or fast-reid, BoT, torchreid, torchvision.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Checkpoint to write, .safetensors.", show_default=False)],
    config: Annotated[Path, typer.Option(help="TOML file, or a name, with the network of the weights.")] = Path(
        "veri776"
    ),
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value over the file, e.g. network.variant=global.", show_default=False),
    ] = None,
) -> None:
    """Write weights of another toolkit as a checkpoint for every command here, without running code of theirs.

    Backbone, neck and GeM's power are taken by name; a layer that our network lacks is refused. torchreid and
    torchvision have no neck: features are then those of the pooled maps.

    \b
    Examples:
      reid convert sgfd_veri.pth.tar --out sgfd.safetensors
      reid convert market_bot_R50.pth --set network.variant=global --out bot.safetensors
    """
    from reid.config import load_config
    from reid.errors import UserError
    from reid.model.checkpoint import save_model
    from reid.model.pretrained import start_from
    from reid.model.sgfd import SGFD

    if not weights.exists():
        raise UserError(weights, "weights to convert", "no such file", "Check the path.")
    if not out.parent.is_dir():
        raise UserError(out, "a folder to write to", "no such folder", "Make it, or choose another --out.")
    model = SGFD(load_config(config, overrides or []).network)
    origins = start_from(model, str(weights), whole=True)
    save_model(model, out, {"start": [origin._asdict() for origin in origins]})
    typer.echo(f"{out}: {model.params.variant} {model.params.backbone}, {model.feature_size} numbers an image")
