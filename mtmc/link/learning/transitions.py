"""Which exit leads to which entry: peaks of the time difference between look-alike tracklets, from unlabelled tracklets alone.

For an exit of one camera and an entry of another, each tracklet leaving votes for the tracklets entering that look most like it,
mutual near neighbours most. Votes of unrelated pairs spread over time as all pairs do; votes of real transitions pile up at the travel time (plus
whatever the clocks differ). A pile that chance cannot explain is a link. Where there are too many ports to try all, sampled nearest
neighbours over all cameras say which are worth a close look.

Shape shorthand: T tracklets, D feature size, A and B rows of the two ports, H histogram bins of one second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from mtmc.link.model.camera_network import Limits
from mtmc.link.model.entry_exit_zones import PortMap, Ports
from mtmc.structures import Double, Float, Long, TrackletTable

FEW_CAMERAS = 40
"""Up to here every pair of cameras is looked at, so that one camera more changes nothing for the others."""
QUERIES_PER_CAMERA = 60
NEAREST = 3
LEAST_NEIGHBOUR_VOTES = 2
"""Chance gives a pair of ports some hundredth of a vote when there are many cameras."""
BLOCK = 256


def port_pairs(
    table: TrackletTable, features: Float, ports: PortMap, trusted: NDArray[np.bool_], limits: Limits
) -> list[tuple[int, int]]:
    """Exits and entries of different cameras (global port numbers, "elsewhere" left out) between which a link may be looked for."""
    present = np.unique(table.camera)
    if len(present) <= FEW_CAMERAS:
        exits, entries = _real(ports.exits), _real(ports.entries)
        pairs = [(e, f) for e in exits for f in entries if ports.exit_camera[e] != ports.entry_camera[f]]
        return [(int(e), int(f)) for e, f in pairs]
    found, votes = _neighbour_votes(table, features, ports, limits.span_s(bool(trusted.all())))
    size = len(ports.entry_camera)
    good = found[votes >= LEAST_NEIGHBOUR_VOTES]
    real = np.isin(good // size, _real(ports.exits)) & np.isin(good % size, _real(ports.entries))
    return [(int(n // size), int(n % size)) for n in good[real]]


def _real(ports: tuple[Ports, ...]) -> Long:
    """Global numbers of the ports that are somewhere."""
    base = np.concatenate([[0], np.cumsum([len(p) + 1 for p in ports])])
    return np.concatenate([np.arange(b, b + len(p)) for b, p in zip(base, ports, strict=False)]).astype(np.int64)


def _neighbour_votes(
    table: TrackletTable, features: Float, ports: PortMap, span: tuple[float, float]
) -> tuple[Long, Long]:
    """Numbers exit x entries + entry (N,) and how often (N,) a tracklet entering there is among the nearest of a sampled tracklet leaving
    by that exit, over all other cameras and all times that are possible."""
    order = np.argsort(table.start_s, kind="stable")
    start = table.start_s[order]
    queries = _sampled(table)
    cast = [np.zeros(0, np.int64)]
    for begin in range(0, len(queries), BLOCK):
        rows = queries[begin : begin + BLOCK]
        left = table.end_s[rows]
        first, last = np.searchsorted(start, (left[0] + span[0], left[-1] + span[1]))
        after = order[first:last]
        if len(after) <= NEAREST:
            continue
        similarity = features[rows] @ features[after].T
        difference = start[first:last][None, :] - left[:, None]
        barred = (difference < span[0]) | (difference > span[1])
        similarity[barred | (table.camera[after][None, :] == table.camera[rows][:, None])] = -2.0
        best = np.argpartition(-similarity, NEAREST, axis=1)[:, :NEAREST]
        pairs = ports.exit[rows][:, None] * len(ports.entry_camera) + ports.entry[after][best]
        cast.append(pairs[np.take_along_axis(similarity, best, axis=1) > -2.0])
    found, votes = np.unique(np.concatenate(cast), return_counts=True)
    return found, votes.astype(np.int64)


def _sampled(table: TrackletTable) -> Long:
    """Up to QUERIES_PER_CAMERA rows of each camera, spread over its time, ordered by the time they leave."""
    parts = []
    order = np.lexsort((table.end_s, table.camera))
    for rows in np.split(order, np.flatnonzero(np.diff(table.camera[order])) + 1):
        step = max(len(rows) // QUERIES_PER_CAMERA, 1)
        parts.append(rows[::step])
    chosen = np.concatenate(parts)
    return chosen[np.argsort(table.end_s[chosen], kind="stable")].astype(np.int64)


WIDTHS_S = (1, 2, 5, 12, 30, 60)
"""Widths of a pile that are tried."""
LEAST_SIGNIFICANCE = 5.5
LEAST_SIGNIFICANCE_OF_FEW = 4.6
"""Standard deviations above chance that make a link: some 1e5 places are tried, and what chance lets pass dies out in learning."""
LEAST_VOTES = 2.0
MANY_PAIRS = 600
SMOOTH_BINS = 61
MOST_PEAKS = 3
TWO_WAY = 1.2
"""How much more credible a peak is for a fitting way back."""
MOST_MEMBERS = 400
NEAR = 4
"""Neighbours that get a vote."""


@dataclass(frozen=True, slots=True, eq=False)
class Peak:
    """A pile of votes: the global exit port ``exit`` leads to the entry port ``entry`` about ``centre_s`` seconds later (by the
    cameras' own clocks), give or take ``width_s``; ``votes`` beyond chance; ``significance`` in standard deviations."""

    exit: int
    entry: int
    centre_s: float
    width_s: float
    votes: float
    significance: float


def discover(
    table: TrackletTable, features: Float, ports: PortMap, pairs: Iterable[tuple[int, int]],
    trusted: NDArray[np.bool_], limits: Limits,
) -> list[Peak]:  # fmt: skip
    """Links between the exits and entries in ``pairs`` (global port numbers).

    ``trusted`` (C,): cameras whose clocks agree with each other. Peaks that contradict a more significant one are left out.
    """
    leaving, entering = _members(ports.exit, ports.exit_camera), _members(ports.entry, ports.entry_camera)
    peaks: list[Peak] = []
    for exit_, entry in pairs:
        strict = bool(trusted[ports.exit_camera[exit_]] and trusted[ports.entry_camera[entry]])
        a, b = leaving[exit_], entering[entry]
        piles = find_peaks(table, features, a, b, limits.span_s(strict), strict)
        peaks += [Peak(exit_, entry, *pile) for pile in piles]
    return _without_reversals(peaks, table, ports)


def _members(number: Long, owner: Long) -> list[Long]:
    """Rows of each global port, in time order, thinned evenly to a number that can be compared all with all."""
    order = np.argsort(number, kind="stable")
    first = np.searchsorted(number[order], np.arange(len(owner) + 1))
    return [order[a:b][:: (b - a) // MOST_MEMBERS + 1] for a, b in pairwise(first.tolist())]


def _without_reversals(peaks: list[Peak], table: TrackletTable, ports: PortMap) -> list[Peak]:
    """Drop the mirror images of real links. Vehicles that go from B to A also pair up as "A to B", at minus the travel time minus
    both stays in view; the way back then would take less than no time. Of two such peaks the more significant one is real: the
    true exit and entry are one pair of ports, their mirror image is strewn over many. On a straight road it is not, so a peak with a
    way back that fits counts for more: two-way streets have one, mirror images have none."""
    stay = [_median(table, c) for c in range(len(table.cameras))]
    groups: dict[tuple[int, int], list[Peak]] = {}
    for peak in peaks:
        groups.setdefault((int(ports.exit_camera[peak.exit]), int(ports.entry_camera[peak.entry])), []).append(peak)
    kept: list[Peak] = []
    for a, b in sorted(groups):
        if (b, a) not in groups:
            kept += groups[a, b]
        elif a < b:
            kept += _agreeing(groups[a, b], groups[b, a], -0.5 * (stay[a] + stay[b]))
    return kept


def _agreeing(there: list[Peak], back: list[Peak], least_s: float) -> list[Peak]:
    """Of the peaks of both directions between two cameras those that can be true together, most credible first: there and back takes
    at least ``least_s``."""
    sides = [(peak, other) for mine, other in ((there, back), (back, there)) for peak in mine]

    def credit(side: tuple[Peak, list[Peak]]) -> float:
        fits = any(peak.centre_s + side[0].centre_s >= least_s for peak in side[1])
        return side[0].significance * (TWO_WAY if fits else 1.0)

    kept: list[Peak] = []
    for peak, other in sorted(sides, key=lambda side: (-credit(side), side[0].exit, side[0].entry, side[0].centre_s)):
        if all(peak.centre_s + k.centre_s >= least_s for k in kept if k in other):
            kept.append(peak)
    return kept


def _median(table: TrackletTable, camera: int) -> float:
    rows = table.camera == camera
    return float(np.median((table.end_s - table.start_s)[rows])) if rows.any() else 0.0


def find_peaks(
    table: TrackletTable, features: Float, a: Long, b: Long, span_s: tuple[float, float], ordered: bool
) -> list[tuple[float, float, float, float]]:
    """Piles (centre, width, votes, significance) from rows ``a`` to rows ``b`` with time differences in ``span_s``.

    ``ordered``: the clocks agree, so the second tracklet's middle must be later than the first's.
    """
    if len(a) == 0 or len(b) == 0:
        return []
    difference = table.start_s[b][None, :] - table.end_s[a][:, None]
    possible = (difference >= span_s[0]) & (difference < span_s[1])
    if ordered:
        middle = (table.start_s + table.end_s) / 2
        possible &= middle[b][None, :] > middle[a][:, None]
    votes = _votes(features[a] @ features[b].T, possible)
    bins = np.floor(difference - span_s[0]).astype(np.int64)
    count = int(np.ceil(span_s[1] - span_s[0]))
    pairs = np.bincount(bins[possible], minlength=count).astype(np.float64)
    weight = np.bincount(bins[possible], votes[possible], count).astype(np.float64)
    square = float((votes[possible] ** 2).sum())
    piles = _piles(weight, pairs, square)
    return [(span_s[0] + centre, width, extra, z) for centre, width, extra, z in piles]


def _votes(similarity: Float, possible: NDArray[np.bool_]) -> Double:
    """1 for mutual nearest neighbours, less for pairs that are only near, 0 beyond."""
    masked = np.where(possible, similarity, -np.inf)
    ahead, back = _ranks(masked), _ranks(masked.T).T
    vote = 1.0 / ((1.0 + ahead) * (1.0 + back))
    return np.where(possible & (ahead < NEAR) & (back < NEAR), vote, 0.0)


def _ranks(similarity: Float) -> NDArray[np.int64]:
    """Rank of each entry in its row, 0 = most similar; entries beyond the NEAR first all get NEAR."""
    near = min(NEAR, similarity.shape[1])
    ranks = np.full(similarity.shape, NEAR, np.int64)
    best = np.argpartition(-similarity, near - 1, axis=1)[:, :near]
    values = np.take_along_axis(similarity, best, axis=1)
    best = np.take_along_axis(best, np.argsort(-values, axis=1, kind="stable"), axis=1)
    np.put_along_axis(ranks, best, np.arange(near)[None, :], axis=1)
    return ranks


def _piles(weight: Double, pairs: Double, square: float) -> list[tuple[float, float, float, float]]:
    """Piles (centre, width, extra votes, significance), most significant first, each outside of those before."""
    piles: list[tuple[float, float, float, float]] = []
    if weight.sum() == 0:
        return piles
    spread = square / weight.sum()
    least = LEAST_SIGNIFICANCE if pairs.sum() > MANY_PAIRS else LEAST_SIGNIFICANCE_OF_FEW
    free = np.ones(len(weight))
    while len(piles) < MOST_PEAKS:
        best = (0.0, 0, 0, 0.0)
        for width in WIDTHS_S:
            extra, z = _excess(weight * free, pairs * free, width, spread)
            z = np.where((free > 0) & (extra >= LEAST_VOTES), z, 0.0)
            at = int(z.argmax())
            best = max(best, (float(z[at]), at, width, float(extra[at])))
        significance, at, width, extra_votes = best
        if significance < least:
            break
        piles.append((at + 0.5, float(width), extra_votes, significance))
        free[max(at - 2 * width, 0) : at + 2 * width + 1] = 0.0
    return piles


def _excess(weight: Double, pairs: Double, width: int, spread: float) -> tuple[Double, Double]:
    """Votes beyond chance in a window about every bin, and how many standard deviations that is worth (signed root of the Poisson
    deviance, which holds for small counts too).

    Chance is the mean vote of the pairs outside of the window; ``spread`` is the mean square vote over the mean vote.
    """
    inside = uniform_filter1d(weight, width, mode="constant") * width
    beside = uniform_filter1d(_usual(pairs), width, mode="constant") * width
    outside = np.maximum(weight.sum() - inside, 0.5) / np.maximum(pairs.sum() - beside, 1.0)
    expected = np.maximum(outside * beside, 0.02) / spread
    found = np.maximum(inside / spread, 1e-9)
    deviance = 2 * (found * np.log(found / expected) - (found - expected))
    return inside - expected * spread, np.sign(found - expected) * np.sqrt(np.maximum(deviance, 0.0))


def _usual(pairs: Double) -> Double:
    """Pairs to expect per bin. Where there are many, their own number: traffic comes in platoons. Where there are few, that number is
    itself a sign of a link, so a smooth curve."""
    return pairs + 0.1 if pairs.sum() > MANY_PAIRS else uniform_filter1d(pairs, SMOOTH_BINS, mode="nearest")
