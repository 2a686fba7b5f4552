"""The live tracks of a run as arrays, one row each, oldest first.

Shape shorthand: T live tracks, D feature size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
Double = NDArray[np.float64]
Single = NDArray[np.float32]
Mask = NDArray[np.bool_]

UNCONFIRMED, TRACKED, LOST = 0, 1, 2
OWNER, STATUS, BIRTH, LAST, SLOT = range(5)


class Pool:
    """state (T, 20) of the Kalman filter; meta (T, 5) int64 with columns owner number, status, frame of birth, frame of the last
    match and slot in ``features`` (rows of float32 unit vectors, none where D = 0). ``lost`` and ``unsettled`` say whether any
    track is lost, or not tracked for another reason; they may say yes for a frame too long."""

    def __init__(self, feature_size: int) -> None:
        self.state: Double = np.zeros((0, 20))
        self.meta = np.zeros((0, 5), np.int64)
        self.features: Single = np.zeros((16, feature_size), np.float32)
        self.born = 0
        self.lost = False
        self.unsettled = False
        self._free: list[int] = list(range(15, -1, -1))

    def __len__(self) -> int:
        return len(self.meta)

    def add(self, state: Double, features: Single | None, frame: int) -> NDArray[np.int64]:
        """New unconfirmed tracks; returns their owner numbers."""
        meta = np.zeros((len(state), 5), np.int64)
        meta[:, OWNER] = np.arange(self.born + 1, self.born + 1 + len(state))
        meta[:, BIRTH] = meta[:, LAST] = frame
        self.born += len(state)
        self.unsettled = True
        if features is not None:
            meta[:, SLOT] = self._take_slots(len(state))
            self.features[meta[:, SLOT]] = features
        self.state = np.concatenate([self.state, state])
        self.meta = np.concatenate([self.meta, meta])
        return meta[:, OWNER]

    def keep(self, chosen: Mask) -> None:
        """Finish the tracks that are not chosen."""
        if not chosen.all():
            if self.features.shape[1]:
                self._free.extend(self.meta[~chosen, SLOT].tolist())
            self.state, self.meta = self.state[chosen], self.meta[chosen]
        self.lost = bool((self.meta[:, STATUS] == LOST).any())

    def mark_seen(self, rows: Index, frame: int) -> None:
        """Tracks ``rows`` were matched in ``frame``: they are tracked."""
        self.meta[rows, LAST] = frame
        if self.lost or self.unsettled:
            self.meta[rows, STATUS] = TRACKED
            self.lost = bool((self.meta[:, STATUS] == LOST).any())
            self.unsettled = bool((self.meta[:, STATUS] == UNCONFIRMED).any())

    def blend(self, rows: Index, features: Single, smoothing: float) -> None:
        """Move the features of tracks ``rows`` towards ``features``: f <- smoothing f + (1 - smoothing) new, unit length again."""
        slots = self.meta[rows, SLOT]
        mixed = smoothing * self.features[slots] + (1 - smoothing) * features
        mixed /= np.maximum(np.sqrt(np.einsum("pd,pd->p", mixed, mixed)), 1e-12)[:, None]
        self.features[slots] = mixed

    def _take_slots(self, count: int) -> list[int]:
        if count > len(self._free):
            size = len(self.features)
            extra = max(size, count)
            self.features = np.concatenate([self.features, np.zeros((extra, self.features.shape[1]), np.float32)])
            self._free[:0] = range(size + extra - 1, size - 1, -1)
        return [self._free.pop() for _ in range(count)]
