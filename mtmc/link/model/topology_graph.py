"""The network as a graph of cameras: which transitions are direct, and which only vehicles that a camera in between has
missed.

Shape shorthand: L transitions, C cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, shortest_path

from mtmc.link.model.camera_network import GRID, CameraNetwork, Transitions
from mtmc.structures import Double, Long, Mask

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
LEAST_COUNT = 3.0
"""Vehicles that must have gone from one camera to another to call the transition one that traffic uses."""
MISSED_FRACTION = 0.5
"""A transition beside a way through a third camera is direct only if at least this fraction of that way's vehicles uses
it."""
UNCONNECTED, STRESS_STEPS = 1.3, 200
"""For drawing: cameras without a way between them are this many times as far apart as the farthest others."""


@dataclass(frozen=True, slots=True, eq=False)
class DirectTransition:
    """From one camera to another: typical, low and high (5 % and 95 %) seconds from leaving one view to entering the
    other."""

    source: int
    target: int
    vehicles: float
    low_s: float
    typical_s: float
    high_s: float


def direct_transitions(network: CameraNetwork) -> list[DirectTransition]:
    """Direct transitions between different cameras, by camera; several modes of one camera pair are one."""
    transitions = network.transitions
    is_direct = _is_direct(*_count_and_time(network))
    merged: dict[tuple[int, int], list[int]] = {}
    for number in np.flatnonzero(is_direct[transitions.source, transitions.target]).tolist():
        ends = int(transitions.source[number]), int(transitions.target[number])
        merged.setdefault(ends, []).append(number)
    quantiles = [quantile_s(transitions, q) for q in (0.05, 0.5, 0.95)]
    result = []
    for (source, target), numbers in sorted(merged.items()):
        busiest = max(numbers, key=lambda number: (transitions.count[number], -number))
        low, typical, high = (float(seconds[busiest]) for seconds in quantiles)
        count = float(transitions.count[numbers].sum())
        result.append(DirectTransition(source, target, count, low, typical, high))
    return result


def quantile_s(transitions: Transitions, fraction: float) -> Double:
    """Seconds (L,) below which ``fraction`` of the journeys of each transition take, the outlier part left out."""
    step = (transitions.high_s - transitions.low_s) / GRID
    core = np.maximum(transitions.density - transitions.density.min(axis=1, keepdims=True), 1e-12)
    cumulated = np.cumsum(core, axis=1) / core.sum(axis=1, keepdims=True)
    return np.asarray(transitions.low_s + ((cumulated < fraction).sum(axis=1) + 0.5) * step)


def _count_and_time(network: CameraNetwork) -> tuple[Double, Double]:
    """Vehicles (C, C) between cameras, and the typical seconds (C, C) of the busiest transition, inf without one."""
    transitions, size = network.transitions, len(network.cameras)
    typical = quantile_s(transitions, 0.5)
    count, time = np.zeros((size, size)), np.full((size, size), np.inf)
    most = np.zeros((size, size))
    for number in np.flatnonzero(~transitions.is_self).tolist():
        a, b = transitions.source[number], transitions.target[number]
        count[a, b] += transitions.count[number]
        if transitions.count[number] > most[a, b]:
            most[a, b], time[a, b] = transitions.count[number], typical[number]
    return count, time


def _is_direct(count: Double, time: Double) -> Mask:
    """Whether (C, C) traffic goes from one camera to another with none of the others in between."""
    result = count >= LEAST_COUNT
    for a, b in np.argwhere(result).tolist():
        if _through_another(count, time, a, b):
            result[a, b] = False
    return np.asarray(result)


def _through_another(count: Double, time: Double, a: int, b: int) -> bool:
    """Whether the vehicles from a to b are few beside those that a third camera saw on the way, in about the same
    time."""
    way = time[a, :] + time[:, b]
    busy = np.minimum(count[a, :], count[:, b])
    return bool(((way < time[a, b]) & (count[a, b] < MISSED_FRACTION * busy)).any())


def camera_groups(direct: list[DirectTransition], size: int) -> Long:
    """Group number (C,) of cameras that direct transitions connect."""
    ends = [d.source for d in direct], [d.target for d in direct]
    graph = sparse.coo_array((np.ones(len(direct)), ends), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def planar_layout(times: Double) -> Double:
    """Places (C, 2) whose distances follow the shortest times, by classical scaling and some steps of stress
    reduction."""

    count = len(times)
    distance = np.asarray(shortest_path(np.where(np.isfinite(times), times, 0.0), directed=False))
    far = distance[np.isfinite(distance)].max(initial=1.0)
    distance = np.where(np.isfinite(distance), distance, UNCONNECTED * far)
    centring = np.eye(count) - 1.0 / max(count, 1)
    values, vectors = np.linalg.eigh(-0.5 * centring @ distance**2 @ centring)
    places = vectors[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 1e-6))
    places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    weight = 1.0 / np.maximum(distance, 1e-6) ** 2 * (1 - np.eye(count))
    for _ in range(STRESS_STEPS):
        difference = places[:, None] - places[None]
        now = np.maximum(np.linalg.norm(difference, axis=2), 1e-6)
        pull = weight * (distance - now) / now
        step = (pull[..., None] * difference).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)[:, None]
        places = places + 0.5 * step
    return np.asarray(places)
