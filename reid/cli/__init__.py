"""The ``reid`` command. Results go to stdout, logs and progress to stderr; exit codes stand in ``reid.exits``.

One file per command; each imports what it needs inside its function, so that ``reid --help`` stays instant.

    crops, train, tune           images, learning, parameters that learn better
    eval, rank, attention        how good, what is found, what is looked at
    embed, convert, export       vectors; others' checkpoints in, ONNX and OpenVINO out
    average, bench, options      one out of several; what it costs; options that commands share
"""

from __future__ import annotations

from collections.abc import Sequence

import typer

from reid.cli.attention import attention
from reid.cli.average import average
from reid.cli.bench import bench
from reid.cli.convert import convert
from reid.cli.crops import crops
from reid.cli.embed import embed
from reid.cli.eval import evaluate
from reid.cli.export import export
from reid.cli.rank import rank
from reid.cli.train import train
from reid.cli.tune import tune
from reid.exits import run_command, words_of

app = typer.Typer(
    name="reid",
    help="Vehicle and person re-identification with SGFD: train, evaluate, look, export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def _commands() -> None:
    """Vehicle and person re-identification with SGFD: train, evaluate, look, export."""


app.command("eval")(evaluate)
app.command("train")(train)
app.command("tune")(tune)
app.command("rank")(rank)
app.command("attention")(attention)
app.command("average")(average)
app.command("convert")(convert)
app.command("export")(export)
app.command("bench")(bench)
app.command("embed")(embed)
app.command("crops")(crops)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the ``reid`` command: however it ends, it says so in one line."""
    run_command(lambda: app(words_of(arguments)))
