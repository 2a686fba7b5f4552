"""One vehicle that two calibrated cameras see at once is in one place: its trajectories on the ground agree, and
others' do not.

Where views overlap this says more than appearance or learned times can, and it needs no learning: calibration says
metres. Elsewhere calibration only rules out what would take too much speed. All of it needs clocks that are right. The
constants are set by their meaning in metres and seconds, not tuned; the demo city and scene S90 hold them to their word
(tests/mtmc/link/evidence).

Shape shorthand: T tracklets, K places of a trajectory, P pairs, S times compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.structures import Columns, Double, Int, Long, TrackletTable

LEAST_S = 0.5
"""Shared seconds below which two trajectories say nothing."""
COMPARED = 9
"""Times at which two trajectories are compared."""
DEVIATION_M = 4.0
"""How far one vehicle's places from two cameras may well be apart: each sees the foot of another side of it, so its own
length."""
EXTENT_M = 60.0
"""Extent of the ground on which any other vehicle might be instead."""
PRIOR = -2.5
"""Log-odds that two tracklets of two cameras that share some time are one vehicle, before looking: one in thirteen."""
APART_M = 15.0
"""Trajectories this far from each other cannot be of one vehicle, be it a long one."""
FASTEST_M_S = 50.0
"""No vehicle drives faster: 180 km/h."""
MOST_EVIDENCE = 6.0
"""As evidence among others the ground says no more (natural log): it may be calibrated badly."""
SURE_CLOCK_S = 0.3
"""Standard error of a clock beyond which places at one time cannot be compared: some metres' drive."""
BLOCK = 4096
"""Pairs compared at once: bounds memory."""


@dataclass(frozen=True, slots=True, eq=False)
class GroundMatches(Columns):
    """Pairs of tracklets that share time on calibrated ground: ``source`` (the one that starts first) and ``target``
    (P,), ``away_m`` (P,) the median distance of their places at the same times and the evidence ``ground`` (P,) that
    gives; ``cosine`` (P,) of their features and the evidence ``appearance`` (P,) that gives, 0 before anything is
    learned; ``rivals`` (P,) what others take away from it."""

    source: Long
    target: Long
    away_m: Double
    ground: Double
    cosine: Double
    appearance: Double
    rivals: Double

    def evidence(self) -> dict[str, Double]:
        """Evidence (P,) for one vehicle, by kind; with the prior it sums up to the log-odds."""
        return {"ground": self.ground, "appearance": self.appearance}

    def prior(self) -> Double:
        """Log-odds (P,) before looking, given the rivals."""
        return PRIOR - self.rivals

    def log_odds(self) -> Double:
        """Log-odds (P,) of one vehicle."""
        return self.prior() + self.ground + self.appearance

    def probability(self) -> Double:
        """Probability (P,) of one vehicle, in [0, 1]."""
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.log_odds(), -50, 50))))


def log_ratio(away_m: Double) -> Double:
    """Evidence (P,) for one vehicle of places so far apart at the same times: natural log of the likelihood ratio."""
    return np.asarray(np.log(EXTENT_M**2 / (2 * DEVIATION_M**2)) - away_m**2 / (2 * DEVIATION_M**2))


def with_sure_clocks(trajectories: Double, camera: Int, error_s: Double) -> Double:
    """The trajectories (T, K, 2), blanked where the camera's clock has a standard error (C,) too large to compare
    places at one time."""
    sure = (error_s <= SURE_CLOCK_S)[camera]
    return trajectories if sure.all() else np.where(sure[:, None, None], trajectories, np.nan)


def ground_evidence(table: TrackletTable, trajectories: Double, a: Long, b: Long) -> Double:
    """Evidence (P,) that rows ``a`` and, later, ``b`` are one vehicle, from their trajectories (T, K, 2); 0 within one
    camera and without calibration. While both cameras see it, it is in one place; otherwise it must have had the time
    for the way."""
    evidence = np.zeros(len(a))
    if trajectories.shape[1] == 0:
        return evidence
    known = np.asarray(np.isfinite(trajectories).all(axis=(1, 2)))
    pairs = np.flatnonzero(known[a] & known[b] & (table.camera[a] != table.camera[b]))
    for begin in range(0, len(pairs), BLOCK):
        rows = pairs[begin : begin + BLOCK]
        first, second = a[rows], b[rows]
        begins = np.maximum(table.start_s[first], table.start_s[second])
        together = np.minimum(table.end_s[first], table.end_s[second]) - begins >= LEAST_S
        away = np.linalg.norm(trajectories[second, 0] - trajectories[first, -1], axis=1)
        seconds = np.maximum(table.start_s[second] - table.end_s[first], 0.0)
        evidence[rows] = np.where(away > APART_M + FASTEST_M_S * seconds, -MOST_EVIDENCE, 0.0)
        near = log_ratio(apart_m(table, trajectories, first[together], second[together]))
        evidence[rows[together]] = np.clip(near, -MOST_EVIDENCE, MOST_EVIDENCE)
    return evidence


def find_overlaps(table: TrackletTable, trajectories: Double) -> GroundMatches:
    """All pairs whose ``trajectories`` (T, K, 2) in metres, at evenly spaced times of each tracklet, can be
    compared."""
    a, b = pairs_in_time(table, trajectories, -np.inf, -LEAST_S)
    away, nothing = apart_m(table, trajectories, a, b), np.zeros(len(a))
    return GroundMatches(a, b, away, log_ratio(away), nothing, nothing, nothing)


def pairs_in_time(table: TrackletTable, trajectories: Double, low_s: float, high_s: float) -> tuple[Long, Long]:
    """Rows (P,) and later starters (P,) of other cameras with trajectories (T, K, 2) on the ground, low_s < seconds
    between them <= high_s; negative seconds are shared ones."""
    known = (
        np.flatnonzero(np.isfinite(trajectories).all(axis=(1, 2))) if trajectories.shape[1] else np.zeros(0, np.int64)
    )
    known = known[np.argsort(table.start_s[known], kind="stable")]  # clocks that were put right change the order
    start, end, camera = table.start_s[known], table.end_s[known], table.camera[known]
    last = np.searchsorted(start, end + high_s, side="right")  # rows that start until then
    ends = [np.zeros((2, 0), np.int64)]
    for begin in range(0, len(known), BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, len(known)))
        count = np.maximum(last[rows] - rows - 1, 0)
        a = np.repeat(rows, count)
        b = a + 1 + np.arange(len(a)) - np.repeat(np.cumsum(count) - count, count)
        gap = start[b] - np.minimum(end[a], end[b])
        fits = (gap > low_s) & (gap <= high_s) & (camera[a] != camera[b])
        ends.append(known[np.stack([a[fits], b[fits]])])
    source, target = np.concatenate(ends, axis=1)
    return source, target


def apart_m(table: TrackletTable, trajectories: Double, a: Long, b: Long) -> Double:
    """Median distance (P,) of the places of rows ``a`` and ``b`` at the same times; in blocks, so memory stays
    bounded."""
    result = np.empty(len(a))
    for first in range(0, len(a), BLOCK):
        rows = a[first : first + BLOCK], b[first : first + BLOCK]
        begin = np.maximum(*(table.start_s[row] for row in rows))
        end = np.minimum(*(table.end_s[row] for row in rows))
        times = begin[:, None] + (end - begin)[:, None] * np.linspace(0, 1, COMPARED)
        here, there = (_places(table, trajectories, row, times) for row in rows)
        result[first : first + BLOCK] = np.median(np.linalg.norm(here - there, axis=2), axis=1)
    return result


def _places(table: TrackletTable, trajectories: Double, rows: Long, times: Double) -> Double:
    """Places (P, S, 2) of tracklets at times (P, S), between the samples of their trajectories."""
    start, end, count = table.start_s[rows, None], table.end_s[rows, None], trajectories.shape[1]
    at = np.clip((times - start) / np.maximum(end - start, 1e-6), 0.0, 1.0) * (count - 1)
    low = np.minimum(at.astype(np.int64), count - 2)
    fraction = (at - low)[..., None]
    return np.asarray(
        trajectories[rows[:, None], low] * (1 - fraction) + trajectories[rows[:, None], low + 1] * fraction
    )
