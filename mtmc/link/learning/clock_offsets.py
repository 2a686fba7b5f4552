"""Clock offsets between cameras, from the travel times of both directions.

By the cameras' own clocks a journey from A to B seems to last (travel + offset_B - offset_A), the journey back (travel
+ offset_A
- offset_B). If the road takes as long one way as the other, half the difference is the offset. Every two-way transition
gives one such equation; the least-squares solution over the whole network gives each camera's clock. Where two cameras'
images overlap or calibration or timestamps say more, those clocks are known to begin with.

Shape shorthand: C cameras, L transitions, Q two-way pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from mtmc.link.evidence.candidates import Candidates
from mtmc.link.model.camera_network import Transitions
from mtmc.structures import Double, Long, Mask

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
LEAST_COUNT = 4.0
"""Vehicles that must have gone each way before a pair of transitions says anything about clocks."""
SURE = 0.8
"""Links at least this probable show how long a journey takes."""
ASYMMETRY_S = 0.7
"""Half the difference of the typical times of the two directions, on real roads .73 s in the median: added to the
statistical error."""
QUICK = (0.05, 0.5)
"""Quantiles between which journeys count as quick: the quickest may be false, the slow ones waited."""
GROSS, GROSS_WEIGHT = 4.0, 0.1
"""Residuals of more than this many medians are gross errors and lose weight in each of ROUNDS rounds."""
LEAST_SCALE_S = 0.3
"""Median residual at least: clocks and travel times are not known better."""
ROUNDS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Clocks:
    """offset_s (C,): how far each clock is ahead of the common time, that of the known clocks or, in a group without
    any, the group's mean; error_s (C,): its standard error, inf where nothing tells; group (C,): cameras whose offsets
    are tied together share a number."""

    offset_s: Double
    error_s: Double
    group: Long


def typical_s(transitions: Transitions, pairs: Candidates, probability: Double) -> tuple[Double, Double, Long]:
    """Typical seconds (L,) of each transition, the mean of the quicker half of its journeys, which late waiters do not
    move; how much that would vary if taken from one journey (L,); and the number of journeys (L,)."""
    sure = probability >= SURE
    typical, spread = np.zeros(len(transitions)), np.zeros(len(transitions))
    order = np.lexsort((pairs.seconds[sure], pairs.transition[sure]))
    transition, seconds = pairs.transition[sure][order], pairs.seconds[sure][order]
    first = np.searchsorted(transition, np.arange(len(transitions) + 1))
    low, high = QUICK
    for number in np.unique(transition).tolist():
        times = seconds[first[number] : first[number + 1]]
        quick = times[int(low * len(times)) : max(int(high * len(times)), 1)]
        typical[number] = quick.mean()
        spread[number] = max(1.2 * float(np.median(times) - np.quantile(times, 0.16)), 0.05)
    return typical, spread, np.diff(first).astype(np.int64)


def solve_clocks(transitions: Transitions, pairs: Candidates, probability: Double, known: Mask) -> Clocks:
    """Clocks of all cameras from transitions and the probabilities (P,) of their pairs. ``known`` (C,): on the common
    time already."""
    seconds, spread, count = typical_s(transitions, pairs, probability)
    there, back = _two_way(transitions)
    sound = (count[there] > 0) & (count[back] > 0)
    there, back = there[sound], back[sound]
    offset = (seconds[there] - seconds[back]) / 2
    weight = 1.0 / (_variance(spread, count, there, back) / 4 + ASYMMETRY_S**2)
    a, b = transitions.source[there], transitions.target[there]
    a, b = np.where(known[a], -1, a), np.where(known[b], -1, b)  # all known clocks are one
    return _least_squares(len(known), a, b, offset, weight, known)


def _variance(spread: Double, count: Long, there: Long, back: Long) -> Double:
    """Variance (Q,) of the difference of both ways' typical seconds. Journeys on one road vary alike both ways: a few
    that happen to take equally long are no sign of a better clock."""
    ahead, behind = count[there], count[back]
    alike = (ahead * spread[there] ** 2 + behind * spread[back] ** 2) / (ahead + behind)
    return np.asarray(alike * (1.0 / ahead + 1.0 / behind))


def _two_way(transitions: Transitions) -> tuple[Long, Long]:
    """Pairs (Q,) of transitions that lead there and back, each once; of several between two cameras the busiest."""
    busiest: dict[tuple[int, int], int] = {}
    for number in np.argsort(transitions.count, kind="stable").tolist():
        if transitions.count[number] >= LEAST_COUNT and not transitions.is_self[number]:
            busiest[int(transitions.source[number]), int(transitions.target[number])] = number
    pairs = [(busiest[k], busiest[k[::-1]]) for k in sorted(busiest) if k[0] < k[1] and k[::-1] in busiest]
    there, back = np.array(pairs, np.int64).reshape(-1, 2).T
    return there, back


def _least_squares(count: int, a: Long, b: Long, offset: Double, weight: Double, known: Mask) -> Clocks:
    """Weighted least squares of clock_b - clock_a = offset, in ROUNDS rounds of which each gives gross errors of the
    one before less weight (iteratively reweighted); index -1 is the common time."""
    clock = np.zeros(count)
    for _ in range(ROUNDS):
        laplacian, right = _normal_equations(count, a, b, offset, weight)
        group = connected_components(np.abs(laplacian) > 0, directed=False)[1]
        inverse = np.linalg.pinv(laplacian, hermitian=True)
        solution = inverse @ right
        clock = solution[:count] - solution[count] * (group[:count] == group[count])
        residual = np.abs(offset - (_at(clock, b) - _at(clock, a)))
        scale = max(float(np.median(residual)), LEAST_SCALE_S) if len(residual) else 1.0
        weight = weight * np.where(residual > GROSS * scale, GROSS_WEIGHT, 1.0)
    # the error is against the common time where a clock is tied to it, else against the group's mean
    shared = np.where(group[:count] == group[count], inverse[count, count] - 2 * inverse[:count, count], 0.0)
    excess = _excess(group, np.where(a < 0, count, a), weight * residual**2)
    variance = (np.diag(inverse)[:count] + shared) * excess[:count]
    tied = np.bincount(group)[group[:count]] > 1
    error = np.where(tied, np.sqrt(np.maximum(variance, 0.0)), np.inf)
    clock = _centred(clock, group[:count], int(group[count]))
    group = np.where(known, group[count], group[:count]).astype(np.int64)
    return Clocks(np.where(known, 0.0, clock), np.where(known, 0.0, error), group)


def _excess(group: Long, one: Long, square: Double) -> Double:
    """How many times larger (C + 1,) the squared residuals (Q,) of a camera's group are than the weights promise, at
    least 1 (Birge's ratio): several ways that contradict each other make no good clock. Trees of ways cannot tell."""
    number = int(group.max()) + 1
    spare = np.bincount(group[one], minlength=number) - (np.bincount(group, minlength=number) - 1)
    ratio = np.bincount(group[one], square, number) / np.maximum(spare, 1)
    return np.asarray(np.maximum(ratio, 1.0)[group])


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


def _at(clock: Double, camera: Long) -> Double:
    return np.where(camera < 0, 0.0, clock[np.maximum(camera, 0)])


def _centred(clock: Double, group: Long, fixed: int) -> Double:
    """Without a known clock, a group's own mean is its common time."""
    result = clock.copy()
    for number in np.unique(group):
        if number != fixed:
            result[group == number] -= result[group == number].mean()
    return result
