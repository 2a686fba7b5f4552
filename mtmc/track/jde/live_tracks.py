"""The live tracks of a run as arrays, one row each, oldest first.

Shape shorthand: T live tracks, D feature size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
Double = NDArray[np.float64]
Single = NDArray[np.float32]
Long = NDArray[np.int64]
Mask = NDArray[np.bool_]


class LiveTracks:
    """Unconfirmed tracks (one box), tracked ones (seen in the last frame) and lost ones.

    state (T, 22): of the Kalman filter; number (T,): the track's number; first_frame, last_frame (T,): of its first and
    its latest box; confirmed (T,): it has a second box; lost (T,): it missed the last frame; an unconfirmed track is
    never lost, it ends. features: float32 unit vectors in rows that tracks take and give back (``appearance``), none
    where D = 0. lost_count, new_count: how many are lost, how many unconfirmed.
    """

    def __init__(self, feature_size: int) -> None:
        self.state: Double = np.zeros((0, 22))
        self._whole: Long = np.zeros((4, 0), np.int64)
        self._flags: Mask = np.zeros((2, 0), np.bool_)
        self._features: Single = np.zeros((16, feature_size), np.float32)
        self._free_rows: list[int] = list(range(15, -1, -1))
        self._born = self.lost_count = self.new_count = 0
        self._name_fields()

    def __len__(self) -> int:
        return len(self.state)

    def _name_fields(self) -> None:
        """Views with names: tracks come and go with one operation on all whole numbers and one on all flags."""
        self.number, self.first_frame, self.last_frame, self._row = self._whole
        self.confirmed, self.lost = self._flags

    def appearance(self, tracks: Index) -> Single:
        """Smoothed features (P, D) of tracks (P,)."""
        return np.asarray(self._features.take(self._row.take(tracks), axis=0))

    def add(self, state: Double, features: Single | None, frame: int) -> Long:
        """New unconfirmed tracks from their states (P, 22) and features (P, D); returns their numbers (P,)."""
        count = len(state)
        numbers = np.arange(self._born + 1, self._born + 1 + count)
        whole = np.zeros((4, count), np.int64)
        whole[0], whole[1:3] = numbers, frame
        if features is not None:
            whole[3] = self._take_rows(count)
            self._features[whole[3]] = features
        self._born += count
        self.new_count += count
        self.state = np.concatenate([self.state, state])
        self._whole = np.concatenate([self._whole, whole], axis=1)
        self._flags = np.concatenate([self._flags, np.zeros((2, count), np.bool_)], axis=1)
        self._name_fields()
        return numbers

    def drop(self, chosen: Mask) -> None:
        """Finish the chosen tracks (T,)."""
        if self._features.shape[1]:
            self._free_rows.extend(self._row[chosen].tolist())
        kept = ~chosen
        self.state, self._whole, self._flags = self.state[kept], self._whole[:, kept], self._flags[:, kept]
        self._name_fields()
        self.lost_count = int(np.count_nonzero(self.lost))
        self.new_count = len(self) - int(np.count_nonzero(self.confirmed))

    def mark_seen(self, tracks: Index, frame: int, oldest: int) -> None:
        """``tracks`` were matched in ``frame``: they are tracked. The others are lost, and end if they were unconfirmed
        or unseen since before the frame ``oldest``."""
        self.last_frame[tracks] = frame
        if len(tracks) == len(self):
            self.confirmed[:], self.lost[:] = True, False
            self.lost_count = self.new_count = 0
            return
        missed = self.last_frame < frame
        ended = missed & ~(self.confirmed & (self.last_frame >= oldest))
        self.confirmed[:], self.lost[:] = True, missed
        self.lost_count, self.new_count = len(self) - len(tracks), 0
        if np.count_nonzero(ended):
            self.drop(ended)

    def blend(self, tracks: Index, features: Single, smoothing: float) -> None:
        """Move the features of ``tracks`` towards ``features``: f <- smoothing f + (1 - smoothing) new, unit length
        again."""
        mixed = self.appearance(tracks)
        mixed *= smoothing
        mixed += (1 - smoothing) * features
        mixed /= np.maximum(np.sqrt(np.vecdot(mixed, mixed)), 1e-12)[:, None]
        self._features[self._row.take(tracks)] = mixed

    def _take_rows(self, count: int) -> list[int]:
        if count > len(self._free_rows):
            size, width = self._features.shape
            extra = max(size, count)
            self._features = np.concatenate([self._features, np.zeros((extra, width), np.float32)])
            self._free_rows[:0] = range(size + extra - 1, size - 1, -1)
        return [self._free_rows.pop() for _ in range(count)]
