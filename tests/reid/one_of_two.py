"""One of two processes that `torchrun` starts for test_parallel.py: learns a little and writes down what it saw and
became."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from reid.datasets.toy import make_toy
from reid.training.distributed import joined, this_process
from reid.training.trainer import Training
from tests.reid.recipes import tiny_recipe

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    process = this_process()
    device = process.device(torch.device("cpu"))
    with joined(process, device):
        toy = make_toy(folder / f"toy{process.rank}", vehicles=6, images=9)
        params = tiny_recipe(sampler={"identities": 3, "images": 2}, loop={"epochs": 2})
        run = Training(params, toy, folder, evaluate=lambda *_: {}, device=device, process=process)
        first = next(run.batches.epoch(0))
        run.learner.losses(first).total.backward()
        gradient = {
            name: each.grad.clone() for name, each in run.learner.model.named_parameters() if each.grad is not None
        }
        seen = [batch.labels for batch in run.batches.epoch(1)]
        run.run()
        facts = {
            "gradient": gradient,
            "seen": seen,
            "first": tuple(first),
            "weights": dict(run.learner.model.named_parameters()),
        }
        torch.save(facts, folder / f"rank{process.rank}.pt")
