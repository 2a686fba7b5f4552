"""The sparse solver against trying everything."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc import assignment
from mtmc.assignment import cheapest_assignment


def brute_force(table: np.ndarray, limit: float) -> float:
    """Least sum of (cost - limit) over all partial matchings of a small table with inf for forbidden pairs."""
    rows, columns = table.shape
    best = 0.0
    for count in range(1, min(rows, columns) + 1):
        for chosen in combinations(range(rows), count):
            for order in permutations(range(columns), count):
                best = min(best, float((table[list(chosen), list(order)] - limit).sum()))
    return best


def as_pairs(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(np.isfinite(table))
    return rows, columns, table[rows, columns]


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cell = st.one_of(st.just(np.inf), st.integers(0, 100).map(lambda c: c / 100))
    return np.array(draw(st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=rows, max_size=rows)))


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([0.3, 0.7, 0.9]), st.sampled_from([0, 10_000]))
def test_equals_brute_force(table: np.ndarray, limit: float, dense_cells: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assignment, "DENSE_CELLS", dense_cells)  # 0: by components
        rows, columns = cheapest_assignment(*as_pairs(table), limit)
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    costs = table[rows, columns]
    assert (costs < limit).all()
    assert (costs - limit).sum() == pytest.approx(brute_force(table, limit), abs=1e-9)


def test_limit_is_part_of_the_optimum() -> None:
    """Cost-limited means: one good pair beats two of which one costs nearly the limit, if that forces a dear first."""
    table = np.array([[0.0, 0.69], [0.69, np.inf]])
    rows, columns = cheapest_assignment(*as_pairs(table), 0.7)
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 0}


def test_at_the_limit_is_never_matched() -> None:
    rows, _ = cheapest_assignment(np.array([0]), np.array([0]), np.array([0.7]), 0.7)
    assert len(rows) == 0


def test_nothing_in_nothing_out() -> None:
    none = np.zeros(0, np.intp)
    rows, columns = cheapest_assignment(none, none, np.zeros(0), 0.7)
    assert len(rows) == len(columns) == 0


def test_components_equal_one_dense_problem() -> None:
    rng = np.random.default_rng(0)
    table = np.full((150, 150), np.inf)
    for start in range(0, 150, 5):
        table[start : start + 5, start : start + 5] = rng.random((5, 5))
    rows, columns = cheapest_assignment(*as_pairs(table), 0.8)  # 22 500 cells: solved by components
    dense = np.where(np.isfinite(table), np.minimum(table - 0.8, 0), 0)
    dense_rows, dense_columns = assignment.linear_sum_assignment(dense)
    assert (table[rows, columns] - 0.8).sum() == pytest.approx(dense[dense_rows, dense_columns].sum())
