"""The network linker: learns the camera network from the tracklets it is given, then links under calibrated probabilities.

Shape shorthand: T tracklets, C cameras, P candidate pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtmc.link.appearance import quieter, without_camera_bias
from mtmc.link.belief import link_probabilities
from mtmc.link.discover import discover
from mtmc.link.evidence import cosine, unusual_size, weigh
from mtmc.link.feasible import Timetable, candidates
from mtmc.link.learn import first_network, regate, update
from mtmc.link.ports import map_ports
from mtmc.link.problem import Links, Problem, Solution
from mtmc.link.solve import choose, join


ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Network:
    max_travel_s: float = 300.0
    max_clock_error_s: float = 120.0
    least_probability: float = 0.4

    def __call__(self, problem: Problem) -> Solution:
        table = problem.table
        ports = map_ports(table)
        features = without_camera_bias(table)
        C = len(table.cameras)
        known = problem.clock_known
        span = lambda a, b: (
            (-15.0, self.max_travel_s)
            if known[a] and known[b]
            else (-self.max_clock_error_s, self.max_travel_s + self.max_clock_error_s / 2)
        )
        peaks = discover(
            table, features, ports, {(a, b): span(a, b) for a in range(C) for b in range(C) if a != b}, known
        )
        ahead = np.zeros(C)
        network = first_network(table, ports, peaks, ahead, np.zeros(C))
        timetable = Timetable(table)
        sizes = unusual_size(table, ports)
        for r in range(ROUNDS):
            pairs = candidates(table, timetable, network.travel, ahead)
            score = cosine(features, pairs.source, pairs.target)
            key = pairs.source * len(table) + pairs.target
            own = np.zeros(len(pairs))
            if r:
                at = np.minimum(np.searchsorted(old_key, key), len(old_key) - 1)
                own = np.where(old_key[at] == key, old_p[at], 0.0)
            ev = weigh(network, table, pairs, score, sizes, own)
            odds = sum(ev.values())
            p = link_probabilities(len(table), pairs.source, pairs.target, odds)
            old_key, old_p = key, p
            if self.debug is not None:
                self.debug(r, network, pairs, ev, p)
            if r == ROUNDS - 1:
                break
            network = update(network, table, pairs, score, sizes, p)
            if r in (2, 4):
                network = regate(network)
            if r in (2, 4):
                features = quieter(features, pairs.source, pairs.target, p)
        chosen = choose(len(table), pairs.source, pairs.target, p - self.least_probability)
        labels, held = join(table, pairs.source[chosen], pairs.target[chosen], p[chosen])
        return Solution(
            labels, Links(pairs.source[chosen][held], pairs.target[chosen][held], p[chosen][held]), network, ()
        )

    debug: object = None
