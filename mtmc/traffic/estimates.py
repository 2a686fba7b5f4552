"""The tables' numbers with their uncertainty: measured once for the linker's solution, and again for as many drawn
ones, each with what cameras missed put in.

What is drawn: whose the pieces are (``solutions``), each camera's recall and what it missed (``recall``, ``missed``),
and each vehicle's kind (``kinds``). Shape shorthand: C cameras.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from mtmc.structures import Long
from mtmc.traffic.bridges import bridged
from mtmc.traffic.false_stays import draw_true
from mtmc.traffic.gates import passings
from mtmc.traffic.kinds import by_most_boxes, drawn
from mtmc.traffic.measures import Frame, Measured, Unseen, legs, measure
from mtmc.traffic.missed_stays import with_missed
from mtmc.traffic.recall import Recall, find_skips
from mtmc.traffic.solutions import Solutions
from mtmc.visits.stays import Stays, stays_of

LEAST_RECALL = 0.05
MOST_THREADS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """``stays`` of the linker's solution with the kind (V,) of their vehicles, what is ``measured`` of them, the
    cameras' ``recall``, and the same measured of every drawn solution."""

    stays: Stays
    label: Long
    measured: Measured
    recall: Recall
    samples: tuple[Measured, ...]


def estimate(frame: Frame, solutions: Solutions, samples: int, seed: int) -> Estimates:
    """Measure a solution and ``samples`` drawn ones.

    Where the linker did not tell which links are possible there is nothing to draw, and no intervals.
    """
    stays = stays_of(frame.pieces, solutions.vehicle)
    label = by_most_boxes(stays)
    rng = np.random.default_rng(seed)
    recall = find_skips(bridged(stays, rng), len(frame.pieces.cameras), rng)[0]
    drawn_ = enumerate(solutions.drawn(samples, seed))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as threads:  # NumPy lets go of the interpreter
        found = tuple(threads.map(lambda one: _measured(frame, one[1], (seed, one[0])), drawn_))
    return Estimates(stays, label, measure(frame, stays, label), recall, found)


def _measured(frame: Frame, vehicle: Long, seed: tuple[int, int]) -> Measured:
    """What one drawn solution says, ``vehicle`` (T,)."""
    rng = np.random.default_rng(seed)
    stays = stays_of(frame.pieces, vehicle)
    stays = replace(stays.take(draw_true(stays, rng)), stay=np.zeros(0, np.int64))
    whole = bridged(stays, rng)
    evidence, skips = find_skips(whole, len(frame.pieces.cameras), rng)
    recall = np.clip(rng.beta(*evidence.parameters()), LEAST_RECALL, 1.0)
    times = legs(frame, passings(stays, frame.gates), Unseen(frame.gates.mean(recall), rng))
    stays = with_missed(whole, skips, recall, rng)
    measured = measure(frame, stays, drawn(stays, rng))
    return Measured({**measured.tables, **times}, measured.routes)
