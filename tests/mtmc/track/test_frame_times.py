"""Frames that are not evenly spaced: a tracker over cameras lives on true time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtmc.scene import Camera
from mtmc.structures import Detections, Double
from mtmc.track import FrameRate, TrackParams, make_tracker, track
from mtmc.track.jde.kalman import MotionModel, to_measurements
from tests.builders import make_camera

DUSK = np.concatenate([np.arange(0, 3, 1 / 20), np.arange(3, 9, 1 / 5)])


def driving(times: Double, frames: np.ndarray | None = None, speed: float = 60.0) -> Detections:
    """One vehicle after the other, 200 px apart, seen at their places at these times."""
    rows = []
    for frame, time in zip(np.arange(len(times)) if frames is None else frames, times, strict=True):
        for vehicle in range(4):
            x = speed * time - 200 * vehicle
            if 0 <= x <= 540:
                rows.append((frame, x, 100, x + 60, 140))
    table = np.array(rows)
    count = len(table)
    features = np.zeros((count, 0))
    return Detections(table[:, 0], table[:, 1:], np.full(count, 0.9), np.zeros(count), features)


def camera_at(times: Double, fps: float = 20.0) -> Camera:
    camera = make_camera(fps=fps, size=(640, 360), frames=len(times))
    return replace(camera, times_s=times - times[0])


def test_a_slower_clock_loses_nobody() -> None:
    """At dusk the rate falls to a quarter, and with it a vehicle's boxes lie four times as far apart."""
    found = driving(DUSK, speed=120)
    tracklets = track(camera_at(DUSK), found, make_tracker(TrackParams()), TrackParams())
    assert len(tracklets) == 4
    assert sum(map(len, tracklets)) == len(found)


def test_equal_times_change_nothing() -> None:
    times = np.arange(0, 9, 0.1)
    found, plain = driving(times), make_camera(fps=10.0, size=(640, 360), frames=len(times))
    told = replace(plain, times_s=times)
    one, other = (track(c, found, make_tracker(TrackParams()), TrackParams()) for c in (plain, told))
    assert [t.frames.tolist() for t in one] == [t.frames.tolist() for t in other]
    assert all(np.allclose(a.xyxy, b.xyxy) for a, b in zip(one, other, strict=True))


def test_only_frames_looked_at_can_be_missed() -> None:
    """Every fourth frame, and a part of the clip: a vehicle's track has a box in each of them."""
    times = np.arange(0, 9, 0.1)
    chosen = np.arange(20, 90, 4)
    found = driving(times[chosen], chosen)
    camera = replace(make_camera(fps=10.0, size=(640, 360), frames=len(times)), chosen=chosen, stride=4)
    tracklets = track(camera, found, make_tracker(TrackParams()), TrackParams())
    assert np.isin(np.concatenate([t.frames for t in tracklets]), chosen).all()
    assert sum(map(len, tracklets)) == len(found)
    assert all((np.diff(t.frames) == 4).all() for t in tracklets)


@pytest.mark.parametrize("tracker", ["jde", "deepsort"])
def test_an_hour_between_two_frames_parts_vehicles(tracker: str) -> None:
    """The recorder was off: who stands at the same place an hour later is another."""
    times = np.concatenate([np.arange(0, 4, 0.1), 3600 + np.arange(0, 4, 0.1)])
    boxes = np.tile([[100.0, 100, 160, 140]], (len(times), 1)) + np.arange(len(times))[:, None] % 40
    features = np.zeros((len(times), 0))
    found = Detections(np.arange(len(times)), boxes, np.full(len(times), 0.9), np.zeros(len(times)), features)
    params = TrackParams(tracker=tracker)
    tracklets = track(camera_at(times, 10.0), found, make_tracker(params), params)
    assert [t.frames[[0, -1]].tolist() for t in tracklets] == [[0, 39], [40, 79]]


def test_two_steps_are_one_of_twice_the_time() -> None:
    model = MotionModel()
    state = model.initiate(to_measurements(np.array([[0.0, 0, 40, 20]])))
    state[:, 4] = 3.0
    once, twice = model.predict(state, 2.0), model.predict(model.predict(state))
    np.testing.assert_allclose(once[:, :8], twice[:, :8])
    np.testing.assert_allclose(model.predict(state, 1.0), model.predict(state))
    np.testing.assert_allclose(once[:, 16:20], twice[:, 16:20], rtol=1e-6)


def test_a_rate_is_a_number() -> None:
    rate = FrameRate(20.0, DUSK)
    assert (rate * 2, int(rate)) == (40.0, 20)
    assert rate.steps[[0, 30, 70, -1]].tolist() == pytest.approx([1, 1, 4, 4])
