"""Clock offsets between cameras, from the travel times of both directions.

By the cameras' own clocks a journey from A to B seems to last (travel + ahead_B - ahead_A), the journey back (travel + ahead_A -
ahead_B). If the road takes as long one way as the other, half the difference is the offset. Every two-way link gives one such
equation; the least-squares solution over the whole network gives each camera's clock. Where two cameras' images overlap or calibration
or timestamps say more, those clocks are known to begin with.

Shape shorthand: C cameras, L links, Q two-way pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from mtmc.link.evidence.candidates import Candidates
from mtmc.link.model.camera_network import Travel
from mtmc.structures import Double, Long

LEAST_FLOW = 4.0
"""Vehicles that must have gone each way before a pair of links says anything about clocks."""
SURE = 0.8
"""Links at least this probable show how long a journey takes."""
ASYMMETRY_S = 0.3
"""How far apart the typical times of the two directions may be on a real road: added to the statistical error."""


@dataclass(frozen=True, slots=True, eq=False)
class Clocks:
    """ahead_s (C,): how far each clock is ahead of the common time, that of the known clocks or, in a group without any, the group's
    mean; error_s (C,): its standard error, inf where nothing tells; group (C,): cameras whose offsets are tied together share a number."""

    ahead_s: Double
    error_s: Double
    group: Long


def typical_s(travel: Travel, pairs: Candidates, probability: Double) -> tuple[Double, Double, Long]:
    """Typical seconds (L,) of each link, the mean of the quicker half of its journeys, which late waiters do not move; how much that
    would vary if taken from one journey (L,); and the number of journeys (L,)."""
    sure = probability >= SURE
    typical, spread = np.zeros(len(travel)), np.zeros(len(travel))
    order = np.lexsort((pairs.seconds[sure], pairs.link[sure]))
    link, seconds = pairs.link[sure][order], pairs.seconds[sure][order]
    first = np.searchsorted(link, np.arange(len(travel) + 1))
    for number in np.unique(link).tolist():
        times = seconds[first[number] : first[number + 1]]
        quick = times[int(0.05 * len(times)) : max(len(times) // 2, 1)]
        typical[number] = quick.mean()
        spread[number] = max(1.2 * float(np.median(times) - np.quantile(times, 0.16)), 0.05)
    return typical, spread, np.diff(first).astype(np.int64)


def solve_clocks(travel: Travel, pairs: Candidates, probability: Double, known: NDArray[np.bool_]) -> Clocks:
    """Clocks of all cameras from links and the probabilities (P,) of their pairs. ``known`` (C,): on the common time already."""
    seconds, spread, count = typical_s(travel, pairs, probability)
    there, back = _two_way(travel)
    sound = (count[there] > 0) & (count[back] > 0)
    there, back = there[sound], back[sound]
    offset = (seconds[there] - seconds[back]) / 2
    weight = 1.0 / (_variance(spread, count, there, back) / 4 + ASYMMETRY_S**2)
    a, b = travel.source[there], travel.target[there]
    a, b = np.where(known[a], -1, a), np.where(known[b], -1, b)  # all known clocks are one
    return _least_squares(len(known), a, b, offset, weight, known)


def _variance(spread: Double, count: Long, there: Long, back: Long) -> Double:
    """Variance (Q,) of the difference of both ways' typical seconds. Journeys on one road vary alike both ways: a few that happen to
    take equally long are no sign of a better clock."""
    ahead, behind = count[there], count[back]
    alike = (ahead * spread[there] ** 2 + behind * spread[back] ** 2) / (ahead + behind)
    return np.asarray(alike * (1.0 / ahead + 1.0 / behind))


def _two_way(travel: Travel) -> tuple[Long, Long]:
    """Pairs (Q,) of links that lead there and back, each once; of several links between two cameras the busiest."""
    busiest: dict[tuple[int, int], int] = {}
    for link in np.argsort(travel.flow, kind="stable").tolist():
        if travel.flow[link] >= LEAST_FLOW and travel.source[link] != travel.target[link]:
            busiest[int(travel.source[link]), int(travel.target[link])] = link
    pairs = [(busiest[k], busiest[k[::-1]]) for k in sorted(busiest) if k[0] < k[1] and k[::-1] in busiest]
    there, back = np.array(pairs, np.int64).reshape(-1, 2).T
    return there, back


def _least_squares(count: int, a: Long, b: Long, offset: Double, weight: Double, known: NDArray[np.bool_]) -> Clocks:
    """Weighted least squares of ahead_b - ahead_a = offset, iterated once without gross errors; index -1 is the common time."""
    ahead, error = np.zeros(count), np.full(count, np.inf)
    for _ in range(4):
        laplacian, right = _normal_equations(count, a, b, offset, weight)
        group = connected_components(np.abs(laplacian) > 0, directed=False)[1]
        inverse = np.linalg.pinv(laplacian, hermitian=True)
        solution = inverse @ right
        ahead = solution[:count] - solution[count] * (group[:count] == group[count])
        residual = np.abs(offset - (_at(ahead, b) - _at(ahead, a)))
        scale = max(float(np.median(residual)), 0.3) if len(residual) else 1.0
        weight = weight * np.where(residual > 4 * scale, 0.1, 1.0)
    # the error is against the common time where a clock is tied to it, else against the group's mean
    shared = np.where(group[:count] == group[count], inverse[count, count] - 2 * inverse[:count, count], 0.0)
    variance = np.diag(inverse)[:count] + shared
    tied = np.bincount(group)[group[:count]] > 1
    error = np.where(tied, np.sqrt(np.maximum(variance, 0.0)), np.inf)
    ahead = _centred(ahead, group[:count], int(group[count]))
    return Clocks(np.where(known, 0.0, ahead), np.where(known, 0.0, error), group[:count].astype(np.int64))


def _normal_equations(count: int, a: Long, b: Long, offset: Double, weight: Double) -> tuple[Double, Double]:
    """Laplacian (C + 1, C + 1) and right side; the last row is the common time."""
    a, b = np.where(a < 0, count, a), np.where(b < 0, count, b)
    laplacian, right = np.zeros((count + 1, count + 1)), np.zeros(count + 1)
    np.add.at(laplacian, (a, a), weight)
    np.add.at(laplacian, (b, b), weight)
    np.add.at(laplacian, (a, b), -weight)
    np.add.at(laplacian, (b, a), -weight)
    np.add.at(right, b, weight * offset)
    np.add.at(right, a, -weight * offset)
    return laplacian, right


def _at(ahead: Double, camera: Long) -> Double:
    return np.where(camera < 0, 0.0, ahead[np.maximum(camera, 0)])


def _centred(ahead: Double, group: Long, fixed: int) -> Double:
    """Without a known clock, a group's own mean is its common time."""
    result = ahead.copy()
    for number in np.unique(group):
        if number != fixed:
            result[group == number] -= result[group == number].mean()
    return result
