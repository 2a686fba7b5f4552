"""The parts of linking on small tables: each case by hand."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.errors import ConfigError
from mtmc.link.baselines.rerank import rerank
from mtmc.link.baselines.zones import read_zones
from mtmc.link.benchmark import agreement, calibration
from mtmc.link.evidence.belief_propagation import link_probabilities
from mtmc.link.evidence.candidates import Candidates
from mtmc.link.learning.clock_offsets import solve_clocks
from mtmc.link.model.camera_network import GRID, Travel
from mtmc.link.model.densities import Bell, learn_ratio
from mtmc.link.model.entry_exit_zones import find_ports
from mtmc.link.selection import choose


def exact_probabilities(odds: np.ndarray) -> np.ndarray:
    """Marginals of all one-to-one sets of links, by counting them all."""
    rows, columns = odds.shape
    total, marginal = 0.0, np.zeros_like(odds)
    for targets in product(range(columns + 1), repeat=rows):
        used = [t for t in targets if t < columns]
        if len(set(used)) == len(used):
            links = [(r, t) for r, t in enumerate(targets) if t < columns]
            weight = float(np.exp(sum(odds[link] for link in links)))
            total += weight
            for link in links:
                marginal[link] += weight
    return marginal / total


@pytest.mark.parametrize("seed", range(5))
def test_belief_is_near_the_exact_marginals(seed: int) -> None:
    odds = np.random.default_rng(seed).normal(0, 3, (3, 3))
    source, target = (index.ravel() for index in np.indices(odds.shape))
    found = link_probabilities(6, source, target + 3, odds.ravel()).reshape(3, 3)
    assert np.abs(found - exact_probabilities(odds)).max() < 0.12


def test_belief_of_one_pair_is_exact() -> None:
    assert link_probabilities(2, np.array([0]), np.array([1]), np.array([1.5]))[0] == pytest.approx(
        1 / (1 + np.exp(-1.5))
    )


def test_of_two_tracklets_one_comes_first() -> None:
    odds = np.array([1.0, 2.0])
    found = link_probabilities(2, np.array([0, 1]), np.array([1, 0]), odds)
    assert found == pytest.approx(np.exp(odds) / (1 + np.exp(odds).sum()))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_choose_is_the_best_of_all(seed: int) -> None:
    gain = np.random.default_rng(seed).normal(0.1, 1, (3, 3)).round(2)
    source, target = (index.ravel() for index in np.indices(gain.shape))
    chosen = choose(6, source, target, gain.ravel())
    best = max(sum(max(gain[r, c], 0) for r, c in enumerate(order)) for order in permutations(range(3)))
    assert gain.ravel()[chosen].sum() == pytest.approx(best)
    assert len(set(source[chosen])) == len(set(target[chosen])) == len(chosen)


def test_choose_without_gain() -> None:
    assert len(choose(2, np.array([0]), np.array([1]), np.array([-0.1]))) == 0


def test_ports_are_the_dense_places() -> None:
    random = np.random.default_rng(0)
    places = np.array([[0.1, 0.5], [0.9, 0.5], [0.5, 0.95]])
    points = np.zeros((90, 4))
    points[:, :2] = np.repeat(places, 30, axis=0) + random.normal(0, 0.02, (90, 2))
    ports = find_ports(points)
    distance = np.linalg.norm(ports.centre[:, None, :2] - places[None], axis=2)
    assert len(ports) == 3
    assert distance.min(axis=0).max() < 0.02
    assert ports.assign(np.array([[0.5, 0.1, 0, 0]]))[0] == 3  # elsewhere


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_ports_depend_on_the_set_alone(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.random((40, 4)) * [1, 1, 0, 0]
    assert np.allclose(find_ports(points).centre, find_ports(random.permutation(points)).centre)


def test_evidence_of_a_score_rises_and_has_the_right_sign() -> None:
    random = np.random.default_rng(0)
    score = np.concatenate([random.normal(0.7, 0.1, 500), random.normal(0.1, 0.1, 5000)])
    same = np.concatenate([np.ones(500), np.zeros(5000)])
    ratio = learn_ratio(score, same, (Bell(0.5, 0.2, 4), Bell(0, 0.2, 4)), (-1.0, 1.0), rising=True)
    assert (np.diff(ratio.value) >= 0).all()
    assert ratio(np.array([0.7]))[0] > 3
    assert ratio(np.array([0.1]))[0] < -3
    assert ratio(np.array([np.nan]))[0] == 0
    # both densities equal where the two normals cross
    assert abs(ratio(np.array([0.4]))[0]) < 1.0


def two_way(there_s: float, back_s: float, count: int = 12) -> tuple[Travel, Candidates]:
    nothing = np.full((2, GRID), 0.01)
    ends = np.array([0, 1]), np.array([1, 0])
    travel = Travel(*ends, np.zeros(2), np.full(2, 100.0), nothing, np.full(2, float(count)), np.zeros(2))
    link = np.repeat([0, 1], count)
    row = np.arange(2 * count)
    return travel, Candidates(row, row + 1, link, np.where(link == 0, there_s, back_s))


def test_half_the_difference_is_the_offset() -> None:
    travel, pairs = two_way(20 + 7, 20 - 7)  # the second clock is 7 s ahead
    clocks = solve_clocks(travel, pairs, np.ones(len(pairs)), np.array([True, False]))
    assert clocks.ahead_s == pytest.approx([0.0, 7.0])
    unknown = solve_clocks(travel, pairs, np.ones(len(pairs)), np.zeros(2, bool))
    assert unknown.ahead_s[1] - unknown.ahead_s[0] == pytest.approx(7.0)


def test_a_few_journeys_that_happen_to_take_equally_long_are_no_better_clock() -> None:
    travel, pairs = two_way(27, 13, 24)
    varied = np.where(pairs.link == 0, 27.0, 13 + np.random.default_rng(0).normal(0, 6, len(pairs)))
    pairs = Candidates(pairs.source, pairs.target, pairs.link, varied)
    sure = np.where((pairs.link == 1) | (np.arange(len(pairs)) < 4), 1.0, 0.0)  # 4 there, 24 back
    clocks = solve_clocks(travel, pairs, sure, np.array([True, False]))
    assert clocks.error_s[1] > 0.5 * 5 / np.sqrt(4)


def test_one_way_traffic_says_nothing_about_clocks() -> None:
    travel, pairs = two_way(20, 20)
    clocks = solve_clocks(travel, pairs, (pairs.link == 0).astype(float), np.zeros(2, bool))
    assert np.isinf(clocks.error_s).all()


@pytest.mark.parametrize(
    ("truth", "predicted", "idf1", "f1"),
    [
        ([0, 0, 1], [5, 5, 7], 1.0, 1.0),  # names do not matter
        ([0, 0, 1, 1], [0, 1, 2, 3], 0.5, 0.0),  # everyone alone
        ([0, 0, 1, 1], [0, 0, 0, 0], 0.5, 0.5),  # everyone one: 2 of 6 links right, both found
        ([0, 1], [0, 1], 1.0, 1.0),  # no links to find
        ([0, 0, -1], [0, 0, -1], 1.0, 1.0),  # on neither side
    ],
)
def test_agreement(truth: list[int], predicted: list[int], idf1: float, f1: float) -> None:
    found = agreement(np.array(truth), np.array(predicted), np.ones(len(truth), np.int64))
    assert (found.idf1, found.link_f1) == (pytest.approx(idf1), pytest.approx(f1))


def test_rerank_favours_common_neighbours() -> None:
    a, b = np.array([0, 0, 1, 0, 3]), np.array([1, 2, 2, 3, 4])
    distance = np.array([0.3, 0.3, 0.3, 0.3, 0.1])  # 0-1-2 a triangle, 3 belongs to 4
    mixed = rerank(5, a, b, distance)
    assert mixed[0] < mixed[3]


def test_calibration_error() -> None:
    probability = np.repeat([0.25, 0.75], 100)
    right = np.tile([1, 0, 0, 0], 50)
    assert calibration(probability, right)[3] == pytest.approx(0.25)  # the second half is said 0.75, is 0.25


@pytest.mark.parametrize("text", ["cameras = 3", "[[links]]\nfrom='a.n'\nto='b.s'\ntravel_s=[1,2]", "not toml ["])
def test_bad_zones(tmp_path: Path, text: str) -> None:
    path = tmp_path / "zones.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"zones\.toml"):
        read_zones(path)
