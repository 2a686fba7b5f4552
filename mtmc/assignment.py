"""One-to-one assignment on sparse graphs: the connected parts are found once, and only those that need a solver see
one.

Shape shorthand: E edges between left and right nodes, each given once by the numbers (>= 0) of its two ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Index = NDArray[np.int64] | NDArray[np.intp]
Double = NDArray[np.float64]
Mask = NDArray[np.bool_]

DENSE_CELLS = 10_000
"""A table of up to so many cells is solved at once: cheaper than finding its parts (insensitive within x 4,
bench_track)."""


def best_assignment(left: Index, right: Index, weights: Double, most_pairs: bool = False) -> Mask:
    """Edges (E,) of the one-to-one assignment with the largest total weight; ``weights`` (E,) are above 0.

    ``most_pairs``: first as many pairs as possible, then the largest weight (weights in (0, 1]). A limit on costs is
    the weight ``limit - cost`` of the edges below it. Among equal totals the order of the edges decides, so give them
    in an order that means something.
    """
    chosen = lone_edges(left, right)
    rest = np.flatnonzero(~chosen)
    if len(rest) == 0:
        return chosen
    left, right, weights = _compact(left[rest]), _compact(right[rest]), weights[rest]
    if (int(left.max()) + 1) * (int(right.max()) + 1) <= DENSE_CELLS:
        chosen[rest[_solve(left, right, weights, most_pairs)]] = True
        return chosen
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
            solved = _solve(_compact(left[edges]), _compact(right[edges]), weights[edges], most_pairs)
            chosen[rest[edges[solved]]] = True
    return chosen


def cheapest_assignment(left: Index, right: Index, costs: Double, limit: float) -> tuple[Index, Index]:
    """Matched (left, right) nodes of the one-to-one assignment that minimises the sum of ``costs`` (E,) minus
    ``limit``: what a solver does with a limit on costs and a penalty of half of it for each unmatched node. No edge at
    or above the limit is matched."""
    allowed = costs < limit
    if not allowed.all():
        left, right, costs = left[allowed], right[allowed], costs[allowed]
    if unrivalled(left, right):
        return left, right
    chosen = best_assignment(left, right, limit - costs)
    return left[chosen], right[chosen]


def components(left: Index, right: Index) -> NDArray[np.int64]:
    """Label (E,) of the connected part of each edge of a bipartite graph between ``left`` (E,) and ``right`` (E,)
    nodes: its smallest left node.

    Each round hands the smallest label over every edge and on along the labels, so the rounds grow with the logarithm
    of the longest path; parts of few nodes, as frames have them, take two or three.
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


def lone_edges(left: Index, right: Index) -> Mask:
    """Edges (E,) whose two nodes have no other edge."""
    if len(left) == 0:
        return np.zeros(0, np.bool_)
    return np.asarray((_degrees(left) == 1) & (_degrees(right) == 1))


def unrivalled(left: Index, right: Index) -> bool:
    """Whether all edges are lone, told faster for the few of one frame: then they are the assignment."""
    count = len(left)
    return len(set(left.tolist())) == count and len(set(right.tolist())) == count


def _degrees(nodes: Index) -> NDArray[np.intp]:
    """How many edges the node of each edge (E,) has; nodes close together, as the boxes of a frame are, need little
    memory."""
    offset = nodes - nodes.min()
    return np.asarray(np.bincount(offset).take(offset))


def _compact(nodes: Index) -> NDArray[np.intp]:
    """The same nodes, numbered without gaps in the same order."""
    offset = nodes - nodes.min()
    present = np.bincount(offset) > 0
    return np.asarray((np.cumsum(present) - 1).take(offset))


def _greedy(one: Index, other: Index, part: Index, weights: Double) -> tuple[Mask, Mask]:
    """Settle the parts where the heaviest edges of all ``one`` nodes end in different ``other`` nodes: no assignment
    can weigh more.

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


def _heaviest(nodes: Index, weights: Double) -> Mask:
    """The heaviest edge of each node (E,), the first among equals."""
    most = np.zeros(int(nodes.max()) + 1)
    np.maximum.at(most, nodes, weights)
    candidates = np.flatnonzero(weights == most[nodes])
    first = np.full(len(most), len(nodes))
    np.minimum.at(first, nodes[candidates], candidates)
    heaviest = np.zeros(len(nodes), np.bool_)
    heaviest[first[first < len(nodes)]] = True
    return heaviest


def _solve(row: Index, column: Index, weights: Double, most_pairs: bool) -> NDArray[np.intp]:
    """Indices of the chosen edges of a small graph whose nodes are numbered without gaps, by scipy's solver."""
    shape = int(row.max()) + 1, int(column.max()) + 1
    dense = np.zeros(shape)
    dense[row, column] = weights + (2.0 * min(shape) if most_pairs else 0.0)
    edge = np.full(shape, -1, np.intp)
    edge[row, column] = np.arange(len(row))
    picked = edge[linear_sum_assignment(dense, maximize=True)]
    return np.asarray(picked[picked >= 0])
