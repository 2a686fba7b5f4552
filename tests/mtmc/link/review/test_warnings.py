"""Sentences about which links to look at."""

from __future__ import annotations

import numpy as np

from mtmc.link.problem import Links
from mtmc.link.review.warnings import SEEN, hardly_shared, joined_once, on_priors_alone
from tests.mtmc.link.worlds import table_of

TABLE = table_of([0] * 50 + [1] * 50 + [2] * 50, [float(k) for k in range(150)], [k + 1.0 for k in range(150)])


def links(ends: list[tuple[int, int]], time: float = 3.0, source: str = "chain") -> Links:
    rows = np.array(ends, np.int64).reshape(-1, 2)
    columns = {name: np.full(len(rows), np.nan) for name in SEEN} | {"source": np.full(len(rows), source)}
    columns |= {"time": np.full(len(rows), time), "path": np.full(len(rows), 5.0)}
    return Links(rows[:, 0], rows[:, 1], np.ones(len(rows)), columns)


def test_a_camera_that_shares_next_to_nothing_is_named() -> None:
    busy = [(k, 50 + k) for k in range(20)]
    assert hardly_shared(TABLE, links(busy)) == ""
    said = hardly_shared(TABLE, links([*busy, (20, 100), (21, 100)]))
    assert "c003 (1 of 50 tracklets)" in said
    assert "c001" not in said


def test_cameras_joined_by_one_link_are_named() -> None:
    assert joined_once(TABLE, links([(0, 50), (51, 1), (2, 3)])) == ""
    said = joined_once(TABLE, links([(0, 50), (51, 1), (100, 52)]))
    assert said == "1 pair of cameras is joined by one link only, which may be chance: c002 and c003."


def test_links_that_nothing_seen_speaks_for_are_counted() -> None:
    assert on_priors_alone(TABLE, links([(0, 50)])) == ""
    assert on_priors_alone(TABLE, links([(0, 50)], 0.2, "bridge")) == ""
    assert on_priors_alone(TABLE, links([(0, 50), (1, 51), (1, 2)], 0.2)).startswith("2 of 2 links between cameras")
