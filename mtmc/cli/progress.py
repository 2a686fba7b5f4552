"""Progress and logs on stderr: one bar for the whole, one for each camera that is running."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from mtmc.files import is_local
from mtmc.files.atomic import writing
from mtmc.pipeline.workers import Watch

console = Console(stderr=True)


SHARES = {"detect": ("detections", 0.8), "track": ("tracklets", 0.05), "embed": ("embeddings", 0.15)}
"""A stage's tables, and its share of a camera's time, roughly."""
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
def watching(tables: Collection[tuple[str, str]] = ()) -> Iterator[Watch]:
    """A ``watch`` for the pipeline: one bar for all ``tables`` of cameras, (stage, name) each, with the time left, and
    one for each that is being made."""
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=20),
        _Amount(),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        yield _Bars(progress, tables)


class _Bars:
    """The bars of a run, told by ``watch``."""

    def __init__(self, progress: Progress, tables: Collection[tuple[str, str]]) -> None:
        self._progress = progress
        self._running: dict[tuple[str, str], TaskID] = {}
        self._share, self._done = _shares(tables), dict[tuple[str, str], float]()
        count = len({name.partition("/")[0] for name, _ in self._share})
        self._all = progress.add_task("all cameras", total=count, unit="cameras") if count else None

    def __call__(self, name: str, stage: str, done: int, total: int) -> None:
        if (name, stage) not in self._running:
            self._running[name, stage] = self._progress.add_task("", unit="")
        bar, unit = self._running[name, stage], UNITS.get(stage, "")
        described = f"{name} {stage}".strip()
        self._progress.update(bar, description=described, completed=done, total=total or None, unit=unit)
        if self._all is not None and (name, stage) in self._share:
            way = self._share[name, stage] * min(done / total, 1.0) if total else 0.0
            self._progress.advance(self._all, way - self._done.get((name, stage), 0.0))
            self._done[name, stage] = way
        if total and done >= total and (stage != "detect" or total == 1):
            if name:
                self._progress.remove_task(bar)
            del self._running[name, stage]


def _shares(tables: Collection[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """What making each table has of the whole time, in cameras, by name and stage."""
    words = {table: (word, share) for word, (table, share) in SHARES.items()}
    todo = [(stage, name, name.partition("/")[0]) for stage, name in tables if stage in words]
    parts = Counter((stage, camera) for stage, _, camera in todo)
    whole = sum(words[stage][1] for stage, _ in parts) / max(1, len({camera for _, camera in parts}))
    return {(name, words[s][0]): words[s][1] / whole / parts[s, camera] for s, name, camera in todo}


class _Once(logging.Filter):
    """Lets each sentence pass once: many cameras may give cause for the same."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is new."""
        text = record.getMessage()
        new = text not in self._said
        self._said.add(text)
        return new


@contextmanager
def logged(folder: Path | None = None) -> Iterator[None]:
    """Log what the package says to stderr, and to ``log.txt`` in ``folder`` too, unless its files cannot grow (a
    URL). Raises StoreError where it cannot be written."""
    log = logging.getLogger("mtmc")
    log.setLevel(logging.INFO)
    terminal = RichHandler(console=console, show_path=False, show_level=False, markup=False)
    terminal.addFilter(lambda record: not getattr(record, "file_only", False))
    handlers: list[logging.Handler] = [terminal]
    if folder is not None and is_local(folder):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            handlers.append(logging.FileHandler(folder / "log.txt"))
            handlers[-1].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for handler in handlers:
        handler.addFilter(_Once())
        log.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()
