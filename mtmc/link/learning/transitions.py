"""Transition discovery: which exit zone leads to which entry zone, from unlabelled tracklets alone.

1. ``zone_pairs``: which exits and entries are worth a close look. All of them where cameras are few; else those between
   which a sample of tracklets has its nearest neighbours in appearance.
2. ``delay_modes``: for an exit of one camera and an entry of another, each tracklet that leaves votes for the tracklets
   entering that look most like it, mutual near neighbours most. Votes of unrelated pairs spread over the delays as all
   pairs do; those of real transitions concentrate at the travel time (plus whatever the clocks differ). A mode of the
   delay histogram that chance cannot explain is a transition (after Makris, Ellis and Black, "Bridging the gaps between
   cameras", 2004). Without appearance every pair votes.
3. ``_without_reversals``: mirror images of real transitions are dropped.

Shape shorthand: T tracklets, D feature size, A and B rows of the two zones, H histogram bins of one second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.ndimage import uniform_filter1d

from mtmc.link.model.camera_network import Limits
from mtmc.link.model.entry_exit_zones import Zones
from mtmc.structures import Double, Float, Long, Mask, TrackletTable

FEW_CAMERAS = 40
"""Up to here every pair of cameras is looked at, so that one camera more changes nothing for the others."""
QUERIES_PER_CAMERA = 60
NEAREST = 3
LEAST_QUERY_VOTES = 2
"""Beyond: tracklets sampled per camera, neighbours of each that vote for their zones, and votes that are worth a look.
Chance gives a pair of zones some hundredth of a vote when there are many cameras."""
QUERY_BLOCK = 256
"""Queries compared at once: bounds memory."""
WIDTHS_S = (1, 2, 5, 12, 30, 60)
"""Widths of a mode that are tried."""
# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for LEAST_SIGNIFICANCE_OF_FEW (-.008, -.102), TWO_WAY (-.014, +.003).
LEAST_SIGNIFICANCE = 5.5
LEAST_SIGNIFICANCE_OF_FEW = 4.6
"""Standard deviations above chance that make a mode: some 1e5 places are tried, and what chance lets pass dies out in
learning."""
LEAST_VOTES = 2.0
"""Votes beyond chance that make a mode."""
MANY_PAIRS = 600
"""Pairs of two zones above which their own histogram says what chance gives, and LEAST_SIGNIFICANCE holds."""
SMOOTH_BINS = 61
"""Window over which the histogram of fewer pairs is smoothed to say what chance gives."""
LEAST_EXPECTED = 0.02
"""Votes that chance is taken to give at least."""
MOST_MODES = 3
"""Modes of one pair of zones."""
TWO_WAY = 1.2
"""How much more credible a mode is for a fitting way back."""
MOST_MEMBERS = 400
"""Tracklets of one zone that are compared: bounds the matrix of their similarities."""
NEAR = 4
"""Neighbours that get a vote."""


@dataclass(frozen=True, slots=True, eq=False)
class DelayMode:
    """A mode of the delays from the global exit zone ``exit`` to the entry zone ``entry``: about ``centre_s`` seconds
    (by the cameras' own clocks), give or take ``width_s``; ``votes`` beyond chance; ``significance`` in standard
    deviations."""

    exit: int
    entry: int
    centre_s: float
    width_s: float
    votes: float
    significance: float


def zone_pairs(
    table: TrackletTable, features: Float, zones: Zones, trusted: Mask, limits: Limits
) -> list[tuple[int, int]]:
    """Exits and entries of different cameras (global zone numbers, "elsewhere" left out) between which a transition may
    be looked for."""
    exits, entries = zones.places()
    if len(np.unique(table.camera)) <= FEW_CAMERAS:
        near = zones.exit_camera[exits][:, None] != zones.entry_camera[entries][None, :]
    else:
        votes = _query_votes(table, features, zones, limits.span_s(bool(trusted.all())))
        near = votes[np.ix_(exits, entries)].toarray() >= LEAST_QUERY_VOTES
    first, second = np.nonzero(near)
    return list(zip(exits[first].tolist(), entries[second].tolist(), strict=True))


def _query_votes(table: TrackletTable, features: Float, zones: Zones, span: tuple[float, float]) -> sparse.csr_array:
    """How often (exits, entries) a tracklet entering there is among the nearest of a sampled tracklet leaving by that
    exit, over all other cameras and all times that are possible."""
    order = np.argsort(table.start_s, kind="stable")
    start, queries = table.start_s[order], _sampled(table)
    ends = [np.zeros((2, 0), np.int64)]
    for begin in range(0, len(queries), QUERY_BLOCK):
        rows = queries[begin : begin + QUERY_BLOCK]
        left = table.end_s[rows]
        first, last = np.searchsorted(start, (left[0] + span[0], left[-1] + span[1]))
        after = order[first:last]
        if len(after) <= NEAREST:
            continue
        similarity = features[rows] @ features[after].T
        delay = start[first:last][None, :] - left[:, None]
        barred = (delay < span[0]) | (delay > span[1])
        similarity[barred | (table.camera[after][None, :] == table.camera[rows][:, None])] = -2.0
        best = np.argpartition(-similarity, NEAREST, axis=1)[:, :NEAREST]
        query, k = np.nonzero(np.take_along_axis(similarity, best, axis=1) > -2.0)
        ends.append(np.stack([zones.exit[rows[query]], zones.entry[after[best[query, k]]]]))
    exits, entries = np.concatenate(ends, axis=1)
    shape = len(zones.exit_camera), len(zones.entry_camera)
    return sparse.csr_array(sparse.coo_array((np.ones(len(exits)), (exits, entries)), shape=shape))


def _sampled(table: TrackletTable) -> Long:
    """Up to QUERIES_PER_CAMERA rows of each camera, spread over its time, ordered by the time they leave."""
    order = np.lexsort((table.end_s, table.camera))
    cameras = np.split(order, np.flatnonzero(np.diff(table.camera[order])) + 1)
    chosen = np.concatenate([rows[:: max(len(rows) // QUERIES_PER_CAMERA, 1)] for rows in cameras])
    return chosen[np.argsort(table.end_s[chosen], kind="stable")].astype(np.int64)


def discover(
    table: TrackletTable, features: Float, zones: Zones, pairs: Iterable[tuple[int, int]], trusted: Mask, limits: Limits
) -> list[DelayMode]:
    """Modes between the exits and entries in ``pairs`` (global zone numbers).

    ``trusted`` (C,): cameras whose clocks agree with each other. Modes that contradict a more significant one are left
    out.
    """
    leaving, entering = _members(zones.exit, zones.exit_camera), _members(zones.entry, zones.entry_camera)
    modes: list[DelayMode] = []
    for exit_, entry in pairs:
        ordered = bool(trusted[zones.exit_camera[exit_]] and trusted[zones.entry_camera[entry]])
        a, b = leaving[exit_], entering[entry]
        found = delay_modes(table, features, a, b, limits.span_s(ordered), ordered)
        modes += [DelayMode(exit_, entry, *mode) for mode in found]
    return _without_reversals(modes, table, zones)


def _members(number: Long, owner: Long) -> list[Long]:
    """Rows of each global zone, in time order, thinned evenly to a number that can be compared all with all."""
    order = np.argsort(number, kind="stable")
    first = np.searchsorted(number[order], np.arange(len(owner) + 1))
    return [order[a:b][:: (b - a) // MOST_MEMBERS + 1] for a, b in pairwise(first.tolist())]


def _without_reversals(modes: Sequence[DelayMode], table: TrackletTable, zones: Zones) -> list[DelayMode]:
    """Drop the mirror images of real transitions. Vehicles that go from B to A also pair up as "A to B", at minus the
    travel time minus both stays in view; the way back then would take less than no time. Of two such modes the more
    significant one is real: the true exit and entry are one pair of zones, their mirror image is strewn over many. On a
    straight road it is not, so a mode with a way back that fits counts for more: two-way streets have one, mirror
    images have none."""
    stay = [_median_stay_s(table, c) for c in range(len(table.cameras))]
    groups: dict[tuple[int, int], list[DelayMode]] = {}
    for mode in modes:
        ends = int(zones.exit_camera[mode.exit]), int(zones.entry_camera[mode.entry])
        groups.setdefault(ends, []).append(mode)
    kept: list[DelayMode] = []
    for a, b in sorted(groups):
        if (b, a) not in groups:
            kept += groups[a, b]
        elif a < b:
            kept += _agreeing(groups[a, b], groups[b, a], -0.5 * (stay[a] + stay[b]))
    return kept


def _agreeing(there: list[DelayMode], back: list[DelayMode], least_s: float) -> list[DelayMode]:
    """Of the modes of both directions between two cameras those that can be true together, most credible first: there
    and back takes at least ``least_s``."""
    sides = [(mode, other) for mine, other in ((there, back), (back, there)) for mode in mine]

    def credit(side: tuple[DelayMode, list[DelayMode]]) -> float:
        fits = any(mode.centre_s + side[0].centre_s >= least_s for mode in side[1])
        return side[0].significance * (TWO_WAY if fits else 1.0)

    kept: list[DelayMode] = []
    for mode, other in sorted(sides, key=lambda side: (-credit(side), side[0].exit, side[0].entry, side[0].centre_s)):
        if all(mode.centre_s + k.centre_s >= least_s for k in kept if k in other):
            kept.append(mode)
    return kept


def _median_stay_s(table: TrackletTable, camera: int) -> float:
    rows = table.camera == camera
    return float(np.median((table.end_s - table.start_s)[rows])) if rows.any() else 0.0


Mode = tuple[float, float, float, float]
"""Centre and width in seconds, votes beyond chance, significance."""


def delay_modes(
    table: TrackletTable, features: Float, a: Long, b: Long, span_s: tuple[float, float], ordered: bool
) -> list[Mode]:
    """Modes of the delays in ``span_s`` from rows ``a`` to rows ``b``, most significant first.

    ``ordered``: the clocks agree, so the second tracklet's middle must be later than the first's.
    """
    if len(a) == 0 or len(b) == 0:
        return []
    delay = table.start_s[b][None, :] - table.end_s[a][:, None]
    possible = (delay >= span_s[0]) & (delay < span_s[1])
    if ordered:
        middle = (table.start_s + table.end_s) / 2
        possible &= middle[b][None, :] > middle[a][:, None]
    alike = features[a] @ features[b].T
    looks = bool(alike.any())
    votes = _votes(alike, possible) if looks else possible.astype(np.float64)
    bins = np.floor(delay - span_s[0]).astype(np.int64)[possible]
    count = int(np.ceil(span_s[1] - span_s[0]))
    pairs = np.bincount(bins, minlength=count).astype(np.float64)
    weight = np.bincount(bins, votes[possible], count).astype(np.float64)
    if not looks:  # time alone: all pairs vote, and a mode is where more of them are than beside
        pairs = uniform_filter1d(pairs, SMOOTH_BINS, mode="nearest")
    modes = _modes(weight, pairs, float((votes[possible] ** 2).sum()), ordered)
    return [(span_s[0] + centre, width, extra, z) for centre, width, extra, z in modes]


def _votes(similarity: Float, possible: Mask) -> Double:
    """Votes (A, B): 1 for mutual nearest neighbours, less for pairs that are only near, 0 beyond."""
    masked = np.where(possible, similarity, -np.inf)
    ahead, back = _ranks(masked), _ranks(masked.T).T
    vote = 1.0 / ((1.0 + ahead) * (1.0 + back))
    return np.where(possible & (ahead < NEAR) & (back < NEAR), vote, 0.0)


def _ranks(similarity: Float) -> Long:
    """Rank of each entry in its row, 0 = most similar; entries beyond the NEAR first all get NEAR."""
    near = min(NEAR, similarity.shape[1])
    ranks, rows = np.full(similarity.shape, NEAR, np.int64), np.arange(len(similarity))[:, None]
    best = np.argpartition(-similarity, near - 1, axis=1)[:, :near]
    best = best[rows, np.argsort(-similarity[rows, best], axis=1, kind="stable")]
    ranks[rows, best] = np.arange(near)
    return ranks


def _modes(weight: Double, pairs: Double, square: float, ordered: bool) -> list[Mode]:
    """Modes of a histogram of votes (H,), each outside of those before; ``pairs`` (H,) that voted or not, ``square``
    the sum of squared votes.

    Where pairs are ``ordered``, next to none are possible on the one side, so that a window which reaches far there
    costs nothing: it is its median vote that says where the mode is, for its middle may lie seconds beside."""
    modes: list[Mode] = []
    if weight.sum() < LEAST_VOTES:
        return modes
    spread = square / weight.sum()
    least = LEAST_SIGNIFICANCE if pairs.sum() > MANY_PAIRS else LEAST_SIGNIFICANCE_OF_FEW
    free = np.ones(len(weight))
    while len(modes) < MOST_MODES:
        significance, at, width, extra = _most_significant(weight * free, pairs * free, free > 0, spread)
        if significance < least:
            break
        centre = _median_bin(weight * free, at, width) if ordered else at
        modes.append((centre + 0.5, float(width), extra, significance))
        free[max(at - 2 * width, 0) : at + 2 * width + 1] = 0.0
    return modes


def _median_bin(weight: Double, at: int, width: int) -> int:
    """The bin of the median vote in a window about ``at``."""
    first = max(at - width // 2, 0)
    votes = np.cumsum(weight[first : at - width // 2 + width])
    return first + int(np.searchsorted(votes, votes[-1] / 2))


def _most_significant(weight: Double, pairs: Double, free: Mask, spread: float) -> tuple[float, int, int, float]:
    """Of all windows about a ``free`` bin the one of most votes beyond chance: how many standard deviations they are
    worth (signed root of the Poisson deviance, which holds for small counts too), its bin, its width, the votes.

    Chance is the mean vote of the pairs outside of the window; ``spread`` is the mean square vote over the mean vote.
    """
    both, sums = np.stack([weight, _usual(pairs)]), np.empty((len(WIDTHS_S), 2, len(weight)))
    for width, total in zip(WIDTHS_S, sums, strict=True):
        uniform_filter1d(both, width, output=total, mode="constant")
        total *= width
    number, at = np.nonzero((sums[:, 0] >= LEAST_VOTES) & free)
    inside, usual = sums[number, :, at].T
    outside = np.maximum(weight.sum() - inside, 0.5) / np.maximum(pairs.sum() - usual, 1.0)
    expected = np.maximum(outside * usual, LEAST_EXPECTED) / spread
    extra = inside - expected * spread
    found = inside / spread
    deviance = 2 * (found * np.log(found / expected) - (found - expected))
    z = np.where(extra >= LEAST_VOTES, np.sqrt(np.maximum(deviance, 0.0)), 0.0)
    first = np.searchsorted(number, np.arange(len(WIDTHS_S) + 1)).tolist()
    best = [a + int(z[a:b].argmax()) for a, b in pairwise(first) if a < b]
    windows = ((float(z[k]), int(at[k]), WIDTHS_S[number[k]], float(extra[k])) for k in best)
    return max(windows, default=(0.0, 0, 0, 0.0))


def _usual(pairs: Double) -> Double:
    """Pairs to expect per bin. Where there are many, their own number: traffic comes in platoons. Where there are few,
    that number is itself a sign of a transition, so a smooth curve."""
    return pairs + 0.1 if pairs.sum() > MANY_PAIRS else uniform_filter1d(pairs, SMOOTH_BINS, mode="nearest")
