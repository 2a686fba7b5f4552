"""Progress and logs on stderr: one bar for the whole, one for each camera that is running."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from mtmc.atomic import writing
from mtmc.workers import Watch

console = Console(stderr=True)


SHARES = {"detect": (0.0, 0.8), "track": (0.8, 0.05), "embed": (0.85, 0.15)}
"""Where a camera's stage begins on its way from 0 to 1, and how long it is, roughly as the time goes."""
UNITS = {"detect": "frames", "video": "pictures", "page": "frames"}


class _Speed(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        """Text for the column."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed and task.fields["unit"] == "frames" else "", style="cyan")


class _Amount(ProgressColumn):
    """Done of total, with the unit."""

    def render(self, task: Task) -> Text:
        """Text for the column."""
        whole = f"/{task.total:,.0f}" if task.total else ""
        return Text(f"{task.completed:,.0f}{whole} {task.fields['unit']}".rstrip())


@contextmanager
def watching(cameras: Collection[str] = ()) -> Iterator[Watch]:
    """A ``watch`` for the pipeline: one bar for all ``cameras`` with the time left, and one for each that is
    running."""
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=20),
        _Amount(),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        yield _Bars(progress, cameras)


class _Bars:
    """The bars of a run, told by ``watch``."""

    def __init__(self, progress: Progress, cameras: Collection[str]) -> None:
        self._progress = progress
        self._running: dict[str, TaskID] = {}
        self._way = dict.fromkeys(cameras, 0.0)
        self._all = progress.add_task("all cameras", total=len(cameras), unit="cameras") if cameras else None

    def __call__(self, camera_id: str, stage: str, done: int, total: int) -> None:
        if camera_id not in self._running:
            self._running[camera_id] = self._progress.add_task("", unit="")
        name, unit = f"{camera_id} {stage}".strip(), UNITS.get(stage, "")
        bar = self._running[camera_id]
        self._progress.update(bar, description=name, completed=done, total=total or None, unit=unit)
        if self._all is not None and camera_id in self._way and stage in SHARES:
            start, length = SHARES[stage]
            self._way[camera_id] = start + length * min(done / total, 1.0) if total else start
            self._progress.update(self._all, completed=sum(self._way.values()))
        if total and done >= total and stage not in ("detect", "track"):
            if camera_id:
                self._progress.remove_task(bar)
            del self._running[camera_id]


@contextmanager
def logged(folder: Path | None = None) -> Iterator[None]:
    """Log what the package says to stderr, and to ``log.txt`` in ``folder`` too. Raises StoreError where that cannot be
    written."""
    log = logging.getLogger("mtmc")
    log.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [RichHandler(console=console, show_path=False, show_level=False, markup=False)]
    if folder is not None:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            handlers.append(logging.FileHandler(folder / "log.txt"))
            handlers[-1].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()
