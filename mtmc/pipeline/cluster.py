"""Workers on many machines: what ``workers.Processes`` is on one, by Ray. A task whose node or process is lost begins
anew elsewhere.

All nodes see the videos and the run folder under the same paths and have the same mtmc. Networks on a GPU live in
actors, ``GPU_SHARE`` of a GPU each: while one decodes, another computes.
"""

from __future__ import annotations

import logging
import os
import platform
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from mtmc import __version__
from mtmc.errors import InstallError, UserError
from mtmc.pipeline.workers import WAITING_PER_WORKER, News, Task, Timings, Watch, Work, hand_on

GPU_SHARE = 0.25
COUNT_AGAIN_S = 1.0
"""How often the cluster is asked for its processors."""
Place = tuple[str, str, Path]
"""Where the run was started: version of mtmc, working folder, run folder."""
MOST_TRIES = 20
"""A task that has lost so many workers is to blame itself."""


class Cluster:
    """The nodes of a Ray cluster. ``folder``: the run's, which every node must see; ``on_gpu``: whether tasks want
    one."""

    def __init__(self, ray: Any, folder: Path, on_gpu: bool) -> None:
        self._ray, self._news = ray, SimpleQueue[News]()
        self._place = __version__, os.getcwd(), folder.resolve()
        self._task = ray.remote(num_cpus=1, max_retries=MOST_TRIES)(_work)
        self._holders = self._make_holders() if on_gpu else []
        self._busy = [0] * len(self._holders)
        self._room, self._counted = 1, -COUNT_AGAIN_S

    @property
    def room(self) -> int:
        """As many tasks as keep every processor busy: nodes come and go."""
        if time.monotonic() - self._counted > COUNT_AGAIN_S:
            cpus = int(self._ray.cluster_resources().get("CPU", 0))
            self._room, self._counted = WAITING_PER_WORKER * max(1, cpus), time.monotonic()
        return self._room

    def submit(self, work: Work[Task], task: Task) -> Future[Timings]:
        """Let the task wait for a node, or for the least busy of the actors."""
        future = Future[Timings]()
        if self._holders and getattr(task, "on_gpu", False):
            holder = self._busy.index(min(self._busy))
            self._busy[holder] += 1
            reference = self._holders[holder].work.remote(self._place, work, task)
            reference.future().add_done_callback(partial(self._end, future, holder))
        else:
            reference = self._task.remote(self._place, work, task)
            reference.future().add_done_callback(partial(self._end, future, None))
        return future

    def tell(self, watch: Watch) -> None:
        """Hand on what the workers logged, and which tasks have ended."""
        hand_on(self._news, watch)

    def _make_holders(self) -> list[Any]:
        count = int(self._ray.cluster_resources().get("GPU", 0) / GPU_SHARE)
        if count == 0:
            fix = "Start nodes with GPUs (ray start --num-gpus), or say --device cpu."
            raise UserError("--cluster", "a node with a GPU, as --device asks for", "none", fix)
        kind = self._ray.remote(num_cpus=1, num_gpus=GPU_SHARE, max_restarts=-1, max_task_retries=MOST_TRIES)(_Holder)
        return [kind.remote() for _ in range(count)]

    def _end(self, future: Future[Timings], holder: int | None, done: Future[Any]) -> None:
        """In a thread of Ray's."""
        if holder is not None:
            self._busy[holder] -= 1
        try:
            result, said = done.result()
        except self._ray.exceptions.RayTaskError as error:  # a mistake of ours, with its traceback
            future.set_exception(error)
        except Exception as error:
            found, fix = str(error).partition("\n")[0], "Look at the nodes (ray status) and run again; tables are kept."
            future.set_exception(UserError("--cluster", "workers that live to the end", found, fix))
        else:
            for news in said:
                self._news.put(news)
            if isinstance(result, UserError):
                future.set_exception(result)
            else:
                future.set_result(result)


@contextmanager
def cluster(address: str, folder: Path, on_gpu: bool) -> Iterator[Cluster]:
    """The Ray cluster at ``auto`` or ``ray://head:10001``, as long as the block lasts. Raises InstallError without Ray,
    UserError where no cluster answers."""
    try:
        import ray
    except ImportError as error:
        raise InstallError("--cluster", "the package ray", "none", 'Install it: pip install "mtmc[ray]".') from error
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, namespace="mtmc")
    except (OSError, RuntimeError, ValueError) as error:
        fix = "Start one (ray start --head), or name it: --cluster ray://HEAD:10001."
        raise UserError("--cluster", "a Ray cluster that answers", f"none at {address!r}", fix) from error
    try:
        yield Cluster(ray, folder, on_gpu)
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises OSError or ValueError where nobody listens: Ray would wait for minutes, and then end the process."""
    if address != "auto":
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()


class _Holder:
    """A process with a part of a GPU; it keeps its network from task to task."""

    def work(self, place: Place, work: Work[Task], task: Task) -> tuple[Any, list[News]]:
        """Do one task."""
        return _work(place, work, task)


def _work(place: Place, work: Work[Task], task: Task) -> tuple[Timings | UserError, list[News]]:
    """On a node: do one task; its seconds by table or what is wrong, and what it said: its logs and how far it came."""
    said, steps = SimpleQueue[News](), deque[News](maxlen=1)
    handler, log = QueueHandler(said), logging.getLogger("mtmc")
    log.addHandler(handler)
    result: Timings | UserError
    try:
        _stand_at(*place)
        result = work(task, lambda *news: steps.append(news))
    except UserError as error:
        result = error
    finally:
        log.removeHandler(handler)
    return result, [*(said.get() for _ in range(said.qsize())), *steps]


def _stand_at(version: str, working_folder: str, run_folder: Path) -> None:
    """Be where the run was started. Raises UserError for a node that lacks something."""
    here = f"on node {platform.node()}"
    if version != __version__:
        raise UserError("--cluster", f"mtmc {version}", f"{__version__} {here}", "Install the same everywhere.")
    if not (run_folder / "run.json").is_file():
        fix = "Put --out and the videos on a disk that all nodes share, or at URLs."
        raise UserError("--cluster", f"the run folder {run_folder}", f"none {here}", fix)
    if os.path.isdir(working_folder):
        os.chdir(working_folder)
        if working_folder not in sys.path:
            sys.path.append(working_folder)  # parts of one's own stand there
