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
    """state (T, 22) of the Kalman filter; meta (5, T) int64 with rows owner number, status, frame of birth, frame of the last
    match and slot in ``features`` (rows of float32 unit vectors, none where D = 0). ``lost`` and ``fresh`` count the tracks of
    status lost and unconfirmed."""

    def __init__(self, feature_size: int) -> None:
        self.state: Double = np.zeros((0, 22))
        self.meta = np.zeros((5, 0), np.int64)
        self.features: Single = np.zeros((16, feature_size), np.float32)
        self.born = self.lost = self.fresh = 0
        self._free: list[int] = list(range(15, -1, -1))

    def __len__(self) -> int:
        return len(self.state)

    def add(self, state: Double, features: Single | None, frame: int) -> NDArray[np.int64]:
        """New unconfirmed tracks; returns their owner numbers."""
        owners = np.arange(self.born + 1, self.born + 1 + len(state))
        meta = np.zeros((5, len(state)), np.int64)
        meta[OWNER] = owners
        meta[BIRTH] = meta[LAST] = frame
        self.born += len(state)
        self.fresh += len(state)
        if features is not None:
            meta[SLOT] = self._take_slots(len(state))
            self.features[meta[SLOT]] = features
        self.state = np.concatenate([self.state, state])
        self.meta = np.concatenate([self.meta, meta], axis=1)
        return owners

    def drop(self, chosen: Mask) -> None:
        """Finish the chosen tracks (T,)."""
        kept = ~chosen
        if self.features.shape[1]:
            self._free.extend(self.meta[SLOT, chosen].tolist())
        self.state, self.meta = self.state[kept], self.meta[:, kept]
        self._count()

    def see(self, tracks: Index, frame: int, longest_lost: int) -> None:
        """``tracks`` were matched in ``frame``: they are tracked. The others are lost, and end if they were unconfirmed or
        unseen for more than ``longest_lost`` frames."""
        status, last = self.meta[STATUS], self.meta[LAST]
        last[tracks] = frame
        if len(tracks) == len(self):
            status[:] = TRACKED
            self.lost = self.fresh = 0
            return
        missed = last < frame
        ended = missed & ((status == UNCONFIRMED) | (last < frame - longest_lost))
        status[:] = np.where(missed, LOST, TRACKED)
        self.lost, self.fresh = len(self) - len(tracks), 0
        if np.count_nonzero(ended):
            self.drop(ended)

    def blend(self, tracks: Index, features: Single, smoothing: float) -> None:
        """Move the features of ``tracks`` towards ``features``: f <- smoothing f + (1 - smoothing) new, unit length again."""
        slots = self.meta[SLOT].take(tracks)
        mixed = self.features.take(slots, axis=0)
        mixed *= smoothing
        mixed += (1 - smoothing) * features
        mixed /= np.maximum(np.sqrt(np.vecdot(mixed, mixed)), 1e-12)[:, None]
        self.features[slots] = mixed

    def _count(self) -> None:
        self.lost = int(np.count_nonzero(self.meta[STATUS] == LOST))
        self.fresh = int(np.count_nonzero(self.meta[STATUS] == UNCONFIRMED))

    def _take_slots(self, count: int) -> list[int]:
        if count > len(self._free):
            size = len(self.features)
            extra = max(size, count)
            self.features = np.concatenate([self.features, np.zeros((extra, self.features.shape[1]), np.float32)])
            self._free[:0] = range(size + extra - 1, size - 1, -1)
        return [self._free.pop() for _ in range(count)]
