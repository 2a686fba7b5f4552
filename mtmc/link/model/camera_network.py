"""The camera network: ports, links, travel times, clocks, and what the evidence means, learned from unlabelled tracklets.

Shape shorthand: C cameras, L links (the last C of them lead from a camera to itself: pieces of one passage), G bins of a travel-time
density, N paths (link, exit port, entry port), K exit or entry ports of all cameras.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtmc.link.model.densities import Ratio
from mtmc.link.model.entry_exit_zones import PortMap
from mtmc.structures import Double, Long

GRID = 128
STRAY = 0.03
"""Share of transitions that keep no travel time: the outlier part of every density."""
PRIOR_FLOW = 3.0
"""A travel-time density changes its mind once it has seen more than this many vehicles."""
SHRINK = 3.0
"""A port's own habits count once it has seen more than this many vehicles; until then its camera's do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """max_travel_s: longest journey between two cameras that is looked for; max_overlap_s: how long before leaving one view a vehicle
    may enter the next; max_clock_error_s: how far apart two unknown clocks may be; least_probability: links below it are not made."""

    max_travel_s: float = 300.0
    max_overlap_s: float = 15.0
    max_clock_error_s: float = 90.0
    least_probability: float = 0.4

    def span_s(self, clocks_agree: bool) -> tuple[float, float]:
        """Range of seconds from an exit to the entry that may follow, by the cameras' own clocks."""
        slack = 0.0 if clocks_agree else self.max_clock_error_s
        return -self.max_overlap_s - slack, self.max_travel_s + slack


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """Links between cameras. source, target (L,) camera indices; low_s, high_s (L,) the gate, seconds from exit to entry by the
    cameras' own clocks; density (L, G) of the seconds within the gate, integrating to 1; flow (L,) expected transitions; height (L,): what one
    transition adds to the density at its own place, times flow (0: unknown)."""

    source: Long
    target: Long
    low_s: Double
    high_s: Double
    density: Double
    flow: Double
    height: Double

    def __len__(self) -> int:
        return len(self.source)

    def take(self, rows: Long) -> Travel:
        """The chosen links."""
        return Travel(*(getattr(self, name)[rows] for name in self.__slots__))

    def by_clocks(self, ahead_s: Double) -> Travel:
        """The same links once each camera's clock is put back by ``ahead_s`` (C,) seconds."""
        late = ahead_s[self.target] - ahead_s[self.source]
        return replace(self, low_s=self.low_s - late, high_s=self.high_s - late)

    def log_density(self, link: Long, seconds: Double, own: Double) -> Double:
        """log of (density x gate width) (P,): evidence of travel times against any time in the gate.

        ``own`` (P,): how much each pair has itself contributed to ``flow``; a pair is no evidence for itself.
        """
        width = (self.high_s - self.low_s)[link]
        position = (seconds - self.low_s[link]) / width * GRID - 0.5
        left = np.clip(np.floor(position).astype(np.int64), 0, GRID - 2)
        share = np.clip(position - left, 0.0, 1.0)
        value = self.density[link, left] * (1 - share) + self.density[link, left + 1] * share
        total = self.flow[link] + PRIOR_FLOW
        others = (value * total - own * self.height[link]) / (total - own)
        return np.asarray(np.log(np.maximum(others * width, STRAY)))


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """How many vehicles took which path. key (N,) sorted path numbers, count (N,) expected vehicles; leaving, entering (K,): tracklets
    that leave / enter by each port; unborn (K,): entries per second of vehicles that come from nowhere the network knows."""

    key: Long
    count: Double
    leaving: Double
    entering: Double
    unborn: Double

    def number(self, link: Long, exit_: Long, entry: Long) -> Long:
        """Path numbers (P,) of (link, exit port, entry port)."""
        return np.asarray((link * len(self.leaving) + exit_) * len(self.entering) + entry)

    def log_odds(self, travel: Travel, ports: PortMap, link: Long, exit_: Long, entry: Long, own: Double) -> Double:
        """log odds (P,) that a vehicle at this exit goes this way rather than nowhere, over the rate at which vehicles from nowhere
        would turn up at the entry within the link's gate. ``own`` (P,): each pair's own part in the counts, left out."""
        way, gone = self._choices(travel, ports, link, exit_, entry, own)
        width = (travel.high_s - travel.low_s)[link]
        return np.asarray(np.log(way) - np.log(gone) - np.log(self.unborn[entry] * width))

    def _choices(
        self, travel: Travel, ports: PortMap, link: Long, exit_: Long, entry: Long, own: Double
    ) -> tuple[Double, Double]:
        """Probability (P,) of the path, and (P,) of going nowhere, given the exit; shrunk to the camera's habits."""
        cameras = np.bincount(ports.exit_camera, self.leaving)
        habit = np.maximum(travel.flow[link] - own, 0.05) / (cameras[travel.source] + 1.0)[link]
        doors = np.bincount(ports.entry_camera)[travel.target]
        share = (np.maximum(self._arrivals(link, entry) - own, 0.0) + 0.5) / ((travel.flow + 0.5 * doors)[link] - own)
        total = self.leaving[exit_] + SHRINK
        counted = np.maximum(self._counted(self.number(link, exit_, entry)) - own, 0.0)
        way = (counted + SHRINK * habit * share) / total
        used = np.bincount(self.key // len(self.entering) % len(self.leaving), self.count, len(self.leaving))
        gone = np.maximum(self.leaving - used, 0.0)[exit_] + SHRINK * 0.4
        return way, gone / total

    def _counted(self, number: Long) -> Double:
        return _looked_up(self.key, self.count, number)

    def _arrivals(self, link: Long, entry: Long) -> Double:
        """Vehicles (P,) that came over a link and entered by a port, whatever exit they took."""
        size = len(self.entering)
        key, inverse = np.unique(self.key // (len(self.leaving) * size) * size + self.key % size, return_inverse=True)
        return _looked_up(key, np.bincount(inverse, self.count, len(key)).astype(np.float64), link * size + entry)


def _looked_up(key: Long, value: Double, wanted: Long) -> Double:
    """Values (P,) under wanted keys, 0 for keys (N,) (sorted) that are not there."""
    if len(key) == 0:
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[at] == wanted, value[at], 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """What scores say: appearance of cosines, size of absolute differences of log size; kind (labels, labels) of label pairs; pieces of
    one passage are ``gap_s`` apart on average and ``drift`` (share of the image) off the straight line."""

    appearance: Ratio
    size: Ratio
    kind: Double
    gap_s: float
    drift: float


@dataclass(frozen=True, slots=True, eq=False)
class CameraNetwork:
    """All that is learned. clock_trusted (C,): clocks that agree with each other, so that order in time is known; clock_ahead_s, clock_error_s (C,): by how much each camera's clock is ahead of the common time, and how
    well that is known (inf: not at all)."""

    cameras: tuple[str, ...]
    ports: PortMap
    travel: Travel
    paths: Paths
    meaning: Meaning
    clock_trusted: NDArray[np.bool_]
    clock_ahead_s: Double
    clock_error_s: Double
