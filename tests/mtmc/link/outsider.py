"""A linker of somebody else's."""

from __future__ import annotations

import numpy as np

from mtmc.link import Linker, LinkParams, Problem, Solution


def alone(params: LinkParams, device: str) -> Linker:
    return lambda problem: every_one_alone(problem)


def every_one_alone(problem: Problem) -> Solution:
    return Solution(np.arange(len(problem), dtype=np.int64))
