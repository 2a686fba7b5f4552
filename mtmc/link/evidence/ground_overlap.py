"""One vehicle that two calibrated cameras see at once is in one place: its paths on the ground agree, and others' do not.

Where views overlap this says more than looks or learned times can, and it needs no learning: calibration says metres. Elsewhere
calibration only rules out what would take too much speed. All of it needs clocks that are right.

Shape shorthand: T tracklets, K places of a path, P pairs, S times compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Double, Long, TrackletTable

LEAST_S = 0.5
"""Shared seconds below which two paths say nothing."""
COMPARED = 9
"""Times at which two paths are compared."""
SPREAD_M = 4.0
"""How far one vehicle's places from two cameras may well be apart: each sees the foot of another side of it, so its own length."""
ROOM_M = 60.0
"""Extent of the ground on which any other vehicle might be instead."""
PRIOR = -2.5
"""Log-odds that two tracklets of two cameras that share some time are one vehicle, before looking."""
APART_M = 15.0
"""Paths this far from each other cannot be of one vehicle, be it a long one."""
FASTEST_M_S = 50.0
LOUDEST = 6.0
"""As evidence among others the ground speaks no louder (natural log): it may be calibrated badly."""
SURE_CLOCK_S = 0.3
"""Standard error of a clock beyond which places at one time cannot be compared: some metres' drive."""
BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Pairs of tracklets that share time on calibrated ground: ``source`` (the one that starts first) and ``target`` (P,), ``away_m``
    (P,) the median distance of their places at the same times and the evidence ``ground`` (P,) that gives; ``cosine`` (P,) of their
    looks and the evidence ``appearance`` (P,) that gives, 0 before anything is learned; ``rivals`` (P,) what others take away from it."""

    source: Long
    target: Long
    away_m: Double
    ground: Double
    cosine: Double
    appearance: Double
    rivals: Double

    def __len__(self) -> int:
        return len(self.source)

    def take(self, rows: Long) -> Sightings:
        """The chosen pairs."""
        return Sightings(*(getattr(self, name)[rows] for name in self.__slots__))

    def beside(self, other: Sightings) -> Sightings:
        """These pairs, then the others."""
        return Sightings(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in self.__slots__))

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
    return np.asarray(np.log(ROOM_M**2 / (2 * SPREAD_M**2)) - away_m**2 / (2 * SPREAD_M**2))


def on_sure_clocks(paths: Double, camera: NDArray[np.int32], error_s: Double) -> Double:
    """The paths (T, K, 2), blanked where the camera's clock has a standard error (C,) too large to compare places at one time."""
    sure = (error_s <= SURE_CLOCK_S)[camera]
    return paths if sure.all() else np.where(sure[:, None, None], paths, np.nan)


def on_the_ground(table: TrackletTable, paths: Double, a: Long, b: Long) -> Double:
    """Evidence (P,) that rows ``a`` and, later, ``b`` are one vehicle, from their paths (T, K, 2); 0 within one camera and without
    calibration. While both cameras see it, it is in one place; otherwise it must have had the time for the way."""
    evidence = np.zeros(len(a))
    if paths.shape[1] == 0:
        return evidence
    known = np.asarray(np.isfinite(paths).all(axis=(1, 2)))
    pairs = np.flatnonzero(known[a] & known[b] & (table.camera[a] != table.camera[b]))
    for begin in range(0, len(pairs), BLOCK):
        rows = pairs[begin : begin + BLOCK]
        first, second = a[rows], b[rows]
        begins = np.maximum(table.start_s[first], table.start_s[second])
        together = np.minimum(table.end_s[first], table.end_s[second]) - begins >= LEAST_S
        away = np.linalg.norm(paths[second, 0] - paths[first, -1], axis=1)
        seconds = np.maximum(table.start_s[second] - table.end_s[first], 0.0)
        evidence[rows] = np.where(away > APART_M + FASTEST_M_S * seconds, -LOUDEST, 0.0)
        near = log_ratio(apart_m(table, paths, first[together], second[together]))
        evidence[rows[together]] = np.clip(near, -LOUDEST, LOUDEST)
    return evidence


def find_sightings(table: TrackletTable, paths: Double) -> Sightings:
    """All pairs whose ``paths`` (T, K, 2) in metres, at evenly spaced times of each tracklet, can be compared."""
    a, b = pairs_in_time(table, paths, -np.inf, -LEAST_S)
    away, nothing = apart_m(table, paths, a, b), np.zeros(len(a))
    return Sightings(a, b, away, log_ratio(away), nothing, nothing, nothing)


def pairs_in_time(table: TrackletTable, paths: Double, low_s: float, high_s: float) -> tuple[Long, Long]:
    """Rows (P,) and later starters (P,) of other cameras with paths (T, K, 2) on the ground, low_s < seconds between them <= high_s;
    negative seconds are shared ones."""
    known = np.flatnonzero(np.isfinite(paths).all(axis=(1, 2))) if paths.shape[1] else np.zeros(0, np.int64)
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


def apart_m(table: TrackletTable, paths: Double, a: Long, b: Long) -> Double:
    """Median distance (P,) of the places of rows ``a`` and ``b`` at the same times; in blocks, so memory stays bounded."""
    result = np.empty(len(a))
    for first in range(0, len(a), BLOCK):
        rows = a[first : first + BLOCK], b[first : first + BLOCK]
        begin = np.maximum(*(table.start_s[row] for row in rows))
        end = np.minimum(*(table.end_s[row] for row in rows))
        times = begin[:, None] + (end - begin)[:, None] * np.linspace(0, 1, COMPARED)
        here, there = (_places(table, paths, row, times) for row in rows)
        result[first : first + BLOCK] = np.median(np.linalg.norm(here - there, axis=2), axis=1)
    return result


def _places(table: TrackletTable, paths: Double, rows: Long, times: Double) -> Double:
    """Places (P, S, 2) of tracklets at times (P, S), between the samples of their paths."""
    start, end, count = table.start_s[rows, None], table.end_s[rows, None], paths.shape[1]
    at = np.clip((times - start) / np.maximum(end - start, 1e-6), 0.0, 1.0) * (count - 1)
    low = np.minimum(at.astype(np.int64), count - 2)
    share = (at - low)[..., None]
    return np.asarray(paths[rows[:, None], low] * (1 - share) + paths[rows[:, None], low + 1] * share)
