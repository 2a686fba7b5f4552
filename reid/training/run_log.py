"""What a training tells while it runs: progress and a line per epoch on stderr, a JSON-lines log, TensorBoard
scalars."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reid.errors import UserError
from reid.training.losses import Losses

LOG = "log.jsonl"
BOARD = "tensorboard"
CHECK_EVERY = 20
"""Steps between two fetches of the losses, since each waits for the GPU."""


class RunLog(Protocol):
    """Where a training reports to."""

    def epoch(self, epoch: int, batches: int) -> contextlib.AbstractContextManager[Any]:
        """Around the batches of an epoch."""

    def steps(self, images: int, done: int) -> None:
        """``done`` more batches of ``images`` each are learned."""

    def write(self, kind: str, step: int, values: dict[str, float]) -> None:
        """Keep the values of a kind (``step``, ``epoch``, ``evaluation``) at a global step."""

    def info(self, text: str) -> None:
        """A line for the user."""


class NullLogger:
    """Reports nothing: processes other than the first."""

    def epoch(self, epoch: int, batches: int) -> contextlib.AbstractContextManager[None]:
        """Nothing."""
        return contextlib.nullcontext()

    def steps(self, images: int, done: int) -> None:
        """Nothing."""

    def write(self, kind: str, step: int, values: dict[str, float]) -> None:
        """Nothing."""

    def info(self, text: str) -> None:
        """Nothing."""


class FolderLog:
    """Writes log.jsonl and tensorboard/ of a folder; a resumed training goes on below.

    Args:
        folder: the training's output folder, which exists.
        epochs: how many there will be in all, for the progress bar.
    """

    def __init__(self, folder: Path, epochs: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._log = (folder / LOG).open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / BOARD))
        self._console = Console(stderr=True, highlight=False)
        self._epochs = epochs
        self._progress: Progress | None = None
        self._images, self._started = 0, time.perf_counter()

    @contextlib.contextmanager
    def epoch(self, epoch: int, batches: int) -> Iterator[None]:
        """A progress bar with images/s, on a terminal, until the epoch ends."""
        self._images, self._started = 0, time.perf_counter()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
        )
        with Progress(
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as self._progress:
            self._progress.add_task(f"epoch {epoch + 1}/{self._epochs}", total=batches, rate="")
            yield

    def steps(self, images: int, done: int) -> None:
        """Move the bar."""
        self._images += images * done
        if self._progress is not None and self._progress.task_ids:
            rate = f"{self._images / (time.perf_counter() - self._started):.0f} images/s"
            self._progress.update(self._progress.task_ids[0], advance=done, rate=rate)

    def write(self, kind: str, step: int, values: dict[str, float]) -> None:
        """One line of the log, one TensorBoard scalar per value."""
        row = {"kind": kind, "step": step, "time_s": round(time.time(), 3), **values}
        print(json.dumps(row), file=self._log, flush=True)
        for name, value in values.items():
            self._board.add_scalar(f"{kind}/{name}", value, step)

    def info(self, text: str) -> None:
        """A line on stderr."""
        self._console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Write what is left."""
        self._log.close()
        self._board.close()


class EpochLosses:
    """The losses of an epoch, left on their device and fetched every few steps.

    Args:
        log: told of each step.
        images: images per batch of this process.
        first_step: steps learned before the epoch.
        last_good: checkpoint to name when the loss breaks.
    """

    def __init__(self, log: RunLog, images: int, first_step: int, last_good: Path) -> None:
        self._run_log, self._images, self._step, self._last_good = log, images, first_step, last_good
        self._waiting: list[torch.Tensor] = []
        self._seen: list[torch.Tensor] = []

    def add(self, losses: Losses) -> None:
        """Keep one step's losses; raises UserError naming the step at which the loss was no number."""
        self._waiting.append(torch.stack([value.detach() for value in losses]))
        if len(self._waiting) >= CHECK_EVERY or losses.total.device.type == "cpu":
            self.flush()

    def means(self) -> dict[str, float]:
        """Means over the epoch by name; raises as `add`."""
        self.flush()
        return dict(zip(Losses._fields, torch.cat(self._seen).mean(dim=0).tolist(), strict=True))

    def flush(self) -> None:
        """Fetch and check what is left on the device; raises as `add`."""
        if not self._waiting:
            return
        values = torch.stack(self._waiting).cpu()
        self._run_log.steps(self._images, len(values))
        for row in values:
            self._step += 1
            if not bool(torch.isfinite(row).all()):
                raise diverged(self._step, self._last_good)
            self._run_log.write("step", self._step, dict(zip(Losses._fields, row.tolist(), strict=True)))
        self._seen.append(values)
        self._waiting = []


def diverged(step: int, last_good: Path) -> UserError:
    """What to tell when loss or weights are no numbers any more."""
    kept = (
        f"the last good checkpoint is {last_good}" if last_good.exists() else "no epoch was finished, so none is kept"
    )
    fix = "Lower optimizer.lr, set optimizer.clip_norm, or use --set loop.precision=fp32."
    return UserError(f"step {step}", "a finite loss", f"NaN or infinity; {kept}", fix)
