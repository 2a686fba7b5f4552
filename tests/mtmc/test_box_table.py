"""Flat boxes: sorting keys, cameras in the challenge's order, to tracks and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.box_table import Boxes, camera_number, camera_order, pack
from tests.builders import make_tracklet, make_vehicle

Key = st.lists(st.integers(-(2**61), 2**61) | st.integers(0, 3), min_size=5, max_size=5)


@given(st.lists(Key, min_size=1, max_size=4))
def test_packed_keys_sort_and_tell_apart_as_the_keys_do(keys: list[list[int]]) -> None:
    packed = pack(*(np.array(key) for key in keys))
    rows = list(zip(*keys, strict=True))
    for one in range(5):
        for other in range(5):
            assert (packed[one] < packed[other]) == (rows[one] < rows[other])
            assert (packed[one] == packed[other]) == (rows[one] == rows[other])


def test_no_rows_pack_to_none() -> None:
    assert pack(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


def test_cameras_go_by_number_then_name() -> None:
    assert sorted(["north", "c010", "cam9", "c2"], key=camera_order) == ["c2", "cam9", "c010", "north"]
    assert [camera_number(name) for name in ("c041", "cam1", "north")] == [41, 1, None]


def test_tracks_come_back_whole() -> None:
    before = [
        make_vehicle(3, make_tracklet("c010", 1), make_tracklet("c002", 4, range(3, 7)), make_tracklet("c002", 9, [8])),
        make_vehicle(7, make_tracklet("c002", 5, [1])),
    ]
    boxes = Boxes.from_tracks(before)
    assert boxes.cameras == ("c002", "c010")
    assert not boxes.duplicates().any()
    after = boxes.take(np.random.default_rng(0).permutation(len(boxes))).to_tracks()
    assert [v.vehicle_id for v in after] == [3, 7]
    assert [t.key for t in after[0].tracklets] == [("c002", 4), ("c002", 9), ("c010", 1)]
    assert np.array_equal(after[0].tracklets[2].xyxy, before[0].tracklets[0].xyxy)
    assert Boxes.from_tracks([]).to_tracks() == []


def test_the_later_of_two_equal_rows_is_the_duplicate() -> None:
    boxes = Boxes.from_tracks([make_vehicle(3, make_tracklet("c010", 1, range(4)))])
    twice = Boxes.concatenate([boxes, boxes.take(np.array([2]))])
    assert twice.duplicates().tolist() == [False] * 4 + [True]
    with pytest.raises(ValueError, match="increasing"):
        twice.to_tracks()
    assert boxes.where(1) == "camera c010, frame 1"
