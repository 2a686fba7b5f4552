"""Ranking a gallery by likeness to each query, and what the field reports of it: mAP, CMC, mINP.

Exact and blockwise: only the ranks of the right answers are needed, so what scores higher is counted for a few of them
and looked up in the sorted scores (no argsort) for many, and ties are settled by gallery order. Memory is one block,
whatever the gallery's size.

Shape shorthand: Q queries, G gallery items, D feature size, B queries of one block, P right answers of a block.
Source: Zheng et al. 2015 (Market-1501 protocol), paper Section 4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.datasets.structures import UNKNOWN_ID

Features = NDArray[np.float32]
Ids = NDArray[np.int64]
Rows = NDArray[np.intp]
Double = NDArray[np.float64]
Mask = NDArray[np.bool_]
Scorer = Callable[[slice], Features]
"""Scores (B, G) of a block of queries against the whole gallery, higher is more alike."""

IMAGE_TO_IMAGE = "image to image"

BLOCK_BYTES = 96 * 2**20
"""Scratch memory of one block: its scores, their sorted copy and two masks."""

WITHIN = 100
"""Answers that mAP@100 looks at: precisions at the right ones among them, over their number or 100 (AI City's rule)."""

BYTES_PER_SCORE = 4 + 4 + 1 + 1

FEW = 32
"""Right answers of a query up to which counting is faster than sorting, on galleries of 10,000 and more."""


class NoAnswerError(ValueError):
    """No query has a right answer in the gallery, so that there is nothing to score."""


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
        if not all(np.isfinite(block).all() for block in _blocks(self.vectors)):
            raise ValueError("Embedded: vectors must be finite")

    def __len__(self) -> int:
        return len(self.vehicle_ids)

    def take(self, rows: Mask | Rows) -> Embedded:
        """The chosen items (mask or indices)."""
        return Embedded(self.vectors[rows], self.vehicle_ids[rows], self.camera_ids[rows])


@dataclass(frozen=True, eq=False)
class RankScores:
    """What a ranking is worth.

    mean_ap in [0, 1], over the queries that have a right answer; cmc (max_rank,) float64 in [0, 1], cmc[k - 1] = share
    of them with a right answer among the first k; average_precision (Q,) float64, NaN for the skipped queries;
    protocol: how it was measured, to be printed beside every figure; first_rank (Q,) float64, rank of the first right
    answer, NaN likewise; mean_ap_within: mAP@100; mean_inp: mean inverse negative penalty, right answers over the rank
    of the last one (Ye et al. 2021), both in [0, 1].
    """

    mean_ap: float
    cmc: Double
    average_precision: Double
    protocol: str
    first_rank: Double
    mean_ap_within: float
    mean_inp: float

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


def evaluate(
    query: Embedded,
    gallery: Embedded,
    *,
    max_rank: int = 50,
    scorer: Scorer | None = None,
    protocol: str = IMAGE_TO_IMAGE,
) -> RankScores:
    """Score each query's ranking of the gallery.

    Ranks by cosine, or by another scorer (`euclidean`, `reid.evaluation.rerank.reciprocal`), which `protocol` then
    names. Gallery items of the query's own vehicle in the query's own camera are left out; queries without a right
    answer are skipped; equal scores keep gallery order. Raises ValueError where no query has a right answer.
    """
    score = scorer or cosine(query, gallery)
    found = (
        ranks
        for rows in query_blocks(len(query), len(gallery))
        for ranks in match_ranks(score(rows), *masks(query, gallery, rows))
    )
    return score_ranks(found, max_rank, protocol)


def cosine(query: Embedded, gallery: Embedded) -> Scorer:
    """Inner products: the cosine where rows are unit."""
    return lambda rows: query.vectors[rows] @ gallery.vectors.T


def euclidean(query: Embedded, gallery: Embedded) -> Scorer:
    """2 q.g - |g|^2, which orders like minus the squared distance (|q|^2 is one number per ranking); for rows that are
    not unit."""
    squares = np.einsum("gd,gd->g", gallery.vectors, gallery.vectors)

    def score(rows: slice) -> Features:
        scores = query.vectors[rows] @ gallery.vectors.T
        scores *= 2
        scores -= squares
        return scores

    return score


def first_answers(query: Embedded, gallery: Embedded, count: int, scorer: Scorer | None = None) -> Iterator[Rows]:
    """Per query the gallery rows of its first `count` answers, junk left out, ties in gallery order."""
    score = scorer or cosine(query, gallery)
    for rows in query_blocks(len(query), len(gallery)):
        scores = score(rows)
        junk = masks(query, gallery, rows)[1]
        scores[junk] = -np.inf
        for line, removed in zip(scores, junk, strict=True):
            yield _highest(line, min(count, len(line) - int(removed.sum())))


def _highest(scores: Features, count: int) -> Rows:
    """Places of the highest scores (G,), highest first, ties in order."""
    if 0 < count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        places = np.flatnonzero(scores >= least)
        return places[np.argsort(-scores[places], kind="stable")][:count]
    return np.argsort(-scores, kind="stable")[:count]


def _blocks(vectors: Features) -> Iterator[Features]:
    """The rows in blocks, so that what is worked out of them stays small."""
    size = max(1, BLOCK_BYTES // max(1, vectors.shape[1]))
    return (vectors[first : first + size] for first in range(0, len(vectors), size))


def query_blocks(queries: int, gallery_size: int) -> Iterator[slice]:
    """Slices of queries such that one block's scratch stays within ``BLOCK_BYTES`` (one query at least)."""
    size = max(1, BLOCK_BYTES // (BYTES_PER_SCORE * max(1, gallery_size)))
    return (slice(first, min(first + size, queries)) for first in range(0, queries, size))


def masks(query: Embedded, gallery: Embedded, rows: slice) -> tuple[Mask, Mask]:
    """(B, G) masks of the right answers and of the junk: same vehicle in another camera, and in the same camera.

    Vehicle -1 is nobody: not even another -1.
    """
    right = query.vehicle_ids[rows, None] == gallery.vehicle_ids
    right[query.vehicle_ids[rows] == UNKNOWN_ID] = False
    junk = query.camera_ids[rows, None] == gallery.camera_ids
    junk &= right
    right &= ~junk
    return right, junk


def match_ranks(scores: Features, right: Mask, junk: Mask) -> list[Ids]:
    """Per query of a block the sorted 1-based ranks of its right answers, junk left out, ties in gallery order.

    scores (B, G) float32, higher is better; its junk entries are overwritten.
    """
    np.copyto(scores, -np.inf, where=junk)
    return [_ranks_in_row(line, np.flatnonzero(hits)) for line, hits in zip(scores, right, strict=True)]


def _ranks_in_row(scores: Features, hits: Rows) -> Ids:
    values = scores[hits]
    if len(hits) <= FEW:
        ahead = [
            np.count_nonzero(scores > value) + np.count_nonzero(scores[:hit] == value)
            for hit, value in zip(hits, values, strict=True)
        ]
        return np.sort(np.array(ahead, dtype=np.int64) + 1)
    ordered = np.sort(scores)
    after = np.searchsorted(ordered, values, side="right")
    ranks = len(scores) - after + 1
    tied = np.flatnonzero(after - np.searchsorted(ordered, values, side="left") > 1)
    for i in tied:
        ranks[i] += np.count_nonzero(scores[: hits[i]] == values[i])
    return np.sort(ranks)


def score_ranks(per_query: Iterable[Ids], max_rank: int, protocol: str = IMAGE_TO_IMAGE) -> RankScores:
    """mAP, mAP@100, mINP and CMC from each query's sorted ranks of its right answers.

    Raises NoAnswerError where no query has any.
    """
    rows = [_of_query(ranks) if len(ranks) else (np.nan,) * 4 for ranks in per_query]
    precision, within, penalty, first = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    counted = np.isfinite(first)
    if not counted.any():
        raise NoAnswerError("no query has a right answer in the gallery")
    cmc = np.array([(first[counted] <= k).mean() for k in range(1, max_rank + 1)])
    means = (float(values[counted].mean()) for values in (precision, within, penalty))
    mean_ap, mean_within, mean_penalty = means
    return RankScores(mean_ap, cmc, precision, protocol, first, mean_within, mean_penalty)


def _of_query(ranks: Ids) -> tuple[float, float, float, float]:
    """Average precision, that of the first `WITHIN` answers, inverse negative penalty, and the first right rank."""
    precisions = np.arange(1, len(ranks) + 1) / ranks
    within = precisions[ranks <= WITHIN].sum() / min(len(ranks), WITHIN)
    return float(precisions.mean()), float(within), len(ranks) / float(ranks[-1]), float(ranks[0])


def bootstrap(values: Double, vehicle_ids: Ids, seed: int = 0, draws: int = 1_000) -> tuple[float, float]:
    """95 % interval of the mean over queries, by drawing vehicles with replacement.

    Queries of one vehicle are alike, so that drawing queries would promise too much. values (Q,), NaN where a query did
    not count; vehicle_ids (Q,).
    """
    counted = np.isfinite(values)
    _, group = np.unique(vehicle_ids[counted], return_inverse=True)
    sums, sizes = np.bincount(group, weights=values[counted]), np.bincount(group)
    drawn = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=draws)
    low, high = np.quantile((drawn @ sums) / (drawn @ sizes), (0.025, 0.975))
    return float(low), float(high)
