"""Bad input at every door: each case must be refused in one good sentence, or be harmless and taken.

A case is a command of ``mtmc`` or ``reid`` on a small real scene, run or data set of which one thing was spoilt. It
runs in a process of its own, forked from one in which everything is imported, under a limit of seconds and of memory.
What may come out:

    refused     exit code 2, one sentence on stderr that names where, what was expected, what was found and what to do
    taken       exit code 0, allowed only where the case says that the input may be fine (``either``)

Everything else is a fault: a traceback or exit code 70, another exit code, a hang, too much memory, a message that says
too little, bad input taken in silence, a finished file changed or gone, a file written outside the case's folder.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SENTENCE = re.compile(r"^(error|warning): .+?: expected .+?, found .+?\. \S.*", re.DOTALL)
USAGE = re.compile(r"Usage:|Invalid value|No such option|Missing (option|argument)", re.DOTALL)
"""What the command line itself refuses reads otherwise, and well."""
SECONDS, MEMORY_MB = 10, 2048
PATIENCE = 3
"""How many times the limit a case may take by the clock; the limit itself is of processor time."""


@dataclass(frozen=True)
class Case:
    """One spoilt thing: ``spoil`` changes the copy of the door's material at the folder it is given; ``command`` is
    what is then run there.

    either: the input may be taken as well as refused. codes: exit codes beside these two that are no fault (`mtmc
    doctor` ends with 1 where it found something). of: the door whose material it needs, if not ``door``.
    """

    door: str
    name: str
    spoil: Callable[[Path], None]
    command: tuple[str, ...]
    either: bool = False
    codes: tuple[int, ...] = ()
    of: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a case ended: ``fault`` is empty where all is well."""

    fault: str
    code: int
    said: str
    seconds: float


def judge(case: Case, code: int, said: str, seconds: float, changed: list[str]) -> Outcome:
    """The rules of this file's first lines."""
    fault = ""
    if code == -signal.SIGALRM or seconds > SECONDS:
        fault = "hang"
    elif code < 0:
        fault = f"killed by {signal.Signals(-code).name}"
    elif "MemoryError" in said or "error: memory:" in said:
        fault = "memory"
    elif "Traceback" in said or code == 70:
        fault = "traceback"
    elif changed:
        fault = f"changed {changed[0]}"
    elif code == 0 and not case.either:
        fault = "silence: taken"
    elif code == 2 and not (SENTENCE.search(_error(said)) or USAGE.search(said)):
        fault = "says too little"
    elif code not in (0, 2, *case.codes):
        fault = f"exit code {code}"
    return Outcome(fault, code, said, seconds)


def _error(said: str) -> str:
    at = said.rfind("error: ")
    return said[at:] if at >= 0 else said


def run(case: Case, material: Path, folder: Path) -> Outcome:
    """The case's outcome; one out of time tries again with more of it, since the machine may have been busy."""
    outcome = _tried(case, material, folder, PATIENCE)
    return outcome if outcome.fault != "hang" else _tried(case, material, folder, 4 * PATIENCE)


def _tried(case: Case, material: Path, folder: Path, patience: int) -> Outcome:
    """Copy the material, spoil it, run the command in a forked process, judge."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(material, folder, symlinks=True)
    case.spoil(folder)
    before = _state(folder.parent, folder)
    said = folder.parent / "said.txt"
    code, seconds = _wait(_forked(lambda: _in_child(case.command, folder, said)), patience)
    changed = [name for name, digest in _state(folder.parent, folder).items() if before.get(name) != digest]
    text = said.read_text(errors="replace") if said.exists() else ""
    return judge(case, code, text, seconds, changed)


def _forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


def _wait(child: int, patience: int) -> tuple[int, float]:
    """Exit code and seconds of the processor; on a machine with other work the clock would not be fair."""
    start = time.monotonic()
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        if time.monotonic() - start > patience * SECONDS:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -signal.SIGALRM, patience * SECONDS
        time.sleep(0.01)


def _in_child(command: tuple[str, ...], folder: Path, said: Path) -> None:
    """Never returns."""
    code = 1
    with said.open("w", errors="backslashreplace") as text:
        os.dup2(text.fileno(), 1)
        os.dup2(text.fileno(), 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(os.fdopen(1, "wb", 0), errors="backslashreplace", write_through=True)
        try:
            limit = _address_space() + MEMORY_MB * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            resource.setrlimit(resource.RLIMIT_FSIZE, (2**31, 2**31))
            os.chdir(folder)
            code = _main(command)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            os._exit(code)


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _main(command: tuple[str, ...]) -> int:
    from rich.console import Console

    import mtmc.cli.progress as progress

    progress.console = Console(stderr=True, file=sys.stderr, width=10_000)
    try:
        if command[0] == "mtmc":
            from mtmc.cli import main

            main(list(command[1:]))
        else:
            from reid.cli import main as reid_main

            sys.argv = list(command)
            reid_main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _state(around: Path, folder: Path) -> dict[str, object]:
    """What lies beside the case's folder: nothing there may change."""
    return {
        str(path.relative_to(around)): path.stat().st_mtime_ns
        for path in around.rglob("*")
        if folder not in (path, *path.parents) and path.is_file() and path.name != "said.txt"
    }


def campaign(
    cases: list[Case], materials: dict[str, Path], place: Path, minutes: float, show: bool
) -> list[tuple[Case, Outcome]]:
    """All cases, in an order that mixes the doors, as far as the minutes go."""
    until = time.monotonic() + minutes * 60
    results = []
    for number, case in enumerate(cases):
        if time.monotonic() > until:
            print(f"{len(cases) - number} cases left out: the minutes are over", file=sys.stderr)
            break
        outcome = run(case, materials[case.of or case.door], place)
        results.append((case, outcome))
        if show and outcome.fault:
            line = " ".join(_error(outcome.said).split())[-300:]
            print(f"{case.door} / {case.name}: {outcome.fault} (exit {outcome.code}): {line}", flush=True)
    return results


def table(results: list[tuple[Case, Outcome]]) -> None:
    """One row a door: cases, refused, taken, faults by kind."""
    doors: dict[str, Counter[str]] = defaultdict(Counter)
    for case, outcome in results:
        kind = outcome.fault.split(" ")[0] if outcome.fault else ("refused" if outcome.code else "taken")
        doors[case.door][kind] += 1
    kinds = sorted({kind for row in doors.values() for kind in row} - {"refused", "taken"})
    print("| door | cases | refused | taken | " + " | ".join([*kinds, "faults"]) + " |")
    print("|---" * (5 + len(kinds)) + "|")
    for door, row in [*sorted(doors.items()), ("all", sum(doors.values(), Counter()))]:
        faults = [row[kind] for kind in kinds]
        cells = [door, sum(row.values()), row["refused"], row["taken"], *faults, sum(faults)]
        print("| " + " | ".join(map(str, cells)) + " |")


def main() -> None:
    from fuzz_doors import DOORS, all_cases
    from fuzz_options import OPTION_DOORS
    from fuzz_other_doors import OTHER_DOORS

    DOORS.update(OTHER_DOORS | OPTION_DOORS)

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--door", choices=sorted(DOORS), action="append", help="only these")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="of the order, and of the cases that are drawn")
    parser.add_argument("--cases", type=int, default=0, help="draw so many, of all doors; 0: all")
    parser.add_argument("--part", default="1/1", help="only this share of them, such as 3/40")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--show", action="store_true", help="print each fault as it is found")
    parser.add_argument("--json", type=Path, help="also write all outcomes here")
    options = parser.parse_args()
    doors = options.door or sorted(DOORS)
    with tempfile.TemporaryDirectory(prefix="fuzz-material-") as folder:
        _warm()
        place = Path(folder) / "here" / "case"
        materials = {door: _material(DOORS[door].make, place, Path(folder) / door.replace(" ", "-")) for door in doors}
        cases = [case for case in all_cases(doors, materials, options.seed) if options.only in case.name]
        cases = random.Random(options.seed).sample(cases, min(options.cases or len(cases), len(cases)))
        part, parts = map(int, options.part.split("/"))
        results = campaign(cases[part - 1 :: parts], materials, place, options.minutes, options.show)
    table(results)
    if options.json:
        rows = [
            {"door": c.door, "case": c.name, "fault": o.fault, "code": o.code, "said": o.said[-2000:]}
            for c, o in results
        ]
        options.json.write_text(json.dumps(rows, indent=1))
    sys.exit(any(outcome.fault for _, outcome in results))


def _material(make: Callable[[Path], Path], place: Path, kept: Path) -> Path:
    """Make a door's material where its cases will run, so that the paths in it hold there, and put it aside. In a
    process of its own: what a command remembers of its files must not reach the cases."""
    child = _forked(lambda: (place.mkdir(parents=True), make(place), None)[-1])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, f"the material of {kept.name} cannot be made"
    shutil.move(place, kept)
    return kept


def _warm() -> None:
    """Import what the commands import, once, before the forks."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for module in _modules():
        with contextlib.suppress(ImportError):
            __import__(module)
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    gc.freeze()


def _modules() -> Iterator[str]:
    import pkgutil

    import mtmc
    import reid

    for package in (mtmc, reid):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield found.name


if __name__ == "__main__":
    main()
