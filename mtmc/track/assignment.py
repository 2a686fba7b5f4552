"""Cost-limited optimal assignment on a sparse list of allowed pairs.

Shape shorthand: P allowed pairs (row, column, cost). The solution minimises the sum of (cost - limit) over the matched
pairs, which is what a solver with a cost limit and unmatched penalties of limit / 2 on both sides minimises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Index = NDArray[np.intp]
Double = NDArray[np.float64]

_DENSE_CELLS = 10_000  # below this one dense problem is cheaper than finding its components


def assign(rows: Index, columns: Index, costs: Double, limit: float) -> tuple[Index, Index]:
    """Match rows to columns at least total cost, only along the given pairs (P,) and below ``limit``.

    Returns matched (rows, columns), in no particular order but the same for the same input; each at most once.
    A pair may be listed once only.
    """
    allowed = costs < limit
    if not allowed.all():
        rows, columns, costs = rows[allowed], columns[allowed], costs[allowed]
    if unrivalled(rows, columns):
        return rows, columns
    alone = (_frequency(rows) == 1) & (_frequency(columns) == 1)
    contested = ~alone
    more_rows, more_columns = _solve(rows[contested], columns[contested], costs[contested] - limit)
    return np.concatenate([rows[alone], more_rows]), np.concatenate([columns[alone], more_columns])


def unrivalled(rows: Index, columns: Index) -> bool:
    """Whether no row and no column stands in two pairs (P,): then the pairs are the assignment."""
    count = len(rows)
    return len(set(rows.tolist())) == count and len(set(columns.tolist())) == count


def _frequency(names: Index) -> Index:
    """How often each name (P,) occurs; like ``_compact`` for names close together, as the boxes of a frame are."""
    offset = names - names.min()
    return np.asarray(np.bincount(offset).take(offset))


def _compact(names: Index) -> tuple[Index, Index]:
    """The distinct names in order, and where each name (P,) stands among them."""
    low = names.min()
    present = np.bincount(names - low) > 0
    return present.nonzero()[0] + low, (np.cumsum(present) - 1).take(names - low)


def _solve(rows: Index, columns: Index, gains: Double) -> tuple[Index, Index]:
    row_names, row = _compact(rows)
    column_names, column = _compact(columns)
    shape = len(row_names), len(column_names)
    solve = _solve_dense if shape[0] * shape[1] <= _DENSE_CELLS else _solve_components
    matched_row, matched_column = solve(row, column, gains, shape)
    return row_names[matched_row], column_names[matched_column]


def _solve_dense(row: Index, column: Index, gains: Double, shape: tuple[int, int]) -> tuple[Index, Index]:
    table = np.zeros(shape)  # 0 = leave both unmatched, which every allowed pair (negative) beats
    table[row, column] = gains
    matched_row, matched_column = linear_sum_assignment(table)
    chosen = table[matched_row, matched_column] < 0
    return matched_row[chosen], matched_column[chosen]


def _solve_components(row: Index, column: Index, gains: Double, shape: tuple[int, int]) -> tuple[Index, Index]:
    """One dense problem per connected component, so that the cost grows with the number of pairs."""
    count = sum(shape)
    graph = coo_array((np.ones(len(row), np.int8), (row, column + shape[0])), shape=(count, count))
    labels = connected_components(graph, directed=False)[1][row]
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    found_rows, found_columns = [], []
    for part in parts:
        row_names, part_row = _compact(row[part])
        column_names, part_column = _compact(column[part])
        size = len(row_names), len(column_names)
        matched_row, matched_column = _solve_dense(part_row, part_column, gains[part], size)
        found_rows.append(row_names[matched_row])
        found_columns.append(column_names[matched_column])
    return np.concatenate(found_rows), np.concatenate(found_columns)
