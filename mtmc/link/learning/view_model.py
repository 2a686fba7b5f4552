"""The model of pairs of views, learned from vehicles as they are so far: how likely two views of two cameras are one
vehicle.

Every density is a hierarchy: what is learned of the two cameras outweighs the prior once it rests on more than some
pairs, so that few vehicles are no cliff. No pair is evidence for itself. The equations stand in MODEL.md.

Shape shorthand: V views, P pairs, C cameras, K zones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtmc.link.evidence.belief_propagation import link_marginals
from mtmc.link.evidence.log_odds import cosine
from mtmc.link.evidence.views import ViewPairs, Views
from mtmc.link.learning.m_step import COSINES, OTHER_COSINE, OTHER_SIZE, SAME_COSINE, SAME_SIZE, SIZES
from mtmc.link.learning.view_delays import LEAST_PAIRS, deviation, log_delays
from mtmc.link.model.densities import LogRatio, log_ratio
from mtmc.structures import Double, Long, Mask

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for LIKELY (-.010, -.031 on seeds 101 and 102).
OTHER_CAMERAS = 6.0
"""A vehicle is expected in so many other cameras, before anything is known of where they look ..."""
MOST_SHARED_PRIOR = 0.2
"""... but in each with this probability at most."""
SHARED_WEIGHT, ZONE_WEIGHT = 5.0, 4.0
"""Pairs of views that the priors of sharing and of zones are worth."""
ZONE_EVIDENCE = (-3.0, 4.0)
"""Bounds of the evidence of zones (natural log)."""
LEAST_SHARED, MOST_SHARED = 1e-3, 0.95
"""Bounds of the probability that a vehicle seen by one camera is seen by another."""
ROUNDS, LIKELY = 4, 0.5
"""Times that sharing, and as long as nothing is linked what scores mean, are estimated from the probabilities that they
give (expectation maximisation); and the least of those that count for sharing: of many cameras the unlikely pairs would
add up."""
MOST_STRANGERS = 1000
"""Views of which one camera's are compared: bounds memory, and more teach nothing new."""
LEAST_OVERLAPS, LEAST_OVERLAP_FRACTION, AT_ONCE = 3, 0.1, 0.6
"""Two cameras' views overlap if they share so many vehicles, this fraction of the fewer that one of them saw, and this
fraction of those at one time: on seeds 101-103 level 5 loses .002 at .3, corridor4 gains .005 (bench_link)."""
TOUCHING_S = 6.0
"""Seconds out of sight between views that as good as overlap."""
FEW_VIEWS = 60
"""A camera that saw fewer may share vehicles with another without a transition having been found."""
LEAST_EARNED = 2.0
"""Evidence of appearance (natural log) without which nothing is linked between cameras of which nothing is learned."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewScores:
    """What the model says of pairs of views (P,): evidence by kind, under its column in links.parquet; its sum, the
    log-odds; probability that they are one vehicle, each view matching one view of another camera at most; cosine;
    whether it is earned, for priors alone make no link; and the log-likelihood ratio of cosines."""

    evidence: dict[str, Double]
    log_odds: Double
    probability: Double
    cosine: Double
    earned: Mask
    appearance: LogRatio
    least_probability: float


def score_views(
    views: Views, pairs: ViewPairs, label_class: Double, given: Double, cameras: int, least_probability: float
) -> ViewScores:
    """Learn the model from the vehicles as they are, and score all pairs under it. What scores mean is learned between
    cameras that share vehicles, so that an unrelated camera changes nothing for the others; where none do so far, from
    the probabilities of the round before, and from pairs of one camera. ``given``: evidence (P,) of the ways that
    somebody drew."""
    a, b = pairs.a, pairs.b
    same = pairs.same.astype(np.float64)
    found = _differences(views, a, b)
    related = _together(views, pairs, cameras) > 0
    linked = bool(related.any())
    strangers = None if linked else _strangers(views)
    evidence = {"time": log_delays(views, pairs, cameras), "kind": label_class[views.label[a], views.label[b]]}
    zones, probability = _zones(views, pairs, cameras) + given, same
    for _ in range(ROUNDS):
        # pairs that may well be one vehicle, not linked so far, do not show what two look like
        apart = (1 - np.maximum(same, probability)) * related
        two = found.weighted(apart) if strangers is None else strangers
        appearance, size = _likelihoods(found.weighted(same if linked else probability), two)
        evidence["appearance"], evidence["size"] = appearance(found.cosine), found.trust * size(found.size)
        likely = np.where(probability >= LIKELY, probability, 0.0)
        evidence["path"] = zones + _shared(views, pairs, cameras, np.maximum(same, likely))
        log_odds = np.asarray(np.sum(list(evidence.values()), axis=0))
        probability = link_marginals(len(views) * cameras, *pairs.ends(views, cameras), log_odds)
    earned = (
        (_together(views, pairs, cameras) - same >= LEAST_PAIRS)
        | (evidence["appearance"] >= LEAST_EARNED)
        | (given > 0)
    )
    earned &= linked or (earned & (probability >= LIKELY)).sum() >= LEAST_PAIRS
    return ViewScores(evidence, log_odds, probability, found.cosine, earned, appearance, least_probability)


@dataclass(frozen=True, slots=True, eq=False)
class _Differences:
    """Of pairs of views (P,): cosine of their features, difference of their sizes and how far it is to be trusted, and
    how much each pair counts."""

    cosine: Double
    size: Double
    trust: Double
    weight: Double

    def weighted(self, weight: Double) -> _Differences:
        """The same pairs, counted anew."""
        return replace(self, weight=weight)


def _differences(views: Views, a: Long, b: Long) -> _Differences:
    return _Differences(cosine(views.feature, a, b), *views.sizes.differences(a, b), np.ones(len(a)))


def _strangers(views: Views) -> _Differences:
    """Pairs of views of one camera, which are two vehicles. As long as nothing is linked they alone show how different
    two vehicles look: among the pairs of two cameras are those of one."""
    order = np.flatnonzero(views.moves)
    order = order[np.argsort(views.camera[order], kind="stable")][:MOST_STRANGERS]
    first, second = (order[end] for end in np.triu_indices(len(order), 1))
    here = views.camera[first] == views.camera[second]
    return _differences(views, first[here], second[here])


def _likelihoods(one: _Differences, two: _Differences) -> tuple[LogRatio, LogRatio]:
    """Evidence of cosines and of differences of size, learned from pairs of one vehicle and of two."""
    cosines = (one.cosine, one.weight), (two.cosine, two.weight)
    sizes = (one.size, one.weight), (two.size, two.weight)
    appearance = log_ratio(*cosines, (SAME_COSINE, OTHER_COSINE), COSINES, True)
    return appearance, log_ratio(*sizes, (SAME_SIZE, OTHER_SIZE), SIZES, False)


def overlapping_cameras(views: Views, pairs: ViewPairs, cameras: int, probability: Double) -> Mask:
    """Whether (C, C) two cameras' views overlap, or saw too few vehicles to tell; ``probability`` (P,) that a pair is
    one vehicle."""
    count = views.count(cameras)
    fewer = np.minimum(count[:, None], count[None, :])
    key = pairs.cameras(views, cameras)[2]
    weight = np.maximum(pairs.same, probability)
    shared_time = weight * ((pairs.gap_s < TOUCHING_S) & (pairs.slack_s == 0))
    together, at_once = (np.bincount(key, w, cameras**2).reshape(cameras, cameras) for w in (weight, shared_time))
    enough = together >= np.maximum(LEAST_OVERLAPS, LEAST_OVERLAP_FRACTION * fewer)
    known = enough & ((at_once >= AT_ONCE * together) | _in_step(views, pairs, cameras))
    return np.asarray(known | ((together < LEAST_OVERLAPS) & (fewer < FEW_VIEWS)))


def _in_step(views: Views, pairs: ViewPairs, cameras: int) -> Mask:
    """Whether (C, C) two cameras whose clocks may disagree see vehicles at one time: stays in them begin, or end, in
    step to within the length of a stay."""
    found, stay_s = np.zeros((cameras, cameras), bool), views.end_s - views.start_s
    one, other, _ = pairs.cameras(views, cameras)
    for rows in pairs.by_cameras(views, cameras, np.flatnonzero(pairs.same & (pairs.slack_s > 0))):
        if len(rows) >= LEAST_OVERLAPS:
            a, b = pairs.a[rows], pairs.b[rows]
            off = min(deviation(s[b] - s[a]) for s in (views.start_s, views.end_s))
            found[one[rows[0]], other[rows[0]]] = off < np.median(stay_s[np.concatenate([a, b])])
    return found


def _shared(views: Views, pairs: ViewPairs, cameras: int, probability: Double) -> Double:
    """log odds (P,) that a vehicle is seen by both cameras, given that one of them saw it, over the rate (per second)
    at which views start in the other; ``probability`` (P,) that a pair is one vehicle, as far as is known."""
    first, last = np.full(cameras, np.inf), np.full(cameras, -np.inf)
    np.minimum.at(first, views.camera, views.start_s)
    np.maximum.at(last, views.camera, views.end_s)
    count = views.count(cameras)
    rate = (count + 0.5) / np.maximum(last - first, 10.0)
    one, other, key = pairs.cameras(views, cameras)
    together = np.bincount(key, probability)[key] - probability
    fewer = np.minimum(count[one], count[other])
    prior = min(MOST_SHARED_PRIOR, OTHER_CAMERAS / max(cameras - 1, 1))
    shared = (together + SHARED_WEIGHT * prior) / (fewer + SHARED_WEIGHT)
    shared = np.clip(shared, LEAST_SHARED, MOST_SHARED)
    return np.asarray(np.log(shared / (1 - shared)) - np.log(rate[np.where(pairs.later, other, one)]))


def _together(views: Views, pairs: ViewPairs, cameras: int) -> Long:
    """How many vehicles (P,) the two cameras of each pair share so far."""
    key = pairs.cameras(views, cameras)[2]
    return np.asarray(np.bincount(key[pairs.same], minlength=cameras**2)[key])


def _zones(views: Views, pairs: ViewPairs, cameras: int) -> Double:
    """Evidence (P,) of the two entry zones and of the two exit zones: how often one vehicle has both, against
    chance."""
    a, b, key = pairs.cameras(views, cameras)
    together = _together(views, pairs, cameras) - pairs.same
    evidence, of_two = np.zeros(len(pairs)), np.bincount(key)[key]
    for zone in (views.entry_zone, views.exit_zone):
        one, other = zone[pairs.a], zone[pairs.b]
        size = int(zone.max(initial=0)) + 1
        # a zone is of one camera: with the other camera it says which two
        chance = _fraction(one * cameras + b, of_two, size) * _fraction(other * cameras + a, of_two, size)
        both = one * size + other
        number, inverse = np.unique(both, return_inverse=True)
        seen = np.bincount(inverse[pairs.same], minlength=len(number))[inverse] - pairs.same
        evidence += np.log((seen + ZONE_WEIGHT * chance) / (together + ZONE_WEIGHT)) - np.log(chance)
    return np.clip(evidence, *ZONE_EVIDENCE)


def _fraction(part: Long, whole: Long, size: int) -> Double:
    """Fraction (P,) of the pairs of the same two cameras, ``whole`` (P,) in number, that have the same ``part``, of
    ``size`` possible ones."""
    return np.asarray((np.bincount(part)[part] + 0.5) / (whole + 0.5 * size))
