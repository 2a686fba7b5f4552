"""Vehicles as chains of links, then as cliques of views: what several cameras see at once has no order.

Shape shorthand: T tracklets, E links, P pairs of views, C cameras.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra

from mtmc.link.choice.possible import of_views
from mtmc.link.choice.selection import PairedLinks, assemble, merge, select
from mtmc.link.evidence.appearance import Looks
from mtmc.link.evidence.ground_overlap import GroundMatches
from mtmc.link.evidence.sizes import size_residuals
from mtmc.link.evidence.views import ViewPairs, Views, make_views, pair_views
from mtmc.link.learning.clock_steps import corrected
from mtmc.link.learning.em import Learned, on_common_time
from mtmc.link.learning.view_model import FEW_VIEWS, ViewScores, overlapping_cameras, score_views
from mtmc.link.model.camera_network import CameraNetwork, Limits
from mtmc.link.model.entry_exit_zones import assign_zones
from mtmc.link.problem import Links, Possible, same_partition
from mtmc.link.review.explain import explain_bridges, explain_matches, explain_views, log_odds
from mtmc.structures import Double, Float, Long, Mask, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seeds
# 101 and 102).
PASSES = 20
"""Times that vehicles are learned from and solved again at most: 3 to 12 in sixteen worlds of the presets, half of them
stop after four."""
LONGEST_GAP_S = 60.0
"""Seconds out of sight up to which views are paired without a transition found."""
MOST_PAIRS = 4_000_000
"""Pairs of views beyond which vehicles stay chains: some 1 GB of memory."""


def solve_chains(table: TrackletTable, links: Links, matches: GroundMatches, least: float) -> tuple[Long, Links]:
    """Vehicles as chains of links, and the links that made them: what two cameras saw in one place at once goes
    first."""
    labels, held = select(table, links.source, links.target, links.probability, least)
    if len(matches) == 0:
        return labels, links.take(held)
    chosen = links.source[held], links.target[held], links.probability[held]
    labels, matched, made = merge(table, matches, chosen, least)
    return labels, Links.concatenated([_seen(table, matches.take(matched), least), links.take(held[made])])


def _seen(table: TrackletTable, matches: GroundMatches, least: float) -> Links:
    columns = explain_matches(table, matches, least)
    return Links(matches.source, matches.target, matches.probability(), columns)


def solve_cliques(
    learned: Learned, table: TrackletTable, features: Float, moving: Long, links: Links, chains: Possible,
    matches: GroundMatches, different: Long, limits: Limits,
) -> tuple[Long, Links, Possible]:  # fmt: skip
    """Vehicles as cliques of views, learned and solved in turn from the chains on, until a solution comes again; and
    what could be instead. What varies within a vehicle is learned anew of each: its links tell more than chains."""
    network, cameras, least = learned.network, len(table.cameras), limits.least_probability
    labels, made = solve_chains(table, links, matches, least)
    possible = chains
    held = select(table, links.source, links.target, links.probability, least)[1]
    pieces = np.flatnonzero(table.camera[links.source] == table.camera[links.target])
    chain = links.take(np.union1d(held, pieces))
    late = on_common_time(corrected(table, learned.clock_steps), network.clock_offset_s)
    zones = assign_zones(late, (network.zones.entries, network.zones.exits))
    sizes = size_residuals(late, zones)
    mobile = np.isin(np.arange(len(table)), moving)
    ever, solved = [made], [labels]
    compared = looks = Looks(features, features)
    for _ in range(PASSES):
        views = make_views(late, looks.whitened, sizes, zones, labels, mobile)
        pairs = pair_views(views, LONGEST_GAP_S, *_clocks_apart(network, limits), MOST_PAIRS)
        if not pairs:
            break
        given = _given(network, late, views, pairs)
        scores = score_views(views, pairs, network.likelihoods.label_class, given, cameras, least)
        beyond = scores.earned & _beyond_chains(network, views, pairs, scores.probability)
        possible = of_views(chains, views, pairs, scores, beyond)
        chosen = np.flatnonzero((scores.probability >= least) & beyond)
        source, target = (views.row[end[chosen]] for end in pairs.in_time())
        paired = _paired(source, target, scores, chosen, chain)
        labels, matched, joined = assemble(late, views, matches, paired, scores.appearance, different, least)
        columns = explain_views(table, views, pairs, scores, chosen)
        found = Links(source, target, scores.probability[chosen], columns)
        fragments = np.flatnonzero(views.view[chain.source] == views.view[chain.target])
        parts = [_seen(table, matches.take(matched), least), Links.concatenated([found, chain]).take(joined)]
        made = Links.concatenated([*parts, chain.take(fragments)])
        ever.append(made)
        made = _spanning(table, labels, made, Links.concatenated(ever), least)
        if any(same_partition(before, labels) for before in solved):
            break
        solved.append(labels)
        looks = compared.taught(made.source, made.target, made.probability)
    return labels, made, possible


def _paired(source: Long, target: Long, scores: ViewScores, chosen: Long, chain: Links) -> PairedLinks:
    """The ``chosen`` pairs of views, and the links of the chains."""
    appearance = scores.evidence["appearance"][chosen], chain.columns["appearance"].astype(np.float64)
    return PairedLinks(
        np.concatenate([source, chain.source]),
        np.concatenate([target, chain.target]),
        np.concatenate([scores.log_odds[chosen], log_odds(chain.probability)]),
        np.concatenate(appearance),
    )


def _clocks_apart(network: CameraNetwork, limits: Limits) -> tuple[Double, Double]:
    """By how much two clocks (C, C) may disagree where nobody knows, and the standard error of their difference where
    it is known."""
    agree = network.clock_trusted[:, None] & network.clock_trusted[None, :]
    error_s = np.hypot(network.clock_error_s[:, None], network.clock_error_s[None, :])
    return np.where(agree, 0.0, limits.max_clock_error_s), np.where(agree, error_s, 0.0)


def _spanning(table: TrackletTable, labels: Long, links: Links, found: Links, least: float) -> Links:
    """The links, and for fragments that only hang together by views of other cameras one more each from the vehicle's
    first part, so that links alone make the vehicles: as probable as the surest way along all that were ``found``."""
    graph = sparse.coo_array((np.ones(len(links.source)), (links.source, links.target)), shape=(len(table),) * 2)
    part = connected_components(graph, directed=False)[1]
    first = np.unique(part, return_index=True)[1]  # rows are in order of time
    order = first[np.lexsort((first, labels[first]))]
    head = np.flatnonzero(np.diff(labels[order], prepend=-1) != 0)
    hub = order[np.repeat(head, np.diff([*head, len(order)]))]
    rest = np.flatnonzero(hub != order)
    ends = hub[rest], order[rest]
    probability = _surest_way(len(table), found, *ends)
    bridged = Links(*ends, probability, explain_bridges(table, *ends, probability, least))
    return Links.concatenated([links, bridged])


def _surest_way(count: int, links: Links, source: Long, target: Long) -> Double:
    """Largest product (E,) of the probabilities of links that lead from one of ``count`` tracklets to another; 0 where
    none do."""
    order = np.argsort(-links.probability, kind="stable")
    key = np.minimum(links.source, links.target) * count + np.maximum(links.source, links.target)
    surest = order[np.unique(key[order], return_index=True)[1]]
    cost = 1e-12 - np.log(np.maximum(links.probability[surest], 1e-12))
    graph = sparse.csr_array((cost, (links.source[surest], links.target[surest])), shape=(count, count))
    result = np.zeros(len(source))
    for start in np.unique(source):
        rows = np.flatnonzero(source == start)
        result[rows] = np.exp(-dijkstra(graph, directed=False, indices=int(start))[target[rows]])
    return result


def _given(network: CameraNetwork, table: TrackletTable, views: Views, pairs: ViewPairs) -> Double:
    """Evidence (P,) of the ways that somebody drew, where clocks agree; only for pairs, as those of a clique need not
    follow each other."""
    one, other = pairs.in_time()
    cameras = views.camera[one], views.camera[other]
    shared = np.bincount(cameras[0] * len(network.cameras) + cameras[1], pairs.same)
    count = shared[cameras[0] * len(network.cameras) + cameras[1]] - pairs.same
    ends = table.exit_xy[views.last[one]], table.entry_xy[views.row[other]]
    seconds = views.start_s[other] - views.end_s[one]
    evidence = network.given.evidence(cameras, *ends, seconds, count)
    return np.where(network.agree(*cameras), np.maximum(evidence, 0.0), 0.0)


def _beyond_chains(network: CameraNetwork, views: Views, pairs: ViewPairs, probability: Double) -> Mask:
    """Pairs (P,) that chains do not cover: of cameras that overlap, or so few vehicles that no transition was found."""
    cameras, transitions = len(network.cameras), network.transitions
    found = np.zeros((cameras, cameras), bool)
    found[transitions.source, transitions.target] = True
    first, second = (views.camera[end] for end in pairs.in_time())
    few = views.count(cameras) < FEW_VIEWS
    overlap = overlapping_cameras(views, pairs, cameras, probability)[views.camera[pairs.a], views.camera[pairs.b]]
    return np.asarray(overlap | (~found[first, second] & (few[first] | few[second])))
