"""A folder of recordings that grows: what has closed is worked on, while the next ones are written.

Closed recordings are linked into ``watched/`` in the run folder, and a turn is a run of that folder: what was made of
earlier recordings is fresh, and in the end the tables are those of a run of all recordings at once. Behind the latest
closed recording nothing waits but the tracks that are still in view, and what linking learns later.

    recorder   live streams into recordings
    settled    vehicles under numbers that stay
    metrics    what a turn leaves to tell
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.api import planned
from mtmc.errors import InputError
from mtmc.files.atomic import writing
from mtmc.pipeline.planning import Plan
from mtmc.scene_reader.files import VIDEO_SUFFIXES
from mtmc.store.schemas import VEHICLES
from mtmc.store.tables import read_table
from mtmc.video import read_packets
from mtmc.watching.metrics import Metrics
from mtmc.watching.recorder import Recorder
from mtmc.watching.settled import Settled

__all__ = ["Growing", "Metrics", "Recorder", "Settled", "follow"]

NO_PICTURES = ("report.video=false", "report.page=false")


class Growing:
    """The folder of recordings; ``closed``: the one with links to those that nobody writes to any more."""

    def __init__(self, source: Path, closed: Path, settle_s: float) -> None:
        self._source, self.closed, self._settle_s = source, closed, settle_s
        self._seen: dict[Path, tuple[int, int, float]] = {}

    def take_closed(self) -> list[float]:
        """Link files that have been the same for ``settle_s`` seconds and, if videos, can be read; since when each of
        the videos is closed, in seconds of ``time.monotonic``."""
        found = []
        for path in sorted(p for p in self._source.rglob("[!.]*") if p.is_file()):
            link = self.closed / path.relative_to(self._source)
            if link.is_symlink():
                continue
            size, changed = path.stat().st_size, path.stat().st_mtime_ns
            before = self._seen.get(path, (-1, -1, 0.0))
            since = before[2] if before[:2] == (size, changed) else time.monotonic()
            self._seen[path] = size, changed, since
            if time.monotonic() - since >= self._settle_s and _whole(path):
                with writing(link):
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(path.resolve())
                found += [since] if _is_video(path) else []
        return found


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _whole(path: Path) -> bool:
    if not _is_video(path):
        return True
    try:
        read_packets(path)
    except InputError:  # its index is written last
        return False
    return True


def follow(
    source: Path,
    out: Path,
    run: Callable[[Plan], object],
    *,
    every_s: float,
    settle_s: float,
    idle_s: float = np.inf,
    lag_s: float = 120.0,
    metrics: Metrics,
    streams: Sequence[Recorder] = (),
    overrides: Sequence[str] = (),
    **settings: Any,
) -> None:
    """``run`` what has closed, again and again, until nothing has closed for ``idle_s``; the other arguments are those
    of a plan. What lies ``lag_s`` behind the cameras goes into ``settled/``, in the end all of it. Raises UserError as
    a plan does."""
    if not source.is_dir():
        raise InputError(source, "a folder into which recordings are written", "none", "Check the path.")
    folder, busy, todo = Growing(source, out / "watched", settle_s), time.monotonic(), None
    settled = Settled(out / "settled")
    while time.monotonic() - busy < idle_s:
        for stream in streams:
            stream.check()
        closed = folder.take_closed()
        if closed:
            busy = time.monotonic()
            todo = planned(folder.closed, out, overrides=[*NO_PICTURES, *overrides], **settings)
            run(todo)
            changed = settled.add(read_table(todo.path("vehicles", ""), VEHICLES), todo.scene, lag_s)
            metrics.note(todo, time.monotonic() - busy, busy - max(closed), changed)
            busy = time.monotonic()
        else:
            time.sleep(every_s)
    if todo is not None:
        settled.add(read_table(todo.path("vehicles", ""), VEHICLES), todo.scene, 0.0)
