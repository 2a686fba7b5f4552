"""Who is still to be matched while one frame is associated step by step.

Shape shorthand: T live tracks; P pairs of overlapping boxes; rows are the clip's, those of one frame stand together, confident
ones first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtmc.track.jde.live_tracks import LOST, UNCONFIRMED

Index = NDArray[np.intp]
Double = NDArray[np.float64]
Pairs = tuple[Index, Index, Double]
"""Tracks (P,), rows (P,) and costs (P,)."""


class Round:
    """Tracks with their status (T,) >= 0, the frame's rows, ``first`` to ``low`` confident, ``low`` to ``end`` not, and the
    pairs whose boxes overlap, at 1 - overlap."""

    def __init__(self, status: NDArray[np.int64], first: int, low: int, end: int, overlaps: Pairs) -> None:
        self._status = status.copy()
        self._free = np.ones(end - first, bool)
        self._first, self._split = first, low - first
        self._open = [end - low, low - first]
        self._overlaps = overlaps
        self._found: list[tuple[Index, Index]] = []

    def open(self, *, confident: bool = True) -> int:
        """How many confident or unconfident rows are unmatched."""
        return self._open[confident]

    def tracks(self, least: int, most: int) -> Index:
        """Unmatched tracks with a status from ``least`` to ``most``, in order."""
        return ((self._status >= least) & (self._status <= most)).nonzero()[0]

    def rows(self, *, confident: bool = True) -> Index:
        """Unmatched confident or unconfident rows of the clip, in order."""
        if confident:
            return self._free[: self._split].nonzero()[0] + self._first
        return self._free[self._split :].nonzero()[0] + (self._first + self._split)

    def overlaps(self, least: int, most: int, limit: float, *, confident: bool = True) -> Pairs:
        """Overlapping pairs of such unmatched tracks and rows at a cost below ``limit``, by track."""
        tracks, rows, costs = self._overlaps
        status, place = self._status[tracks], rows - self._first
        chosen = (status >= least) & (status <= most) & self._free[place] & (costs < limit)
        chosen &= (place < self._split) == confident
        return tracks[chosen], rows[chosen], costs[chosen]

    def without_lost_claims(self, overlaps: Pairs, limit: float) -> Pairs:
        """The pairs less those of a lost track whose row a new one overlaps more, at a cost below ``limit``: where appearance tells
        vehicles apart, the lost one can still be recovered by it."""
        tracks, rows, costs = overlaps
        _, new_rows, new_costs = self.overlaps(UNCONFIRMED, UNCONFIRMED, limit)
        claimed = np.full(len(self._free), np.inf)
        np.minimum.at(claimed, new_rows - self._first, new_costs)
        kept = (self._status[tracks] != LOST) | (costs <= claimed[rows - self._first])
        return tracks[kept], rows[kept], costs[kept]

    def take(self, found: tuple[Index, Index], *, confident: bool = True) -> None:
        """Note matched (tracks, rows), the rows all confident or all not: they are out of the following steps."""
        if len(found[0]):
            self._status[found[0]] = -1
            self._free[found[1] - self._first] = False
            self._open[confident] -= len(found[0])
            self._found.append(found)

    def found(self) -> tuple[Index, Index]:
        """All matches so far."""
        if len(self._found) == 1:
            return self._found[0]
        if not self._found:
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        tracks, rows = zip(*self._found, strict=True)
        return np.concatenate(tracks), np.concatenate(rows)
