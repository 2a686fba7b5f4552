"""k-reciprocal re-ranking (Zhong et al. 2017): answers count as alike when their neighbourhoods are, too.

An option, never a default: it uses all queries and the whole gallery at once, so figures with and without it do not
compare, and every figure that used it must say so. Neighbour lists and sparse neighbourhood vectors are kept, never an
N x N matrix.

Shape shorthand: N = Q queries + G gallery items, D feature size, B rows of a block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reid.errors import UserError
from reid.evaluation.ranking import Embedded, Features, Rows, Scorer, query_blocks

EXPANSION_OVERLAP = 2 / 3
MOST_ITEMS = 200_000
"""Queries and gallery together beyond which re-ranking is refused: it compares each with each and keeps every
neighbourhood, a day and more for a million."""


@dataclass(frozen=True)
class Reciprocal:
    """k1: neighbours that must choose each other, >= 1; k2: neighbours whose vectors are averaged, 1..k1 + 1; weight of
    the first distance beside the Jaccard distance, in [0, 1]. Defaults of the paper."""

    k1: int = 20
    k2: int = 6
    weight: float = 0.3

    def __post_init__(self) -> None:
        if not 1 <= self.k2 <= self.k1 + 1:
            raise ValueError(f"Reciprocal: k2 must be in 1..k1 + 1 = {self.k1 + 1}, got {self.k2}")

    @property
    def name(self) -> str:
        """How a figure must name it."""
        return f"k-reciprocal re-ranked (k1 {self.k1}, k2 {self.k2}, lambda {self.weight:g})"


def reciprocal(query: Embedded, gallery: Embedded, options: Reciprocal | None = None) -> Scorer:
    """Scorer of minus the re-ranked distance; rows of both must be unit.

    Raises UserError for more items than can be compared each with each.
    """
    chosen = options or Reciprocal()
    if (total := len(query) + len(gallery)) > MOST_ITEMS:
        reason = f"{total:,}, of which each would be compared with each"
        raise UserError("--rerank", f"at most {MOST_ITEMS:,} images", reason, "Evaluate without it, or a part of them.")
    vectors = np.concatenate([query.vectors, gallery.vectors])
    neighbours, farthest = _neighbours(vectors, chosen.k1 + 1)
    described = _describe(vectors, neighbours, farthest, chosen)
    queries, items = described[: len(query)], sparse.csc_array(described[len(query) :])

    def score(rows: slice) -> Features:
        first = _distances(query.vectors[rows], gallery.vectors) / farthest[rows, None]
        shared = np.stack([_shared(queries, row, items) for row in range(len(query))[rows]])
        jaccard = 1 - shared / (2 - shared)
        return np.asarray(-(jaccard * (1 - chosen.weight) + first * chosen.weight), dtype=np.float32)

    return score


def _distances(some: Features, others: Features) -> Features:
    """Squared Euclidean distances of unit rows, in [0, 4]."""
    return np.asarray(2 - 2 * (some @ others.T), dtype=np.float32)


def _neighbours(vectors: Features, count: int) -> tuple[Rows, Features]:
    """Rows of the `count` nearest items of each (itself among them), nearest first; and each item's largest distance
    (N,)."""
    nearest, farthest = [], []
    for rows in query_blocks(len(vectors), len(vectors)):
        distances = _distances(vectors[rows], vectors)
        nearest.append(_smallest(distances, min(count, len(vectors))))
        farthest.append(distances.max(axis=1))
    return np.concatenate(nearest), np.maximum(np.concatenate(farthest), np.finfo(np.float32).tiny)


def _smallest(values: Features, count: int) -> Rows:
    """Columns of each row's smallest values, smallest first."""
    columns = np.argpartition(values, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(values, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _describe(vectors: Features, neighbours: Rows, farthest: Features, options: Reciprocal) -> sparse.csr_array:
    """(N, N) sparse: each item's expanded neighbourhood with Gaussian weights summing to 1, averaged over k2
    neighbours."""
    strict = _mutual(neighbours)
    half = _mutual(neighbours[:, : round(options.k1 / 2) + 1])
    columns = [_expand(strict[row], half) for row in range(len(vectors))]
    weights = [_weights(vectors, row, chosen, farthest[row]) for row, chosen in enumerate(columns)]
    described = _sparse_rows(columns, weights, len(vectors))
    nearest = neighbours[:, : options.k2]
    average = _sparse_rows(
        list(nearest), [np.full(nearest.shape[1], 1 / nearest.shape[1], np.float32)] * len(nearest), len(nearest)
    )
    return sparse.csr_array(average @ described)


def _mutual(neighbours: Rows) -> list[frozenset[int]]:
    """Per item those of its neighbours that have it as neighbour."""
    sets = [frozenset(row) for row in neighbours.tolist()]
    return [frozenset(other for other in chosen if row in sets[other]) for row, chosen in enumerate(sets)]


def _expand(own: frozenset[int], half: list[frozenset[int]]) -> Rows:
    """The item's mutual neighbours, and the half-size sets of those whose set lies mostly inside them."""
    wider = set(own)
    for other in own:
        if len(half[other] & own) > EXPANSION_OVERLAP * len(half[other]):
            wider |= half[other]
    return np.array(sorted(wider), dtype=np.intp)


def _weights(vectors: Features, row: int, columns: Rows, farthest: float) -> Features:
    closeness = np.exp(-_distances(vectors[row : row + 1], vectors[columns])[0] / farthest)
    return np.asarray(closeness / closeness.sum(), dtype=np.float32)


def _sparse_rows(columns: list[Rows], values: list[Features], width: int) -> sparse.csr_array:
    starts = np.concatenate([[0], np.cumsum([len(chosen) for chosen in columns])])
    return sparse.csr_array((np.concatenate(values), np.concatenate(columns), starts), shape=(len(columns), width))


def _shared(queries: sparse.csr_array, row: int, items: sparse.csc_array) -> NDArray[np.float32]:
    """(G,) sum of the smaller of the two weights over the columns of one query's vector."""
    start, stop = queries.indptr[row : row + 2]
    columns, own = queries.indices[start:stop], queries.data[start:stop]
    lengths = items.indptr[columns + 1] - items.indptr[columns]
    places = np.repeat(items.indptr[columns] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(
        lengths.sum()
    )
    smaller = np.minimum(np.repeat(own, lengths), items.data[places])
    counted = np.bincount(items.indices[places], weights=smaller, minlength=items.shape[0])
    return np.asarray(counted, dtype=np.float32)
