"""One vehicle that two calibrated cameras see at once is in one place: its paths on the ground agree, and others' do not.

Where views overlap this says more than looks or learned times can, and it needs no learning: calibration says metres.

Shape shorthand: T tracklets, K places of a path, P pairs, S times compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.link.partition import Partition
from mtmc.structures import Double, Long, TrackletTable

LEAST_S = 0.5
"""Shared seconds below which two paths say nothing."""
COMPARED = 9
"""Times at which two paths are compared."""
SPREAD_M = 2.5
"""How far one vehicle's places from two cameras usually are apart: each sees the foot of another side of it."""
ROOM_M = 60.0
"""Extent of the ground on which any other vehicle might be instead."""
PRIOR = -2.5
"""Log-odds that two tracklets of two cameras that share some time are one vehicle, before looking."""
APART_M = 15.0
"""Paths this far from each other cannot be of one vehicle, be it a long one."""
BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Pairs of tracklets that share time on calibrated ground: ``source`` (the one that starts first) and ``target`` (P,), ``away_m``
    (P,) the median distance of their places at the same times."""

    source: Long
    target: Long
    away_m: Double

    def log_ratio(self) -> Double:
        """Evidence (P,) for one vehicle: natural log of the likelihood ratio."""
        return np.asarray(np.log(ROOM_M**2 / (2 * SPREAD_M**2)) - self.away_m**2 / (2 * SPREAD_M**2))

    def probability(self) -> Double:
        """Probability (P,) of one vehicle, in [0, 1]."""
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.log_ratio() + PRIOR, -50, 50))))


def find_sightings(table: TrackletTable, paths: Double) -> Sightings:
    """All pairs of a table sorted by start whose ``paths`` (T, K, 2) in metres, at evenly spaced times of each tracklet, can be compared."""
    known = np.flatnonzero(np.isfinite(paths).all(axis=(1, 2))) if paths.shape[1] else np.zeros(0, np.int64)
    start, end, camera = table.start_s[known], table.end_s[known], table.camera[known]
    last = np.searchsorted(start, end - LEAST_S, side="right")  # rows that start while this one still lasts
    parts = [
        _near(known, paths, table, *_shared(np.arange(begin, min(begin + BLOCK, len(known))), last, end, start, camera))
        for begin in range(0, len(known), BLOCK)
    ]
    empty = np.zeros(0, np.int64)
    source, target, away = zip(*parts, strict=True) if parts else ((empty,), (empty,), (np.zeros(0),))
    return Sightings(np.concatenate(source), np.concatenate(target), np.concatenate(away))


def _shared(
    rows: Long, last: NDArray[np.intp], end: Double, start: Double, camera: NDArray[np.int32]
) -> tuple[Long, Long]:
    """Pairs (a, b) of rows and later starters in another camera with enough shared time."""
    count = np.maximum(last[rows] - rows - 1, 0)
    a = np.repeat(rows, count)
    b = a + 1 + np.arange(len(a)) - np.repeat(np.cumsum(count) - count, count)
    enough = (np.minimum(end[a], end[b]) - start[b] >= LEAST_S) & (camera[a] != camera[b])
    return a[enough], b[enough]


def _near(known: Long, paths: Double, table: TrackletTable, a: Long, b: Long) -> tuple[Long, Long, Double]:
    first, second = known[a], known[b]
    begin, end = table.start_s[second], np.minimum(table.end_s[first], table.end_s[second])
    times = begin[:, None] + (end - begin)[:, None] * np.linspace(0, 1, COMPARED)
    away = np.linalg.norm(_places(table, paths, first, times) - _places(table, paths, second, times), axis=2)
    return first, second, np.asarray(np.median(away, axis=1))


def _places(table: TrackletTable, paths: Double, rows: Long, times: Double) -> Double:
    """Places (P, S, 2) of tracklets at times (P, S), between the samples of their paths."""
    start, end, count = table.start_s[rows, None], table.end_s[rows, None], paths.shape[1]
    at = np.clip((times - start) / np.maximum(end - start, 1e-6), 0.0, 1.0) * (count - 1)
    low = np.minimum(at.astype(np.int64), count - 2)
    share = (at - low)[..., None]
    return np.asarray(paths[rows[:, None], low] * (1 - share) + paths[rows[:, None], low + 1] * share)


def unite(
    table: TrackletTable, sightings: Sightings, links: tuple[Long, Long, Double], least_probability: float
) -> tuple[Long, Long, Long]:
    """Labels (T,), the indices of the sightings and of the ``links`` (source, target, probability) that are made.

    Nearest sightings first, then links, surest first; what would give a vehicle two places at once is left out.
    """
    apart = sightings.away_m > APART_M
    partition = Partition(table, zip(sightings.source[apart].tolist(), sightings.target[apart].tolist(), strict=True))
    seen = np.flatnonzero(sightings.probability() >= least_probability)
    seen = seen[np.lexsort((sightings.target[seen], sightings.source[seen], sightings.away_m[seen]))]
    held = _join(partition, seen.tolist(), sightings.source, sightings.target)
    source, target, probability = links
    order = np.lexsort((target, source, -probability))
    made = _join(partition, order.tolist(), source, target)
    return partition.labels(), held, made


def _join(partition: Partition, order: Sequence[int], source: Long, target: Long) -> Long:
    """The indices, in their order, of the pairs that unite what was not united before."""
    made = []
    for k in order:
        a, b = int(source[k]), int(target[k])
        if partition.find(a) != partition.find(b) and partition.join(a, b):
            made.append(k)
    return np.sort(np.array(made, np.int64))


def reasons(
    table: TrackletTable, sightings: Sightings, like: dict[str, NDArray[np.generic]], least_probability: float
) -> dict[str, NDArray[np.generic]]:
    """Rows of the reasons table for sightings, with the columns of ``like``: the ground alone decided."""
    names, ratio = np.array(table.cameras), sightings.log_ratio()
    needed = np.log(least_probability / (1 - least_probability))
    known: dict[str, NDArray[np.generic]] = {
        "from_camera": names[table.camera[sightings.source]],
        "from_track": table.track_id[sightings.source],
        "to_camera": names[table.camera[sightings.target]],
        "to_track": table.track_id[sightings.target],
        "seconds": table.start_s[sightings.target] - table.end_s[sightings.source],
        "probability": sightings.probability(),
        "margin": ratio + PRIOR - needed,
        "decisive": np.full(len(ratio), "ground"),
        "prior": np.full(len(ratio), PRIOR),
        "ground": ratio,
    }
    return {name: known.get(name, _blank(name, column, len(ratio))) for name, column in like.items()}


def _blank(name: str, column: NDArray[np.generic], count: int) -> NDArray[np.generic]:
    """Nothing to say: no rival, evidence 0."""
    nobody = -1 if name.endswith("_track") else 0
    return np.full(count, "" if column.dtype.kind in "US" else nobody, column.dtype)
