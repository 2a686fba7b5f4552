from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.geometry import iou
from mtmc.track import sparse_iou as pairs
from mtmc.track.sparse_iou import overlapping, pair_overlap, to_bounds, touching


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    low = rng.integers(0, 60, (count, 2)).astype(float)
    return np.concatenate([low, low + rng.integers(0, 12, (count, 2))], axis=1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_touching_equals_comparing_all(seed: int, count_a: int, count_b: int, sweep: bool) -> None:
    rng = np.random.default_rng(seed)
    a, b = boxes(rng, count_a), boxes(rng, count_b)
    expected = {
        (i, j)
        for i in range(count_a)
        for j in range(count_b)
        if (a[i, :2] <= b[j, 2:]).all() and (b[j, :2] <= a[i, 2:]).all()
    }
    with pytest.MonkeyPatch.context() as patch:
        if sweep and count_a and count_b:
            patch.setattr(pairs, "_DENSE_CELLS", -1)
        rows, columns = touching(to_bounds(a[:, :2], a[:, 2:]), to_bounds(b[:, :2], b[:, 2:]))
    found = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert len(found) == len(expected)
    assert set(found) == expected
    assert found == sorted(found, key=lambda pair: pair[0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 0.3]), st.booleans())
def test_overlapping_equals_geometry(seed: int, count_a: int, count_b: int, least: float, sweep: bool) -> None:
    rng = np.random.default_rng(seed)
    a, b = boxes(rng, count_a), boxes(rng, count_b)
    a[:, 2:] += 1
    b[:, 2:] += 1
    expected = iou(a, b)
    with pytest.MonkeyPatch.context() as patch:
        if sweep:
            patch.setattr(pairs, "_DENSE_CELLS", -1)
        rows, columns, costs = overlapping(to_bounds(a[:, :2], a[:, 2:]), to_bounds(b[:, :2], b[:, 2:]), least)
    assert sorted(zip(rows, columns, strict=True)) == sorted(zip(*(expected > least).nonzero(), strict=True))
    np.testing.assert_allclose(costs, 1 - expected[rows, columns])
    np.testing.assert_allclose(
        pair_overlap(to_bounds(a[rows][:, :2], a[rows][:, 2:]), to_bounds(b[columns][:, :2], b[columns][:, 2:])),
        1 - costs,
    )
