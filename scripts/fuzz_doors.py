"""The doors that scripts/fuzz knocks at: what lies behind each, and how it is spoilt."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import replace as with_change
from functools import partial
from pathlib import Path

import numpy as np
from fuzz import Case

Spoil = Callable[[Path], None]


@dataclass(frozen=True)
class Door:
    """make: writes the sound material into a folder and returns it. cases: of this door, given the material and a
    source of chance."""

    make: Callable[[Path], Path]
    cases: Callable[[Path, random.Random], Iterator[Case]]


def all_cases(doors: list[str], materials: dict[str, Path], seed: int) -> list[Case]:
    """All cases of these doors, mixed."""
    chance = random.Random(seed)
    cases = [with_change(case, of=name) for name in doors for case in DOORS[name].cases(materials[name], chance)]
    chance.shuffle(cases)
    return cases


# --- how things are spoilt
# -----------------------------------------------------------------------------------------------

WRONG_BYTES: dict[str, bytes] = {
    "empty": b"",
    "one zero": b"\0",
    "zeros": b"\0" * 5000,
    "no UTF-8": b"\xff\xfe\xfa\x80\x81" * 40,
    "a web page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "an LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12345\n",
    "a long line": b"1," * 200_000 + b"\n",
    "deep brackets": b"a = " + b"[" * 20_000,
    "a huge number": b"a = " + b"9" * 6000 + b"\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
    "a zip": b"PK\x03\x04" + b"\0" * 100,
}


def write(name: str, content: bytes | str, at: Path) -> None:
    """Put other content into a file."""
    path = at / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def cut(name: str, share: float, at: Path) -> None:
    """Keep the first part of a file."""
    content = (at / name).read_bytes()
    write(name, content[: int(len(content) * share)], at)


def flip(name: str, seed: int, at: Path) -> None:
    """Turn a few bits over."""
    content = bytearray((at / name).read_bytes())
    chance = random.Random(seed)
    for _ in range(max(4, len(content) // 2000)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    write(name, bytes(content), at)


def missing(name: str, at: Path) -> None:
    """Take a file or folder away."""
    path = at / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def folder_instead(name: str, at: Path) -> None:
    """A folder of the file's name."""
    (at / name).unlink()
    (at / name).mkdir()


def pipe_instead(name: str, at: Path) -> None:
    """A named pipe that nobody writes to."""
    (at / name).unlink()
    os.mkfifo(at / name)


def device_instead(name: str, target: str, at: Path) -> None:
    """A link to a device, or to nothing, or to itself."""
    (at / name).unlink()
    (at / name).symlink_to(target)


def replace(name: str, old: str, new: str, at: Path) -> None:
    """Other words in a text."""
    text = (at / name).read_text()
    assert old in text, f"{old!r} is not in {name}"
    write(name, text.replace(old, new, 1), at)


def file_spoils(name: str, flips: int = 0, loose: bool = False) -> Iterator[tuple[str, Spoil, bool]]:
    """Every way to spoil one file as a whole: (name, how, whether it may be taken). loose: parts of it may be read as
    sound."""
    for kind, content in WRONG_BYTES.items():
        yield f"{name} is {kind}", partial(write, name, content), False
    for share in (0.01, 0.3, 0.5, 0.9, 0.99):
        yield f"{name} cut at {share}", partial(cut, name, share), loose
    for seed in range(flips):
        yield f"{name} with bits turned ({seed})", partial(flip, name, seed), True
    yield f"{name} missing", partial(missing, name), False
    yield f"{name} a folder", partial(folder_instead, name), False
    yield f"{name} a pipe", partial(pipe_instead, name), False
    for target in ("/dev/zero", "/dev/null", "nowhere", Path(name).name):
        yield f"{name} a link to {target}", partial(device_instead, name, target), False


# --- scenes
# ---------------------------------------------------------------------------------------------------------------

RUN = (
    "mtmc",
    "run",
    "--videos",
    "S01",
    "--out",
    "run",
    "--detector",
    "recorded",
    "--embedder",
    "histogram",
    "--workers",
    "1",
)
RUN = (*RUN, "--set", "report.video=false", "--set", "report.page=false", "--set", "detect.recorded=det/det.txt")
DOCTOR = ("mtmc", "doctor", "S01")
SCORE = ("mtmc", "score", "run", "--gt", "S01", "--json")


def make_scene(folder: Path) -> Path:
    """Two cameras of three seconds with boxes, masks, calibration, clocks and truth."""
    import cv2

    rows = [f"{f},{v},{10 * f + 20 * v},{30 + 40 * v},40,30,1,-1,-1,-1" for f in range(1, 31) for v in (1, 2)]
    for camera in ("c001", "c002"):
        place = folder / "S01" / camera
        (place / "gt").mkdir(parents=True)
        (place / "det").mkdir()
        writer = cv2.VideoWriter(str(place / "vdo.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (480, 160))
        for number in range(30):
            image = np.full((160, 480, 3), 90, np.uint8)
            for vehicle in (1, 2):
                left, top = 10 * (number + 1) + 20 * vehicle, 30 + 40 * vehicle
                image[top : top + 30, left : left + 40] = (40 * vehicle, 60, 220)
            writer.write(image)
        writer.release()
        cv2.imwrite(str(place / "roi.jpg"), np.full((160, 480), 255, np.uint8))
        (place / "calibration.txt").write_text("Homography matrix: 10 0 0;0 10 0;0 0 1\nReprojection error: 0.5\n")
        (place / "gt" / "gt.txt").write_text("\n".join(rows) + "\n")
        (place / "det" / "det.txt").write_text(
            "\n".join(r.replace(",1,-1,-1,-1", ",0.9,-1,-1,-1") for r in rows) + "\n"
        )
    (folder / "S01" / "scene.toml").write_text(
        'name = "S01"\norigin = [42.5, -90.7]\n\n[cameras.c001]\noffset_s = 0.0\nfps = 10.0\nroi = "c001/roi.jpg"\n'
        'calibration = "c001/calibration.txt"\nground = "metres"\n\n[cameras.c002]\noffset_s = 1.5\nground = "metres"\n'
    )
    return folder


TOML_VALUES = [
    "true", '""', '"x"', "[]", "[1]", "{}", "{a = 1}", "-1", "0", "nan", "inf", "-inf", "1e300", "-1e300", "1" * 400, "1979-05-27",
    "07:32:00", '"../../../evil"', '"/etc/passwd"', '"/dev/zero"', '"a\\u0000b"', '"' + "x" * 5000 + '"', "[[1, 2], [3, 4]]",
    '"1e400"', "9223372036854775808", "0x10", "[nan, nan]", "[91.0, 0.0]", "[0.0, 181.0]",
]  # fmt: skip
TOML_KEYS = {
    "name": 'name = "S01"', "origin": "origin = [42.5, -90.7]", "offset_s": "offset_s = 0.0", "fps": "fps = 10.0",
    "roi": 'roi = "c001/roi.jpg"', "calibration": 'calibration = "c001/calibration.txt"', "ground": 'ground = "metres"',
}  # fmt: skip
FINE = {
    "name": {'"x"', '"1e400"', '""', '"../../../evil"', '"/etc/passwd"', '"/dev/zero"'}, "offset_s": {"-1", "0", "0x10"}, "fps": {"0x10"}, "origin": {"[]"}, "roi": {'""'}, "calibration": {'""'},
}  # fmt: skip
"""Values that a sensible reader may take."""


def scene_toml_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """scene.toml as a whole, each of its keys with each wrong value, keys and tables that it does not know."""
    name = "S01/scene.toml"
    for kind, spoil, either in file_spoils(name, flips=10, loose=True):
        yield Case("scene.toml", kind, spoil, RUN, either or kind in (f"{name} missing", f"{name} is empty"))
    for key, line in TOML_KEYS.items():
        for value in TOML_VALUES:
            either = value in FINE.get(key, ())
            spoil = partial(replace, name, line, f"{key} = {value}")
            yield Case("scene.toml", f"{key} = {value[:30]}", spoil, RUN, either)
    for camera in ("../../../evil", "/tmp/evil", ".hidden", "a/b", "c\\u0000", "x" * 300, "", "c001\\n", "..", "CON"):
        spoil = partial(replace, name, "[cameras.c002]", f'[cameras."{camera}"]\nvideo = "c002/vdo.avi"')
        yield Case("scene.toml", f"camera {camera[:20]!r}", spoil, RUN, either=camera == "CON")
    for line in (
        "cameras = 3",
        "cameras = []",
        "[cameras.c003]",
        "[cameras.c001.deep]",
        "speed = 3",
        "[cameras]\nc001 = 4",
        "a.b.c = 1",
    ):
        yield Case("scene.toml", f"also {line!r}", partial(_add, name, "\n" + line + "\n"), RUN)
    for video in ("c001/roi.jpg", "c001", "../S01/c002/vdo.avi", "/dev/zero", "nowhere.mp4", "c001/gt/gt.txt", ""):
        spoil = partial(replace, name, "offset_s = 0.0", f'offset_s = 0.0\nvideo = "{video}"')
        yield Case("scene.toml", f"video {video!r}", spoil, RUN, either=video in ("../S01/c002/vdo.avi",))


def _add(name: str, text: str, at: Path) -> None:
    write(name, (at / name).read_text() + text, at)


def video_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """A video as run and as doctor see it."""
    name = "S01/c001/vdo.avi"
    for kind, spoil, either in file_spoils(name, flips=25, loose=True):
        yield Case("videos", f"run: {kind}", spoil, RUN, either)
        yield Case("videos", f"doctor: {kind}", spoil, DOCTOR, either=True, codes=(1,))
    for path in ("S01", "S01/c001/roi.jpg", "nowhere", "", "/dev/zero", "/dev/null", "S01/c001/gt", "\0", "x" * 5000):
        for command in (("mtmc", "run", "--videos", path, "--out", "o", *RUN[6:]), ("mtmc", "doctor", path)):
            yield Case(
                "videos",
                f"{command[1]} {path[:20]!r}",
                lambda at: None,
                command,
                path in ("S01", ""),
                (1,) * (command[1] == "doctor"),
            )
    for out in ("S01/c001/vdo.avi", "S01/c001/vdo.avi/x", "/dev/null", "/proc/x", "x" * 300, "a\0b"):
        command = (*RUN[:5], out, *RUN[6:])
        yield Case("videos", f"--out {out[:20]!r}", lambda at: None, command)


def text_cases(name: str, door: str, command: tuple[str, ...], loose: bool = False) -> Callable[..., Iterator[Case]]:
    """A text file of numbers: as a whole, and each field of a row with each wrong word."""

    def cases(material: Path, chance: random.Random) -> Iterator[Case]:
        for kind, spoil, either in file_spoils(name, flips=8, loose=True):
            nothing_seen = kind.endswith(("is empty", "missing") if door == "tracks" else "is empty")
            yield Case(door, kind, spoil, command, either or nothing_seen or loose)
        lines = (material / name).read_text().splitlines()
        words = [
            "",
            "x",
            "nan",
            "inf",
            "-inf",
            "1e400",
            "-5",
            "0",
            "1.5",
            "9" * 30,
            "²",
            "0x1",
            "1_0",
            "٣",
            "--1",
            "1;2",
            "\0",
            "true",
            "None",
        ]
        separator = "," if "," in lines[0] else (";" if ";" in lines[0] else " ")
        fields = lines[3 % len(lines)].split(separator)
        for number in range(len(fields)):
            for word in words:
                changed = separator.join([*fields[:number], word, *fields[number + 1 :]])
                spoil = partial(_line, name, 3 % len(lines), changed)
                yield Case(door, f"{name}: field {number + 1} {word[:12]!r}", spoil, command, either=True)
        for what, line in {
            "one field": "1", "fields missing": separator.join(fields[:4]), "many fields": separator.join(fields * 4),
            "a header": "frame,id,x,y", "only separators": separator * 8, "a comment": "# x", "text": "hello world", "NUL": "\0\0\0",
        }.items():  # fmt: skip
            spoil = partial(_line, name, 3 % len(lines), line)
            yield Case(
                door,
                f"{name}: a line of {what}",
                spoil,
                command,
                either=what in ("a comment", "many fields") or not line.strip() or line in lines or loose,
            )
        for encoding in ("utf-16", "utf-32", "utf-8-sig", "utf-16-be"):
            yield Case(door, f"{name} in {encoding}", partial(_encoded, name, encoding), command, either=True)

    return cases


def _line(name: str, number: int, line: str, at: Path) -> None:
    lines = (at / name).read_text().splitlines()
    lines[number] = line
    write(name, "\n".join(lines) + "\n", at)


def _encoded(name: str, encoding: str, at: Path) -> None:
    write(name, (at / name).read_text().encode(encoding), at)


def mask_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """roi.jpg of a camera."""
    name = "S01/c001/roi.jpg"
    for kind, spoil, either in file_spoils(name, flips=8, loose=True):
        yield Case("masks", kind, spoil, RUN, either or kind.endswith("missing"))
    for size in ((1, 1), (480, 161), (20_000, 20_000)):
        yield Case("masks", f"{size[0]} x {size[1]}", partial(_mask, name, size), RUN)
    yield Case("masks", "a bomb of 60,000 x 60,000", partial(write, name, _png_bomb(60_000)), RUN)
    yield Case("masks", "a bomb of 1e9 x 1e9", partial(write, name, _png_bomb(2**30)), RUN)


def _mask(name: str, size: tuple[int, int], at: Path) -> None:
    import cv2

    write(name, cv2.imencode(".png", np.full(size[::-1], 255, np.uint8))[1].tobytes(), at)


def _png_bomb(side: int) -> bytes:
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


# --- configuration
# --------------------------------------------------------------------------------------------------------

SETTINGS = [
    "x", "x=", "=1", "detect", "detect=1", "detect.min_score", "detect.min_score=", "detect.min_score=nan", "detect.min_score=inf",
    "detect.min_score=-1", "detect.min_score=2", "detect.min_score='a'", "detect.min_score=[1]", "detect.min_score=true",
    "detect.batch=0", "detect.batch=1.5", "detect.batch=99999999999999999999", "detect.classes='car'", "detect.classes=['moon']",
    "detect.classes=[]", "detect.detector=''", "detect.detector='nope'", "detect.detector='nope:make'", "detect.detector='os:getcwd'",
    "detect.detector='os:environ'", "detect.detector='json:nope'", "detect.detector=':'", "detect.detector='a:b:c'",
    "track.tracker='nope'", "track.tracker='os:getpid'", "track.jde.max_lost_s=-1", "track.jde.max_lost_s=nan", "track.jde=1",
    "track.clean.parked='x'", "track.clean.min_length_s=inf", "embed.embedder='nope'", "embed.embedder='sys:exit'", "embed.crops=0",
    "embed.crops=-3", "embed.crops=true", "embed.weights='nowhere'", "embed.weights='/dev/zero'", "link.linker='nope'",
    "link.linker='sys:exit'", "link.least_probability=0", "link.least_probability=1", "link.least_probability=nan",
    "link.max_travel_s=-1", "link.max_travel_s=inf", "link.network_file='nowhere'", "link.network_file='S01'", "link.zones_file=3",
    "report.crf=-1", "report.width_px=1e9", "report.max_fps=0", "a.b.c.d.e.f.g=1", "detect.detect.detect=1", "detect.min_score=1e400",
    "detect.min_score=" + "[" * 5000, "detect.min_score=" + "9" * 5000, "\0=1", "detect.\0=1", "DETECT.MIN_SCORE=0.1", "report.video=maybe",
]  # fmt: skip
MAY_RUN = {"detect.classes=[]", "detect.min_score=true"}


def make_config(folder: Path) -> Path:
    """A scene and a configuration file."""
    make_scene(folder)
    (folder / "own.toml").write_text("[detect]\nmin_score = 0.2\n\n[track.jde]\nmin_score = 0.4\n")
    return folder


def config_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """TOML files and --set."""
    for setting in SETTINGS:
        command = (*RUN, "--set", setting)
        yield Case("config", f"--set {setting[:40]}", lambda at: None, command, either=setting in MAY_RUN)
    command = (*RUN, "--config", "own.toml")
    for kind, spoil, either in file_spoils("own.toml", flips=10, loose=True):
        yield Case("config", kind, spoil, command, either or kind == "own.toml is empty")
    for base in ("own.toml", "nowhere.toml", "S01", "/dev/zero", "../" * 40 + "etc/passwd", ""):
        yield Case("config", f"base {base[:20]!r}", partial(_head, "own.toml", f'base = "{base}"\n'), command)
    for line in (
        "base = 3",
        "base = []",
        "detect = 3",
        "[[detect]]",
        "[unknown]",
        'tracker = "jde"',
        "[detect.motion.deep]\nx = 1",
    ):
        yield Case("config", line, partial(write, "own.toml", line + "\n"), command)
    for words in (
        ("--workers", "0"),
        ("--workers", "-1"),
        ("--workers", "x"),
        ("--device", "foo"),
        ("--link", "x"),
        ("--detector", ""),
    ):
        yield Case(
            "config", " ".join(words), lambda at: None, (*RUN[:10], *RUN[12:], *words), either=words[0] == "--device"
        )


def _head(name: str, text: str, at: Path) -> None:
    write(name, text + (at / name).read_text(), at)


SYNTH = ("mtmc", "synth", "city", "--preset", "tiny", "--set", "seconds=1")


def synth_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """The city's knobs."""
    for words in (
        ("--seed", "-1"), ("--seed", "x"), ("--seed", "²"), ("--preset", "nope"), ("--set", "seconds=nan"), ("--set", "seconds=-1"),
        ("--set", "fps=0"), ("--set", "fps=inf"), ("--set", "width_px=0"), ("--set", "width_px=10000000"), ("--set", "nope=1"),
        ("--set", "parked=-1"), ("--set", "cameras=0"), ("--set", "cameras=100000"), ("--set", ""), ("--level", "9"), ("--level", "x"),
        ("--tracklets", "--level", "0"), ("--tracklets", "--cameras", "0"), ("--tracklets", "--duration", "-1"), ("--reid", "0"),
        ("--tracklets", "--duration", "nan"), ("--set", "seconds=1e12"), ("--set", "rain=2"),
    ):  # fmt: skip
        yield Case("synth", " ".join(words), lambda at: None, (*SYNTH, *words))
    for out in ("S01/scene.toml", "/proc/x", "x" * 300, "a\0b"):
        yield Case("synth", f"to {out[:20]!r}", lambda at: None, ("mtmc", "synth", out, *SYNTH[3:]))


# --- submissions
# ----------------------------------------------------------------------------------------------------------


def make_submission(folder: Path) -> Path:
    """Truth, a sound prediction as text, and packed."""
    make_scene(folder)
    rows = [
        f"{c} {v} {f} {10 * f + 20 * v} {30 + 40 * v} 40 30 -1 -1" for c in (1, 2) for f in range(1, 31) for v in (1, 2)
    ]
    (folder / "track3.txt").write_text("\n".join(rows) + "\n")
    with zipfile.ZipFile(folder / "track3.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "track3.txt", "track3.txt")
    with tarfile.open(folder / "track3.tar.gz", "w:gz") as packed:
        packed.add(folder / "track3.txt", "track3.txt")
    return folder


def submission_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """9 columns, in the open and packed."""
    yield from text_cases("track3.txt", "submissions", _score("track3.txt"))(material, chance)
    for name in ("track3.zip", "track3.tar.gz"):
        for kind, spoil, either in file_spoils(name, flips=8):
            yield Case("submissions", kind, spoil, _score(name), either)
    for kind, spoil in {
        "two members": partial(_zip, {"a.txt": b"1", "b.txt": b"2"}),
        "no member": partial(_zip, {}),
        "a folder in it": partial(_zip, {"a/": b""}),
        "a path upwards": partial(_zip, {"../evil.txt": b"1 1 1 1 1 1 1 -1 -1\n"}),
        "a bomb": partial(_zip, {"track3.txt": b"1 1 1 1 1 1 1 -1 -1\n" * 30_000_000}),
    }.items():
        yield Case("submissions", f"zip with {kind}", spoil, _score("track3.zip"), either=kind == "a path upwards")


def _score(name: str) -> tuple[str, ...]:
    return "mtmc", "score", name, "--gt", "S01", "--json"


def _zip(members: dict[str, bytes], at: Path) -> None:
    with zipfile.ZipFile(at / "track3.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


# --- run folders
# ----------------------------------------------------------------------------------------------------------

TABLES = ("vehicles", "links", "tracklets/c001", "embeddings/c002", "detections/c001")
READERS = {
    "vehicles": [SCORE, ("mtmc", "export", "run", "--format", "csv"), ("mtmc", "explain", "run", "1")],
    "links": [("mtmc", "explain", "run", "1")],
    "tracklets/c001": [("mtmc", "bench-link", "run", "--linker", "hungarian", "--json")],
    "embeddings/c002": [(*SCORE, "--oracle")],
    "detections/c001": [("mtmc", "status", "run")],
}
JSON_READERS = {
    "run.json": [SCORE, ("mtmc", "status", "run"), ("mtmc", "export", "run", "--format", "csv")],
    "network.json": [("mtmc", "network", "run")],
    "timings.json": [RUN],
}


def made_by(command: tuple[str, ...], folder: Path) -> Path:
    """The folder with what a command makes of it."""
    from fuzz import _main

    here = Path.cwd()
    os.chdir(folder)
    try:
        assert _main(command) == 0
    finally:
        os.chdir(here)
    return folder


def make_run(folder: Path) -> Path:
    """A finished run."""
    make_scene(folder)
    return made_by(RUN, folder)


def run_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """Tables and JSON of a run folder, read by the commands that read them, and found again by the next run."""
    for table, readers in READERS.items():
        name = f"run/{table}.parquet"
        for command in (*readers, RUN):
            again = command in (RUN, ("mtmc", "status", "run"))
            for kind, spoil, either in file_spoils(name, flips=3):
                yield Case("run folder", f"{command[1]}: {kind}", spoil, command, either or again)
            for kind, spoil in table_spoils(name):
                fine = (
                    again or "order" in kind or (table, kind) == ("links", "column 1 of words")
                )  # any linker's own word
                yield Case("run folder", f"{command[1]}: {name} {kind}", spoil, command, fine)
    for document, readers in JSON_READERS.items():
        name = f"run/{document}"
        if not (material / name).exists():
            continue
        for command in readers:
            again = command == RUN or document == "timings.json"
            for kind, spoil, either in file_spoils(name, flips=3):
                yield Case("run folder", f"{command[1]}: {kind}", spoil, command, either or again)
            for kind, spoil in json_spoils(material / name, name):
                yield Case("run folder", f"{command[1]}: {name} {kind}", spoil, command, either=True)


def table_spoils(name: str) -> Iterator[tuple[str, Spoil]]:
    """A table that Parquet reads and that is still wrong."""
    import pyarrow as pa

    def change(how: Callable[[pa.Table], pa.Table], at: Path) -> None:
        import pyarrow.parquet as pq

        path = at / name
        table = pq.read_table(path)
        pq.write_table(how(table).replace_schema_metadata(table.schema.metadata), path)

    def column(number: int, values: pa.Array, table: pa.Table) -> pa.Table:
        return table.set_column(number, table.column_names[number], values)

    for number in range(4):
        yield (
            f"without column {number}",
            partial(change, lambda t, n=number: t.drop_columns([t.column_names[n % t.num_columns]])),
        )
        yield (
            f"column {number} of words",
            partial(change, lambda t, n=number: column(n % t.num_columns, pa.array(["x"] * len(t)), t)),
        )
        yield (
            f"column {number} of nothing",
            partial(change, lambda t, n=number: column(n % t.num_columns, pa.nulls(len(t), pa.int64()), t)),
        )
        yield (
            f"column {number} of NaN",
            partial(change, lambda t, n=number: column(n % t.num_columns, pa.array(np.full(len(t), np.nan)), t)),
        )
    yield "without a column", partial(change, lambda t: t.select([]))
    yield "in another order of columns", partial(change, lambda t: t.select(t.column_names[::-1]))


def json_spoils(path: Path, name: str) -> Iterator[tuple[str, Spoil]]:
    """Every key of a JSON document with another kind of value, or gone."""
    document = json.loads(path.read_text())
    for keys in list(_paths(document))[:60]:
        for word, value in {"null": None, "list": [], "word": "x", "number": -1, "nan": float("nan")}.items():
            yield f"{'.'.join(map(str, keys))} = {word}", partial(_set, name, keys, value)
        yield f"without {'.'.join(map(str, keys))}", partial(_set, name, keys, ...)
    for whole in ("[]", "3", "null", '"x"', "[" * 20_000, "{}", '{"videos": "S01"}'):
        yield f"= {whole[:12]}", partial(write, name, whole)


def _paths(document: object, prefix: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document[:2])
        if isinstance(document, list)
        else ()
    )
    for key, value in items:
        yield (*prefix, key)
        yield from _paths(value, (*prefix, key))


def _set(name: str, keys: tuple[str | int, ...], value: object, at: Path) -> None:
    document = json.loads((at / name).read_text())
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    write(name, json.dumps(document), at)


# --- weights and outside parts
# -----------------------------------------------------------------------------------------------


def make_weights(folder: Path) -> Path:
    """A scene, a small checkpoint and a few crops."""
    import cv2
    import torch

    from mtmc.weights import EMBEDDER

    make_scene(folder)
    shutil.copy(EMBEDDER, folder / "w.safetensors")
    torch.save({"a": torch.zeros(3)}, folder / "w.pth")
    (folder / "w.onnx").write_bytes(b"\x08\x07\x12\x04test")
    (folder / "crops").mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / "crops" / f"{number}.jpg"), np.full((40, 60, 3), 60 * number, np.uint8))
    return folder


def weights_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """Model files of every part that reads one."""
    own = (*RUN[:6], *RUN[10:])
    commands = {
        "w.safetensors": [("reid", "embed", "--weights", "w.safetensors", "--out", "v.parquet", "crops"),
                          (*RUN[:8], "--embedder", "sgfd", *RUN[10:], "--reid-weights", "w.safetensors")],
        "w.pth": [(*own, "--detector", "torchvision", "--weights", "w.pth"), (*own, "--detector", "detectron2", "--weights", "w.pth"),
                  ("reid", "train", "--dataset", "toy", "--config", "smoke", "--set", "pretrained=w.pth", "--out", "t")],
        "w.onnx": [(*own, "--detector", "onnx", "--weights", "w.onnx")],
    }  # fmt: skip
    for name, readers in commands.items():
        for command in readers:
            for kind, spoil, either in file_spoils(name, flips=4):
                yield Case("weights", f"{command[1]}: {kind}", spoil, command, either)
    header = {
        "network": ["null", "{}", "x", '{"image_size": 10000000}', '{"width": 1000000}'],
        "num_ids": ["x", "-1", "1e99"],
        "format": ["", "x"],
    }
    for key, values in header.items():
        for value in values:
            spoil = partial(_header, key, value)
            yield Case("weights", f"header {key} = {value}", spoil, commands["w.safetensors"][0])


def _header(key: str, value: str, at: Path) -> None:
    content = (at / "w.safetensors").read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    told = header["__metadata__"]
    if key == "network" and value.startswith("{") and value != "{}":
        told[key] = json.dumps(json.loads(told[key]) | json.loads(value))
    else:
        told[key] = value
    changed = json.dumps(header).encode()
    changed += b" " * (-len(changed) % 8)
    write("w.safetensors", struct.pack("<Q", len(changed)) + changed + content[8 + length :], at)


PARTS = {
    "detector": ("detect.detector", "def make(*a, **k):\n    class D:\n        def begin(self, camera, frames):\n            return lambda clip: {}\n    return D()\n"),
    "embedder": ("embed.embedder", "import numpy as np\ndef make(*a, **k):\n    class E:\n        def vectors(self, crops):\n            return {}\n    return E()\n"),
    "tracker": ("track.tracker", "def make(*a, **k):\n    class T:\n        def track(self, *a):\n            return {}\n    return T()\n"),
    "linker": ("link.linker", "def make(*a, **k):\n    return lambda problem: {}\n"),
}  # fmt: skip
RETURNS = ["None", "1/0", "'x'", "[]", "(_ for _ in ()).throw(SystemExit(0))", "(_ for _ in ()).throw(KeyboardInterrupt)",
           "__import__('numpy').full((2, 3), float('nan'))", "__import__('numpy').zeros(0)", "__import__('sys').exit(0)"]  # fmt: skip


def part_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """Outside parts that break the contract."""
    for part, (key, text) in PARTS.items():
        words = list(RUN)
        if part in ("detector", "embedder"):
            words[words.index(f"--{part}") + 1] = "own:make"
        command = (*words, "--set", f"{key}='own:make'")
        for answer in RETURNS:
            yield Case(
                "outside parts", f"{part} answers {answer}", partial(write, "own.py", text.format(answer)), command
            )
        for kind, source in {
            "does not import": "import nowhere", "is no Python": "def (", "raises": "raise RuntimeError('x')", "exits": "import sys; sys.exit(0)",
            "has no make": "x = 1", "is not callable": "make = 3", "takes nothing": "def make():\n    return 1\n", "gives None": "def make(*a, **k):\n    return None\n",
        }.items():  # fmt: skip
            yield Case("outside parts", f"{part} {kind}", partial(write, "own.py", source), command)


# --- data sets for re-identification
# ---------------------------------------------------------------------------------------


def make_dataset(folder: Path) -> Path:
    """A small set as a table, with weights to judge."""
    make_weights(folder)
    rows = [f"crops/{n}.jpg,{n // 2},{n % 2},{split}" for split in ("train", "query", "gallery") for n in range(3)]
    (folder / "index.csv").write_text("path,vehicle_id,camera_id,split\n" + "\n".join(rows) + "\n")
    return folder


def dataset_cases(material: Path, chance: random.Random) -> Iterator[Case]:
    """A table of crops, and folders that are no data set."""
    evaluate = ("reid", "eval", "--weights", "w.safetensors", "--dataset")
    yield from text_cases("index.csv", "data sets", (*evaluate, "csv", "--root", "index.csv"))(material, chance)
    for dataset in ("veri776", "cityflow", "vehicleid", "market1501", "dukemtmc", "csv", "nope"):
        for root in ("crops", "nowhere", "S01", "w.pth"):
            yield Case("data sets", f"{dataset} in {root}", lambda at: None, (*evaluate, dataset, "--root", root))
    for kind, spoil, either in file_spoils("crops/1.jpg", flips=4):
        yield Case("data sets", kind, spoil, (*evaluate, "csv", "--root", "index.csv"), either)


DOORS: dict[str, Door] = {
    "videos": Door(make_scene, video_cases),
    "scene.toml": Door(make_scene, scene_toml_cases),
    "calibration": Door(make_scene, text_cases("S01/c001/calibration.txt", "calibration", RUN)),
    "masks": Door(make_scene, mask_cases),
    "detections": Door(make_scene, text_cases("S01/c001/det/det.txt", "detections", RUN)),
    "truth": Door(make_run, text_cases("S01/c001/gt/gt.txt", "truth", SCORE)),
    "config": Door(make_config, config_cases),
    "synth": Door(make_scene, synth_cases),
    "submissions": Door(make_submission, submission_cases),
    "run folder": Door(make_run, run_cases),
    "weights": Door(make_weights, weights_cases),
    "outside parts": Door(make_scene, part_cases),
    "data sets": Door(make_dataset, dataset_cases),
}
