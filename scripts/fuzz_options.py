"""Every option and argument of every command, with every kind of wrong word: read off the commands themselves, so that
a new option is tried as soon as there is one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzz import Case
from fuzz_doors import RUN, Door, Spoil, file_spoils, json_spoils, made_by, make_dataset, table_spoils
from fuzz_other_doors import EDIT, LINK, TRAIN, make_tracks, subtle_spoils
from typer.main import get_command

SOUND: dict[tuple[str, ...], tuple[str, ...]] = {
    ("mtmc", "run"): RUN[2:],
    ("mtmc", "link"): LINK[2:],
    ("mtmc", "watch"): ("S01", "--out", "live", *RUN[6:], "--every", "0.1", "--settle", "0", "--until-idle", "0.1"),
    ("mtmc", "score"): ("run", "--gt", "S01"),
    ("mtmc", "report"): ("run",),
    ("mtmc", "view"): ("nowhere", "--no-open"),
    ("mtmc", "find"): ("run", "--where", "c001"),
    ("mtmc", "edit"): ("run", "--kind", "1=truck"),
    ("mtmc", "status"): ("run",),
    ("mtmc", "export"): ("run", "--format", "csv", "--out", "o"),
    ("mtmc", "traffic"): ("run", "--samples", "4"),
    ("mtmc", "doctor"): ("S01",),
    ("mtmc", "plan"): ("run", "--cameras", "3"),
    ("mtmc", "config"): (),
    ("mtmc", "synth"): ("city", "--preset", "tiny", "--set", "seconds=1"),
    ("mtmc", "compare"): ("run", "run"),
    ("mtmc", "tune"): ("run", "--gt", "S01", "--trials", "2"),
    ("mtmc", "bench-link"): ("run", "--gt", "S01"),
    ("mtmc", "explain"): ("run", "1"),
    ("mtmc", "network"): ("run",),
    ("reid", "eval"): ("--dataset", "csv", "--root", "index.csv", "--weights", "w.safetensors"),
    ("reid", "train"): TRAIN[2:],
    ("reid", "tune"): ("--config", "smoke", "--set", "loop.epochs=1", "--trials", "2", "--out", "tuned"),
    ("reid", "rank"): ("--weights", "w.safetensors", "--dataset", "csv", "--root", "index.csv"),
    ("reid", "attention"): ("crops", "--weights", "w.safetensors"),
    ("reid", "average"): ("w.safetensors", "w.safetensors", "--out", "c.safetensors"),
    ("reid", "convert"): ("w.pth", "--out", "c.safetensors"),
    ("reid", "export"): ("--weights", "w.safetensors", "--out", "o.onnx"),
    ("reid", "bench"): ("w.safetensors", "--images", "1"),
    ("reid", "embed"): ("crops", "--weights", "w.safetensors", "--out", "v.parquet"),
    ("reid", "crops"): ("S01", "--out", "cut"),
}
"""Words with which each command does its work on the material. `view` would serve for ever where it is content."""
NOT_TRIED = ("help", "open", "cluster", "install_completion", "show_completion")
"""No data goes through these; a cluster's address would be waited for."""
NUMBERS = ("", "x", "nan", "-1", "²", "9" * 30, "1e400", "-inf", "0", "1.5", "0x10", "0_1")
NEVER_NUMBERS = ("", "x", "nan", "²")
WORDS = (
    "", " ", "x" * 5000, "nowhere", "nowhere/deeper/x", "/dev/zero", "/dev/null", "S01", "S01/c001/vdo.avi",
    "run/run.json", "run", "w.pth", "[red]x[/]", "a=b=c", "=", "c001=", "-5", "nan", "\udcff\udcfe", "☃", "1e400",
    "9" * 5000, "*", "{camera}", "~", "[" * 3000,
)  # fmt: skip


def make_everything(folder: Path) -> Path:
    """A scene, a finished run with an edit, tracks, weights, a data set, a street plan of SUMO's."""
    make_tracks(folder)
    (folder / "table.csv").rename(folder / "tracks.csv")
    aside = folder / "aside"
    make_dataset(aside)
    for path in (aside / "w.safetensors", aside / "w.pth", aside / "w.onnx", aside / "crops", aside / "index.csv"):
        path.rename(folder / path.name)
    junction = '<junction id="{0}" type="traffic_light" x="{0}00" y="0" incLanes="a{0}_0 b{0}_0 c{0}_0"/>'
    (folder / "net.xml").write_text(f"<net>\n{junction.format(1)}\n{junction.format(2)}\n</net>\n")
    steps = [f'<timestep time="{t}"><vehicle id="v" x="{70 + 5 * t}" y="1"/></timestep>\n' for t in range(40)]
    (folder / "fcd.xml").write_text(f"<fcd-export>\n{''.join(steps)}</fcd-export>\n")
    made_by(RUN, folder)
    (folder / "run" / "edits.jsonl").write_text(EDIT)
    return folder


def option_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """One option of one command wrong, the rest sound."""
    from mtmc.cli import app as mtmc
    from reid.cli import app as reid

    tools = {"mtmc": get_command(mtmc), "reid": get_command(reid)}
    for (tool, name), sound in SOUND.items():
        command = tools[tool].commands[name]  # type: ignore[attr-defined]
        for parameter in command.params:
            if parameter.name in NOT_TRIED or getattr(parameter, "is_flag", False):
                continue
            yield from _of_parameter((tool, name), command, parameter, sound)


def _of_parameter(head: tuple[str, ...], command: Any, parameter: Any, sound: tuple[str, ...]) -> Iterator[Case]:
    number = parameter.type_descriptor.annotation in (int, float)
    for word in NUMBERS if number else WORDS:
        if head == ("mtmc", "view") and word == "run":  # a run: it would be served for ever
            continue
        if parameter.param_type_name == "argument":
            words = _with_argument(command, parameter, sound, word)
        else:
            words = (*sound, max(parameter.opts, key=len), word)
        either = not (number and word in NEVER_NUMBERS)
        yield Case(
            "options", f"{' '.join(head)} {parameter.name} {word[:12]!r}", lambda at: None, (*head, *words), either
        )


def _with_argument(command: Any, parameter: Any, sound: tuple[str, ...], word: str) -> tuple[str, ...]:
    """The first words are the arguments; a wrong one may begin as an option does."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    at = arguments.index(parameter)
    known = list(sound[: len(arguments)]) if sound and not sound[0].startswith("-") else []
    known[at : at + 1] = [word]
    rest = sound[len(arguments) :] if sound and not sound[0].startswith("-") else sound
    return (*rest, "--", *known)


# --- files that the younger commands read -----------------------------------------------------------------------------

CROPS, REPORT = ("reid", "crops", "run", "--out", "cut"), ("mtmc", "report", "run")
FIND, LIKE = ("mtmc", "find", "run", "--where", "c001"), ("mtmc", "find", "run", "--like", "crops/1.jpg")
TUNE, CONVERT = ("mtmc", "tune", "run", "--gt", "S01", "--trials", "1"), ("reid", "convert", "--out", "c.safetensors")
WATCH = ("mtmc", "watch", *SOUND["mtmc", "watch"])
SUMO = ("mtmc", "synth", "city", "--tracklets", "--sumo", "fcd.xml", "--sumo-net", "net.xml")
READ: dict[str, tuple[tuple[str, ...], ...]] = {
    "run/run.json": (TUNE, REPORT, CROPS, ("mtmc", "edit", "run", "--kind", "1=truck")),
    "run/timings.json": (("mtmc", "plan", "run", "--cameras", "3"),),
    "run/vehicles.parquet": (("mtmc", "compare", "run", "run"), FIND, CROPS, REPORT),
    "run/visits.parquet": (FIND, REPORT, ("mtmc", "export", "run", "--format", "coco", "--out", "o")),
    "run/embeddings/c001.parquet": (LIKE, TUNE),
    "crops/1.jpg": (LIKE, ("reid", "attention", "crops/1.jpg", "--weights", "w.safetensors")),
    "w.pth": ((*CONVERT, "w.pth"),),
    "w.safetensors": ((*CONVERT, "w.safetensors"), ("reid", "bench", "w.safetensors", "--images", "1"),
                      ("reid", "export", "--weights", "w.safetensors", "--out", "o.onnx")),
    "S01/c001/gt/gt.txt": (("reid", "crops", "S01", "--out", "cut"), TUNE),
    "S01/c001/vdo.avi": (REPORT, WATCH),
    "net.xml": (SUMO,),
    "fcd.xml": (SUMO,),
}  # fmt: skip
"""Who reads what."""
STREAMS = ("", "x", "a=", "=x", "a=rtsp://", "../a=rtsp://127.0.0.1:1/x", "a=nowhere.mp4", "a=/dev/zero", "a=file:///x")


def reader_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """Each file spoilt in each way, for each of its readers; streams that are none."""
    for name, commands in READ.items():
        for kind, spoil in _spoils(material, name):
            for command in commands:
                yield Case("readers", f"{' '.join(command[:2])}: {kind}", spoil, command, either=True)
    for name in ("run/run.json", "run/vehicles.parquet"):  # of what it takes `view` would serve a page for ever
        for kind, spoil, either in file_spoils(name):
            if not either:
                yield Case("readers", f"mtmc view: {kind}", spoil, ("mtmc", "view", "run", "--no-open", "--port", "0"))
    for stream in STREAMS:
        yield Case("readers", f"watch --stream {stream}", lambda at: None, (*WATCH, "--stream", stream))


def _spoils(material: Path, name: str) -> Iterator[tuple[str, Spoil]]:
    yield from ((kind, spoil) for kind, spoil, _ in file_spoils(name, flips=3))
    if name.endswith(".parquet"):
        yield from ((f"{name} {kind}", spoil) for kind, spoil in table_spoils(name))
    if name.endswith(".xml"):
        yield from subtle_spoils(name, 7)
    if name.endswith(".json"):
        yield from ((f"{name} {kind}", spoil) for kind, spoil in json_spoils(material / name, name))


OPTION_DOORS: dict[str, Door] = {
    "options": Door(make_everything, option_cases),
    "readers": Door(make_everything, reader_cases),
}
