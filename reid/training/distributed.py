"""One process among several: what `torchrun` says, and the few moments at which processes wait for each other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import distributed


@dataclass(frozen=True)
class Process:
    """rank: which one, 0 <= rank < world. local_rank: which one on this machine, also the number of its GPU. world: how
    many in all."""

    rank: int = 0
    local_rank: int = 0
    world: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and speaks to the user."""
        return self.rank == 0

    def device(self, wanted: torch.device) -> torch.device:
        """The wanted device; under torchrun, of several GPUs the own one."""
        if wanted.type == "cuda" and self.world > 1:
            return torch.device("cuda", self.local_rank)
        return wanted

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.world > 1:
            distributed.barrier()


def this_process() -> Process:
    """What torchrun's environment says; alone without it."""
    return Process(
        *(int(os.environ.get(name, default)) for name, default in (("RANK", 0), ("LOCAL_RANK", 0), ("WORLD_SIZE", 1)))
    )


@contextlib.contextmanager
def joined(process: Process, device: torch.device) -> Iterator[None]:
    """Join the group of processes for a while: NCCL between GPUs, Gloo between CPUs. Nothing to join alone."""
    if process.world == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()
