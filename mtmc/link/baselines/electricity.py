"""The synchronization rules of the 2020 winner (ELECTRICITY, Qian et al., CVPR workshops 2020), which the paper applies
"identically": greedy nearest track per camera, smallest distance wins, no time, direction or geometry, with its listed
bugs corrected.

Corrected: tracks are keyed by (camera, number), so equal numbers in two cameras neither forbid a match nor collide in
the output; a track without a match keeps a vehicle id of its own. Distances are squared Euclidean between unit vectors,
in [0, 4]: the published 12 and 100 belong to un-normalised features and are always true here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.link.problem import Crops, Problem, Solution
from mtmc.structures import Double, Long

BLOCK = 512
"""Queries compared at once: bounds the distance matrix to BLOCK x M."""


@dataclass(frozen=True, slots=True)
class Electricity:
    """Linker with the published rules.

    max_distance: squared distance up to which a track matches; isolation_distance: a track whose nearest crop in other
    cameras is farther is isolated; remove_isolated: drop isolated tracks from the result as published (label -1), else
    each is a vehicle.
    """

    max_distance: float
    isolation_distance: float
    remove_isolated: bool

    def __call__(self, problem: Problem) -> Solution:
        """Link by the published rules; ``remove_isolated`` is the one way in which a tracklet may get label -1."""
        nearest, distance = nearest_tracks(problem)
        labels = relabel(nearest, np.where(distance <= self.max_distance, distance, np.inf))
        if self.remove_isolated and len(labels):
            labels[distance.min(axis=1) > self.isolation_distance] = -1
        return Solution(labels)


def nearest_tracks(problem: Problem) -> tuple[Long, Double]:
    """For each tracklet's first crop the nearest track in every camera: rows (T, C) and squared distances (T, C), inf
    where none.

    The released rule is one query crop against every gallery crop, the best crop standing for its track.
    """
    crops, camera = problem.crops, problem.table.camera
    count, cameras = len(problem), len(problem.table.cameras)
    nearest, distance = np.zeros((count, cameras), np.int64), np.full((count, cameras), np.inf)
    has_crop, first = np.unique(crops.row, return_index=True)
    gallery = [np.flatnonzero(camera[crops.row] == c) for c in range(cameras)]
    for begin in range(0, len(has_crop), BLOCK):
        queries = has_crop[begin : begin + BLOCK]
        vectors = crops.vectors[first[begin : begin + BLOCK]]
        for c, members in enumerate(gallery):
            _nearest_in(crops, vectors, queries, members, nearest[:, c], distance[:, c])
    own = np.arange(count), camera
    distance[own] = np.inf
    return nearest, distance


def _nearest_in(
    crops: Crops,
    vectors: NDArray[np.float32],
    queries: Long,
    members: NDArray[np.intp],
    nearest: Long,
    distance: Double,
) -> None:
    """Fill the nearest track among the ``members`` of one camera's gallery for a block of queries."""
    if len(members):
        similarity = vectors @ crops.vectors[members].T
        best = similarity.argmax(axis=1)
        nearest[queries] = crops.row[members[best]]
        distance[queries] = np.maximum(2.0 - 2.0 * similarity[np.arange(len(queries)), best], 0.0)


def relabel(nearest: Long, distance: Double) -> Long:
    """Labels (T,) by the greedy rule: each query opens a new id for itself (score: its smallest distance) and its
    matches (score: their own distance); a track keeps the id that came with the strictly smallest score. Unmatched
    tracks get fresh ids."""
    count = len(nearest)
    labels, score = np.arange(count, dtype=np.int64), np.full(count, np.inf)
    for query in range(count):
        matched = np.flatnonzero(np.isfinite(distance[query]))
        if len(matched) == 0:
            continue
        own = distance[query, matched].min()
        for track, value in [(query, own), *zip(nearest[query, matched], distance[query, matched], strict=True)]:
            if value < score[track]:
                labels[track], score[track] = count + query, value
    return labels
