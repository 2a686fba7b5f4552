"""Options that several commands share. Where a name chooses a part, shell completion offers those built in; a part of
your own, ``module:callable``, can be named as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

DETECTORS = ("auto", "detectron2", "torchvision", "onnx", "motion", "recorded")
TRACKERS = ("jde", "deepsort", "trackers")
EMBEDDERS = ("auto", "sgfd", "onnx", "histogram")
LINKERS = ("network", "electricity", "hungarian", "agglomerative", "zones")
EXPORTS = ("aicity", "mot", "motchallenge", "cvat", "coco", "parquet", "csv", "xlsx", "geojson", "rerun")
CONFIGS = ("default", "demo", "paper")


def listed(names: tuple[str, ...]) -> str:
    """``a, b or c``."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def offered(names: tuple[str, ...]) -> Callable[[str], list[str]]:
    """What shell completion makes of the beginning of a word."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


Detector = Annotated[str | None, typer.Option(help=f"{listed(DETECTORS)}.", autocompletion=offered(DETECTORS))]
Tracker = Annotated[str | None, typer.Option(help=f"{listed(TRACKERS)}.", autocompletion=offered(TRACKERS))]
Embedder = Annotated[str | None, typer.Option(help=f"{listed(EMBEDDERS)}.", autocompletion=offered(EMBEDDERS))]
ReidWeights = Annotated[
    str | None,
    typer.Option(help="The embedder's model: a checkpoint of `reid train`, or an .onnx file."),
]
Linker = Annotated[str | None, typer.Option(help=f"{listed(LINKERS)}.", autocompletion=offered(LINKERS))]
Config = Annotated[Path | None, typer.Option(help="TOML file, or paper or demo.", autocompletion=offered(CONFIGS))]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one parameter; may be repeated.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
Workers = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Processes at once.  (default: one per core)", show_default=False)
]
Cluster = Annotated[str, typer.Option(help="Work on a Ray cluster: auto, or ray://HEAD:10001.", show_default=False)]
Form = Annotated[str, typer.Option("--format", help=f"{listed(EXPORTS)}.", autocompletion=offered(EXPORTS))]
