"""Progress bars and logs on stderr, one line of progress per camera."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from mtmc.atomic import writing
from mtmc.workers import Watch

console = Console(stderr=True)


class _Speed(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        """Text for the column."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:6.1f}/s" if speed else "", style="cyan")


@contextmanager
def watching() -> Iterator[Watch]:
    """A ``watch`` for the pipeline that draws a bar per camera and stage."""
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(),
        TextColumn("{task.completed:>6.0f}"),
        _Speed(),
        TimeRemainingColumn(),
    )
    bars: dict[tuple[str, str], TaskID] = {}
    with Progress(*columns, console=console, transient=False) as progress:

        def watch(camera_id: str, stage: str, done: int, total: int) -> None:
            bar = bars.get((camera_id, stage))
            if bar is None:
                bar = bars[camera_id, stage] = progress.add_task(f"{camera_id} {stage}".strip(), total=total or None)
            progress.update(bar, completed=done, total=total or None)

        yield watch


@contextmanager
def logged(folder: Path | None = None) -> Iterator[None]:
    """Log what the package says to stderr, and to ``log.txt`` in ``folder`` too. Raises StoreError where that cannot be written."""
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
