"""From packets' stamps to frames' times: order of showing, restarts of the clock, stamps that run backwards, the rate.

Shape shorthand: N frames.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtmc.box_table import pack
from mtmc.structures import Double, Long, Mask, Rows

RESTART_S = 1.0
"""A clock that falls back by more than this and stays there has begun anew (joined files); by less it stumbles."""
TOLERANCE_S = 0.001
"""Stamps are rounded, to whole milliseconds at worst: within this and one tick a rate explains them."""
STRAY_STEPS = 0.75
"""Where the clock stumbles, a frame this many usual steps off those around it has a wrong stamp."""
USABLE_RATES = 0.001, 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Frames in the order in which they are shown: packet (N,) of each, stamp (N,) in ticks, stretch (N,) of the file
    between restarts of its clock; ``exact`` if every stamp was given and is its frame's alone."""

    packet: Rows
    stamp: Long
    stretch: Long
    exact: bool

    def since(self, stamp: int | None) -> Shown:
        """Without the frames before the one of this stamp, the first picture that could be decoded; not exact if there
        is none."""
        rows = np.flatnonzero(self.stamp == stamp)
        first = int(rows[0]) if stamp is not None and len(rows) else 0
        return Shown(self.packet[first:], self.stamp[first:], self.stretch[first:], self.exact and len(rows) > 0)


def display_order(
    show: Sequence[int | None], decode: Sequence[int | None], keys: Mask, tick_s: float, reordered: bool
) -> Shown | None:
    """Order the packets, which come as they are decoded, by their stamps (N,); None where there are no stamps at all.

    ``reordered`` says that the codec decodes frames in another order than it shows them, but for ``keys`` (N,): what is
    decoded before a key frame is shown before all that is decoded from there on. Stamps that disagree with that are
    wrong.
    """
    shown_at = _filled([a if a is not None else b for a, b in zip(show, decode, strict=True)])
    decoded_at = _filled([b if b is not None else a for a, b in zip(show, decode, strict=True)])
    if shown_at is None or decoded_at is None:
        return None
    stretch = np.concatenate([[0], np.cumsum(_restarts(decoded_at, RESTART_S / tick_s))]).astype(np.int64)
    order = np.lexsort((shown_at, np.cumsum(keys))) if reordered else np.arange(len(shown_at))
    given = all(a is not None or b is not None for a, b in zip(show, decode, strict=True))
    stamp = shown_at[order]
    unique = len(np.unique(pack(stretch[order], stamp))) == len(stamp)
    return Shown(order, stamp, stretch[order], given and unique)


def _filled(stamps: Sequence[int | None]) -> Long | None:
    """Stamps with the missing ones in between; None where all are missing."""
    known = np.array([row for row, stamp in enumerate(stamps) if stamp is not None], np.intp)
    if len(known) == 0:
        return None
    values = np.array([stamps[row] for row in known], np.int64)
    if len(known) == len(stamps):
        return values
    return np.rint(np.interp(np.arange(len(stamps)), known, values)).astype(np.int64)


def _restarts(decoded_at: Long, least: float) -> Long:
    """1 (N - 1,) where the clock falls back by more than ``least`` ticks; a single stray stamp is no restart."""
    if len(decoded_at) < 3:
        return (np.diff(decoded_at) < -least).astype(np.int64)
    triples = np.stack([decoded_at[:-2], decoded_at[1:-1], decoded_at[2:]])
    smooth = np.concatenate([decoded_at[:1], np.median(triples, axis=0), decoded_at[-1:]])
    return (np.diff(smooth) < -least).astype(np.int64)


def frame_times(shown: Shown, tick_s: float) -> Double:
    """Seconds (N,) since the first frame, strictly rising: each restart of the clock goes on where the clock was."""
    times = np.asarray(shown.stamp * tick_s, np.float64)
    step = usual_step(times)
    parts = [_rising(part, step) for part in np.split(times, np.flatnonzero(np.diff(shown.stretch)) + 1)]
    end = 0.0
    for row, part in enumerate(parts):
        parts[row] = part - part[0] + end
        end = float(parts[row][-1]) + step
    return np.concatenate(parts)


def usual_step(times: Double) -> float:
    """The middle one of the steps forward, in seconds; 0.04 where there is none."""
    steps = np.diff(times)
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.04


def _rising(times: Double, step: float) -> Double:
    """Times (N,) with those that do not fit into the longest rising row replaced by what lies between their
    neighbours."""
    if (np.diff(times) > 0).all():
        return times
    rows = np.arange(len(times))
    fitting = np.flatnonzero(~_stray(times - rows * step, STRAY_STEPS * step))
    kept = fitting[_longest_rising(times[fitting])]
    found = np.interp(rows, kept, times[kept])
    before, after = rows < kept[0], rows > kept[-1]
    found[before] -= (kept[0] - rows[before]) * step
    found[after] += (rows[after] - kept[-1]) * step
    return np.asarray(found)


def _stray(lateness: Double, limit: float) -> Mask:
    """Which frames (N,) are later or earlier than the middle one of the five around them, by more than ``limit``."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(lateness, 2, mode="edge"), 5)
    return np.asarray(np.abs(lateness - np.median(around, axis=1)) > limit)


def _longest_rising(times: Double) -> Rows:
    """Rows of the longest strictly rising subsequence (patience sorting)."""
    ends: list[float] = []
    rows: list[int] = []
    before = np.full(len(times), -1, np.intp)
    for row, time in enumerate(times.tolist()):
        place = bisect_left(ends, time)
        before[row] = rows[place - 1] if place else -1
        ends[place : place + 1], rows[place : place + 1] = [time], [row]
    chain = [rows[-1]]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1], np.intp)


def frame_rate(times: Double, rates: Sequence[float], tick_s: float) -> tuple[float, bool]:
    """The first of the header's ``rates``, or the mean one, that explains the times (N,), and True; else one over the
    usual step, and False."""
    usable = [rate for rate in rates if USABLE_RATES[0] <= rate <= USABLE_RATES[1]]
    if len(times) < 2:
        return (usable or [25.0])[0], True
    numbers = np.arange(len(times))
    for rate in (*usable, (len(times) - 1) / float(times[-1])):
        if np.abs(times - numbers / rate).max() <= TOLERANCE_S + min(tick_s, TOLERANCE_S):
            return rate, True
    return 1 / usual_step(times), False
