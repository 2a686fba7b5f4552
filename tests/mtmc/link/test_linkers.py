"""What every linker promises."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.errors import ConfigError
from mtmc.link import LINKERS, LinkParams, Problem, solve
from mtmc.link.benchmark import agreement
from mtmc.link.problem import overlapping
from tests.mtmc.link.worlds import groups, renamed, small

NAMES = tuple(LINKERS)


def pairs_within(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.nonzero(np.triu(labels[:, None] == labels[None, :], 1))
    return a, b


@pytest.mark.parametrize("name", NAMES)
def test_partition_and_no_vehicle_twice_in_one_camera(name: str) -> None:
    table = small(level=3).table
    labels = solve(Problem.of(table), LinkParams(linker=name)).labels
    assert labels.shape == (len(table),)
    assert labels.min() == 1
    assert not overlapping(table, *pairs_within(labels)).any()
    assert set(labels.tolist()) == set(range(1, labels.max() + 1))


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_tracklets_and_cameras_plays_no_role(name: str) -> None:
    table = small().table
    rows = np.random.default_rng(0).permutation(len(table))
    order = np.random.default_rng(1).permutation(len(table.cameras))
    place = np.argsort(order)
    shuffled = table.take(rows)
    shuffled = type(table)(
        tuple(table.cameras[c] for c in order), place[shuffled.camera].astype(np.int32),
        *(getattr(shuffled, n) for n in table.__slots__ if n not in ("cameras", "camera")),
    )  # fmt: skip
    first = solve(Problem.of(table), LinkParams(linker=name)).labels
    second = solve(Problem.of(shuffled), LinkParams(linker=name)).labels
    assert groups(first[rows]) == groups(second)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_tracklets(name: str, count: int) -> None:
    table = small().table.take(np.arange(count))
    assert len(solve(Problem.of(table), LinkParams(linker=name)).labels) == count


def test_twice_the_same() -> None:
    problem = Problem.of(small().table)
    assert np.array_equal(solve(problem, LinkParams()).labels, solve(problem, LinkParams()).labels)


def test_network_is_ahead_of_all_baselines() -> None:
    world = small(level=4, cameras=5, minutes=20)
    idf1 = {
        name: agreement(
            world.vehicle_id, solve(Problem.of(world.table), LinkParams(linker=name)).labels, world.boxes
        ).idf1
        for name in NAMES
    }
    assert max(idf1, key=lambda name: idf1[name]) == "network"


def test_linkers_from_outside() -> None:
    solution = solve(Problem.of(small().table), LinkParams(linker="tests.mtmc.link.outsider:alone"))
    assert len(groups(solution.labels)) == len(small().table)


@pytest.mark.parametrize("name", ["netwrok", "tests.mtmc.link.outsider:nothing", "nomodule:x"])
def test_unknown_linker(name: str) -> None:
    with pytest.raises(ConfigError, match=r"link\.linker"):
        solve(Problem.of(small().table), LinkParams(linker=name))


def test_camera_names_play_no_role() -> None:
    table = small().table
    first, second = (solve(Problem.of(t), LinkParams()).labels for t in (table, renamed(table, "x")))
    assert groups(first) == groups(second)
