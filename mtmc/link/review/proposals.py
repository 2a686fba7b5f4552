"""What to look at: links that may be wrong, and links that may be missing, by what a look at them may gain.

The linker's own probabilities speak for the links that it made. A link that it missed lies mostly outside of what it
took for possible (a camera between did not see the vehicle), so looks alone propose it: two vehicles, one ending before
the other begins, each of whose looks is the other's nearest. Shape shorthand: T tracklets, E links, V vehicles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.link.evidence.appearance import without_camera_bias
from mtmc.link.problem import Links
from mtmc.link.review.consistency import scale_of_looks
from mtmc.structures import Double, Float, Long, TrackletTable

LEAST_COSINE, SURE_COSINE, MOST_CHANCE = 0.4, 0.7, 0.5
"""A proposal's chance rises from nothing to half between two cosines: those of ``scale_of_looks``, and these where a
run cannot tell them; chosen on seed 1000 of `scripts/bench_edits --level 3`."""
LEAST_RISE = 0.1
LONGEST_OVERLAP_S, LONGEST_TRAVEL_S = 15.0, 300.0
BLOCK = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Pairs of rows worth a look, the most worth first: ``source``, ``target`` (N,), the chance that the solution has
    them wrong, the ``boxes`` that change hands then, and whether the solution links them (``made``)."""

    source: Long
    target: Long
    chance: Double
    boxes: Long
    made: Long

    @property
    def gain(self) -> Double:
        """Boxes that a look may win."""
        return self.chance * self.boxes


def worth_a_look(table: TrackletTable, labels: Long, boxes: Long, links: Links | None) -> Looks:
    """All links made and all links proposed; boxes (T,) of each tracklet."""
    parts = [_proposed(table, labels, boxes, links)]
    if links is not None:
        stake = _at_stake(table, labels, boxes, links.source, links.target)
        parts.append(Looks(links.source, links.target, 1 - links.probability, stake, np.ones(len(stake), np.int64)))
    joined = Looks(*(np.concatenate([getattr(part, name) for part in parts]) for name in Looks.__slots__))
    order = np.lexsort((joined.target, joined.source, -joined.gain))
    return Looks(*(getattr(joined, name)[order] for name in Looks.__slots__))


def _at_stake(table: TrackletTable, labels: Long, boxes: Long, source: Long, target: Long) -> Long:
    """Boxes (E,) of the smaller side of the vehicle that each link holds together: what was seen before the link's
    later end, or from it on."""
    order = np.lexsort((table.start_s, labels))
    sums = np.concatenate([[0], np.cumsum(boxes[order])])
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first, end = (np.searchsorted(labels[order], labels[target], side) for side in ("left", "right"))
    cut = np.maximum(place[source], place[target])
    before, whole = sums[cut] - sums[first], sums[end] - sums[first]
    return np.asarray(np.minimum(before, whole - before), np.int64)


def _proposed(table: TrackletTable, labels: Long, boxes: Long, links: Links | None) -> Looks:
    """A vehicle's last tracklet and another one's first, nearest to each other by looks among all that time allows."""
    order = np.lexsort((table.start_s, labels))
    order = order[labels[order] >= 0]
    change = np.flatnonzero(np.diff(labels[order], prepend=-2))
    first, last = order[change], order[np.append(change[1:], len(order)) - 1] if len(order) else order
    total = np.add.reduceat(boxes[order], change) if len(change) else boxes[:0]
    features = without_camera_bias(table)
    nearest, cosine, back = _nearest(table, features, first, last)
    least, sure = scale_of_looks(features, labels, links) or (LEAST_COSINE, SURE_COSINE)
    mutual = np.flatnonzero((cosine > least) & (back[nearest] == np.arange(len(nearest))))
    other = nearest[mutual]
    chance = MOST_CHANCE * np.clip((cosine[mutual] - least) / max(sure - least, LEAST_RISE), 0, 1)
    stake = np.minimum(total[mutual], total[other])
    return Looks(last[mutual], first[other], chance, np.asarray(stake, np.int64), np.zeros(len(mutual), np.int64))


def _nearest(table: TrackletTable, features: Float, first: Long, last: Long) -> tuple[Long, Double, Long]:
    """Of each vehicle's end (V,) the vehicle whose beginning looks most like it and their cosine, and of each beginning
    the end."""
    count = len(first)
    nearest, cosine = np.zeros(count, np.int64), np.full(count, -1.0)
    back, best = np.zeros(count, np.int64), np.full(count, -1.0)
    for begin in range(0, count, BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, count))
        wait = table.start_s[first][None] - table.end_s[last[rows]][:, None]
        possible = (wait > -LONGEST_OVERLAP_S) & (wait < LONGEST_TRAVEL_S) & (rows[:, None] != np.arange(count))
        score = np.where(possible, features[last[rows]] @ features[first].T, -1.0)
        nearest[rows], cosine[rows] = score.argmax(axis=1), score.max(axis=1)
        top = score.max(axis=0)
        better = top > best
        back[better], best[better] = rows[score.argmax(axis=0)[better]], top[better]
    return nearest, cosine, back
