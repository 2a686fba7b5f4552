"""Who does the work: one graph of tasks, released as what they wait for is done, in this process or in several.

A ``Pool`` takes single tasks and gives futures; ``run_graph`` is all that there is above it. None of the processes
outlives the run.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from graphlib import TopologicalSorter
from logging.handlers import QueueHandler
from typing import Any, Protocol, TypeVar

import psutil
from loky import ProcessPoolExecutor
from loky.backend.context import get_context

from mtmc.errors import UserError

Task = TypeVar("Task")
Watch = Callable[[str, str, int, int], None]
"""Told (camera id, stage, done, total) now and then."""
Timings = dict[str, float]
"""Seconds by table."""
News = logging.LogRecord | tuple[str, str, int, int]
"""What a worker logged, or what ``Watch`` is told."""
Work = Callable[[Task, Watch], Timings]
"""A function of a module: does one task."""
Graph = Mapping[Any, tuple[Task, Sequence[Any]]]
"""Tasks by name, each with the names of those that it waits for; names that are not in the graph are done already."""

POLL_S = 0.1
WAITING_PER_WORKER = 2
"""So many tasks for each worker are handed to a pool at once: none idles, and few lie in memory."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_progress: Any = None
"""This worker's end of the progress queue."""


class Pool(Protocol):
    """Takes tasks and does them, at most ``room`` of them at hand at once."""

    @property
    def room(self) -> int:
        """How many tasks may be under way or wait for a worker."""
        ...

    def submit(self, work: Work[Task], task: Task) -> Future[Timings]:
        """Begin a task, or let it wait for a worker."""
        ...

    def tell(self, watch: Watch) -> None:
        """Hand on what workers had to say since."""
        ...


def run_graph(work: Work[Task], graph: Graph[Task], pool: Pool, watch: Watch) -> Timings:
    """Do all tasks, each after those that it waits for; seconds by table.

    What can be done is done before the first UserError is raised. A worker that dies (out of memory, killed) is a
    UserError too, unless the pool begins its task anew elsewhere.
    """
    order = TopologicalSorter({name: [n for n in after if n in graph] for name, (_, after) in graph.items()})
    order.prepare()
    ready, running = deque(order.get_ready()), dict[Future[Timings], Any]()
    timings: Timings = {}
    failures: list[UserError] = []
    while ready or running:
        while ready and len(running) < pool.room:
            name = ready.popleft()
            running[pool.submit(work, graph[name][0])] = name
        for future in wait(running, POLL_S, FIRST_COMPLETED).done:
            name = running.pop(future)
            try:
                timings |= future.result()
            except UserError as error:
                failures.append(error)
            except BrokenProcessPool as error:
                raise _killed() from error
            else:
                order.done(name)
                ready.extendleft(order.get_ready())  # a camera that is begun is ended first
        pool.tell(watch)
    if failures:
        raise failures[0]
    return timings


def _killed() -> UserError:
    fix = "Run again with fewer --workers or a smaller detect.batch; finished tables are kept."
    return UserError("workers", "processes that live to the end", "one that was killed (out of memory?)", fix)


class Here:
    """This process, one task after the other."""

    room = 1

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def submit(self, work: Work[Task], task: Task) -> Future[Timings]:
        """Do the task at once."""
        future = Future[Timings]()
        try:
            future.set_result(work(task, self._watch))
        except UserError as error:
            future.set_exception(error)
        return future

    def tell(self, watch: Watch) -> None:
        """All is said already."""


class Processes:
    """Processes of this machine, each with its share of the cores."""

    def __init__(self, pool: Any, workers: int, progress: Any) -> None:
        self._pool, self._progress = pool, progress
        self.room = WAITING_PER_WORKER * workers

    def submit(self, work: Work[Task], task: Task) -> Future[Timings]:
        """Let the task wait for a process."""
        return self._pool.submit(_work, work, task)  # type: ignore[no-any-return]

    def tell(self, watch: Watch) -> None:
        """Hand on the workers' progress and logs."""
        hand_on(self._progress, watch)


def hand_on(news: Any, watch: Watch) -> None:
    """Say what workers have put into a queue (of ``News``) so far."""
    while True:
        try:
            said = news.get_nowait()
        except queue.Empty:
            return
        if isinstance(said, logging.LogRecord):
            logging.getLogger(said.name).handle(said)
        else:
            watch(*said)


@contextmanager
def processes(workers: int) -> Iterator[Processes]:
    """So many processes, as long as the block lasts; whoever stops this one wants them stopped too, even those that are
    just being started."""
    context = get_context("loky")
    progress = context.Queue()
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    pool = ProcessPoolExecutor(
        workers,
        context=context,
        initializer=_start,
        initargs=(progress, os.getpid()),
        env=dict.fromkeys(THREAD_VARIABLES, threads) | {"LOKY_MAX_MEMORY_LEAK_SIZE": "1e18"},  # networks stay
    )
    ended = False
    try:
        yield Processes(pool, workers, progress)
        ended = True
    finally:
        with contextlib.nullcontext() if ended else contextlib.suppress(RuntimeError):
            pool.shutdown(kill_workers=not ended)


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


def _work(work: Work[Task], task: Task) -> Timings:
    return work(task, lambda *news: _progress.put(news))
