"""Delays between cameras: expected by the ways around, learned where two cameras share vehicles."""

import numpy as np
import pytest

from mtmc.link.evidence.views import ViewPairs, Views, pair_views
from mtmc.link.learning.view_delays import LEAST_PAIRS, WAY_S, deviation, expected_delays, log_delays
from tests.mtmc.link.worlds import table_of, views_of

CAMERAS, STAY_S = 5, 4.0


def _views(sightings: list[tuple[int, int, float]]) -> Views:
    """Views of (vehicle, camera, start)."""
    vehicle, camera, start = (list(column) for column in zip(*sightings, strict=True))
    table = table_of(camera, start, [second + STAY_S for second in start])
    return views_of(table, np.array(vehicle), np.ones((len(table), 1), np.float32))


def _pairs(views: Views, slack_s: float) -> ViewPairs:
    everywhere = np.ones((CAMERAS, CAMERAS))
    pairs = pair_views(views, 600.0, slack_s * everywhere, 0.0 * everywhere, 1_000_000)
    assert pairs is not None
    return pairs


def _shared(delays: dict[tuple[int, int], list[float]]) -> list[tuple[int, int, float]]:
    """Each delay of two cameras by a vehicle of its own, one a minute."""
    found = [(cameras, delay) for cameras, several in delays.items() for delay in several]
    starts = [
        [(number, a, 60.0 * number), (number, b, 60.0 * number + delay)] for number, ((a, b), delay) in enumerate(found)
    ]
    return [view for two in starts for view in two]


def test_the_way_around_is_as_long_as_its_parts() -> None:
    views = _views(_shared({(0, 1): [40.0, 42.0], (1, 2): [50.0, 52.0], (3, 4): [7.0, 7.0]}))
    delay, error = expected_delays(views, _pairs(views, 90.0), CAMERAS)
    assert delay[0, 2] == pytest.approx(92.0)
    assert delay[2, 0] == pytest.approx(-92.0)
    alone = WAY_S**2 + deviation(np.array([40.0, 42.0])) ** 2 / 2
    assert error[0, 2] == pytest.approx(np.sqrt(2 * alone))


def test_what_nothing_else_leads_to_is_not_expected() -> None:
    views = _views(_shared({(0, 1): [40.0, 42.0], (3, 4): [7.0, 7.0]}))
    _, error = expected_delays(views, _pairs(views, 90.0), CAMERAS)
    assert np.isinf([error[0, 1], error[3, 4], error[0, 3]]).all()


def test_one_shared_vehicle_is_no_way() -> None:
    views = _views(_shared({(0, 1): [40.0, 42.0], (1, 2): [50.0] * (LEAST_PAIRS - 1)}))
    assert np.isinf(expected_delays(views, _pairs(views, 90.0), CAMERAS)[1][0, 2])


def test_too_many_pairs_are_not_made() -> None:
    views, clocks = _views(_shared({(0, 1): [1.0, 2.0, 3.0]})), np.zeros((CAMERAS, CAMERAS))
    assert pair_views(views, 600.0, clocks, clocks, most=8) is None
    assert len(pair_views(views, 600.0, clocks, clocks, most=9) or ()) == 9


def test_two_cameras_are_no_evidence_for_themselves() -> None:
    """Expected of two cameras is what the others say without them: as if they shared nobody."""
    random = np.random.default_rng(4)
    ways = [(a, b) for a in range(CAMERAS) for b in range(a + 1, CAMERAS) if (a, b) != (1, 3)]
    delays = {way: random.uniform(-80, 80, 3).tolist() for way in ways}
    views = _views(_shared(delays))
    whole, whole_error = expected_delays(views, _pairs(views, 90.0), CAMERAS)
    for a, b in ways:
        others = _views(_shared({way: times for way, times in delays.items() if way != (a, b)}))
        rest, rest_error = expected_delays(others, _pairs(others, 90.0), CAMERAS)
        assert whole[a, b] == pytest.approx(rest[a, b])
        assert whole_error[a, b] == pytest.approx(rest_error[a, b])


@pytest.mark.parametrize("slack_s", [0.0, 90.0])
def test_a_pair_where_others_lead_is_likelier_than_one_aside(slack_s: float) -> None:
    ways = _shared({(0, 1): [40.0, 42.0], (1, 2): [50.0, 52.0]})
    views = _views([*ways, (90, 0, 900.0), (91, 2, 992.0), (92, 2, 1092.0)])
    pairs = _pairs(views, slack_s)
    density = log_delays(views, pairs, CAMERAS)
    led, aside = (density[(views.vehicle[pairs.a] == 90) & (views.vehicle[pairs.b] == other)] for other in (91, 92))
    assert led > aside + 1.0
