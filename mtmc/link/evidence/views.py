"""Views: what one camera saw of one vehicle, be it in fragments; and pairs of views of two cameras that may be one
vehicle.

Where cameras overlap, a vehicle's views are a clique, not a chain: each may match a view in every other camera. Shape
shorthand: T tracklets, V views, D feature size, P pairs, C cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.link.evidence.appearance import unit
from mtmc.link.evidence.sizes import Sizes
from mtmc.link.model.entry_exit_zones import Zones
from mtmc.structures import Columns, Double, Float, Int, Long, Mask, Short, TrackletTable

BLOCK = 4096
"""Views paired at once: bounds memory."""
# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for STANDS_S (+.031, -.017 on seeds 101 and 102; halved, whole worlds of 101 to 108 gain nothing), STANDS
# (-.010, +.012), SAME_STAY and LEAST_RELATED (+.001, +.011: one world of 60 s in fourteen gains .15 without them).
STANDS_S, STANDS, STANDS_PER_S = 3.0, 0.03, 0.01
"""A tracklet of at least so many seconds that ends within this fraction of the image of where it began, and that is
less than so much a second, shows a parked or waiting vehicle, or none."""

SAME_STAY, LEAST_RELATED = 0.5, 5
"""Fraction of the time in which one of two views sees something, in which both do, from which on what stands in the one
may be what moves in the other: a parked car is seen for longer than whoever passes it; and vehicles that two cameras
share before that is believed. On seeds 101 to 103 a tracker's corridor4 gains .03 IDF1."""


def stands(table: TrackletTable) -> Mask:
    """Whether each tracklet (T,) never moves: it says nothing of zones, arrivals and travel times, and looks are no
    reason to link it with another camera's."""
    seconds = table.end_s - table.start_s
    moved = np.linalg.norm(table.exit_xy - table.entry_xy, axis=1)
    return np.asarray((seconds > STANDS_S) & (moved < np.minimum(STANDS, STANDS_PER_S * seconds)))


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """camera (V,); start_s, end_s (V,); feature (V, D) unit, the mean of its tracklets'; sizes (V,) the mean of theirs;
    label (V,) of its first tracklet; entry_zone, exit_zone (V,) of its first and last; moves (V,): whether one of them
    does; row, last (V,) of its first and its last; vehicle (V,) number of the vehicle it belongs to so far; view (T,)
    of each tracklet."""

    camera: Int
    start_s: Double
    end_s: Double
    feature: Float
    sizes: Sizes
    label: Short
    entry_zone: Long
    exit_zone: Long
    moves: Mask
    row: Long
    last: Long
    vehicle: Long
    view: Long

    def __len__(self) -> int:
        return len(self.camera)

    def count(self, cameras: int) -> Double:
        """Views (C,) of each camera that move."""
        return np.bincount(self.camera, self.moves, cameras).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class ViewPairs(Columns):
    """Pairs (P,) of views of two cameras, ``a`` in the one of the smaller number; gap_s: seconds from the end of the
    view that starts first to the start of the other, negative where they share time; later: whether ``b`` starts later;
    same: whether both are of one vehicle so far; slack_s: by how much their two clocks may disagree where nobody knows,
    error_s: the standard error of their difference where it was learned."""

    a: Long
    b: Long
    gap_s: Double
    later: Mask
    same: Mask
    slack_s: Double
    error_s: Double

    def in_time(self) -> tuple[Long, Long]:
        """The view (P,) that starts first, and the other."""
        return np.where(self.later, self.a, self.b), np.where(self.later, self.b, self.a)

    def cameras(self, views: Views, cameras: int) -> tuple[Long, Long, Long]:
        """The two cameras (P,) of each pair, and a number for both."""
        one, other = views.camera[self.a].astype(np.int64), views.camera[self.b].astype(np.int64)
        return one, other, one * cameras + other

    def moving(self, views: Views) -> Mask:
        """Whether both views (P,) move."""
        return np.asarray(views.moves[self.a] & views.moves[self.b])

    def by_cameras(self, views: Views, cameras: int, rows: Long) -> list[Long]:
        """``rows`` of pairs, those of the same two cameras together, in their order."""
        key = self.cameras(views, cameras)[2][rows]
        order = np.argsort(key, kind="stable")
        return np.split(rows[order], np.flatnonzero(np.diff(key[order])) + 1) if len(rows) else []

    def ends(self, views: Views, cameras: int) -> tuple[Long, Long]:
        """A number (P,) for each view as seen from the other's camera: a view has one match in it at most."""
        return self.a * cameras + views.camera[self.b], self.b * cameras + views.camera[self.a]


def make_views(table: TrackletTable, features: Float, sizes: Sizes, zones: Zones, labels: Long, moving: Mask) -> Views:
    """Views of the vehicles ``labels`` (T,); ``features`` (T, D) comparable between cameras, ``sizes`` of
    tracklets (T,)."""
    key, view = np.unique(labels * len(table.cameras) + table.camera, return_inverse=True)
    count, number = len(key), np.bincount(view)
    by_start, by_end = np.argsort(table.start_s, kind="stable"), np.argsort(table.end_s, kind="stable")
    first, last = np.zeros(count, np.int64), np.zeros(count, np.int64)
    first[view[by_start[::-1]]] = by_start[::-1]
    last[view[by_end]] = by_end
    order = np.argsort(view, kind="stable")
    total = np.add.reduceat(features[order], np.searchsorted(view[order], np.arange(count)), axis=0)
    return Views(
        table.camera[first],
        table.start_s[first],
        table.end_s[last],
        unit(total),
        Sizes(*(np.bincount(view, values, count) / number for values in (sizes.residual, sizes.doubt))),
        table.label[first],
        zones.entry[first],
        zones.exit[last],
        np.bincount(view, moving, count) > 0,
        first,
        last,
        np.unique(labels[first], return_inverse=True)[1].astype(np.int64),
        view.astype(np.int64),
    )


def pair_views(views: Views, longest_gap_s: float, slack_s: Double, error_s: Double, most: int) -> ViewPairs | None:
    """All pairs of moving views of two cameras that share time or follow within ``longest_gap_s``, and as much more as
    the two clocks may disagree, ``slack_s`` (C, C); and of one that moves and one that stands, if both last about as
    long at the same time. ``error_s`` (C, C): standard errors of clocks that were learned. None where the moving ones
    are more than ``most``."""
    order = np.argsort(views.start_s, kind="stable")
    order = order[views.moves[order]]
    start, end, camera = views.start_s[order], views.end_s[order], views.camera[order]
    last = np.searchsorted(start, end + longest_gap_s + slack_s.max(), side="right")
    found = [np.zeros((2, 0), np.int64)]
    for begin in range(0, len(order), BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, len(order)))
        count = np.maximum(last[rows] - rows - 1, 0)
        first = np.repeat(rows, count)
        second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
        far = start[second] - end[first] > longest_gap_s + slack_s[camera[first], camera[second]]
        fits = (camera[first] != camera[second]) & ~far
        found.append(order[np.stack([first[fits], second[fits]])])
        if sum(part.shape[1] for part in found) > most:
            return None
    moving = np.concatenate(found, axis=1)
    waiting = _waiting(views, order, _related(views, moving, len(slack_s)) & (slack_s == 0))
    early, late = np.concatenate([moving, waiting], axis=1)
    later = views.camera[early] < views.camera[late]
    a, b = np.where(later, early, late), np.where(later, late, early)
    gap_s, same = views.start_s[late] - views.end_s[early], views.vehicle[a] == views.vehicle[b]
    cameras = views.camera[a], views.camera[b]
    return ViewPairs(a, b, gap_s, later, same, slack_s[cameras], error_s[cameras])


def _related(views: Views, pairs: Long, cameras: int) -> Mask:
    """Whether (C, C) two cameras share `LEAST_RELATED` vehicles so far, by pairs of views (2, P)."""
    one, other = pairs[:, views.vehicle[pairs[0]] == views.vehicle[pairs[1]]]
    key = views.camera[one].astype(np.int64) * cameras + views.camera[other]
    shared = np.bincount(key, minlength=cameras**2).reshape(cameras, cameras)
    return np.asarray(shared + shared.T >= LEAST_RELATED)


def _waiting(views: Views, moving: Long, related: Mask) -> Long:
    """Pairs (2, P) of a view that stands and one of those that are ``moving``, in order of their starts, in another
    camera, the one that starts first first: a vehicle that waits, and one camera sees nothing else of it. Only between
    cameras (C, C) that are ``related``."""
    length, start = views.end_s - views.start_s, views.start_s[moving]
    longest = float(length[moving].max(initial=0.0)) / SAME_STAY
    standing = np.flatnonzero(~views.moves & (length <= longest))
    found = [np.zeros((2, 0), np.int64)]
    for begin in range(0, len(standing), BLOCK):
        rows = standing[begin : begin + BLOCK]
        first = np.searchsorted(start, views.start_s[rows] - length[rows] * (1 / SAME_STAY - 1))
        count = np.searchsorted(start, views.start_s[rows] + length[rows] * (1 - SAME_STAY), side="right") - first
        one = np.repeat(rows, count)
        other = moving[np.repeat(first, count) + np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)]
        both = np.minimum(views.end_s[one], views.end_s[other]) - np.maximum(views.start_s[one], views.start_s[other])
        cameras = views.camera[one], views.camera[other]
        fits = (
            related[cameras] & (cameras[0] != cameras[1]) & (both >= SAME_STAY * (length[one] + length[other] - both))
        )
        found.append(np.stack([one[fits], other[fits]]))
    one, other = np.concatenate(found, axis=1)
    first_starts = views.start_s[one] <= views.start_s[other]
    return np.stack([np.where(first_starts, one, other), np.where(first_starts, other, one)])
