"""k-reciprocal re-ranking on a sparse graph of candidate pairs: two tracklets are alike if they have the same near
neighbours.

After Zhong et al., CVPR 2017, restricted to pairs that time allows, so its cost grows with the candidates, not with T x
T. Shape shorthand: T tracklets, P candidate pairs.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from mtmc.structures import Double, Long

NEIGHBOURS = 12
"""Near neighbours that make a neighbourhood: a vehicle is rarely seen by more cameras."""
JACCARD_WEIGHT = 0.7
"""Weight of the Jaccard distance, as published (1 - lambda of the paper)."""
BLOCK = 50_000
"""Pairs compared at once: bounds memory."""


def rerank(count: int, a: Long, b: Long, distance: Double) -> Double:
    """Distances (P,) of pairs (a, b) mixed with the Jaccard distance of their reciprocal neighbourhoods; same range as
    given, [0, 2].

    ``count`` = T; each unordered pair once, a != b.
    """
    if len(a) == 0:
        return distance
    neighbours = _reciprocal(count, a, b, distance)
    jaccard = np.empty(len(a))
    for begin in range(0, len(a), BLOCK):
        rows = slice(begin, begin + BLOCK)
        left, right = neighbours[a[rows]], neighbours[b[rows]]
        shared = np.asarray(left.minimum(right).sum(axis=1)).ravel()
        jaccard[rows] = 1.0 - shared / (2.0 - shared)
    return np.asarray((1 - JACCARD_WEIGHT) * distance + JACCARD_WEIGHT * jaccard)


def _reciprocal(count: int, a: Long, b: Long, distance: Double) -> sparse.csr_array:
    """Row-stochastic weights (T, T) of each tracklet's reciprocal nearest neighbours, itself included."""
    source, target, far = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([distance, distance])
    order = np.lexsort((target, far, source))
    source, target, far = source[order], target[order], far[order]
    rank = np.arange(len(source)) - np.searchsorted(source, source)
    near = rank < NEIGHBOURS
    graph = sparse.csr_array((np.exp(-far[near]), (source[near], target[near])), shape=(count, count))
    mutual = graph.multiply(graph.T > 0) + sparse.eye_array(count)
    total = np.asarray(mutual.sum(axis=1)).ravel()
    return sparse.csr_array(sparse.diags_array(1.0 / total) @ mutual)
