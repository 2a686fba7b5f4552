"""The same seed gives the same bytes, whatever is written, in any process, on any number of threads."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtmc.synth.scene import SynthParams, make_world
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from mtmc.synth.writers.dataset import write_scene
from mtmc.synth.writers.reid_set import ReidSetParams, write_reid_set
from mtmc.synth.writers.tracklet_files import write_tracklets

PARAMS = SynthParams(preset="tiny", seconds=0.6, dropped=0.1, repeated=0.2, rain=0.5)


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


SETS: dict[str, Callable[[Path, int], object]] = {
    "videos": lambda out, seed: write_scene(make_world(PARAMS, seed), out),
    "reid": lambda out, seed: write_reid_set(
        out, ReidSetParams(train_ids=3, test_ids=3, cameras=2, cameras_per_id=2, views=2), seed
    ),
    "tracklets": lambda out, seed: write_tracklets(out, simulate(LEVELS[1], seed)),
}


@pytest.mark.parametrize("kind", SETS)
def test_every_kind_of_output_has_the_same_bytes_for_the_same_seed(tmp_path: Path, kind: str) -> None:
    for name in ("a", "b"):
        SETS[kind](tmp_path / name, 3)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


@pytest.mark.parametrize("kind", ["videos", "tracklets"])
def test_another_seed_gives_others(tmp_path: Path, kind: str) -> None:
    for seed in (3, 4):
        SETS[kind](tmp_path / str(seed), seed)
    assert digest(tmp_path / "3") != digest(tmp_path / "4")


def test_another_process_with_other_threads_writes_the_same_bytes_from_the_params_told(tmp_path: Path) -> None:
    SETS["videos"](tmp_path / "here", 3)
    params = json.dumps(json.loads((tmp_path / "here" / "S01" / "truth.json").read_text())["params"])
    script = (
        "import cv2, sys, pathlib; cv2.setNumThreads(int(sys.argv[2])); "
        "from mtmc.synth.writers.dataset import write_scene; "
        "from mtmc.synth.scene import SynthParams, make_world; "
        "write_scene(make_world(SynthParams.model_validate_json(sys.argv[3]), 3), pathlib.Path(sys.argv[1]))"
    )
    for threads in ("1", "4"):
        environment = os.environ | {
            "PYTHONHASHSEED": threads,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
        }
        command = [sys.executable, "-c", script, str(tmp_path / threads), threads, params]
        subprocess.run(command, env=environment, check=True)
        assert digest(tmp_path / threads) == digest(tmp_path / "here")
