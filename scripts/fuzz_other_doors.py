"""More doors that scripts/fuzz knocks at: tracks of other trackers, edits, traffic, zones and learned networks, trainings to be
resumed; and ways to spoil a file that those of ``fuzz_doors`` do not have."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from fuzz import Case
from fuzz_doors import (
    RUN,
    SCORE,
    Door,
    Spoil,
    file_spoils,
    json_spoils,
    made_by,
    make_run,
    make_scene,
    make_weights,
    text_cases,
    write,
)


def subtle_spoils(name: str, seed: int) -> Iterator[tuple[str, Spoil]]:
    """What hands, editors and other systems do to a file; all of it may be taken."""
    changes = {
        "a BOM before it": lambda data: b"\xef\xbb\xbf" + data,
        "two BOMs before it": lambda data: b"\xef\xbb\xbf" * 2 + data,
        "line ends of Windows": lambda data: data.replace(b"\n", b"\r\n"),
        "line ends of old Macs": lambda data: data.replace(b"\n", b"\r"),
        "form feeds": lambda data: data.replace(b"\n", b"\f\n"),
        "itself twice": lambda data: data + data,
        "letters beyond ASCII": lambda data: data.replace(b"0", "\u0661".encode()),
        "wide spaces": lambda data: data.replace(b" ", "\u3000".encode()).replace(b",", "\uff0c".encode()),
        "hidden marks": lambda data: data.replace(b"1", "1\u200b".encode()),
        "everything negative": lambda data: data.replace(b"1", b"-1"),
        "commas for points": lambda data: data.replace(b".", b","),
        "huge numbers": lambda data: data.replace(b"1", b"1" * 400),
        "a hundred thousand blank lines": lambda data: b"\n" * 100_000 + data,
        "one line": lambda data: data.replace(b"\n", b" "),
        "lines in another order": lambda data: b"\n".join(
            sorted(data.split(b"\n"), key=lambda line: hash((seed, line)))
        ),
        "words of another case": lambda data: data.swapcase(),
    }
    for kind, change in changes.items():
        yield f"{name} with {kind}", partial(_changed, name, change)
    yield f"{name} without rights", partial(_locked, name)
    yield f"{name} of 10 GB without content", partial(_sparse, name)
    yield f"{name} a link to its folder", partial(_linked, name, ".")
    yield f"{name} a link in a ring", partial(_ring, name)
    chance = random.Random(seed)
    for number in range(8):
        yield f"{name} with a byte taken out ({number})", partial(_changed, name, partial(_without, chance.random()))
        yield (
            f"{name} with bytes of chance put in ({number})",
            partial(_changed, name, partial(_with, chance.random(), number)),
        )


def _changed(name: str, change: object, at: Path) -> None:
    write(name, change((at / name).read_bytes()), at)  # type: ignore[operator]


def _without(share: float, data: bytes) -> bytes:
    row = int(share * len(data))
    return data[:row] + data[row + 1 :]


def _with(share: float, seed: int, data: bytes) -> bytes:
    row = int(share * len(data))
    return data[:row] + random.Random(seed).randbytes(16) + data[row:]


def _locked(name: str, at: Path) -> None:
    (at / name).chmod(0)


def _sparse(name: str, at: Path) -> None:
    with (at / name).open("wb") as file:
        file.truncate(10 << 30)


def _linked(name: str, target: str, at: Path) -> None:
    (at / name).unlink()
    (at / name).symlink_to(target)


def _ring(name: str, at: Path) -> None:
    (at / name).unlink()
    (at / name).symlink_to("other-end")
    (at / name).parent.joinpath("other-end").symlink_to((at / name).name)


def subtle(door: str, names: tuple[str, ...], command: tuple[str, ...], seed: int) -> Iterator[Case]:
    """Cases of these files, which may all be taken: no traceback, no hang, no message that says too little."""
    for name in names:
        for kind, spoil in subtle_spoils(name, seed):
            yield Case(door, f"{command[1]}: {kind}", spoil, command, either=True)


# --- tracks of other trackers -----------------------------------------------------------------------------------------

LINK = ("mtmc", "link", "tracks", "--out", "linked", "--fps", "10", "--size", "480x160", "--set", "report.page=false")


def make_tracks(folder: Path) -> Path:
    """MOT tracks of two cameras, and the same as a table with a header."""
    make_scene(folder)
    (folder / "tracks").mkdir()
    rows = [f"{f},{v},{10 * f + 20 * v},{30 + 40 * v},40,30,0.9,-1,-1,-1" for f in range(1, 31) for v in (1, 2)]
    for camera in ("c001", "c002"):
        (folder / "tracks" / f"{camera}.txt").write_text("\n".join(rows) + "\n")
    lines = [f"c001,{f},{v},{10 * f},{40 * v},40,30" for f in range(1, 31) for v in (1, 2)]
    (folder / "table.csv").write_text("camera_id,frame,track_id,left,top,width,height\n" + "\n".join(lines) + "\n")
    return folder


def track_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """`mtmc link`: files, and the words of the command."""
    yield from text_cases("tracks/c001.txt", "tracks", LINK)(material, chance)
    table = (*LINK[:2], "table.csv", *LINK[3:])
    for kind, spoil, _ in file_spoils("table.csv", flips=8, loose=True):
        yield Case("tracks", f"table: {kind}", spoil, table, either="cut" in kind or "bits" in kind)
    yield from subtle("tracks", ("tracks/c001.txt",), LINK, 1)
    yield from subtle("tracks", ("table.csv",), table, 2)
    for words in (
        ("--fps", "0"), ("--fps", "nan"), ("--fps", "x"), ("--fps", "-1"), ("--size", "0x0"), ("--size", "x"), ("--size", "1e9x1"),
        ("--size", "99999999x99999999"), ("--vectors", "nowhere"), ("--vectors", "table.csv"), ("--videos", "nowhere"),
        ("--offsets", "nowhere"), ("--offsets", "table.csv"), ("--zones", "table.csv"), ("--first-frame", "-5"), ("--first-frame", "x"),
    ):  # fmt: skip
        at = LINK.index(words[0]) if words[0] in LINK else len(LINK)
        yield Case("tracks", " ".join(words), lambda at: None, (*LINK[:at], *LINK[at + 2 :], *words))


# --- a finished run: edits, traffic, its page ---------------------------------------------------------------------------

EDIT = '{"edit": "same", "at": {"camera": "c001", "time_s": 1.0, "box": [50, 70, 90, 100]}, "and": {"camera": "c002", "time_s": 2.5, "box": [50, 70, 90, 100]}}\n'


def make_edited(folder: Path) -> Path:
    """A finished run with one edit."""
    make_run(folder)
    (folder / "run" / "edits.jsonl").write_text(EDIT)
    return folder


def edited_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """edits.jsonl, and the commands that look at a run."""
    name, shown = "run/edits.jsonl", ("mtmc", "edit", "run", "--list")
    for kind, spoil, _ in file_spoils(name, flips=6, loose=True):
        either = any(word in kind for word in ("missing", "cut", "bits", "is empty"))
        yield Case("edits", kind, spoil, shown, either)
        yield Case("edits", f"run: {kind}", spoil, RUN, either)
    yield from subtle("edits", (name,), shown, 3)
    for kind, spoil in json_spoils(material / name, name):
        yield Case("edits", f"{name} {kind}", spoil, shown, either=True)
    for words in (
        ("--same", "1"), ("--same", "1=x"), ("--same", "1=999"), ("--split", "1=nan"), ("--split", "1=1e400"), ("--drop", "-1"),
        ("--kind", "1=boat"), ("--import", "nowhere"), ("--import", "S01"), ("--import", "run/run.json"), ("--not-vehicle", ""),
    ):  # fmt: skip
        yield Case(
            "edits", " ".join(words), lambda at: None, ("mtmc", "edit", "run", *words), either=words[0] == "--drop"
        )
    yield from _looked_at()
    yield from subtle("truth", ("S01/c001/gt/gt.txt",), SCORE, 4)
    for name in ("S01/scene.toml", "S01/c001/calibration.txt", "S01/c001/det/det.txt"):
        yield from subtle("inputs", (name,), RUN, 5)
    for name in ("run/run.json", "run/vehicles.parquet", "run/network.json"):
        yield from subtle("run folder", (name,), ("mtmc", "compare", "run", "run"), 6)
    yield from _linking_files()


def _looked_at() -> Iterator[Case]:
    """Traffic and searches of a finished run."""
    for words in (
        ("--bins", "0"), ("--bins", "x"), ("--bins", "-5min"), ("--bins", "nan"), ("--bins", "1e-9s"), ("--from", "x"), ("--to", "nan"),
        ("--gates", "nowhere"), ("--classes", "x"), ("--scale", "nowhere"), ("--samples", "-1"), ("--format", "x"), ("--out", "/proc/x"),
    ):  # fmt: skip
        yield Case("traffic", " ".join(words), lambda at: None, ("mtmc", "traffic", "run", *words))
    for table in ("visits", "links", "vehicles"):
        for kind, spoil, either in file_spoils(f"run/{table}.parquet", flips=4):
            yield Case(
                "traffic",
                kind,
                spoil,
                ("mtmc", "traffic", "run", "--json"),
                either or table != "vehicles",
            )
    for words in (("--where", "x<"), ("--where", "c001>"), ("--where", "p<x"), ("--where", "9" * 5000), ("--where", "²"),
                  ("--like", "nowhere"), ("--like", "S01"), ("--like", "run/run.json"), ("--from", "x"), ("--limit", "0")):  # fmt: skip
        yield Case(
            "find",
            " ".join(words)[:40],
            lambda at: None,
            ("mtmc", "find", "run", *words),
            words[1] in ("c001>", "9" * 5000),
        )


def _linking_files() -> Iterator[Case]:
    """Files that a linker starts from."""
    for link in ("network", "zones"):
        key = f"link.{link}_file=own.{'json' if link == 'network' else 'toml'}"
        name = "own.json" if link == "network" else "own.toml"
        for kind, spoil, either in file_spoils(name, flips=4, loose=True):
            made = partial(_own, link, spoil)
            yield Case("linking files", f"{link}: {kind}", made, (*RUN, "--link", link, "--set", key), either)


def _own(link: str, spoil: Spoil, at: Path) -> None:
    """A file that a linker starts from, then spoilt."""
    if link == "network":
        (at / "own.json").write_bytes((at / "run" / "network.json").read_bytes())
    else:
        zones = "[cameras.c001]\nn = [0, 0, 1, 1]\n[cameras.c002]\ns = [0, 0, 1, 1]\n"
        (at / "own.toml").write_text(zones + '[[links]]\nfrom = "c001.n"\nto = "c002.s"\ntravel_s = [0, 9]\n')
    spoil(at)


# --- trainings ----------------------------------------------------------------------------------------------------------

TRAIN = ("reid", "train", "--config", "smoke", "--set", "loop.epochs=1", "--out", "out")


def make_training(folder: Path) -> Path:
    """A training of one epoch, with a state to go on from."""
    make_weights(folder)
    return made_by(TRAIN, folder)


def training_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """What a training left, and vectors that were stored."""
    again = ("reid", "train", "--resume", "--out", "out")
    for name in ("out/config.json", "out/state.pt"):
        for kind, spoil, either in file_spoils(name, flips=6, loose=False):
            yield Case("trainings", kind, spoil, again, either)
    for kind, spoil in json_spoils(material / "out/config.json", "out/config.json"):
        yield Case("trainings", f"config.json {kind}", spoil, again, either=True)
    embed = ("reid", "embed", "--weights", "out/last.safetensors", "--out", "v.parquet", "crops")
    for kind, spoil, either in file_spoils("out/last.safetensors", flips=6):
        yield Case("trainings", kind, spoil, embed, either)


OTHER_DOORS: dict[str, Door] = {
    "tracks": Door(make_tracks, track_cases),
    "edits": Door(make_edited, edited_cases),
    "trainings": Door(make_training, training_cases),
}
