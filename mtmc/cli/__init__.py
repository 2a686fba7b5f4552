"""The ``mtmc`` command. Results go to stdout, logs and progress to stderr; exit codes stand in ``reid.exits``.

One file per command or few that belong together; each imports what it needs inside its function, so that ``mtmc
--help`` stays instant.

    run, link, watch        videos, tracks, a folder that grows, into vehicles
    look                    status, export, doctor, config, of what is there
    page, edit              report, view, find; corrections
    score, compare          how good; compare and tune, beside others
    linking, explanation    bench-link, explain, network; reasons as rows and sentences
    traffic, plan           tables for reports; what a larger job would take
    synth, demo             a synthetic city, the whole way on one
    options, progress       what commands share: options, bars and logs
    commented_toml          what ``config`` prints
    network_picture         what ``network`` draws
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from mtmc import __version__
from mtmc.cli.compare import compare, tune
from mtmc.cli.demo import demo
from mtmc.cli.edit import edit
from mtmc.cli.link import link_tracks
from mtmc.cli.linking import bench_link, explain, network
from mtmc.cli.look import config, doctor, export, status
from mtmc.cli.page import find, report, view
from mtmc.cli.plan import plan
from mtmc.cli.run import run
from mtmc.cli.score import score
from mtmc.cli.synth import synth
from mtmc.cli.traffic import traffic
from mtmc.cli.watch import watch
from mtmc.errors import run_command, words_of


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"mtmc {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="mtmc",
    help="Multi-camera vehicle tracking: a folder of camera videos in, every vehicle's path over all cameras out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Multi-camera vehicle tracking: a folder of camera videos in, every vehicle's path over all cameras out."""


app.command("demo")(demo)
app.command("run")(run)
app.command("link")(link_tracks)
app.command("watch")(watch)
app.command("score")(score)
app.command("report")(report)
app.command("view")(view)
app.command("find")(find)
app.command("edit")(edit)
app.command("status")(status)
app.command("export")(export)
app.command("traffic")(traffic)
app.command("doctor")(doctor)
app.command("plan")(plan)
app.command("config")(config)
app.command("synth")(synth)
app.command("compare")(compare)
app.command("tune")(tune)
app.command("bench-link")(bench_link)
app.command("explain")(explain)
app.command("network")(network)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the ``mtmc`` command: however it ends, it says so in one line."""
    run_command(lambda: app(words_of(arguments)))
