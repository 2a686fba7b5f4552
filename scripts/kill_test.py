"""Commands killed at any moment: run again, they must give the same bytes, and nothing may be left over.

Each subject is a command on a small scene. Its reference is what it makes undisturbed. A kill starts it in a process
of its own, waits for a random part of its time and sends SIGKILL (or SIGTERM, SIGINT); one second later (longer where
other programs keep the machine busy) none of its processes may live; then it runs once more, undisturbed, and every
file must be the reference's, no half-written one beside it. ``injected`` kills the process itself before each single
replacement or removal of a file, one after the other, in a run whose folder holds another run's results: no order of
writes may leave wrong bytes marked fresh.

What holds the time of day, the machine or its speed is not compared: logs, timings, TensorBoard's files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from fuzz import _forked, _main, _warm
from fuzz_doors import RUN, make_scene

QUIET = ("--set", "report.video=false", "--set", "report.page=false")
WITH_VIDEO = (*RUN[:-6], "--set", "detect.recorded=det/det.txt")
TRAIN = ("reid", "train", "--config", "smoke", "--set", "loop.epochs=2", "--set", "loop.save_every=1", "--out", "out")
NOT_COMPARED = ("log.txt", "timings.json", "log.jsonl", ".lock", "said.txt")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Subject:
    """before: run to its end first. command: the one that is killed. again: the one that takes up what it left."""

    command: tuple[str, ...]
    again: tuple[str, ...] | None = None
    before: tuple[str, ...] | None = None
    made: str = "run"


def two_workers(command: tuple[str, ...]) -> tuple[str, ...]:
    """The same with a pool of processes."""
    return tuple("2" if command[row - 1] == "--workers" else word for row, word in enumerate(command))


OTHER = (*WITH_VIDEO, "--link", "hungarian", "--set", "track.jde.max_lost_s=0.3")
SUBJECTS = {
    "run": Subject(WITH_VIDEO),
    "run of two workers": Subject(two_workers(WITH_VIDEO)),
    "run over another": Subject(OTHER, before=WITH_VIDEO),
    "score": Subject(("mtmc", "score", "run", "--gt", "S01", "--oracle", "--json"), before=(*RUN, *QUIET)),
    "synth": Subject(("mtmc", "synth", "city", "--preset", "tiny", "--seconds", "1"), made="city"),
    "train": Subject(TRAIN, again=(*TRAIN, "--resume"), made="out"),
}


def digests(folder: Path) -> dict[str, str]:
    """Content of every file that is compared, by its path."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in NOT_COMPARED]
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
        for path in files
        if "tfevents" not in path.name
    }


def in_child(command: tuple[str, ...], place: Path, first: Callable[[], None] = lambda: None) -> int:
    """The process id of a command that has begun, as the leader of a session of its own."""

    def work() -> None:
        os.setsid()
        with (place / "said.txt").open("a") as text:
            for descriptor in (1, 2):
                os.dup2(text.fileno(), descriptor)
        os.chdir(place)
        first()
        os._exit(_main(command))

    return _forked(work)


def finished(command: tuple[str, ...], place: Path) -> int:
    """The exit code of a command that runs undisturbed."""
    return os.waitstatus_to_exitcode(os.waitpid(in_child(command, place), 0)[1])


def alive(session: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (ProcessLookupError, psutil.Error):
            continue
    return found


class Trial:
    """A subject with its reference, on scenes that lie at one place, since paths are part of what is made."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.subject, self.place, self.material = subject, folder / "case", folder / "material"
        self._fresh(make=True)
        start = time.monotonic()
        assert finished(subject.command, self.place) == 0, (self.place / "said.txt").read_text()[-2000:]
        self.seconds = time.monotonic() - start
        self.reference = digests(self.place / subject.made)

    def _fresh(self, make: bool = False) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        if make:
            self.place.mkdir()
            make_scene(self.place)
            if self.subject.before is not None:
                assert finished(self.subject.before, self.place) == 0
            shutil.copytree(self.place, self.material)
        else:
            shutil.copytree(self.material, self.place)

    def killed_after(self, seconds: float, number: signal.Signals) -> list[str]:
        """What was wrong after a kill at this moment."""
        self._fresh()
        child = in_child(self.subject.command, self.place)
        time.sleep(seconds)
        os.kill(child, number)
        os.waitpid(child, 0)
        until = time.monotonic() + max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        while (left := alive(child)) and time.monotonic() < until:
            time.sleep(0.02)
        for orphan in left:
            os.kill(orphan, signal.SIGKILL)
        return [*([f"{len(left)} orphans"] if left else []), *self._again()]

    def killed_before_write(self, count: int) -> list[str] | None:
        """The same of a process that kills itself before its ``count``-th change of the folder; None where it has fewer
        of them."""
        self._fresh()
        child = in_child(self.subject.command, self.place, lambda: kill_before(count))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return None if code != -signal.SIGKILL else self._again()

    def _again(self) -> list[str]:
        made = self.place / self.subject.made
        resumed = self.subject.again is not None and (made / "state.pt").exists()
        command = self.subject.again if resumed and self.subject.again else self.subject.command
        if code := finished(command, self.place):
            return [f"exit code {code} when run again: {(self.place / 'said.txt').read_text()[-300:]}"]
        now = digests(made)
        wrong = [f"{name} differs" for name in self.reference if now.get(name) != self.reference[name]]
        return wrong + [f"{name} left over" for name in now if name not in self.reference]


def kill_before(count: int) -> None:
    """Let this process kill itself before its ``count``-th replacement or removal of a file."""
    left = [count]

    def counted(work: Callable[..., object]) -> Callable[..., object]:
        def counting(*given: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return work(*given, **named)

        return counting

    for name in ("replace", "unlink", "rename"):
        setattr(os, name, counted(getattr(os, name)))


def campaign(name: str, kills: int, chance: random.Random, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """(moment, what was wrong) of each kill of a subject."""
    trial = Trial(SUBJECTS[name], folder)
    for _ in range(kills):
        seconds, number = chance.uniform(0, trial.seconds), chance.choice(SIGNALS)
        yield f"{number.name} after {seconds:.2f} s", trial.killed_after(seconds, number)


def injected(name: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The same before each write."""
    trial, count = Trial(SUBJECTS[name], folder), 1
    while (wrong := trial.killed_before_write(count)) is not None:
        yield f"before write {count}", wrong
        count += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100, help="kills at random moments, of all subjects together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[*SUBJECTS, "injected"], action="append", help="only these")
    options = parser.parse_args()
    _warm()
    names = options.only or [*SUBJECTS, "injected"]
    chance, random_ones, faults = random.Random(options.seed), [n for n in names if n != "injected"], 0
    print("| subject | kills | faults |\n|---|---|---|", flush=True)
    for name in names:
        with tempfile.TemporaryDirectory(prefix="kill-") as folder:
            kills = options.n // max(1, len(random_ones))
            found = (
                injected("run over another", Path(folder))
                if name == "injected"
                else campaign(name, kills, chance, Path(folder))
            )
            done = bad = 0
            for moment, wrong in found:
                done, bad = done + 1, bad + bool(wrong)
                if wrong:
                    print(f"{name}, {moment}: {'; '.join(wrong[:6])}", file=sys.stderr, flush=True)
        print(f"| {name} | {done} | {bad} |", flush=True)
        faults += bad
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
