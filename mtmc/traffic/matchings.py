"""Whole solutions drawn from the posterior of the linker's model: matchings with probability proportional to the
product of exp(log-odds) over their links, two links that want one slot excluding each other.

A Markov chain on matchings (Jerrum and Sinclair, "Approximating the permanent", 1989) with one move more: adding or
taking a link, sliding one end of it, and swapping the ends of two links, which ambiguous pairs need where all four are
likely. Moves are made with the heat bath's probability: Metropolis' swaps of equals would go to and fro in step. Parts
of the graph that share no slot move at once, in all samples. Independent coins per link would break the exclusions;
perturbing and solving keeps them, but draws from another distribution.

Shape shorthand: E links, S samples, B parts that move at once.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from mtmc.assignment import components, lone_edges
from mtmc.structures import Double, Long, Mask

SWEEPS = 40
"""Times that every link is tried on average: more change no marginal by more than sampling does."""
MOST_LOG_ODDS = 30.0


def sample_matchings(left: Long, right: Long, log_odds: Double, count: int, rng: np.random.Generator) -> Mask:
    """Which links (E,) each of ``count`` sampled solutions (S, E) makes. ``left``, ``right`` (E,) are the slots that a
    link takes; ``log_odds`` (E,) against both staying free; each pair of slots once."""
    odds = np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)
    made = rng.random((count, len(odds))) < expit(odds)
    rivals = np.flatnonzero(~lone_edges(left, right))
    if len(rivals):
        part = components(*(np.unique(ends[rivals], return_inverse=True)[1] for ends in (left, right)))
        rivals, part = (column[np.argsort(part, kind="stable")] for column in (rivals, part))
        chain = _Chain(left[rivals], right[rivals], odds[rivals], part, count, rng)
        chain.run(SWEEPS)
        made[:, rivals] = chain.made()
    return np.asarray(made)


class _Chain:
    """The state of all samples: the link (S, nodes) that each slot is taken by, -1 for none. Links come sorted by the
    ``part`` of the graph that they are in."""

    def __init__(self, left: Long, right: Long, odds: Double, part: Long, count: int, rng: np.random.Generator) -> None:
        self.left, self.right = (np.unique(ends, return_inverse=True)[1].ravel() for ends in (left, right))
        self.part, self.odds, self.rng = part, np.append(odds, 0.0), rng  # the last is that of no link
        self.of_left = np.full((count, int(self.left.max()) + 1), -1, np.int64)
        self.of_right = np.full((count, int(self.right.max()) + 1), -1, np.int64)
        self.width = int(self.right.max()) + 1
        key = self.left * self.width + self.right
        self.by_key = np.argsort(key)
        self.key = key[self.by_key]
        self.samples = np.arange(count)[:, None]

    def made(self) -> Mask:
        """Which links (S, E) are made."""
        return np.asarray(self.of_left[:, self.left] == np.arange(len(self.left)))

    def run(self, sweeps: int) -> None:
        """Move ``sweeps`` times as often as each part has links, all parts and samples at once."""
        first, size = np.unique(self.part, return_index=True, return_counts=True)[1:]
        order = np.argsort(-size, kind="stable")
        first, size = first[order], size[order]
        for turn in range(sweeps * int(size[0])):
            moving = int(np.searchsorted(-size, -turn / sweeps))  # small parts are done first
            drawn = self.rng.random((len(self.samples), moving)) * size[:moving]
            self._try(first[:moving] + drawn.astype(np.int64))

    def _try(self, links: Long) -> None:
        """Propose to take each of the links (S, B), one of each of B parts, where it is made, else to make it."""
        left, right = self.left[links], self.right[links]
        mine, theirs = self.of_left[self.samples, left], self.of_right[self.samples, right]
        held = mine == links
        swap = self._between(theirs, mine)
        gain = np.where(
            held, -self.odds[links], self.odds[links] - self.odds[mine] - self.odds[theirs] + self.odds[swap]
        )
        broken = (mine >= 0) & (theirs >= 0) & ~held & (swap < 0)
        sample, column = np.nonzero((self.rng.random(gain.shape) < expit(gain)) & ~broken)
        left, right, links, mine, theirs, swap, held = (
            state[sample, column] for state in (left, right, links, mine, theirs, swap, held)
        )
        slid, pushed = ~held & (mine >= 0), ~held & (theirs >= 0)
        self.of_right[sample[slid], self.right[mine[slid]]] = swap[slid]
        self.of_left[sample[pushed], self.left[theirs[pushed]]] = swap[pushed]
        self.of_left[sample, left] = self.of_right[sample, right] = np.where(held, -1, links)

    def _between(self, theirs: Long, mine: Long) -> Long:
        """The link (S, B) from the left end of ``theirs`` to the right end of ``mine``, -1 where either is none."""
        wanted = self.left[theirs] * self.width + self.right[mine]
        place = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        there = (self.key[place] == wanted) & (theirs >= 0) & (mine >= 0) & (theirs != mine)
        return np.where(there, self.by_key[place], -1)
