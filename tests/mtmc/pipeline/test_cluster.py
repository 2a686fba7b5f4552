"""Runs on a Ray cluster of several nodes on this machine: the same bytes as in one process, whoever is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from mtmc.errors import UserError
from mtmc.pipeline.cluster import cluster
from tests.builders import make_video

pytest.importorskip("ray")
from ray.cluster_utils import Cluster

from tests.golden.commands import mtmc

KILLS = int(os.environ.get("MTMC_KILLS", "5"))
"""A campaign: MTMC_KILLS=30 pytest tests/mtmc/pipeline/test_cluster.py -m slow -s."""
ROOT = Path(__file__).resolve().parents[3]
HOW = ["--embedder", "histogram", "--link", "electricity", "--set", "report.video=false", "--set", "report.page=false"]
DETECTOR = '''
import time
from pathlib import Path

import numpy as np
from mtmc import Detections


class Bright:
    """What is brighter than the road; takes its time, and counts its beginnings."""

    def __init__(self, params, device):
        self.params = params

    def begin(self, camera, frames):
        with Path(self.params.options["log"]).open("a") as log:
            log.write(f"{camera.id} {camera.frames[0]}\\n")
        return self.detect

    def detect(self, clip):
        time.sleep(self.params.options["seconds"])
        spots = [np.argwhere(image.max(axis=2) > 160) for image in clip.images]
        rows = [(f, *s.min(0)[::-1], *(s.max(0)[::-1] + 1)) for f, s in zip(clip.frames, spots) if len(s)]
        rows = np.array(rows, float).reshape(-1, 5)
        return Detections(rows[:, 0], rows[:, 1:], np.ones(len(rows)), np.zeros(len(rows)), np.zeros((len(rows), 0)))
'''


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """Three nodes, one of them the head."""
    os.environ["PYTHONPATH"] = str(ROOT)  # what the nodes' workers import
    three = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(2):
        three.add_node(num_cpus=1)
    yield three
    three.shutdown()


def city(folder: Path, cameras: int, recordings: int) -> Path:
    for camera in range(1, cameras + 1):
        for row in range(recordings):
            make_video(folder / "scene" / f"cam{camera:02d}_20240501_07000{2 * row}.avi", frames=20)
    (folder / "bright.py").write_text(DETECTOR)
    return folder / "scene"


def how(folder: Path, out: str, seconds: float) -> list[object]:
    options = ["--set", f"detect.options.log={folder / out}.log", "--set", f"detect.options.seconds={seconds}"]
    return ["run", folder / "scene", "--out", folder / out, "--detector", "bright:Bright", *HOW, *options]


def contents(folder: Path) -> dict[str, Any]:
    """Parquet without stamps, which name the log; and the text."""
    import pyarrow.parquet as pq

    tables = {str(p.relative_to(folder)): pq.read_table(p) for p in folder.rglob("*.parquet")}
    return {name: table.replace_schema_metadata(None) for name, table in tables.items()} | {
        "track3.txt": (folder / "track3.txt").read_bytes()
    }


def test_nodes_give_what_one_process_gives(nodes: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city(tmp_path, 2, 2)
    monkeypatch.chdir(tmp_path)
    mtmc(*how(tmp_path, "here", 0), "--workers", 1)
    mtmc(*how(tmp_path, "there", 0), "--cluster", nodes.address)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert len((tmp_path / "there.log").read_text().splitlines()) == 4


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_cluster_that_does_not_answer_is_one_sentence(tmp_path: Path, address: str) -> None:
    with pytest.raises(UserError, match="a Ray cluster that answers"), cluster(address, tmp_path, False):
        pass


class Trouble:
    """Kills workers and nodes at random; watches that no finished table is written again."""

    def __init__(self, cluster: Cluster, run: Path, seed: int) -> None:
        self.cluster, self.run, self.rng = cluster, run, np.random.default_rng(seed)
        self.kills, self.rewritten = {"worker": 0, "node": 0}, list[str]()
        self.made: dict[Path, int] = {}

    def disturb(self, process: subprocess.Popen[str]) -> None:
        """As long as the process lives."""
        while process.poll() is None:
            time.sleep(float(self.rng.uniform(1.0, 4.0)))
            self.look()
            others = sorted(self.cluster.worker_nodes, key=lambda node: node.unique_id)
            if len(others) < 2:
                with suppress(Exception):  # Ray gives a node 30 seconds, which a busy machine may not have: next time
                    self.cluster.add_node(num_cpus=1)
            elif self.rng.random() < 0.25:
                self.cluster.remove_node(others[int(self.rng.integers(len(others)))], allow_graceful=False)
                self.kills["node"] += 1
            else:
                self.kill_worker()

    def kill_worker(self) -> None:
        found = [p for p in psutil.process_iter(["cmdline"]) if "ray::_work" in " ".join(p.info["cmdline"] or [])]
        mine = [p for p in found if os.getpid() in {parent.pid for parent in p.parents()}]
        if mine:
            mine[int(self.rng.integers(len(mine)))].kill()
            self.kills["worker"] += 1

    def look(self) -> None:
        for path in self.run.rglob("[!.]*.parquet") if self.run.exists() else ():
            changed = path.stat().st_mtime_ns
            if self.made.setdefault(path, changed) != changed:
                self.rewritten.append(path.name)


@pytest.mark.slow
def test_killed_workers_and_nodes_change_nothing(nodes: Cluster, tmp_path: Path) -> None:
    """Cameras of four recordings each, until ``KILLS`` workers and nodes have been killed."""
    cameras = 12 if KILLS > 10 else 4
    city(tmp_path, cameras, 4)
    env = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mtmc", *map(str, arguments)]
        return subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True)

    assert start(*how(tmp_path, "here", 0), "--workers", 1).wait() == 0
    kills = 0
    for turn in range(20):
        trouble = Trouble(nodes, tmp_path / f"there{turn}", turn)
        process = start(*how(tmp_path, f"there{turn}", 0.3), "--cluster", nodes.address)
        trouble.disturb(process)
        trouble.look()
        assert process.returncode == 0, process.communicate()[1]
        assert trouble.rewritten == []
        assert contents(tmp_path / f"there{turn}") == contents(tmp_path / "here")
        began = len((tmp_path / f"there{turn}.log").read_text().splitlines())
        print(f"turn {turn}: {trouble.kills}, {began} beginnings of {4 * cameras}")  # noqa: T201
        kills += sum(trouble.kills.values())
        if kills >= KILLS:
            break
    assert kills >= KILLS
