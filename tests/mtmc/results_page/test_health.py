"""What a run tells of itself without truth follows what is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from mtmc.link import LinkParams, Problem, Solution, solve
from mtmc.link.review.consistency import Contradictions, contradictions, in_two_places
from mtmc.link.review.proposals import Looks, worth_a_look
from mtmc.results_page.health import examine, linked_right
from mtmc.synth.tracklets.sampling import LEVELS, Simulated, simulate
from tests.mtmc.link.worlds import table_of

FINE = Contradictions(0.0, 0.0)


@pytest.fixture(scope="module")
def world() -> Simulated:
    level = LEVELS[2]
    return simulate(replace(level, streets=replace(level.streets, duration_s=300.0)), 4)


@pytest.fixture(scope="module")
def solution(world: Simulated) -> Solution:
    return solve(Problem.of(world.table), LinkParams())


def looks(world: Simulated, solution: Solution) -> Looks:
    return worth_a_look(world.table, solution.labels, world.boxes, solution.links)


def visits(speed_kmh: list[float | None]) -> pa.Table:
    count = len(speed_kmh)
    return pa.table(
        {"vehicle_id": list(range(count)), "boxes": [10] * count, "speed_kmh": pa.array(speed_kmh, pa.float32())}
    )


def signs(report: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {sign["name"]: sign["state"] for sign in report["signs"]}


def test_doubt_and_links_taken_away_lower_the_estimate(world: Simulated, solution: Solution) -> None:
    boxes = int(world.boxes.sum())
    right = linked_right(looks(world, solution), FINE, boxes)
    links = solution.links
    assert links is not None
    unsure = replace(solution, links=replace(links, probability=np.full(len(links.probability), 0.5)))
    apart = Solution(np.arange(1, len(world.table) + 1), links.take(np.zeros(0, np.int64)))
    assert right > 0.9
    assert linked_right(looks(world, unsure), FINE, boxes) < right - 0.05
    assert linked_right(looks(world, apart), FINE, boxes) < right - 0.03
    mixed = np.arange(len(world.table)) % 20
    against = contradictions(world.table, mixed, world.boxes, links)
    assert against.apart > 0.3
    assert linked_right(looks(world, solution), against, boxes) < right - 0.1
    assert contradictions(world.table, solution.labels, world.boxes, links).apart < 0.05


def test_a_vehicle_in_two_places_at_once_is_a_conflict() -> None:
    """Ten vehicles take 20 s from camera to camera; an eleventh is in both at once."""
    start = np.array([[10.0 * k, 10.0 * k + 25] for k in range(10)] + [[200.0, 201.0]]).ravel()
    table = table_of([0, 1] * 11, start.tolist(), (start + 5).tolist())
    labels, boxes = np.repeat(np.arange(11), 2), np.full(22, 50)
    assert in_two_places(table, labels, boxes) == pytest.approx(50 / 1100)
    assert in_two_places(table, np.arange(22), boxes) == 0


def test_queue_is_ordered_by_what_a_look_may_win(world: Simulated, solution: Solution) -> None:
    found = looks(world, solution)
    assert (np.diff(found.gain) <= 1e-9).all()
    made = found.made > 0
    links = solution.links
    assert links is not None
    assert made.sum() == len(links.source)
    assert (solution.labels[found.source[~made]] != solution.labels[found.target[~made]]).all()
    k = int(np.flatnonzero(made)[0])
    a, b = int(found.source[k]), int(found.target[k])
    mine = solution.labels == solution.labels[b]
    later = max(world.table.start_s[a], world.table.start_s[b])
    before = int(world.boxes[mine & (world.table.start_s < later)].sum())
    assert found.boxes[k] == min(before, int(world.boxes[mine].sum()) - before)


def test_light_is_the_worst_sign_and_names_it() -> None:
    fine = examine(None, FINE, visits([40.0, None]), [5.0, 5.0], 1.0, {"c001": 0.1, "c002": 0.1})
    assert fine["light"] == signs(fine)["seen once"] == "bad"
    assert {name for name, state in signs(fine).items() if state != "good"} == {"links", "seen once"}
    fast = examine(None, FINE, visits([400.0, 30.0]), [5.0, 5.0], 1.0, {"c001": 0.1})
    assert signs(fast)["impossible speeds"] == "bad"
    alone = examine(None, FINE, visits([40.0]), [5.0], 1.0, {"c001": 0.1})
    assert "seen once" not in signs(alone)  # nothing else could have seen it
    assert signs(examine(None, FINE, visits([]), [], 1.0, {"c001": None})) == {"vehicles": "bad"}
    short = examine(None, FINE, visits([None] * 4), [0.3] * 9, 1.0, {"c001": None})
    assert signs(short) | {"short tracks": "bad", "tracks in pieces": "bad", "clocks unknown": "look"} == signs(short)
