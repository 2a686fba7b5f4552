"""Bins, classes, cells, scaling, queues."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from mtmc.traffic.bins import make_bins
from mtmc.traffic.cells import Summary, interval, quantiles
from mtmc.traffic.queues import Stops, queue_table
from mtmc.traffic.scaling import fitted
from tests.builders import make_camera, make_scene


def test_bins_lie_on_the_quarters_of_the_clock() -> None:
    scene = replace(make_scene(make_camera()), clock_zero=datetime(2026, 5, 1, 7, 10))
    bins = make_bins(900.0, 0.0, 3600.0, scene)
    assert (bins.start_s, bins.count) == (-600.0, 5)
    assert bins.of(np.array([-1.0, 0.0, 299.0, 300.0, 3599.0, 3600.0])).tolist() == [-1, 0, 0, 1, 4, -1]
    assert bins.watched_s((0.0, 3000.0)).tolist() == [300, 900, 900, 900, 0]


def test_quantiles_of_cells_are_numpys() -> None:
    rng = np.random.default_rng(1)
    code, values = rng.integers(0, 9, 200), rng.normal(size=200)
    wanted = [np.quantile(values[code == k], (0.15, 0.5, 0.85)) for k in np.unique(code)]
    assert quantiles(code, values, (0.15, 0.5, 0.85)) == pytest.approx(np.array(wanted))


def test_intervals_hold_nine_of_ten_samples() -> None:
    samples = [Summary(np.array([3]), {"vehicles": np.array([float(k)])}) for k in range(1, 101)]
    low, high = interval(samples, np.array([3, 4]), "vehicles", 0.0)
    assert (low.tolist(), high.tolist()) == ([5, 0], [95, 0])
    assert np.isnan(interval(samples, np.array([4]), "vehicles", np.nan)).all()


def test_fitting_keeps_the_odds_and_meets_the_totals() -> None:
    seen = np.array([[5.0, 10], [20, 30]])
    out, into = np.array([30.0, 100]), np.array([50.0, 80])
    found = fitted(seen, out, into)
    assert found.sum(axis=1) == pytest.approx(out)
    assert found.sum(axis=0) == pytest.approx(into)
    odds = found[0, 0] * found[1, 1] / (found[0, 1] * found[1, 0])
    assert odds == pytest.approx(seen[0, 0] * seen[1, 1] / (seen[0, 1] * seen[1, 0]))
    assert fitted(seen, np.array([np.nan, 100]), np.full(2, np.nan)).sum(axis=1)[1] == pytest.approx(100)


def test_queues_are_who_stands_at_once() -> None:
    start, end = np.array([0.0, 5, 8, 40]), np.array([20.0, 20, 18, 50])
    stops = Stops(np.zeros(4, np.int64), start, end, np.array([[0.0, 0], [8, 0], [16, 0], [1, 0]]))
    (first, second) = queue_table(stops, ["c001"], make_bins(30.0, 0.0, 60.0), None).to_pylist()
    assert (first["stops"], first["stopped_s"], first["longest_queue"], first["longest_queue_m"]) == (3, 45.0, 3, 23.0)
    assert (second["stops"], second["longest_queue"], second["mean_queue"]) == (1, 1, pytest.approx(1 / 3))
