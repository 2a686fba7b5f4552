"""One-to-one assignment on sparse graphs: the connected parts are found once, and only those that need a solver see one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Long = NDArray[np.int64]
Double = NDArray[np.float64]
Mask = NDArray[np.bool_]


def components(left: Long, right: Long) -> Long:
    """Number (E,) of the connected part of each edge of a bipartite graph between ``left`` (E,) and ``right`` (E,) nodes."""
    if len(left) == 0:
        return np.zeros(0, np.int64)
    base = int(left.max()) + 1
    size = base + int(right.max()) + 1
    graph = coo_array((np.ones(len(left), np.int8), (left, right + base)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels[left], np.int64)


def best_assignment(left: Long, right: Long, weights: Double, most_pairs: bool = False) -> Mask:
    """Edges (E,) of the one-to-one assignment with the largest total weight; ``weights`` (E,) are above 0.

    ``most_pairs``: first as many pairs as possible, then the largest weight (weights in (0, 1]). Among equal totals the order of the
    edges decides, so give them in an order that means something.
    """
    chosen = np.zeros(len(left), np.bool_)
    lone = _lone(left) & _lone(right)
    chosen[lone] = True
    rest = np.flatnonzero(~lone)
    for one, other in ((left, right), (right, left)):
        settled, picked = _greedy(one[rest], other[rest], components(left[rest], right[rest]), weights[rest])
        chosen[rest[picked]] = True
        rest = rest[~settled]
    part = components(left[rest], right[rest])
    order = np.argsort(part, kind="stable")
    for edges in np.split(rest[order], np.flatnonzero(np.diff(part[order])) + 1):
        if len(edges):
            chosen[edges[_solve(left[edges], right[edges], weights[edges], most_pairs)]] = True
    return chosen


def _lone(nodes: Long) -> Mask:
    """Edges whose node has no other edge."""
    if len(nodes) == 0:
        return np.zeros(0, np.bool_)
    return np.asarray(np.bincount(nodes)[nodes] == 1)


def _greedy(one: Long, other: Long, part: Long, weights: Double) -> tuple[Mask, Mask]:
    """Settle the parts where the heaviest edges of all ``one`` nodes end in different ``other`` nodes: no assignment can weigh more.

    Returns the edges of settled parts and those picked, both (E,).
    """
    if len(one) == 0:
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    order = np.lexsort((np.arange(len(one)), -weights, one))
    first = np.r_[True, np.diff(one[order]) != 0]
    heaviest = np.zeros(len(one), np.bool_)
    heaviest[order[first]] = True
    clashing = np.zeros(int(part.max()) + 1, np.bool_)
    ends = np.bincount(other[heaviest], minlength=int(other.max()) + 1)
    clashing[part[heaviest][ends[other[heaviest]] > 1]] = True
    settled = ~clashing[part]
    return settled, heaviest & settled


def _solve(left: Long, right: Long, weights: Double, most_pairs: bool) -> Long:
    """Indices of the chosen edges of one connected part, by scipy's solver."""
    rows, row = np.unique(left, return_inverse=True)
    columns, column = np.unique(right, return_inverse=True)
    dense = np.zeros((len(rows), len(columns)))
    dense[row, column] = weights + (2.0 * min(dense.shape) if most_pairs else 0.0)
    edge = np.full(dense.shape, -1, np.int64)
    edge[row, column] = np.arange(len(left))
    picked: Long = edge[linear_sum_assignment(dense, maximize=True)]
    return picked[picked >= 0]
