"""What a linker costs, and how far its probabilities can be trusted."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtmc.link import LinkParams, Problem, Solution, solve
from mtmc.structures import Long

PROC = Path("/proc/self")
MEGABYTE = 1024.0 if sys.platform != "darwin" else 1024.0 * 1024.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a linker answered, in how many seconds by the clock and of the processor (which a busy machine disturbs less), and by how
    many megabytes its process grew at most."""

    solution: Solution
    seconds: float
    processor_s: float
    peak_mb: float


def measure(problem: Problem, params: LinkParams) -> Outcome:
    """Run one linker in a process of its own, so that its peak memory is its own; user errors come back as they are."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured, problem, params).result()


def _measured(problem: Problem, params: LinkParams) -> Outcome:
    before = restart_peak()
    start, worked = time.perf_counter(), time.process_time()
    solution = solve(problem, params)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    bare = Solution(solution.labels, solution.links, None, solution.warnings)
    return Outcome(bare, seconds, worked, max(peak_mb() - before, 0.0))


def restart_peak() -> float:
    """Forget this process's peak memory so far, where the system can, and return what it uses now, in megabytes."""
    if not PROC.exists():
        return peak_mb()
    (PROC / "clear_refs").write_text("5")
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """The most memory that this process has used, in megabytes."""
    if PROC.exists():
        return _status_mb("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def _status_mb(key: str) -> float:
    lines = (PROC / "status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(key)) / 1024.0


def calibration(
    probability: np.ndarray, correct: np.ndarray, bins: int = 10
) -> tuple[Long, np.ndarray, np.ndarray, float]:
    """Reliability of probabilities (N,) against what was right (N,): count, mean probability and share right per bin of equal width
    (bins,), NaN where empty, and the expected calibration error."""
    number = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(number, minlength=bins)
    said, right = (np.bincount(number, values, bins) for values in (probability, correct.astype(np.float64)))
    with np.errstate(invalid="ignore"):
        return count, said / count, right / count, float(np.abs(said - right).sum() / max(len(probability), 1))
