from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mtmc.detect.postprocess import nms
from mtmc.geometry import iou


def keep(frames: list[int], boxes: list[list[float]], scores: list[float], limit: float = 0.5) -> list[int]:
    arrays = np.array(frames, np.int32), np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32)
    return nms(*arrays, limit).tolist()


def test_better_of_two_boxes_of_one_vehicle_stays() -> None:
    assert keep([0, 0], [[0, 0, 10, 10], [0, 0, 10, 9]], [0.6, 0.9]) == [1]


def test_frames_do_not_touch_each_other() -> None:
    assert keep([0, 1], [[0, 0, 10, 10], [0, 0, 10, 10]], [0.6, 0.9]) == [0, 1]


def test_what_a_suppressed_box_covers_may_stay() -> None:
    boxes = [[0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10]]  # neighbours overlap by 0.54, the outer two by 0.25
    assert keep([0, 0, 0], boxes, [0.9, 0.8, 0.7]) == [0, 2]


def test_no_boxes() -> None:
    assert keep([], [], []) == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 20),
            st.integers(0, 20),
            st.integers(1, 12),
            st.integers(1, 12),
            st.floats(0, 1),
        ),
        max_size=25,
    )
)
def test_kept_boxes_do_not_overlap_and_every_other_had_a_better_rival(
    rows: list[tuple[int, int, int, int, int, float]],
) -> None:
    frames = np.array([r[0] for r in rows], np.int32)
    xyxy = np.array([[r[1], r[2], r[1] + r[3], r[2] + r[4]] for r in rows], np.float32).reshape(-1, 4)
    scores = np.array([r[5] for r in rows], np.float32)
    kept = nms(frames, xyxy, scores, 0.5)
    same = (frames[:, None] == frames[None]) & (iou(xyxy, xyxy) > 0.5)
    assert not (same[np.ix_(kept, kept)] & ~np.eye(len(kept), dtype=bool)).any()
    for row in set(range(len(rows))) - set(kept.tolist()):
        assert any(same[row, other] and scores[other] >= scores[row] for other in kept)
    assert (np.diff(frames[kept]) >= 0).all()
