"""Which tracks and boxes of one frame are still to be matched while it is associated step by step.

Shape shorthand: T live tracks; P pairs of overlapping boxes; rows are the clip's, those of one frame stand together,
confident ones first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
Double = NDArray[np.float64]
Mask = NDArray[np.bool_]
Pairs = tuple[Index, Index, Double]
"""Tracks (P,), rows (P,) and costs (P,)."""
Matches = tuple[Index, Index]
"""Tracks (P,) and their rows (P,)."""


class FrameMatching:
    """``count`` tracks, the frame's rows, ``first`` to ``low`` confident, ``low`` to ``end`` not, and the ``pairs``
    whose boxes overlap, at 1 - overlap below ``widest``."""

    def __init__(self, count: int, first: int, low: int, end: int, pairs: Pairs, widest: float) -> None:
        self._first, self._split = first, low - first
        self._pairs, self._widest = pairs, widest
        self._sizes = count, end - first
        self._rows_left = [end - low, low - first]
        self._count = 0
        self._masks: tuple[Mask, Mask] | None = None
        self._found: list[Matches] = []

    def pairs_left(self) -> bool:
        """Whether some pair may still be matched, told without looking which."""
        return self._count < len(self._pairs[0])

    def both_left(self, *, high_conf: bool = True) -> bool:
        """Whether there are unmatched tracks, and unmatched rows, confident or other ones."""
        return self._count < self._sizes[0] and self._rows_left[high_conf] > 0

    def unmatched_tracks(self, group: Mask) -> Index:
        """Unmatched tracks among ``group`` (T,), in order."""
        return (self._unmatched()[0] & group).nonzero()[0]

    def unmatched_rows(self) -> Index:
        """Unmatched confident rows of the clip, in order."""
        return self._unmatched()[1][: self._split].nonzero()[0] + self._first

    def overlaps(self, group: Mask | None, limit: float, *, high_conf: bool = True) -> Pairs:
        """Overlapping pairs of unmatched tracks among ``group`` (T,), None for all, with unmatched confident or other
        rows, at a cost below ``limit``, by track."""
        one_kind = self._split == (self._sizes[1] if high_conf else 0)
        if group is None and one_kind and not self._found and limit >= self._widest:
            return self._pairs  # the usual frame: nothing to choose from
        tracks, rows, costs = self._pairs
        place = rows - self._first
        open_tracks, open_rows = self._unmatched()
        if group is not None:
            open_tracks = open_tracks & group
        chosen = open_tracks.take(tracks) & open_rows.take(place) & (costs < limit)
        if not one_kind:
            chosen &= (place < self._split) == high_conf
        return tracks[chosen], rows[chosen], costs[chosen]

    def without_lost_claims(self, pairs: Pairs, lost: Mask, new: Mask, limit: float) -> Pairs:
        """The pairs less those of a ``lost`` track (T,) whose row one of the ``new`` tracks (T,) overlaps more, at a
        cost below ``limit``: where appearance tells vehicles apart, the lost one can still be recovered by it."""
        tracks, rows, costs = pairs
        _, new_rows, new_costs = self.overlaps(new, limit)
        claimed = np.full(self._sizes[1], np.inf)
        np.minimum.at(claimed, new_rows - self._first, new_costs)
        kept = ~lost[tracks] | (costs <= claimed[rows - self._first])
        return tracks[kept], rows[kept], costs[kept]

    def take(self, found: Matches, *, high_conf: bool = True) -> None:
        """Note matches, their rows all confident or all not: they are out of the following steps."""
        if len(found[0]):
            self._rows_left[high_conf] -= len(found[0])
            self._count += len(found[0])
            self._found.append(found)
            self._masks = None

    def _unmatched(self) -> tuple[Mask, Mask]:
        """Which tracks (T,) and which rows of the frame are unmatched; in most frames nobody asks."""
        if self._masks is None:
            self._masks = np.ones(self._sizes[0], bool), np.ones(self._sizes[1], bool)
            for tracks, rows in self._found:
                self._masks[0][tracks] = False
                self._masks[1][rows - self._first] = False
        return self._masks

    def found(self) -> Matches:
        """All matches so far."""
        if len(self._found) == 1:
            return self._found[0]
        if not self._found:
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        tracks, rows = zip(*self._found, strict=True)
        return np.concatenate(tracks), np.concatenate(rows)
