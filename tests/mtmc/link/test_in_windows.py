"""Linking window after window: every tracklet once, numbers that stay, nearly the vehicles of one piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.benchmark import agreement
from mtmc.link.in_windows import link_in_windows
from mtmc.structures import Long, TrackletTable
from mtmc.synth.tracklets.sampling import LEVELS, simulate

WINDOW_S = 1500.0


@pytest.fixture(scope="module")
def hour() -> tuple[TrackletTable, Long, Long]:
    world = simulate(replace(LEVELS[1], streets=replace(LEVELS[1].streets, duration_s=3600.0), dimension=32), seed=1)
    return world.table, world.vehicle_id, world.boxes


def linked(table: TrackletTable, params: LinkParams) -> tuple[TrackletTable, Long]:
    spans = []

    def source(begin_s: float, end_s: float) -> TrackletTable:
        spans.append(end_s - begin_s)
        return table.take(np.flatnonzero((table.end_s >= begin_s) & (table.start_s < end_s)))

    parts = list(link_in_windows(source, 0.0, 3600.0, WINDOW_S, params))
    assert max(spans) <= WINDOW_S + 2 * 3 * params.max_travel_s
    return TrackletTable.joined([part for part, _ in parts]), np.concatenate([numbers for _, numbers in parts])


def test_windows_give_nearly_the_vehicles_of_one_piece(hour: tuple[TrackletTable, Long, Long]) -> None:
    table, vehicle, boxes = hour
    params = LinkParams(max_travel_s=120.0)
    found, numbers = linked(table, params)
    assert sorted(found.track_id.tolist()) == sorted(table.track_id.tolist())
    row = np.searchsorted(table.track_id, found.track_id)
    whole = agreement(vehicle, solve(Problem.of(table), params).labels, boxes).idf1
    assert agreement(vehicle[row], numbers, boxes[row]).idf1 > whole - 0.03
    across = [np.ptp(found.start_s[numbers == n] // WINDOW_S) for n in np.unique(numbers)]
    assert max(across) == 1  # some vehicles are carried over a cut


def test_no_vehicle_is_twice_in_one_view_at_one_time(hour: tuple[TrackletTable, Long, Long]) -> None:
    found, numbers = linked(hour[0], LinkParams(max_travel_s=120.0))
    order = np.lexsort((found.start_s, found.camera, numbers))
    one, other = order[:-1], order[1:]
    same = (numbers[one] == numbers[other]) & (found.camera[one] == found.camera[other])
    assert (found.start_s[other] > found.end_s[one])[same].all()


def test_a_day_of_a_city_has_other_traffic_on_the_same_roads() -> None:
    first, second, again = (simulate(LEVELS[1], seed=1, day=day) for day in (1, 2, 2))
    assert first.zones_toml == second.zones_toml
    assert len(first.table) != len(second.table)
    assert np.array_equal(second.table.features, again.table.features)
