"""The network as a graph of cameras: which links are streets, and which only vehicles that a camera in between has missed.

Shape shorthand: L links, C cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.link.model.camera_network import GRID, CameraNetwork, Travel
from mtmc.structures import Double, Long

LEAST_FLOW = 3.0
"""Vehicles that must have used a street to call it one."""
MISSED_SHARE = 0.5
"""A link beside a way through a third camera is a street of its own only if this share of that way's vehicles uses it."""


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """From one camera to another: typical, low and high (5 % and 95 %) seconds from leaving one view to entering the other."""

    source: int
    target: int
    vehicles: float
    low_s: float
    typical_s: float
    high_s: float


def streets(network: CameraNetwork) -> list[Street]:
    """Direct links between different cameras, by camera; several piles of one camera pair are one street."""
    travel = network.travel
    flow, time = _matrices(network)
    merged: dict[tuple[int, int], list[int]] = {}
    for link in np.flatnonzero(direct(flow, time, network)[travel.source, travel.target]).tolist():
        merged.setdefault((int(travel.source[link]), int(travel.target[link])), []).append(link)
    result = []
    for (source, target), links in sorted(merged.items()):
        busiest = max(links, key=lambda link: (travel.flow[link], -link))
        low, typical, high = (float(quantile_s(travel, q)[busiest]) for q in (0.05, 0.5, 0.95))
        result.append(Street(source, target, float(travel.flow[links].sum()), low, typical, high))
    return result


def quantile_s(travel: Travel, share: float) -> Double:
    """Seconds (L,) below which ``share`` of the journeys of each link take, the outlier part left out."""
    step = (travel.high_s - travel.low_s) / GRID
    core = np.maximum(travel.density - travel.density.min(axis=1, keepdims=True), 1e-12)
    cumulated = np.cumsum(core, axis=1) / core.sum(axis=1, keepdims=True)
    return np.asarray(travel.low_s + ((cumulated < share).sum(axis=1) + 0.5) * step)


def _matrices(network: CameraNetwork) -> tuple[Double, Double]:
    """Vehicles (C, C) between cameras, and the typical seconds (C, C) of the busiest link, inf without one."""
    travel, count = network.travel, len(network.cameras)
    typical = quantile_s(travel, 0.5)
    flow, time = np.zeros((count, count)), np.full((count, count), np.inf)
    most = np.zeros((count, count))
    for link in np.flatnonzero(travel.source != travel.target).tolist():
        a, b = travel.source[link], travel.target[link]
        flow[a, b] += travel.flow[link]
        if travel.flow[link] > most[a, b]:
            most[a, b], time[a, b] = travel.flow[link], typical[link]
    return flow, time


def direct(flow: Double, time: Double, network: CameraNetwork) -> NDArray[np.bool_]:
    """Whether (C, C) a street leads from one camera to another with none of the others in between."""
    result = flow >= LEAST_FLOW
    for a, b in np.argwhere(result).tolist():
        if _through_another(flow, time, a, b):
            result[a, b] = False
    return np.asarray(result)


def _through_another(flow: Double, time: Double, a: int, b: int) -> bool:
    """Whether the vehicles from a to b are few beside those that a third camera saw on the way, in about the same time."""
    way = time[a, :] + time[:, b]
    busy = np.minimum(flow[a, :], flow[:, b])
    return bool(((way < time[a, b]) & (flow[a, b] < MISSED_SHARE * busy)).any())


def camera_groups(pairs: list[Street], count: int) -> Long:
    """Group number (C,) of cameras that streets connect."""
    group = np.arange(count, dtype=np.int64)
    for street in pairs:
        a, b = group[street.source], group[street.target]
        group[group == max(a, b)] = min(a, b)
    return group
