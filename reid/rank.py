"""Ranking a gallery by likeness to each query, and what the field reports of it: mAP and CMC.

Exact and blockwise: only the ranks of the right answers are needed, so a block of scores is sorted by value (no argsort), each
right answer is looked up in it, and ties are settled by gallery order. Memory is one block, whatever the gallery's size.

Shape shorthand: Q queries, G gallery items, D feature size, B queries of one block, P right answers of a block.
Source: Zheng et al. 2015 (Market-1501 protocol), paper Section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Ids = NDArray[np.int64]
Double = NDArray[np.float64]

BLOCK_BYTES = 96 * 2**20
"""Scratch memory of one block: its scores, their sorted copy and two masks."""

BYTES_PER_SCORE = 4 + 4 + 1 + 1


@dataclass(frozen=True, eq=False)
class Embedded:
    """Vectors with their labels: vectors (N, D) float32; vehicle_ids, camera_ids (N,) int64.

    Raises ValueError where the lengths differ or a vector is not finite.
    """

    vectors: Features
    vehicle_ids: Ids
    camera_ids: Ids

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", np.ascontiguousarray(self.vectors, dtype=np.float32))
        object.__setattr__(self, "vehicle_ids", np.asarray(self.vehicle_ids, dtype=np.int64))
        object.__setattr__(self, "camera_ids", np.asarray(self.camera_ids, dtype=np.int64))
        if self.vectors.ndim != 2 or not len(self.vectors) == len(self.vehicle_ids) == len(self.camera_ids):
            raise ValueError("Embedded: needs vectors (N, D) with N vehicle ids and N camera ids")
        if not np.isfinite(self.vectors).all():
            raise ValueError("Embedded: vectors must be finite")

    def __len__(self) -> int:
        return len(self.vehicle_ids)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Embedded:
        """The chosen items (mask or indices)."""
        return Embedded(self.vectors[rows], self.vehicle_ids[rows], self.camera_ids[rows])


@dataclass(frozen=True, eq=False)
class RankScores:
    """What a ranking is worth.

    mean_ap in [0, 1], over the queries that have a right answer; cmc (max_rank,) float64 in [0, 1], cmc[k - 1] = share of them
    with a right answer among the first k; average_precision (Q,) float64, NaN for the skipped queries; protocol: how it was
    measured, to be printed beside every figure.
    """

    mean_ap: float
    cmc: Double
    average_precision: Double
    protocol: str = "image to image, same vehicle in same camera removed"

    @property
    def queries(self) -> int:
        """Queries that counted."""
        return int(np.isfinite(self.average_precision).sum())

    @property
    def skipped(self) -> int:
        """Queries left out: the gallery has no right answer to them."""
        return len(self.average_precision) - self.queries

    def rank(self, k: int) -> float:
        """CMC at rank k (from 1), in [0, 1]; beyond the last rank kept, the value at the last."""
        return float(self.cmc[min(k, len(self.cmc)) - 1])


def evaluate(query: Embedded, gallery: Embedded, *, max_rank: int = 50, euclidean: bool = False) -> RankScores:
    """Score each query's ranking of the gallery.

    Ranks by cosine for unit rows, or with ``euclidean`` by squared Euclidean distance where rows are not unit (tracks). Gallery
    items of the query's own vehicle in the query's own camera are left out; queries without a right answer are skipped; equal
    scores keep gallery order. Raises ValueError where no query has a right answer.
    """
    score = _euclidean_scores if euclidean else _cosine_scores
    found = [
        match_ranks(score(query.vectors[rows], gallery.vectors), *masks(query, gallery, rows))
        for rows in query_blocks(len(query), len(gallery))
    ]
    return score_ranks(found, max_rank)


def query_blocks(queries: int, gallery_size: int) -> Iterator[slice]:
    """Slices of queries such that one block's scratch stays within ``BLOCK_BYTES`` (one query at least)."""
    size = max(1, BLOCK_BYTES // (BYTES_PER_SCORE * max(1, gallery_size)))
    return (slice(first, min(first + size, queries)) for first in range(0, queries, size))


def masks(query: Embedded, gallery: Embedded, rows: slice) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(B, G) masks of the right answers and of the junk: same vehicle in another camera, and in the same camera."""
    right = query.vehicle_ids[rows, None] == gallery.vehicle_ids
    junk = query.camera_ids[rows, None] == gallery.camera_ids
    junk &= right
    right &= ~junk
    return right, junk


def match_ranks(scores: Features, right: NDArray[np.bool_], junk: NDArray[np.bool_]) -> list[Ids]:
    """Per query of a block the sorted 1-based ranks of its right answers, junk left out, ties in gallery order.

    scores (B, G) float32, higher is better; its junk entries are overwritten.
    """
    scores[junk] = -np.inf
    ordered = np.sort(scores, axis=1)
    return [
        _ranks_in_row(row, line, np.flatnonzero(hits)) for row, line, hits in zip(scores, ordered, right, strict=True)
    ]


def _ranks_in_row(scores: Features, ordered: Features, hits: NDArray[np.intp]) -> Ids:
    values = scores[hits]
    after = np.searchsorted(ordered, values, side="right")
    ranks = len(scores) - after + 1
    tied = np.flatnonzero(after - np.searchsorted(ordered, values, side="left") > 1)
    for i in tied:
        ranks[i] += np.count_nonzero(scores[: hits[i]] == values[i])
    return np.sort(ranks)


def score_ranks(blocks: list[list[Ids]], max_rank: int, protocol: str = RankScores.protocol) -> RankScores:
    """mAP and CMC from the ranks of the right answers of all queries, block after block."""
    per_query = [ranks for block in blocks for ranks in block]
    counted = np.array([len(ranks) > 0 for ranks in per_query], dtype=bool)
    if not counted.any():
        raise ValueError("no query has a right answer in the gallery")
    precision = np.array([_average_precision(ranks) for ranks in per_query])
    best = np.array([ranks[0] for ranks in per_query if len(ranks)])
    cmc = np.array([(best <= k).mean() for k in range(1, max_rank + 1)])
    return RankScores(float(precision[counted].mean()), cmc, precision, protocol)


def _average_precision(ranks: Ids) -> float:
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks)) if len(ranks) else float("nan")


def _cosine_scores(query: Features, gallery: Features) -> Features:
    return query @ gallery.T


def _euclidean_scores(query: Features, gallery: Features) -> Features:
    """2 q.g - |g|^2, which orders like minus the squared distance: |q|^2 is the same for the whole ranking."""
    scores = query @ gallery.T
    scores *= 2
    scores -= np.einsum("gd,gd->g", gallery, gallery)
    return scores
