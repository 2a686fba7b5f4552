"""Two processes under torchrun (Gloo, CPU) against one process that does the same work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from reid.data.loader import Batch
from reid.datasets.toy import make_toy
from reid.training.distributed import Process, this_process
from reid.training.trainer import Training, read_state
from tests.reid.recipes import tiny_recipe

ROOT = Path(__file__).resolve().parents[3]
RECIPE = tiny_recipe(sampler={"identities": 3, "images": 2}, loop={"epochs": 2})


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert this_process() == Process(0, 0, 1)
    assert Process(3, 1, 4).device(torch.device("cuda")) == torch.device("cuda", 1)
    assert not Process(3, 1, 4).is_main


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("two")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*command, "-m", "tests.reid.one_of_two", str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.slow
class TestTwoProcesses:
    def test_weights_stay_identical(self, ranks: tuple[Path, list[dict[str, Any]]]) -> None:
        folder, (one, other) = ranks
        assert all(torch.equal(value, other["weights"][name]) for name, value in one["weights"].items())
        saved = read_state(folder / "state.pt")["learner"]["model"]
        assert all(torch.equal(value, saved[name]) for name, value in one["weights"].items())

    def test_each_step_sees_different_identities(self, ranks: tuple[Path, list[dict[str, Any]]]) -> None:
        one, other = ranks[1]
        assert len(one["seen"]) == len(other["seen"]) > 0
        for mine, yours in zip(one["seen"], other["seen"], strict=True):
            assert not set(mine.tolist()) & set(yours.tolist())

    def test_gradient_is_the_mean_over_both_half_batches(self, ranks: tuple[Path, list[dict[str, Any]]]) -> None:
        folder, (one, other) = ranks
        toy = make_toy(folder / "toy0", vehicles=6, images=9)
        alone = Training(RECIPE, toy, folder, evaluate=lambda *_: {}).learner
        for rank in (one, other):
            (alone.losses(Batch(*rank["first"])).total / 2).backward()
        for name, parameter in alone.model.named_parameters():
            if parameter.grad is not None:
                both: Tensor = one["gradient"][name]
                assert torch.equal(both, other["gradient"][name])
                torch.testing.assert_close(both, parameter.grad, rtol=1e-4, atol=1e-6)
