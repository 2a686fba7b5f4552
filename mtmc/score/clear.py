"""CLEAR MOT (Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance", 2008), in motmetrics'
reading.

Matching carries on: a vehicle keeps the prediction it was last matched to, however long ago, while the two overlap
enough; what is left is matched for the most pairs, then the least distance. Frames of the joined time line follow one
another, so a vehicle that changes its id from one camera to the next counts as a switch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.assignment import best_assignment, components, lone_edges
from mtmc.box_table import pack
from mtmc.score.compare import Comparison

Long = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ClearCounts:
    """Counts (K,) of each group: switches, fragmentations; mt, pt, ml: vehicles matched in at least 80 %, 20 %, less
    than 20 % of their boxes."""

    switches: Long
    fragmentations: Long
    mt: Long
    pt: Long
    ml: Long


def match_frames(comparison: Comparison) -> NDArray[np.intp]:
    """Matched edges (M,) in time order. Pairs without rivals match whatever happened before, so only the others go
    frame by frame."""
    edges = comparison.close
    left, right = comparison.left[edges], comparison.right[edges]
    chosen = lone_edges(left, right)
    rivals = np.flatnonzero(~chosen)
    if len(rivals):
        chosen[_follow(comparison, edges, rivals, chosen)] = True
    return edges[chosen]


def count_clear(comparison: Comparison, matches: NDArray[np.intp], of_vehicle: Long, count: int) -> ClearCounts:
    """What CLEAR counts of ``matches`` (M,), for each of ``count`` groups of vehicles; of_vehicle (U,): their group."""
    truth = comparison.truth
    rows, track = comparison.left[matches], comparison.predicted.ids[comparison.right[matches]]
    order = _by_id(truth.ids[rows])
    vehicle, track = truth.ids[rows][order], track[order]
    switched = vehicle[1:][(np.diff(vehicle) == 0) & (np.diff(track) != 0)]
    ratio = np.bincount(vehicle, minlength=len(truth.names)) / np.maximum(truth.counts, 1)
    mostly, hardly = ratio >= 0.8, ratio < 0.2
    found_again = _found_again(truth.ids, rows)
    groups = (
        of_vehicle[switched],
        of_vehicle[found_again],
        of_vehicle[mostly],
        of_vehicle[~mostly & ~hardly],
        of_vehicle[hardly],
    )
    return ClearCounts(*(np.bincount(group, minlength=count) for group in groups))


def _found_again(ids: Long, rows: Long) -> Long:
    """The vehicle of each time that one is lost and found again: runs of matched ``rows`` less the first, in time."""
    matched = np.zeros(len(ids), np.bool_)
    matched[rows] = True
    order = _by_id(ids)
    ids, matched = ids[order], matched[order]
    starts = ids[matched & ~(np.r_[False, matched[:-1]] & (np.diff(ids, prepend=-1) == 0))]
    return np.asarray(starts[np.diff(starts, prepend=-1) == 0])


def _by_id(ids: Long) -> NDArray[np.intp]:
    """Rows (N,) by id, in time within one; short codes sort in linear time."""
    return np.argsort(ids.astype(np.uint16) if ids.max(initial=0) < 1 << 16 else ids, kind="stable")


def _follow(
    comparison: Comparison, edges: NDArray[np.intp], rivals: NDArray[np.intp], sure: NDArray[np.bool_]
) -> list[int]:
    """Match the contested parts in time order; returns positions in ``edges``. ``sure``: edges that match whatever
    happens."""
    part = components(comparison.left[edges[rivals]], comparison.right[edges[rivals]])
    vehicle, track = comparison.truth.ids[comparison.left[edges]], comparison.predicted.ids[comparison.right[edges]]
    time = comparison.truth.time[comparison.left[edges]]
    similarity = comparison.similarity[edges]
    known_time, known_track = _last_sure(vehicle, track, time, sure, rivals)
    order = np.argsort(pack(part, rivals))  # parts are named by their first true box, so in time order
    starts = np.flatnonzero(np.r_[True, np.diff(part[order]) != 0])
    stops = np.r_[starts[1:], len(order)]
    at, before_time, before_track = rivals[order].tolist(), known_time[order].tolist(), known_track[order].tolist()
    vehicles, tracks = vehicle[rivals][order].tolist(), track[rivals][order].tolist()
    times, weights = time[rivals][order].tolist(), similarity[rivals][order].tolist()
    stars = _stars(vehicle[rivals][order], track[rivals][order], starts).tolist()
    latest: dict[int, tuple[int, int]] = {}
    picked: list[int] = []

    def carries_on(k: int) -> bool:
        """Whether the vehicle of an edge was last matched to its track."""
        moment, partner = latest.get(vehicles[k], (-1, -1))
        return bool((partner if moment > before_time[k] else before_track[k]) == tracks[k])

    for start, stop, star in zip(starts.tolist(), stops.tolist(), stars, strict=True):
        group = range(start, stop)
        carried = filter(carries_on, group)
        if star:  # one edge of them matches
            found = [next(carried, max(group, key=weights.__getitem__))]
        else:
            found = _match_group(group, vehicles, tracks, weights, list(carried))
        for k in found:
            latest[vehicles[k]] = times[k], tracks[k]
            picked.append(at[k])
    return picked


def _last_sure(
    vehicle: Long, track: Long, time: Long, sure: NDArray[np.bool_], rivals: NDArray[np.intp]
) -> tuple[Long, Long]:
    """Moment and partner of the vehicle's last uncontested match before each contested edge, -1 for none."""
    span = int(time.max()) + 2
    known = np.flatnonzero(sure)
    keys = vehicle[known] * span + time[known]
    order = np.argsort(keys)
    known, keys = known[order], keys[order]
    found = np.searchsorted(keys, vehicle[rivals] * span + time[rivals]) - 1
    if len(known) == 0:
        return np.full(len(rivals), -1), np.full(len(rivals), -1)
    at = known[np.maximum(found, 0)]
    fits = (found >= 0) & (vehicle[at] == vehicle[rivals])
    return np.where(fits, time[at], -1), np.where(fits, track[at], -1)


def _stars(vehicle: Long, track: Long, starts: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether all edges of a part, which begin at ``starts``, share their vehicle or their track."""
    spread = [np.maximum.reduceat(ids, starts) - np.minimum.reduceat(ids, starts) for ids in (vehicle, track)]
    return np.asarray(np.minimum(*spread) == 0)


def _match_group(
    group: range, vehicles: list[int], tracks: list[int], weights: list[float], carried: list[int]
) -> list[int]:
    """Edges of one contested part to match: ``carried`` on in order of the vehicles, then the best assignment of the
    rest."""
    picked: list[int] = []
    taken_vehicles: set[int] = set()
    taken_tracks: set[int] = set()
    for k in carried:
        if tracks[k] not in taken_tracks:
            picked.append(k)
            taken_vehicles.add(vehicles[k])
            taken_tracks.add(tracks[k])
    rest = [k for k in group if vehicles[k] not in taken_vehicles and tracks[k] not in taken_tracks]
    if len(rest) < 2:
        return picked + rest
    if len({vehicles[k] for k in rest}) == 1 or len({tracks[k] for k in rest}) == 1:
        return [*picked, max(rest, key=weights.__getitem__)]
    chosen = best_assignment(
        np.array([vehicles[k] for k in rest]),
        np.array([tracks[k] for k in rest]),
        np.array([weights[k] for k in rest]),
        most_pairs=True,
    )
    return picked + [k for k, good in zip(rest, chosen.tolist(), strict=True) if good]
