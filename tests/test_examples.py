"""Every example that help or an error names can be typed: options exist, parameters are known, configs are shipped."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

import mtmc.cli
import reid.cli
from mtmc.cli import options
from mtmc.config import Config, load_config
from mtmc.detect.params import DETECTORS
from mtmc.embed import EMBEDDERS
from mtmc.export import EXPORTS
from mtmc.link import LINKERS
from mtmc.params import known_keys, load, shipped_file
from mtmc.synth.tracklets.places import PlaceParams
from mtmc.synth.writers.reid_set import ReidSetParams
from mtmc.track import TRACKERS
from reid.config import TrainParams

ROOT = Path(__file__).resolve().parents[1]
APPS: dict[str, Any] = {"mtmc": typer.main.get_command(mtmc.cli.app), "reid": typer.main.get_command(reid.cli.app)}
PARAMETERS = {"run": Config, "config": Config, "bench-link": Config, "synth": PlaceParams, "train": TrainParams}
KINDS = {"run": "pipeline", "config": "pipeline", "synth": "synth", "train": "reid"}


def commands() -> Iterator[tuple[str, Any]]:
    for app, group in APPS.items():
        for name, command in group.commands.items():
            yield f"{app} {name}", command


def examples() -> list[str]:
    """Lines of all helps that begin with a command."""
    lines = [line.strip() for _, command in commands() for line in (command.help or "").splitlines()]
    lines += [line.partition("Example: ")[2] for line in lines if "Example: " in line]
    found = [line.partition("   (")[0] for line in lines if re.match(r"(mtmc|reid|torchrun .* reid) [a-z]", line)]
    return sorted({part.strip() for line in found for part in line.split("&&")})


def remedies() -> list[str]:
    """Commands and settings that the program's sentences name: ``--set key=...``."""
    texts = []
    for path in [*ROOT.glob("mtmc/**/*.py"), *ROOT.glob("reid/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts += re.findall(r"--set ([a-z][\w.]*)=", node.value)
    return sorted(set(texts))


@pytest.mark.parametrize("example", examples())
def test_examples_of_help_can_be_typed(example: str) -> None:
    words = shlex.split(example)
    words = words[words.index("reid") :] if words[0] == "torchrun" else words
    app, name, arguments = APPS[words[0]], words[1], words[2:]
    app.commands[name].make_context(name, list(arguments), resilient_parsing=False)
    settings = [value for flag, value in pairwise(arguments) if flag == "--set"]
    if name in PARAMETERS:
        load(ReidSetParams if "--reid" in arguments else PARAMETERS[name], None, settings)
        for flag, value in pairwise(arguments):
            if flag == "--config":
                assert shipped_file(Path(value), KINDS[name]).is_file()


def test_there_are_examples() -> None:
    assert len(examples()) > 25


@pytest.mark.parametrize("key", remedies())
def test_settings_named_in_sentences_exist(key: str) -> None:
    known = {key for params in (Config, PlaceParams, ReidSetParams, TrainParams) for key in known_keys(params)}
    assert key in known or any(key.startswith(f"{stage}.options.") for stage in ("detect", "track", "embed", "link"))


@pytest.mark.parametrize("name", ["mtmc", "reid"])
def test_help_reads_well_at_80_columns(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in [c for c, _ in commands() if c.startswith(name)]:
        with pytest.raises(SystemExit) as end:
            {"mtmc": mtmc.cli.main, "reid": reid.cli.main}[name]([command.split()[1], "--help"])
        assert not end.value.code
        text = capsys.readouterr().out
        assert "\\b" not in text, command
        assert "\b" not in text, command


def test_the_names_that_help_offers_are_the_menus() -> None:
    assert set(options.DETECTORS) == DETECTORS.keys()
    assert set(options.TRACKERS) == TRACKERS.keys()
    assert set(options.EMBEDDERS) == EMBEDDERS.keys()
    assert set(options.LINKERS) == LINKERS.keys()
    assert set(options.EXPORTS) == EXPORTS.keys()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("mtmc run --detector m", ["motion"]),
        ("mtmc export runs/a --format c", ["cvat", "coco", "csv"]),
        ("mtmc bench", ["bench-link"]),
        ("reid ev", ["eval"]),
    ],
)
def test_the_shell_completes(words: str, offered: list[str]) -> None:
    name, count = words.split()[0], len(words.split()) - 1
    asked = {f"_{name.upper()}_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    code = f"import {name}.cli; {name}.cli.app(prog_name='{name}')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.split() == offered


def test_no_help_is_taken_for_markup() -> None:
    """rich shows nothing of what stands in brackets."""
    for name, command in commands():
        for parameter in command.params:
            assert "[default" not in (getattr(parameter, "help", None) or ""), f"{name} {parameter.name}"


def test_shipped_configurations_have_names() -> None:
    assert load_config(Path("paper")).link.linker == "electricity"
    with pytest.raises(Exception, match="one of default, demo, paper"):
        load_config(Path("papers"))
