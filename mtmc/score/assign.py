"""One-to-one assignment on sparse graphs: the connected parts are found once, and only those that need a solver see one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Long = NDArray[np.int64]
Double = NDArray[np.float64]
Mask = NDArray[np.bool_]


def components(left: Long, right: Long) -> Long:
    """Label (E,) of the connected part of each edge of a bipartite graph between ``left`` (E,) and ``right`` (E,) nodes: its smallest
    left node.

    Each round hands the smallest label over every edge and on along the labels, so the rounds grow with the logarithm of the
    longest path; parts of few nodes, as frames have them, take two or three.
    """
    if len(left) == 0:
        return np.zeros(0, np.int64)
    labels = np.arange(int(left.max()) + 1)
    across = np.empty(int(right.max()) + 1, np.int64)
    while True:
        across[right] = len(labels)
        np.minimum.at(across, right, labels[left])
        found = labels.copy()
        np.minimum.at(found, left, across[right])
        found = found[found]
        if np.array_equal(found, labels):
            return np.asarray(labels[left])
        labels = found


def best_assignment(left: Long, right: Long, weights: Double, most_pairs: bool = False) -> Mask:
    """Edges (E,) of the one-to-one assignment with the largest total weight; ``weights`` (E,) are above 0.

    ``most_pairs``: first as many pairs as possible, then the largest weight (weights in (0, 1]). Among equal totals the order of the
    edges decides, so give them in an order that means something.
    """
    chosen = lone_edges(left, right)
    rest = np.flatnonzero(~chosen)
    if len(rest) == 0:
        return chosen
    left, right, weights = _compact(left[rest]), _compact(right[rest]), weights[rest]
    open_edges = np.arange(len(rest))
    for one, other in ((left, right), (right, left)):
        part = components(left[open_edges], right[open_edges])
        settled, picked = _greedy(one[open_edges], other[open_edges], part, weights[open_edges])
        chosen[rest[open_edges[picked]]] = True
        open_edges = open_edges[~settled]
    part = components(left[open_edges], right[open_edges])
    order = np.argsort(part, kind="stable")
    for edges in np.split(open_edges[order], np.flatnonzero(np.diff(part[order])) + 1):
        if len(edges):
            chosen[rest[edges[_solve(left[edges], right[edges], weights[edges], most_pairs)]]] = True
    return chosen


def _compact(nodes: Long) -> Long:
    """The same nodes, numbered without gaps in the same order."""
    present = np.zeros(int(nodes.max()) + 1, np.bool_)
    present[nodes] = True
    return np.asarray(np.cumsum(present)[nodes] - 1, np.int64)


def lone_edges(left: Long, right: Long) -> Mask:
    """Edges (E,) whose two nodes have no other edge."""
    if len(left) == 0:
        return np.zeros(0, np.bool_)
    return np.asarray((np.bincount(left)[left] == 1) & (np.bincount(right)[right] == 1))


def _greedy(one: Long, other: Long, part: Long, weights: Double) -> tuple[Mask, Mask]:
    """Settle the parts where the heaviest edges of all ``one`` nodes end in different ``other`` nodes: no assignment can weigh more.

    Returns the edges of settled parts and those picked, both (E,).
    """
    if len(one) == 0:
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    heaviest = _heaviest(one, weights)
    clashing = np.zeros(int(part.max()) + 1, np.bool_)
    ends = np.bincount(other[heaviest], minlength=int(other.max()) + 1)
    clashing[part[heaviest][ends[other[heaviest]] > 1]] = True
    settled = ~clashing[part]
    return settled, heaviest & settled


def _heaviest(nodes: Long, weights: Double) -> Mask:
    """The heaviest edge of each node (E,), the first among equals."""
    most = np.zeros(int(nodes.max()) + 1)
    np.maximum.at(most, nodes, weights)
    candidates = np.flatnonzero(weights == most[nodes])
    first = np.full(len(most), len(nodes))
    np.minimum.at(first, nodes[candidates], candidates)
    heaviest = np.zeros(len(nodes), np.bool_)
    heaviest[first[first < len(nodes)]] = True
    return heaviest


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
