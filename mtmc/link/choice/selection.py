"""From probabilities to vehicles: the best set of links in which everyone has one follower and one predecessor at most,
without breaking the one hard rule. Shape shorthand: T tracklets, E links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from mtmc.assignment import best_assignment
from mtmc.link.evidence.appearance import unit
from mtmc.link.evidence.ground_overlap import APART_M, GroundMatches
from mtmc.link.evidence.log_odds import cosine
from mtmc.link.evidence.views import Views
from mtmc.link.model.densities import LogRatio
from mtmc.link.rules.constraints import Partition, Placed, clashing
from mtmc.structures import Double, Long, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101).
FEW_IN_ALL = 300
"""Views of moving vehicles, of all cameras, below which vehicles are joined by their mean features. On seeds 101 to 103
hamlet6 (98 views) gains up to .08 IDF1 by it and streets of 8 cameras (200) .02; those of 16 cameras (370) lose up to
.11, of 40 (1,000) .6: among many strangers a mean looks like all that are of its make."""

RETURNS, AGAIN_S = 0.05, 15.0
"""Fraction of vehicles that a camera sees again after so many seconds or more. When it came, a tracker's hamlet6 gained
.010 IDF1 by it (seeds 101 to 108), and by a fraction of 0 .004."""


@dataclass(frozen=True, slots=True, eq=False)
class PairedLinks:
    """Possible links (E,) between rows ``source`` and ``target``: their log-odds, and what of it appearance gives."""

    source: Long
    target: Long
    log_odds: Double
    appearance: Double


def select(
    table: TrackletTable, source: Long, target: Long, probability: Double, least_probability: float
) -> tuple[Long, Long]:
    """Labels (T,) and the indices of the links (E,) that are made: those of largest summed probability above the least,
    each tracklet with one follower and one predecessor at most, that keep the rule of one place at a time."""
    chosen = choose(source, target, probability - least_probability)
    labels, held = join(table, source[chosen], target[chosen], probability[chosen])
    return labels, chosen[held]


def choose(source: Long, target: Long, gain: Double) -> Long:
    """Indices of the links (E,) that maximize the summed gain, each source and each target at most once. Links without
    positive gain are never chosen. Ties go to the link that comes first."""
    useful = np.flatnonzero(gain > 0)
    return useful[best_assignment(source[useful], target[useful], gain[useful])]


def join(table: Placed, source: Long, target: Long, probability: Double) -> tuple[Long, Long]:
    """Labels (T,) after joining links, and the indices of the links that hold: where a vehicle would have two tracklets
    of one camera at one time, its links are joined one by one, surest first, and one that would break the rule is left
    out."""
    count = len(table)
    graph = sparse.coo_array((np.ones(len(source)), (source, target)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1].astype(np.int64)
    broken = np.isin(labels, labels[clashing(table, labels)])
    rows, links = np.flatnonzero(broken), np.flatnonzero(broken[source])
    if len(rows) == 0:
        return labels, np.arange(len(source))
    partition, local = Partition(table.take(rows)), np.searchsorted(rows, np.stack([source[links], target[links]]))
    order = np.lexsort((target[links], source[links], -probability[links]))
    held = [k for k in order.tolist() if partition.join(int(local[0, k]), int(local[1, k]))]
    labels[rows] = count + partition.labels()
    return labels, np.sort(np.concatenate([np.flatnonzero(~broken[source]), links[held]])).astype(np.int64)


def merge(
    table: TrackletTable, matches: GroundMatches, links: tuple[Long, Long, Double], least_probability: float
) -> tuple[Long, Long, Long]:
    """Labels (T,), the indices of the ``matches`` on the ground and of the ``links`` (source, target, probability) that
    are made.

    Matches first, then links, the surest of each first; what would give a vehicle two places at once is left out.
    """
    partition = _apart(table, matches)
    held = _join(partition, _surest(matches, least_probability).tolist(), matches.source, matches.target)
    source, target, probability = links
    order = np.lexsort((target, source, -probability))
    made = _join(partition, order.tolist(), source, target)
    return partition.labels(), held, made


def assemble(
    table: TrackletTable,
    views: Views,
    matches: GroundMatches,
    links: PairedLinks,
    appearance: LogRatio,
    different: Long,
    least: float,
) -> tuple[Long, Long, Long]:
    """Labels (T,), the indices of the ``matches`` on the ground and of the ``links`` that are made, where a vehicle's
    views are a clique: fragments of a view first, then matches, then links, the surest of each first.

    Two vehicles become one if the link holds with the appearance of both as a whole in place of its own: one look-alike
    pair does not join what else looks different. Where vehicles are few the means of their views are compared (centroid
    linkage), in which what varies from view to view hides less; among many strangers each pair of views has its say
    (average linkage). That a vehicle comes by a camera a second time is rare, and two of one make are often merged so.
    """
    partition = _apart(table, matches, different)
    order = np.argsort(views.view, kind="stable")
    within = np.flatnonzero(np.diff(views.view[order]) == 0)
    _join(partition, within.tolist(), order[:-1], order[1:])
    held = _join(partition, _surest(matches, least).tolist(), matches.source, matches.target)
    members: dict[int, list[int]] = {}
    for view, row in enumerate(views.row.tolist()):
        members.setdefault(partition.find(row), []).append(view)
    few = int(views.moves.sum()) < FEW_IN_ALL
    needed, made = np.log(least / (1 - least)), []
    for k in np.lexsort((links.target, links.source, -links.log_odds)).tolist():
        one, other = partition.find(int(links.source[k])), partition.find(int(links.target[k]))
        if one == other:
            continue
        both = members[one], members[other]
        alike = _appearance(views, few, *both, appearance) if len(both[0]) * len(both[1]) > 1 else links.appearance[k]
        again = np.log(RETURNS) if _returns(views, *both) else 0.0
        if links.log_odds[k] - links.appearance[k] + alike + again >= needed and partition.join(one, other):
            members[partition.find(one)] = both[0] + both[1]
            made.append(k)
    return partition.labels(), held, np.sort(np.array(made, np.int64))


def _appearance(views: Views, few: bool, one: list[int], other: list[int], appearance: LogRatio) -> float:
    """Evidence of appearance between two vehicles as a whole: of the cosine of their mean features where vehicles
    are ``few``, else the mean over pairs of views in different cameras; 0 where one camera saw all."""
    apart = views.camera[one][:, None] != views.camera[other][None, :]
    if few and len(np.unique(views.camera[one + other])) > 1:
        mean = unit(np.stack([views.feature[members].sum(axis=0) for members in (one, other)]))
        score = cosine(mean, np.array([0]), np.array([1]))
    else:
        score = (views.feature[one] @ views.feature[other].T)[apart].astype(np.float64)
    return float(appearance(score).mean()) if len(score) else 0.0


def _returns(views: Views, one: list[int], other: list[int]) -> bool:
    """Whether some camera saw both, long one after the other."""
    here = views.camera[one][:, None] == views.camera[other][None, :]
    begins = np.maximum(views.start_s[one][:, None], views.start_s[other][None, :])
    ends = np.minimum(views.end_s[one][:, None], views.end_s[other][None, :])
    return bool((here & (begins - ends > AGAIN_S)).any())


def _apart(table: TrackletTable, matches: GroundMatches, different: Long | None = None) -> Partition:
    """Every tracklet alone; those that were seen in two places at one time, or that somebody says are ``different`` (D,
    2), never come together."""
    apart = matches.away_m > APART_M
    pairs = [*zip(matches.source[apart].tolist(), matches.target[apart].tolist(), strict=True)]
    return Partition(table, pairs if different is None else [*pairs, *map(tuple, different.tolist())])


def _surest(matches: GroundMatches, least_probability: float) -> Long:
    seen = np.flatnonzero(matches.probability() >= least_probability)
    return seen[np.lexsort((matches.target[seen], matches.source[seen], -matches.log_odds()[seen]))]


def _join(partition: Partition, order: Sequence[int], source: Long, target: Long) -> Long:
    """The indices, in their order, of the pairs that unite what was not united before."""
    made = []
    for k in order:
        a, b = int(source[k]), int(target[k])
        if partition.find(a) != partition.find(b) and partition.join(a, b):
            made.append(k)
    return np.sort(np.array(made, np.int64))
