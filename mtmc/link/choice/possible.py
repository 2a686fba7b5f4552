"""Which links could be, made or not: what whole solutions can be drawn from, where it matters how sure they are.

Shape shorthand: T tracklets, E links, C cameras.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logit

from mtmc.link.evidence.ground_overlap import GroundMatches
from mtmc.link.evidence.views import ViewPairs, Views
from mtmc.link.learning.em import Learned, log_odds
from mtmc.link.learning.view_model import ViewScores
from mtmc.link.problem import Links, Possible, Wishes
from mtmc.structures import Double, Long, Mask

LEAST_POSSIBLE = 0.01
"""Links less likely are not kept."""
LEAST_OF_VIEWS = 0.15
"""Nor pairs of views: each view has one in every other camera, whose small chances would add up over a clique."""
SURE = 30.0
"""Log-odds of what somebody who looked says."""


def of_chains(learned: Learned, rows: Long, chosen: Mask) -> Possible:
    """The ``chosen`` candidates (P,) of a chain, under the rows (T,) of the whole table: a tracklet has one follower
    and one predecessor."""
    kept = np.flatnonzero(chosen & (learned.probability >= LEAST_POSSIBLE))
    source, target = rows[learned.pairs.source[kept]], rows[learned.pairs.target[kept]]
    return Possible(source, target, log_odds(learned.evidence)[kept], source, target)


def of_views(chains: Possible, views: Views, pairs: ViewPairs, scores: ViewScores, chosen: Mask) -> Possible:
    """The ``chosen`` pairs of views (P,), under the first tracklet of each, and the ``chains`` of others: a view
    matches one view of another camera."""
    cameras, count = int(views.camera.max(initial=0)) + 1, len(views.view)
    kept = np.flatnonzero(chosen & (scores.probability >= LEAST_OF_VIEWS))
    source, target = (views.row[end[kept]] for end in pairs.in_time())
    after, before = (count + end[kept] for end in pairs.ends(views, cameras))
    judged = np.concatenate([source * count + target, target * count + source])
    rest = chains.take(~np.isin(chains.source * count + chains.target, judged))
    return Possible.joined([rest, Possible(source, target, scores.log_odds[kept], after, before)])


def with_matches(possible: Possible, matches: GroundMatches, standing: Links) -> Possible:
    """And the matches on the ground, whose rivals are in their odds already, and links between fragments of what
    stands: each has slots of its own."""
    seen = matches.take(np.flatnonzero(matches.probability() >= LEAST_POSSIBLE))
    return _with(_with(possible, seen.source, seen.target, seen.log_odds()),
                 standing.source, standing.target, logit(np.clip(standing.probability, 0, 1 - 1e-12)))  # fmt: skip


def under_wishes(possible: Possible, wishes: Wishes) -> Possible:
    """What the wishes of somebody who looked leave open, and for certain what they say is the same."""
    if len(wishes) == 0:
        return possible
    count = 1 + int(max(a.max(initial=0) for a in (possible.source, possible.target, wishes.same, wishes.different)))
    known = np.concatenate([wishes.same, wishes.different])
    refused = np.concatenate([known @ (count, 1), known @ (1, count)])
    rest = possible.take(~np.isin(possible.source * count + possible.target, refused))
    return _with(rest, wishes.same[:, 0], wishes.same[:, 1], np.full(len(wishes.same), SURE))


def _with(possible: Possible, source: Long, target: Long, odds: Double) -> Possible:
    """The links and others, which have slots of their own."""
    after, before = (
        int(slots.max(initial=-1)) + 1 + np.arange(len(source)) for slots in (possible.after, possible.before)
    )
    return Possible.joined([possible, Possible(source, target, odds, after, before)])
