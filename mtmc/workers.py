"""Cameras in parallel processes, each with its share of the cores, progress flowing back; none outlives the run."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from logging.handlers import QueueHandler
from typing import Any, TypeVar

import psutil
from loky import ProcessPoolExecutor
from loky.backend.context import get_context

from mtmc.errors import UserError

Task = TypeVar("Task")
Watch = Callable[[str, str, int, int], None]
"""Told (camera id, stage, done, total) now and then."""
Timings = dict[str, float]
"""Seconds by table."""

POLL_S = 0.1
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_progress: Any = None
"""This worker's end of the progress queue."""


def run_here(work: Callable[[Task, Watch], Timings], phases: Sequence[Sequence[Task]], watch: Watch) -> Timings:
    """Run the tasks one after the other in this process. Raises the first UserError after all have ended."""
    return _gather([lambda task=task: work(task, watch) for tasks in phases for task in tasks])  # type: ignore[misc]


def run_in_processes(
    work: Callable[[Task, Watch], Timings], phases: Sequence[Sequence[Task]], workers: int, watch: Watch
) -> Timings:
    """Run ``work`` (a function of a module) on every task in a pool, a phase's tasks after the phase before; seconds by
    table.

    All cameras are let to end before the first failure is raised, so that what can be finished is finished. A worker
    that dies (out of memory, killed) is a UserError too.
    """
    context = get_context("loky")
    progress = context.Queue()
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    pool = ProcessPoolExecutor(
        workers,
        context=context,
        initializer=_start,
        initargs=(progress, os.getpid()),
        env=dict.fromkeys(THREAD_VARIABLES, threads),
    )
    ended = False
    try:
        futures = []
        for tasks in phases:
            futures += [pool.submit(_work, work, task) for task in tasks]
            while not all(future.done() for future in futures):
                wait(futures, timeout=POLL_S)
                _drain(progress, watch)
        ended = True
    finally:  # whoever stops this process wants its workers stopped too, even those that are just being started
        with contextlib.nullcontext() if ended else contextlib.suppress(RuntimeError):
            pool.shutdown(kill_workers=not ended)
    return _gather([future.result for future in futures])


def _start(progress: Any, parent: int) -> None:
    """Begin a worker: it leaves signals to its parent, and ends with it."""
    global _progress
    _progress = progress
    logging.getLogger("mtmc").addHandler(QueueHandler(progress))  # what a worker has to say is said by its parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(POLL_S)
    os._exit(1)


def _work(work: Callable[[Task, Watch], Timings], task: Task) -> Timings:
    return work(task, lambda *news: _progress.put(news))


def _drain(progress: Any, watch: Watch) -> None:
    while True:
        try:
            news = progress.get_nowait()
            if isinstance(news, logging.LogRecord):
                logging.getLogger(news.name).handle(news)
            else:
                watch(*news)
        except queue.Empty:
            return


def _gather(results: Sequence[Callable[[], Timings]]) -> Timings:
    timings: Timings = {}
    failures: list[UserError] = []
    for result in results:
        try:
            timings |= result()
        except UserError as error:
            failures.append(error)
        except BrokenProcessPool as error:
            fix = "Run again with fewer --workers or a smaller detect.batch_size; finished cameras are kept."
            raise UserError(
                "workers", "processes that live to the end", "one that was killed (out of memory?)", fix
            ) from error
    if failures:
        raise failures[0]
    return timings
