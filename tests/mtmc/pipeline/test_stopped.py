"""Runs that are stopped or killed from outside: one line or none, no orphans, and the same bytes when they are run
again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.builders import make_video

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX knows them")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Two cameras that take some seconds to look at."""
    for name in ("cam1", "cam2"):
        make_video(tmp_path / "scene" / f"{name}.avi", frames=600, size=(320, 240))
    return tmp_path / "scene"


@contextmanager
def running(scene: Path, workers: int) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A run at work, with its worker processes."""
    words = ["run", "--videos", scene, "--out", scene.parent / "run", "--detector", "motion", "--workers", workers]
    command = [sys.executable, "-m", "mtmc", *map(str, words), "--set", "report.video=false"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        children: list[psutil.Process] = []
        until = time.monotonic() + 60
        while time.monotonic() < until and run.poll() is None:
            children = psutil.Process(run.pid).children(recursive=True)
            at_work = (scene.parent / "run" / "run.json").exists()
            if at_work and len(children) >= (workers if workers > 1 else 0):
                break
            time.sleep(0.02)
        try:
            assert run.poll() is None, "it ended before it could be stopped"
            yield run, children
        finally:
            run.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_run_says_so_and_leaves_nobody(scene: Path, workers: int, number: signal.Signals) -> None:
    with running(scene, workers) as (run, children):
        run.send_signal(number)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 128 + number
    assert said.count(f"stopped by {number.name}") == 1
    assert "Traceback" not in said
    assert not psutil.wait_procs(children, timeout=2)[1]


def test_workers_end_with_a_killed_parent(scene: Path) -> None:
    with running(scene, 2) as (run, children):
        assert len(children) >= 2
        run.kill()
        alive = psutil.wait_procs(children, timeout=5)[1]
    assert not alive
