"""Cells of a table: keys packed into one number, and what is counted and measured in each.

Shape shorthand: N things counted, K cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtmc.structures import Double, Long, Mask

LOW, HIGH = 0.05, 0.95
"""Intervals run from one to the other of these fractions."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The axes of a table, by name, and how many values each has."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]

    def pack(self, *values: Long) -> Long:
        """One number (N,) per row of keys."""
        return np.asarray(np.ravel_multi_index(values, self.sizes), np.int64)

    def unpack(self, code: Long) -> dict[str, Long]:
        """The keys (K,) of packed numbers, by name."""
        return dict(zip(self.names, np.unravel_index(code, self.sizes), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """Cells (K,) ascending, and ``columns`` of what was found in each."""

    code: Long
    columns: Mapping[str, Double]

    def at(self, code: Long, name: str, missing: float) -> Double:
        """A column at other cells (M,); ``missing`` where nothing was found."""
        place = np.minimum(np.searchsorted(self.code, code), max(len(self.code) - 1, 0))
        if len(self.code) == 0:
            return np.full(len(code), missing)
        return np.where(self.code[place] == code, self.columns[name][place], missing)


def counted(code: Long, **flags: Mask) -> Summary:
    """How many things (N,) fall into each cell, and how many of them have each flag."""
    cells, count = np.unique(code, return_counts=True)
    marked = {
        name: np.bincount(np.searchsorted(cells, code[flag]), minlength=len(cells)).astype(np.float64)
        for name, flag in flags.items()
    }
    return Summary(cells, {"vehicles": count.astype(np.float64), **marked})


def quantiles(code: Long, values: Double, fractions: Sequence[float]) -> Double:
    """Quantiles (K, F) of the values (N,) in each cell, cells ascending, linear between neighbours."""
    if len(values) == 0:
        return np.zeros((0, len(fractions)))
    order = np.argsort(code * (np.ptp(values) + 1.0) + values - values.min())  # one sort, not two
    ordered, cell = values[order], code[order]
    first = np.flatnonzero(np.diff(cell, prepend=cell[0] - 1))
    count = np.diff(first, append=len(cell))
    at = first[:, None] + (count[:, None] - 1) * np.asarray(fractions)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, (first + count - 1)[:, None])
    return np.asarray(ordered[low] + (at - low) * (ordered[high] - ordered[low]))


def middle(samples: Sequence[Summary], code: Long, name: str, missing: float) -> Double:
    """Median (K,) of a column over sampled summaries; NaN for no samples."""
    if not samples:
        return np.full(len(code), np.nan)
    return np.asarray(np.median(np.stack([sample.at(code, name, missing) for sample in samples]), axis=0))


def interval(samples: Sequence[Summary], code: Long, name: str, missing: float) -> tuple[Double, Double]:
    """Low and high end (K,) of a column over sampled summaries; NaN everywhere for no samples. Of a count both ends are
    counts that were met; samples in which a cell is empty count as ``missing``, or not at all where that is NaN."""
    if not samples:
        return np.full(len(code), np.nan), np.full(len(code), np.nan)
    values = np.sort(np.stack([sample.at(code, name, missing) for sample in samples]), axis=0)  # NaN come last
    known = np.isfinite(values).sum(axis=0)
    column = np.arange(len(code))
    low, high = (
        values[np.clip(np.ceil(known * fraction).astype(np.int64) - 1, 0, len(samples) - 1), column]
        for fraction in (LOW, HIGH)
    )
    return low, high
