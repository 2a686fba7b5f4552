"""Who is still to be matched while one frame is associated step by step.

Shape shorthand: T live tracks; rows are the clip's, those of one frame stand together, confident ones first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]


class Round:
    """Tracks with their status (T,) and the frame's rows: ``first`` to ``low`` confident, ``low`` to ``end`` not."""

    def __init__(self, status: NDArray[np.int64], first: int, low: int, end: int) -> None:
        self._status = status.copy()
        self._free = np.ones(end - first, bool)
        self._first, self._low = first, low
        self._found: list[tuple[Index, Index]] = []

    @property
    def any_rows(self) -> bool:
        """Whether the frame shows anything at all."""
        return len(self._free) > 0

    def tracks(self, *statuses: int) -> Index:
        """Unmatched tracks of any of the given statuses, in order."""
        chosen = self._status == statuses[0]
        for status in statuses[1:]:
            chosen |= self._status == status
        return np.flatnonzero(chosen)

    def rows(self, *, confident: bool) -> Index:
        """Unmatched confident or unconfident rows of the clip, in order."""
        split = self._low - self._first
        if confident:
            return np.flatnonzero(self._free[:split]) + self._first
        return np.flatnonzero(self._free[split:]) + self._low

    def take(self, found: tuple[Index, Index]) -> None:
        """Note matched (tracks, rows): they are out of the following steps."""
        if len(found[0]) == 0:
            return
        self._status[found[0]] = -1
        self._free[found[1] - self._first] = False
        self._found.append(found)

    def found(self) -> tuple[Index, Index]:
        """All matches so far."""
        if len(self._found) == 1:
            return self._found[0]
        nothing = np.zeros(0, np.intp)
        tracks, rows = zip((nothing, nothing), *self._found, strict=True)
        return np.concatenate(tracks), np.concatenate(rows)
