"""k-reciprocal re-ranking."""

from __future__ import annotations

import numpy as np

from mtmc.link.baselines.rerank import rerank


def test_rerank_favours_common_neighbours() -> None:
    a, b = np.array([0, 0, 1, 0, 3]), np.array([1, 2, 2, 3, 4])
    distance = np.array([0.3, 0.3, 0.3, 0.3, 0.1])  # 0-1-2 a triangle, 3 belongs to 4
    mixed = rerank(5, a, b, distance)
    assert mixed[0] < mixed[3]
