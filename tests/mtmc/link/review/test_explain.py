"""Explained links: without the evidence that is named as decisive they fall."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.choice.selection import select
from mtmc.link.evidence.appearance import without_camera_bias
from mtmc.link.evidence.belief_propagation import link_marginals
from mtmc.link.learning.em import Learned, learn, log_odds
from mtmc.link.model.given_ways import GivenWays
from mtmc.link.review.explain import SOURCES, explain_links, prior_log_odds
from mtmc.structures import Double, TrackletTable
from tests.mtmc.link.worlds import small

LIMITS = LinkParams().limits


def no_trajectories(table: TrackletTable) -> Double:
    return np.zeros((len(table), 0, 2))


def learned() -> Learned:
    table = small(level=3).table
    given = no_trajectories(table), np.ones(len(table.cameras), bool), LIMITS, GivenWays.none()
    return learn(table, without_camera_bias(table), *given)


def links_of(found: Learned) -> set[tuple[int, int]]:
    pairs, least = found.pairs, LIMITS.least_probability
    held = select(found.table, pairs.source, pairs.target, found.probability, least)[1]
    return set(zip(pairs.source[held].tolist(), pairs.target[held].tolist(), strict=True))


def without(found: Learned, pair: int, kinds: list[str]) -> Learned:
    """The same candidates after taking some evidence from one pair."""
    evidence = {name: values.copy() for name, values in found.evidence.items()}
    for kind in kinds:
        evidence[kind][pair] = prior_log_odds(found.probability) if kind == "path" else 0.0
    pairs = found.pairs
    probability = link_marginals(len(found.table), pairs.source, pairs.target, log_odds(evidence))
    return replace(found, evidence=evidence, probability=probability)


def test_removing_the_named_evidence_flips_the_link() -> None:
    found = learned()
    chosen = np.flatnonzero(found.probability >= LIMITS.least_probability)
    decisive = explain_links(found, chosen, LIMITS.least_probability)["decisive"]
    named = [(int(p), str(kinds).split(",")) for p, kinds in zip(chosen, decisive, strict=True) if kinds]
    assert len(named) > 0.9 * len(chosen)
    made = links_of(found)
    for pair, kinds in named[:40]:
        link = int(found.pairs.source[pair]), int(found.pairs.target[pair])
        assert link in made
        assert link not in links_of(without(found, pair, kinds))
        assert link in links_of(without(found, pair, kinds[1:]))  # nothing is named in vain


def test_runner_up_shares_an_end_and_is_less_probable() -> None:
    found = learned()
    chosen = np.flatnonzero(found.probability >= 0.5)
    reasons = explain_links(found, chosen, LIMITS.least_probability)
    assert (reasons["runner_up_probability"] <= reasons["probability"]).all()
    assert (reasons["runner_up_track"] >= 0).any()
    self_count = {(str(c), int(t)) for c, t in zip(reasons["to_camera"], reasons["to_track"], strict=True)}
    assert ("", -1) not in self_count


def test_every_link_says_in_full_where_its_probability_comes_from() -> None:
    world = small(level=3)
    links = solve(Problem.of(world.table), LinkParams()).links
    assert links is not None
    assert {"chain"} <= set(links.columns["source"].tolist()) <= set(SOURCES)
