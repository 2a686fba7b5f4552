"""Long clips in windows that overlap, in bounded memory: each is tracked and repaired by itself, and tracks of two
windows that have the same boxes about the cut between them are one.

What follows a moment by more than the overlap does not change what was tracked up to it, so that a stream, tracked
window by window as it comes, gives what the whole clip gives. A track is handed out in the window in which it ends.

Shape shorthand: N boxes of a window, K rows of tracks that go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mtmc.structures import Columns, Detections, Float, Int, Long, Short
from mtmc.track.tracks import Tracks

WINDOW_S = 600.0
OVERLAP_S = 30.0
"""A window sees this much of the ones before and after it: more than any gap that is bridged."""

Source = Callable[[int, int], Detections]
"""The detections of frames from a first one to before an end, with the clip's frame numbers."""
TrackAll = Callable[[Detections], Tracks]
"""Tracks of a window's detections."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Columns):
    """Boxes of tracks: frames (K,); xyxy (K, 4) as reported; scores, labels (K,) of the detections; track (K,), its
    number in the clip."""

    frames: Int
    xyxy: Float
    scores: Float
    labels: Short
    track: Long

    def as_clip(self) -> tuple[Detections, Tracks]:
        """A clip of these boxes alone, and its tracks."""
        mine = self.take(np.argsort(self.frames, kind="stable"))
        features = np.zeros((len(self), 0), np.float32)
        return Detections(mine.frames, mine.xyxy, mine.scores, mine.labels, features), Tracks(mine.track, mine.xyxy)


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """What a window hands to the next: ``border``, the tracks (B,) of the detections about the cut between them, 0 for
    none that came before it; ``rows`` of tracks that may go on; ``count`` of all tracks so far."""

    border: Long
    rows: Rows
    count: int


NOTHING = Carried(
    np.zeros(0, np.int64),
    Rows(
        np.zeros(0, np.int32), np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int16),
        np.zeros(0, np.int64),
    ),
    0,
)  # fmt: skip


def in_windows(source: Source, track: TrackAll, frames: int, fps: float) -> Iterator[tuple[Rows, Rows]]:
    """Window by window of a clip of so many ``frames``: the boxes of tracks that end there, and of those that go on."""
    window, overlap = max(1, round(WINDOW_S * fps)), max(1, round(OVERLAP_S * fps))
    carried = NOTHING
    for first, end in pairwise([*range(0, max(1, frames), window), frames]):
        found = source(max(0, first - overlap), min(frames, end + overlap))
        ended, carried = _next(found, track(found), carried, (first, end, overlap))
        yield ended, carried.rows


def _next(found: Detections, tracks: Tracks, before: Carried, place: tuple[int, int, int]) -> tuple[Rows, Carried]:
    """One window, from its first frame to before its end."""
    first, end, overlap = place
    frames, numbers = found.frames, tracks.numbers
    names = np.zeros(numbers.max(initial=0) + 1, np.int64)  # of the window's tracks in the clip
    about = (np.abs(frames - first + 0.5) < overlap) & (first > 0)
    goes_on = np.unique(numbers[frames >= first])
    old, new = _same(before.border, np.where(np.isin(numbers[about], goes_on), numbers[about], 0))
    names[new] = old
    inside = np.flatnonzero((frames >= first) & (frames < end) & (numbers > 0))
    fresh = np.setdiff1d(numbers[inside], new)
    names[fresh] = before.count + 1 + np.arange(len(fresh))
    own = Rows(frames[inside], tracks.xyxy[inside], found.scores[inside], found.labels[inside], names[numbers[inside]])
    rows = Rows.joined([before.rows, own])
    may_go_on = np.isin(rows.track, names[numbers[frames >= end]])
    border = names[numbers[np.abs(frames - end + 0.5) < overlap]]
    return rows.take(~may_go_on), Carried(border, rows.take(may_go_on), before.count + len(fresh))


def _same(before: Long, after: Long) -> tuple[Long, Long]:
    """Pairs (P,), (P,) of tracks of two windows that have more boxes of each other than of any other one; ``before``,
    ``after`` (B,): whose the same boxes are in both."""
    both = (before > 0) & (after > 0)
    pairs, counts = np.unique(np.stack([before[both], after[both]]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    pairs = pairs[:, order]
    best = [np.unique(side, return_index=True)[1] for side in pairs]
    mutual = np.intersect1d(best[0], best[1])
    return pairs[0, mutual], pairs[1, mutual]
