"""What is known of the cameras: transitions between them, routes through them, clocks, and what scores say.

The equations stand in MODEL.md under the names used here. Shape shorthand: C cameras, L transitions (the last C of them
lead from a camera to itself: fragments of one traversal), G bins of a travel-time density, N routes, K exit or entry
zones of all cameras, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from mtmc.link.model.densities import LogRatio
from mtmc.link.model.entry_exit_zones import Zones
from mtmc.link.model.given_ways import GivenWays
from mtmc.structures import Columns, Double, Int, Long, Mask

GRID = 128
"""Bins of a travel-time density: enough for the narrowest gates, which are some seconds wide."""
# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for GONE_PRIOR (+.005, -.014).
OUTLIER_FRACTION = 0.03
"""Fraction of transitions that keep no travel time: the outlier part of every density."""
PRIOR_COUNT = 3.0
"""A travel-time density changes its mind once it has seen more than this many vehicles."""
SHRINKAGE = 3.0
"""A zone's own counts outweigh its camera's once it has seen more than this many vehicles."""
LEAST_COUNT = 0.05
"""Vehicles that a transition is taken to have had at least, the pair at hand left out."""
ENTRY_PSEUDOCOUNT = 0.5
"""Pseudo-count of each entry zone of a transition (Jeffreys' prior of a multinomial)."""
GONE_PRIOR = 0.4
"""Prior probability that a vehicle that leaves a view is seen nowhere else."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the network linker takes for granted about any scene. max_travel_s: longest journey between two cameras that
    is looked for; max_overlap_s: how long before leaving one view a vehicle may enter the next; max_clock_error_s: how
    far apart two unknown clocks may be; least_probability: links below it are not made."""

    max_travel_s: float
    max_overlap_s: float
    max_clock_error_s: float
    least_probability: float

    def span_s(self, clocks_agree: bool) -> tuple[float, float]:
        """Range of seconds from an exit to the entry that may follow, by the cameras' own clocks."""
        slack = 0.0 if clocks_agree else self.max_clock_error_s
        return -self.max_overlap_s - slack, self.max_travel_s + slack


@dataclass(frozen=True, slots=True, eq=False)
class Transitions(Columns):
    """Transitions between cameras. source, target (L,) camera indices; low_s, high_s (L,) the gate, seconds from exit
    to entry by the cameras' own clocks; density (L, G) of the seconds within the gate, integrating to 1; count (L,)
    expected vehicles; kernel_peak (L,): what one vehicle adds to the density at its own place, times count (0:
    unknown)."""

    source: Long
    target: Long
    low_s: Double
    high_s: Double
    density: Double
    count: Double
    kernel_peak: Double

    @property
    def is_self(self) -> Mask:
        """Whether each (L,) leads from a camera to itself: fragments of one traversal."""
        return np.asarray(self.source == self.target)

    def by_clocks(self, offset_s: Double) -> Transitions:
        """The same transitions once each camera's clock is put back by ``offset_s`` (C,) seconds."""
        late = offset_s[self.target] - offset_s[self.source]
        return replace(self, low_s=self.low_s - late, high_s=self.high_s - late)

    def log_density(self, transition: Long, seconds: Double, self_count: Double) -> Double:
        """log of (density x gate width) (P,): evidence of travel times against any time in the gate.

        ``self_count`` (P,): what each pair has itself contributed to ``count``; it is left out (leave-one-out).
        """
        width = (self.high_s - self.low_s)[transition]
        position = (seconds - self.low_s[transition]) / width * GRID - 0.5
        left = np.clip(np.floor(position).astype(np.int64), 0, GRID - 2)
        fraction = np.clip(position - left, 0.0, 1.0)
        value = self.density[transition, left] * (1 - fraction) + self.density[transition, left + 1] * fraction
        total = self.count[transition] + PRIOR_COUNT
        others = (value * total - self_count * self.kernel_peak[transition]) / (total - self_count)
        return np.asarray(np.log(np.maximum(others * width, OUTLIER_FRACTION)))


@dataclass(frozen=True, slots=True, eq=False)
class Routes:
    """How many vehicles took which route. transition, exit_zone, entry_zone (N,), each combination once, sorted; count
    (N,) expected vehicles; leaving, entering (K,): tracklets that leave / enter by each zone; arrival_rate (K,):
    entries per second of vehicles that come from nowhere the network knows."""

    transition: Long
    exit_zone: Long
    entry_zone: Long
    count: Double
    leaving: Double
    entering: Double
    arrival_rate: Double

    @staticmethod
    def unused(leaving: Double, entering: Double, arrival_rate: Double) -> Routes:
        """No routes yet between these zones."""
        none = np.zeros(0, np.int64)
        return Routes(none, none, none, np.zeros(0), leaving, entering, arrival_rate)

    def counted(self, transition: Long, exit_zone: Long, entry_zone: Long, weight: Double) -> Routes:
        """The same zones with routes counted anew: vehicles (P,) of weight (P,) over the given ways (P,)."""
        key, inverse = np.unique(self._key(transition, exit_zone, entry_zone), return_inverse=True)
        entries, exits = len(self.entering), len(self.leaving)
        ways = key // (exits * entries), key // entries % exits, key % entries
        count = np.bincount(inverse, weight, len(key)).astype(np.float64)
        return Routes(*ways, count, self.leaving, self.entering, self.arrival_rate)

    def of_transitions(self, kept: Long, total: int) -> Routes:
        """The routes over the transitions ``kept`` out of ``total``, which are numbered anew."""
        number = np.full(total, -1, np.int64)
        number[kept] = np.arange(len(kept))
        transition = number[self.transition]
        rows = transition >= 0
        ways = transition[rows], self.exit_zone[rows], self.entry_zone[rows]
        return Routes(*ways, self.count[rows], self.leaving, self.entering, self.arrival_rate)

    def log_odds(
        self, transitions: Transitions, zones: Zones, transition: Long, exit_zone: Long, entry_zone: Long,
        self_count: Double,
    ) -> Double:  # fmt: skip
        """log odds (P,) that a vehicle at this exit takes this route rather than being seen nowhere else, over the rate
        at which vehicles from nowhere would turn up at the entry within the gate. ``self_count`` (P,): each pair's own
        part in the counts, left out."""
        # P(transition | camera left), from the camera's counts
        cameras = np.bincount(zones.exit_camera, self.leaving)
        transition_prior = (
            np.maximum(transitions.count[transition] - self_count, LEAST_COUNT)
            / (cameras[transitions.source] + 1.0)[transition]
        )
        # P(entry zone | transition), whatever the exit
        arrived = np.maximum(self._arrived(transition, entry_zone) - self_count, 0.0) + ENTRY_PSEUDOCOUNT
        zones_there = np.bincount(zones.entry_camera)[transitions.target]
        entry_prior = arrived / ((transitions.count + ENTRY_PSEUDOCOUNT * zones_there)[transition] - self_count)
        # P(route | exit zone) and P(seen nowhere else | exit zone), shrunk to those priors
        total = self.leaving[exit_zone] + SHRINKAGE
        taken = np.maximum(self._taken(transition, exit_zone, entry_zone) - self_count, 0.0)
        route = (taken + SHRINKAGE * transition_prior * entry_prior) / total
        used = np.bincount(self.exit_zone, self.count, len(self.leaving))
        gone = (np.maximum(self.leaving - used, 0.0)[exit_zone] + SHRINKAGE * GONE_PRIOR) / total
        width = (transitions.high_s - transitions.low_s)[transition]
        return np.asarray(np.log(route) - np.log(gone) - np.log(self.arrival_rate[entry_zone] * width))

    def _key(self, transition: Long, exit_zone: Long, entry_zone: Long) -> Long:
        return np.asarray((transition * len(self.leaving) + exit_zone) * len(self.entering) + entry_zone)

    def _taken(self, transition: Long, exit_zone: Long, entry_zone: Long) -> Double:
        """Vehicles (P,) that took a route."""
        key = self._key(self.transition, self.exit_zone, self.entry_zone)
        return _looked_up(key, self.count, self._key(transition, exit_zone, entry_zone))

    def _arrived(self, transition: Long, entry_zone: Long) -> Double:
        """Vehicles (P,) that came over a transition and entered by a zone, whatever exit they took."""
        size = len(self.entering)
        key, inverse = np.unique(self.transition * size + self.entry_zone, return_inverse=True)
        count = np.bincount(inverse, self.count, len(key)).astype(np.float64)
        return _looked_up(key, count, transition * size + entry_zone)


def _looked_up(key: Long, value: Double, wanted: Long) -> Double:
    """Values (P,) under wanted keys, 0 for keys (N,) (sorted) that are not there."""
    if len(key) == 0:
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[at] == wanted, value[at], 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Likelihoods:
    """What scores say, as log-likelihood ratios: appearance of cosines, size of absolute differences of log size;
    label_class (labels, labels) of label pairs; fragments of one traversal are ``gap_s`` apart on average and
    ``position_deviation`` (fraction of the image) off the straight line."""

    appearance: LogRatio
    size: LogRatio
    label_class: Double
    gap_s: float
    position_deviation: float


@dataclass(frozen=True, slots=True, eq=False)
class CameraNetwork:
    """All that is learned, and the ways that somebody drew (``given``). clock_trusted (C,): clocks that agree with each
    other, so that order in time is known; clock_offset_s, clock_error_s (C,): by how much each camera's clock is ahead
    of the common time, and how well that is known (inf: not at all)."""

    cameras: tuple[str, ...]
    zones: Zones
    transitions: Transitions
    routes: Routes
    likelihoods: Likelihoods
    clock_trusted: Mask
    clock_offset_s: Double
    clock_error_s: Double
    given: GivenWays = field(default_factory=GivenWays.none)

    def times(self, ratio: float) -> CameraNetwork:
        """The same network with so many times the traffic, as a longer look at it would have seen."""
        routes = self.routes
        counts = {name: getattr(routes, name) * ratio for name in ("count", "leaving", "entering")}
        transitions = replace(self.transitions, count=self.transitions.count * ratio)
        return replace(self, transitions=transitions, routes=replace(routes, **counts))

    def drawn(self) -> Mask:
        """Whether each transition (L,) is a way that somebody drew."""
        found = self.transitions
        return self.given.cover(found.source, found.target, found.low_s, found.high_s)

    def agree(self, one: Long | Int, other: Long | Int) -> Mask:
        """Whether the clocks of cameras ``one`` and ``other`` (P,) agree."""
        return self.clock_trusted[one] & self.clock_trusted[other]
