"""Which ports are worth a close look when there are too many to try all: sampled nearest neighbours over all cameras.

Shape shorthand: T tracklets, D feature size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtmc.link.model.entry_exit_zones import PortMap, Ports
from mtmc.link.model.limits import Limits
from mtmc.structures import Float, Long, TrackletTable

FEW_CAMERAS = 40
"""Up to here every pair of cameras is looked at, so that one camera more changes nothing for the others."""
QUERIES_PER_CAMERA = 60
NEAREST = 3
LEAST_VOTES = 2
"""Chance gives a pair of ports some hundredth of a vote when there are many cameras."""
BLOCK = 256


def port_pairs(
    table: TrackletTable, features: Float, ports: PortMap, trusted: NDArray[np.bool_], limits: Limits
) -> list[tuple[int, int]]:
    """Exits and entries of different cameras (global port numbers, "elsewhere" left out) between which a link may be looked for."""
    present = np.unique(table.camera)
    if len(present) <= FEW_CAMERAS:
        exits, entries = _real(ports.exits), _real(ports.entries)
        pairs = [(e, f) for e in exits for f in entries if ports.exit_camera[e] != ports.entry_camera[f]]
        return [(int(e), int(f)) for e, f in pairs]
    found, votes = _votes(table, features, ports, limits.span_s(bool(trusted.all())))
    size = len(ports.entry_camera)
    good = found[votes >= LEAST_VOTES]
    real = np.isin(good // size, _real(ports.exits)) & np.isin(good % size, _real(ports.entries))
    return [(int(n // size), int(n % size)) for n in good[real]]


def _real(ports: tuple[Ports, ...]) -> Long:
    """Global numbers of the ports that are somewhere."""
    base = np.concatenate([[0], np.cumsum([len(p) + 1 for p in ports])])
    return np.concatenate([np.arange(b, b + len(p)) for b, p in zip(base, ports, strict=False)]).astype(np.int64)


def _votes(table: TrackletTable, features: Float, ports: PortMap, span: tuple[float, float]) -> tuple[Long, Long]:
    """Numbers exit x entries + entry (N,) and how often (N,) a tracklet entering there is among the nearest of a sampled tracklet leaving
    by that exit, over all other cameras and all times that are possible."""
    order = np.argsort(table.start_s, kind="stable")
    start = table.start_s[order]
    queries = _sampled(table)
    cast = [np.zeros(0, np.int64)]
    for begin in range(0, len(queries), BLOCK):
        rows = queries[begin : begin + BLOCK]
        left = table.end_s[rows]
        first, last = np.searchsorted(start, (left[0] + span[0], left[-1] + span[1]))
        after = order[first:last]
        if len(after) <= NEAREST:
            continue
        similarity = features[rows] @ features[after].T
        difference = start[first:last][None, :] - left[:, None]
        barred = (difference < span[0]) | (difference > span[1])
        similarity[barred | (table.camera[after][None, :] == table.camera[rows][:, None])] = -2.0
        best = np.argpartition(-similarity, NEAREST, axis=1)[:, :NEAREST]
        pairs = ports.exit[rows][:, None] * len(ports.entry_camera) + ports.entry[after][best]
        cast.append(pairs[np.take_along_axis(similarity, best, axis=1) > -2.0])
    found, votes = np.unique(np.concatenate(cast), return_counts=True)
    return found, votes.astype(np.int64)


def _sampled(table: TrackletTable) -> Long:
    """Up to QUERIES_PER_CAMERA rows of each camera, spread over its time, ordered by the time they leave."""
    parts = []
    order = np.lexsort((table.end_s, table.camera))
    for rows in np.split(order, np.flatnonzero(np.diff(table.camera[order])) + 1):
        step = max(len(rows) // QUERIES_PER_CAMERA, 1)
        parts.append(rows[::step])
    chosen = np.concatenate(parts)
    return chosen[np.argsort(table.end_s[chosen], kind="stable")].astype(np.int64)
