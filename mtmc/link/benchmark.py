"""Linkers on the same tracklets: one folder's tracklets with their truth, what a linker costs, how far its
probabilities can be trusted, and how well its partition into vehicles agrees with the true one: identity F1 and link
precision, recall and F1.

A tracklet counts with its number of boxes, so on tracklets that are each of one vehicle IDF1 equals the box-wise one.
Shape shorthand: T tracklets.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import sparse

from mtmc.assignment import best_assignment
from mtmc.link import LinkParams, Problem, Solution, solve
from mtmc.link.describe import pose
from mtmc.link.learning.em import on_common_time
from mtmc.link.problem import vehicles
from mtmc.memory import peak_mb, restart_peak
from mtmc.scene import Scene
from mtmc.structures import Embeddings, GlobalTrack, Long, Tracklet, TrackletTable

Rates = dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A problem, where it came from, and a judge of labels (T,) that returns idf1, link_precision, link_recall and
    link_f1."""

    folder: Path
    problem: Problem
    judge: Callable[[Long], Rates]

    def run(self, name: str, params: LinkParams, zones: Path | None) -> tuple[Rates, tuple[str, ...]]:
        """The named linker's rates, seconds and peak_mb, and its warnings. ``zones``, or else the folder's own
        zones.toml, are for the linker of that name alone: the others are to do without."""
        own = self.folder / "zones.toml"
        file = params.zones_file
        if name == "zones":
            file = zones or file or (own if own.exists() else None)
        outcome = measure(self.problem, params.model_copy(update={"linker": name, "zones_file": file}))
        warnings = outcome.solution.warnings
        if name == "zones" and file is None:
            warnings = (*warnings, "No zones file: every pair of cameras and any travel time is allowed.")
        return self._rates(outcome), warnings

    def _rates(self, outcome: Outcome) -> Rates:
        return {**self.judge(outcome.solution.labels), "seconds": outcome.seconds, "peak_mb": outcome.peak_mb}


def simulated_case(folder: Path, table: TrackletTable, vehicle_id: Long, boxes: Long, clock_known: bool) -> Case:
    """Simulated tracklets, judged tracklet by tracklet."""

    def judge(labels: Long) -> Rates:
        found = agreement(vehicle_id, labels, boxes)
        rates = {"link_precision": found.link_precision, "link_recall": found.link_recall, "link_f1": found.link_f1}
        return {"idf1": found.idf1, **rates}

    return Case(folder, Problem.of(table, clock_known), judge)


def run_case(
    folder: Path, scene: Scene, tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings],
    judge: Callable[[list[GlobalTrack]], Rates], forget_clocks: bool,
) -> Case:  # fmt: skip
    """A run's tracklets, judged as vehicles. ``forget_clocks``: every video starts at zero and nobody knows better."""
    problem = pose(scene, tracklets, embeddings)
    if forget_clocks:
        offsets = np.array([scene.cameras[name].offset_s for name in problem.table.cameras])
        table = on_common_time(problem.table, offsets)
        problem = replace(problem, table=table, clock_known=np.zeros(len(offsets), bool))
    return Case(folder, problem, lambda labels: judge(vehicles(tracklets, labels)))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a linker answered, in how many seconds by the clock and of the processor (which a busy machine disturbs
    less), and by how many megabytes its process grew at most."""

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


def calibration(
    probability: np.ndarray, correct: np.ndarray, bins: int = 10
) -> tuple[Long, np.ndarray, np.ndarray, float]:
    """Reliability of probabilities (N,) against what was right (N,): count, mean probability and share right per bin of
    equal width (bins,), NaN where empty, and the expected calibration error."""
    number = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(number, minlength=bins)
    said, right = (np.bincount(number, values, bins) for values in (probability, correct.astype(np.float64)))
    with np.errstate(invalid="ignore"):
        return count, said / count, right / count, float(np.abs(said - right).sum() / max(len(probability), 1))


@dataclass(frozen=True, slots=True)
class Agreement:
    """All in [0, 1]; a link is a pair of tracklets of one vehicle."""

    idf1: float
    link_precision: float
    link_recall: float
    link_f1: float


def agreement(truth: Long, predicted: Long, boxes: Long) -> Agreement:
    """Compare labels (T,) with the true ones, weighted by boxes (T,). Negative labels: not in the truth / not in the
    result."""
    both = (truth >= 0) & (predicted >= 0)
    shared = _contingency(truth[both], predicted[both], boxes[both])
    total = float(boxes[truth >= 0].sum() + boxes[predicted >= 0].sum())
    entries = shared.tocoo()
    matched = best_assignment(entries.row, entries.col, entries.data.astype(np.float64))
    idf1 = 2.0 * float(entries.data[matched].sum()) / total if total else 1.0
    hits = _pairs(_contingency(truth[both], predicted[both], np.ones(int(both.sum()), np.int64)).data)
    claimed, real = (_pairs(np.unique(labels[labels >= 0], return_counts=True)[1]) for labels in (predicted, truth))
    precision, recall = hits / claimed if claimed else 1.0, hits / real if real else 1.0
    f1 = 2 * hits / (claimed + real) if claimed + real else 1.0
    return Agreement(idf1, precision, recall, f1)


def _pairs(counts: Long) -> float:
    return float((counts * (counts - 1) // 2).sum())


def _contingency(truth: Long, predicted: Long, weight: Long) -> sparse.csr_array:
    """Summed weight of every (true, predicted) label pair that occurs."""
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (truth, predicted))
    shape = (int(rows.max(initial=-1)) + 1, int(columns.max(initial=-1)) + 1)
    table = sparse.csr_array(sparse.coo_array((weight, (rows, columns)), shape=shape))
    table.sum_duplicates()
    return table
