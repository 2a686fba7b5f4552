"""How well one partition of tracklets into vehicles agrees with another: identity F1 and link precision, recall and F1.

A tracklet counts with its number of boxes, so on tracklets that are each of one vehicle IDF1 equals the box-wise one.
Shape shorthand: T tracklets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from mtmc.structures import Long


@dataclass(frozen=True, slots=True)
class Agreement:
    """All in [0, 1]; a link is a pair of tracklets of one vehicle."""

    idf1: float
    link_precision: float
    link_recall: float
    link_f1: float


def agreement(truth: Long, predicted: Long, boxes: Long) -> Agreement:
    """Compare labels (T,) with the true ones, weighted by boxes (T,). Negative labels: not in the truth / not in the result."""
    both = (truth >= 0) & (predicted >= 0)
    shared = _contingency(truth[both], predicted[both], boxes[both])
    total = float(boxes[truth >= 0].sum() + boxes[predicted >= 0].sum())
    idf1 = 2.0 * _best_assignment(shared) / total if total else 1.0
    hits = _pairs(_contingency(truth[both], predicted[both], np.ones(int(both.sum()), np.int64)).data)
    claimed, real = (_pairs(np.unique(labels[labels >= 0], return_counts=True)[1]) for labels in (predicted, truth))
    precision, recall = hits / claimed if claimed else 1.0, hits / real if real else 1.0
    f1 = 2 * hits / (claimed + real) if claimed + real else 1.0
    return Agreement(idf1, precision, recall, f1)


def _pairs(counts: Long) -> float:
    return float((counts * (counts - 1) // 2).sum())


def _contingency(truth: Long, predicted: Long, weight: Long) -> sparse.csr_array:
    """Summed weight of every (true, predicted) label pair that occurs."""
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (truth, predicted))
    shape = (int(rows.max(initial=-1)) + 1, int(columns.max(initial=-1)) + 1)
    table = sparse.csr_array(sparse.coo_array((weight, (rows, columns)), shape=shape))
    table.sum_duplicates()
    return table


def _best_assignment(shared: sparse.csr_array) -> float:
    """Largest total weight of a one-to-one assignment, solved connected part by connected part."""
    if shared.nnz == 0:
        return 0.0
    graph = sparse.block_array([[None, shared], [shared.T, None]])
    part = connected_components(graph, directed=False)[1]
    entries = shared.tocoo()
    order = np.argsort(part[entries.row], kind="stable")
    cuts = np.flatnonzero(np.diff(part[entries.row][order])) + 1
    total = 0.0
    for members in np.split(order, cuts):
        total += _assign(entries.row[members], entries.col[members], entries.data[members])
    return total


def _assign(rows: Long, columns: Long, weight: Long) -> float:
    if len(rows) == 1:
        return float(weight[0])
    (_, i), (_, j) = (np.unique(values, return_inverse=True) for values in (rows, columns))
    dense = np.zeros((i.max() + 1, j.max() + 1))
    dense[i, j] = weight
    return float(dense[linear_sum_assignment(dense, maximize=True)].sum())
