"""Windows of linking: every tracklet once, numbers that stay, nearly the vehicles of one piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtmc.link import LinkParams, Links, Problem, Solution, Wishes, learn_network, solve
from mtmc.link.benchmark import agreement
from mtmc.pipeline.windows import Numbering, Span, spans, stretches
from mtmc.structures import Long, TrackletTable
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from mtmc.synth.tracklets.simulated import Simulated
from tests.mtmc.link.worlds import table_of

PARAMS = LinkParams(max_travel_s=120.0)


@pytest.fixture(scope="module")
def hour() -> Simulated:
    return simulate(replace(LEVELS[1], streets=replace(LEVELS[1].streets, duration_s=3600.0), dimension=32), seed=1)


@pytest.fixture(scope="module")
def linked(hour: Simulated) -> tuple[TrackletTable, Long]:
    parts, numbering, table = [], Numbering(), hour.table
    known = learn_network(Problem.of(table), PARAMS)
    for span in spans(0.0, 3600.0, 1500.0, 3 * PARAMS.max_travel_s):
        seen = table.take((table.end_s >= span.seen[0]) & (table.start_s < span.seen[1]))
        own, solution = numbering.own(Problem.of(seen), solve(Problem.of(seen), PARAMS, known=known), span)
        parts.append((seen.take(own), solution.labels[own]))
    assert len(parts) == 3
    return TrackletTable.joined([part for part, _ in parts]), np.concatenate([numbers for _, numbers in parts])


def test_windows_give_nearly_the_vehicles_of_one_piece(hour: Simulated, linked: tuple[TrackletTable, Long]) -> None:
    found, numbers = linked
    assert sorted(found.track_id.tolist()) == sorted(hour.table.track_id.tolist())
    row = np.searchsorted(hour.table.track_id, found.track_id)
    whole = agreement(hour.vehicle_id, solve(Problem.of(hour.table), PARAMS).labels, hour.boxes).idf1
    assert agreement(hour.vehicle_id[row], numbers, hour.boxes[row]).idf1 > whole - 0.01
    across = [np.ptp(found.start_s[numbers == n] // 1200.0) for n in np.unique(numbers)]
    assert max(across) == 1  # some vehicles are carried over a cut


def test_no_vehicle_is_twice_in_one_view_at_one_time(linked: tuple[TrackletTable, Long]) -> None:
    found, numbers = linked
    order = np.lexsort((found.start_s, found.camera, numbers))
    one, other = order[:-1], order[1:]
    same = (numbers[one] == numbers[other]) & (found.camera[one] == found.camera[other])
    assert (found.start_s[other] > found.end_s[one])[same].all()


def test_spans_share_all_time_evenly() -> None:
    found = spans(10.0, 3610.0, 1500.0, 60.0)
    assert [(span.begin_s, span.end_s) for span in found] == [(-np.inf, 1210.0), (1210.0, 2410.0), (2410.0, np.inf)]
    assert found[1].seen == (1150.0, 2470.0)
    assert spans(0.0, 3600.0, 3600.0, 60.0) == spans(0.0, 3600.0, np.inf, 60.0) == [Span(-np.inf, np.inf, 60.0)]


def test_a_sample_is_of_different_hours() -> None:
    assert stretches(0.0, 100.0, 0.2) == [
        (0.0, 5.0),
        (95.0 / 3, 95.0 / 3 + 5),
        (190.0 / 3, 190.0 / 3 + 5),
        (95.0, 100.0),
    ]
    assert stretches(0.0, 100.0, 1.5) == [(-np.inf, np.inf)]


def numbered(wishes: Wishes) -> list[int]:
    """Numbers in a second window of what went on from a first, in which 0 and 1 were one vehicle and 2 another one:
    there 0, 2, 3 are one vehicle and 1, 4 are."""
    first = Problem.of(table_of([0, 1, 2], [0, 5, 8], [2, 7, 9]))
    both = Problem.of(table_of([0, 1, 2, 1, 0], [0, 5, 8, 12, 14], [2, 7, 9, 13, 15]))
    numbering = Numbering()
    numbering.own(first, Solution(np.array([1, 1, 2])), Span(-np.inf, 10, 10))
    links = Links(np.array([1, 0]), np.array([4, 3]), np.ones(2))
    given = replace(both, wishes=wishes), Solution(np.array([1, 2, 1, 1, 2]), links)
    own, solution = numbering.own(*given, Span(10, np.inf, 10))
    assert own.tolist() == [False, False, False, True, True]
    assert solution.labels[:3].tolist() == [1, 1, 2]
    assert solution.links is not None
    assert all(solution.labels[solution.links.source] == solution.labels[solution.links.target])
    return solution.labels[3:].tolist()  # type: ignore[no-any-return]


def test_numbers_stay_and_what_was_wished_holds_across_a_cut() -> None:
    pair = np.array([[2, 3]])
    assert numbered(Wishes()) == [1, 4]
    assert numbered(Wishes(same=pair)) == [2, 1]
    assert numbered(Wishes(different=np.array([[1, 3]]))) == [3, 4]


def test_a_day_of_a_city_has_other_traffic_on_the_same_roads() -> None:
    first, second, again = (simulate(LEVELS[1], seed=1, day=day) for day in (1, 2, 2))
    assert first.zones_toml == second.zones_toml
    assert len(first.table) != len(second.table)
    assert np.array_equal(second.table.features, again.table.features)
