"""Long clips in windows: what the whole clip gives, and nothing that depends on what comes much later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtmc.structures import Detections, Tracklet
from mtmc.track import TrackParams, make_tracker, track, track_windows, windows
from tests.mtmc.track.clips import camera, detections, drive

PARAMS = TrackParams()
FPS = 10.0


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_S", 6.0)
    monkeypatch.setattr(windows, "OVERLAP_S", 5.0)


def traffic(seed: int, vehicles: int) -> Detections:
    """Vehicles on three lanes, some hidden for a while, over half a minute."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, np.ndarray]] = []
    for _ in range(vehicles):
        start, length = int(rng.integers(0, 240)), int(rng.integers(8, 120))
        hidden = int(rng.integers(0, length))
        frames = [start + k for k in range(length) if not hidden <= k < hidden + int(rng.integers(0, 12))]
        rows += drive(frames, (100 + 40 * int(rng.integers(0, 10)), 150 * int(rng.integers(1, 4))), (6, 0))
    return detections(rows)


def content(tracklets: list[Tracklet]) -> set[tuple[bytes, bytes, int]]:
    return {(t.frames.tobytes(), t.xyxy.tobytes(), t.label) for t in tracklets}


def in_one_piece(clip: Detections) -> list[Tracklet]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "WINDOW_S", 1e6)
        return track(camera(FPS), clip, make_tracker(PARAMS), PARAMS)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), vehicles=st.integers(0, 25))
def test_windows_give_what_the_whole_clip_gives(seed: int, vehicles: int) -> None:
    clip = traffic(seed, vehicles)
    found = track(camera(FPS), clip, make_tracker(PARAMS), PARAMS)
    assert content(found) == content(in_one_piece(clip))
    assert [t.track_id for t in found] == list(range(1, len(found) + 1))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), window=st.integers(0, 3))
def test_what_comes_later_than_the_overlap_changes_nothing(seed: int, window: int) -> None:
    """A stream: windows are final as soon as the overlap behind them is there."""
    clip, known = traffic(seed, 20), int(FPS * (6 * (window + 1) + 5))
    so_far = clip.take(clip.frames < known)

    def ended(found: Detections) -> list[list[Tracklet]]:
        def source(first: int, end: int) -> Detections:
            return found.take((found.frames >= first) & (found.frames < end))

        return list(track_windows(camera(FPS), source, make_tracker(PARAMS), PARAMS))

    for early, late in zip(ended(so_far)[: window + 1], ended(clip), strict=False):
        assert content(early) == content(late)
        assert [t.track_id for t in early] == [t.track_id for t in late]


def test_a_vehicle_that_stands_through_many_windows_is_one() -> None:
    stands = drive(range(290), (300, 300), (0, 0))
    clip = detections([*stands, *drive(range(290, 299), (300 - 289 * 20, 300), (20, 0))])
    (found,) = track(camera(FPS), clip, make_tracker(PARAMS), PARAMS)
    assert (found.frames[0], found.frames[-1]) == (0, 298)
