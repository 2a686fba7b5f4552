"""A folder of recordings that grows: what has closed is worked on, while the next ones are written.

Closed recordings are linked into ``watched/`` in the run folder, and a turn is a run of that folder: what was made of
earlier recordings is fresh, and in the end the tables are those of a run of all recordings at once. Behind the latest
closed recording nothing waits but the tracks that are still in view, and what linking learns later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.api import planned
from mtmc.errors import InputError
from mtmc.files.atomic import writing
from mtmc.memory import peak_of_all_mb
from mtmc.pipeline.planning import Plan
from mtmc.scene_reader.files import VIDEO_SUFFIXES
from mtmc.video import read_packets

NO_PICTURES = ("report.video=false", "report.page=false")


class Metrics:
    """What a turn leaves to tell, as Prometheus reads it."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {"turns_total": 0.0}

    def text(self) -> str:
        """One line each."""
        return "".join(f"mtmc_{name} {value:.6g}\n" for name, value in self.values.items())

    def note(self, done: Plan, seconds: float, waited_s: float) -> None:
        """After a turn that took so long; its latest recording had closed ``waited_s`` before it began."""
        vehicles = done.run.vehicles()
        alone = sum(len(vehicle.tracklets) == 1 for vehicle in vehicles)
        frames = sum(len(camera.frames) for camera in done.scene.cameras.values())
        earlier = self.values.get("frames_total", 0.0)
        self.values = {
            "turns_total": self.values["turns_total"] + 1,
            "frames_total": frames,
            "frames_per_second": (frames - earlier) / seconds,
            "lag_seconds": waited_s + seconds,
            "memory_peak_megabytes": peak_of_all_mb(),
            "vehicles_total": len(vehicles),
            "unlinked_share": alone / max(1, len(vehicles)),
        }

    def serve(self, port: int) -> int:
        """At http://127.0.0.1:port/metrics as long as this process lives, 0 for any free one; the port. Raises
        StoreError where it is taken."""
        metrics = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """The page."""
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(metrics.text().encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        with writing(Path(f"127.0.0.1:{port}")):
            server = ThreadingHTTPServer(("127.0.0.1", port), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return int(server.server_address[1])


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
    metrics: Metrics,
    overrides: Sequence[str] = (),
    **settings: Any,
) -> None:
    """``run`` what has closed, again and again, until nothing has closed for ``idle_s``; the other arguments are those
    of a plan. Raises UserError as that does."""
    if not source.is_dir():
        raise InputError(source, "a folder into which recordings are written", "none", "Check the path.")
    folder, busy = Growing(source, out / "watched", settle_s), time.monotonic()
    while time.monotonic() - busy < idle_s:
        closed = folder.take_closed()
        if closed:
            busy = time.monotonic()
            todo = planned(folder.closed, out, overrides=[*NO_PICTURES, *overrides], **settings)
            run(todo)
            metrics.note(todo, time.monotonic() - busy, busy - max(closed))
            busy = time.monotonic()
        else:
            time.sleep(every_s)
