"""What follows for linking from what somebody said of pairs."""

from __future__ import annotations

import numpy as np

from mtmc.link.problem import Links, Wishes
from mtmc.link.review.wishes import still_open
from tests.mtmc.link.worlds import table_of


def test_a_pair_that_is_one_vehicle_closes_what_passes_it_and_nothing_between() -> None:
    """Tracklets 0 to 4 one after the other, 5 beside 0; 0 and 3 are one vehicle, 0 and 5 are too, 1 and 2 are not."""
    table = table_of([0, 1, 2, 0, 1, 2], [0, 10, 20, 30, 40, 1], [5, 15, 25, 35, 45, 6])
    pairs = [(0, 1), (0, 3), (0, 4), (1, 2), (1, 3), (2, 3), (3, 4), (5, 1)]
    links = Links(*np.array(pairs).T, np.ones(len(pairs)))
    wishes = Wishes(np.array([[3, 0], [0, 5]]), np.array([[2, 1]]))
    left = still_open(table, links, wishes)
    assert list(zip(left.source.tolist(), left.target.tolist(), strict=True)) == [
        pair for pair in pairs if pair not in {(0, 4), (1, 2)}
    ]
