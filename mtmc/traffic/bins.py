"""Bins of time, on the full quarters of the clock where one is known."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from mtmc.errors import ConfigError
from mtmc.scene import Scene
from mtmc.structures import Double, Long

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
MOST_BINS = 100_000


@dataclass(frozen=True, slots=True)
class Bins:
    """``count`` bins of ``width_s`` seconds from ``start_s`` on the scene's clock; only what happens from ``first_s``
    on and before ``last_s`` counts."""

    start_s: float
    width_s: float
    count: int
    first_s: float
    last_s: float

    def of(self, times: Double) -> Long:
        """The bin (N,) of each time, -1 outside."""
        number = np.floor((times - self.start_s) / self.width_s).astype(np.int64)
        inside = (times >= self.first_s) & (times < self.last_s) & (number >= 0) & (number < self.count)
        return np.where(inside, number, -1)

    def starts(self) -> Double:
        """Start (count,) of each."""
        return np.asarray(self.start_s + self.width_s * np.arange(self.count), np.float64)

    def watched_s(self, span: tuple[float, float]) -> Double:
        """Seconds (count,) of each bin in which a camera that looked at ``span`` could count."""
        low = np.maximum(self.starts(), max(span[0], self.first_s))
        high = np.minimum(self.starts() + self.width_s, min(span[1], self.last_s))
        return np.asarray(np.maximum(high - low, 0.0))


def width_s(text: str) -> float:
    """Seconds of a width such as ``15min``, ``1h`` or ``90s``. Raises ConfigError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h)", text.strip())
    seconds = float(match[1]) * SECONDS[match[2]] if match else 0.0
    if seconds <= 0:
        raise ConfigError("--bins", "a width such as 15min, 1h or 90s", repr(text), "Give one.")
    return seconds


def make_bins(width: float, first_s: float, last_s: float, scene: Scene | None = None) -> Bins:
    """Bins that hold all from ``first_s`` to ``last_s``, a second counting at its start; they begin at multiples of
    their width since midnight where the scene's clock is known, else since its zero."""
    zero = scene.clock_zero if scene is not None else None
    midnight = (
        0.0 if zero is None else -(zero.hour * 3600.0 + zero.minute * 60.0 + zero.second + zero.microsecond / 1e6)
    )
    start = midnight + np.floor((first_s - midnight) / width) * width
    count = max(int(np.ceil((last_s - start) / width - 1e-9)), 1)
    if count > MOST_BINS:
        raise ConfigError("--bins", f"at most {MOST_BINS:,} of them", f"{count:,}", "Give a greater width.")
    return Bins(float(start), width, count, first_s, last_s)
