"""Whole solutions drawn from the posterior of the linker's model: matchings with probability proportional to the
product of exp(log-odds) over their links, two links that want one slot excluding each other.

A Markov chain on matchings (Jerrum and Sinclair, "Approximating the permanent", 1989) with one move more: adding or
taking a link, sliding one end of it, and swapping the ends of two links, which ambiguous pairs need where all four are
likely. Moves are made with the heat bath's probability: Metropolis' swaps of equals would go to and fro in step.

Many links are proposed at once; of those that meet in a slot the first alone may move. A move touches two slots and
their mates and leaves them among themselves, so which ones meet is the same before and after: the way back is as likely
as the way, as with one move at a time, however many links exclude each other. Independent coins per link would break
the exclusions; perturbing and solving keeps them, but draws from another distribution.

Shape shorthand: E links, S samples, B links proposed at once.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from mtmc.assignment import lone_edges
from mtmc.structures import Double, Long, Mask

SWEEPS = 30
"""Times that every link is proposed on average: more change no marginal by more than sampling does."""
AT_ONCE = 0.2
"""Links proposed at once for the slot that most links want: some two of three of them meet no other."""
MOST_LOG_ODDS = 30.0
LINKS_AT_ONCE = 50_000
"""As many samples are drawn side by side as have so many links: the processor's cache holds them."""


def sample_matchings(left: Long, right: Long, log_odds: Double, count: int, rng: np.random.Generator) -> Mask:
    """Which links (E,) each of ``count`` sampled solutions (S, E) makes. ``left``, ``right`` (E,) are the slots that a
    link takes; ``log_odds`` (E,) against both staying free; each pair of slots once."""
    odds = np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)
    made = rng.random((count, len(odds))) < expit(odds)
    rivals = np.flatnonzero(~lone_edges(left, right))
    if len(rivals):
        together = max(1, LINKS_AT_ONCE // len(rivals))
        for first in range(0, count, together):
            copies = min(together, count - first)
            chain = _Chain(_beside(left[rivals], copies), _beside(right[rivals], copies), np.tile(odds[rivals], copies))
            made[first : first + copies, rivals] = chain.run(rng).reshape(copies, -1)
    return np.asarray(made)


def _beside(slots: Long, copies: int) -> Long:
    """Slots (copies * E,), counted from 0, of as many graphs side by side."""
    names, number = np.unique(slots, return_inverse=True)
    return np.asarray((number + len(names) * np.arange(copies)[:, None]).ravel())


class _Chain:
    """The link that each slot is taken by, -1 for none, of a graph of E links."""

    def __init__(self, left: Long, right: Long, odds: Double) -> None:
        self.left, self.right, self.odds = left, right, np.append(odds, 0.0)  # the last is that of no link
        self.most = max(int(np.bincount(ends).max()) for ends in (left, right))
        self.of_left, self.of_right = (np.full(int(ends.max()) + 1, -1, np.int64) for ends in (left, right))
        key = left * len(self.of_right) + right
        self.by_key = np.argsort(key)
        self.key = key[self.by_key]

    def run(self, rng: np.random.Generator) -> Mask:
        """Which links (E,) are made after SWEEPS proposals of each."""
        count = len(self.left)
        size = max(1, int(AT_ONCE * count / self.most))
        for _ in range(SWEEPS * count // size):
            self._try(rng.integers(count, size=size), rng.random(size))
        return np.asarray(self.of_left[self.left] == np.arange(count))

    def _try(self, links: Long, chance: Double) -> None:
        """Propose to take each of the links (B,) where it is made, else to make it."""
        left, right = self.left[links], self.right[links]
        mine, theirs = self.of_left[left], self.of_right[right]
        alone = self._meet_no_earlier(left, right, mine, theirs)
        links, left, right = links[alone], left[alone], right[alone]
        mine, theirs, chance = mine[alone], theirs[alone], chance[alone]
        held, swap = mine == links, self._between(theirs, mine)
        gain = self.odds[links] - self.odds[mine] - self.odds[theirs] + self.odds[swap]
        gain[held] = -self.odds[links[held]]
        broken = (mine >= 0) & (theirs >= 0) & ~held & (swap < 0)
        moved = (chance < expit(gain)) & ~broken
        links, left, right, mine, theirs, swap, held = (
            state[moved] for state in (links, left, right, mine, theirs, swap, held)
        )
        slid, pushed = ~held & (mine >= 0), ~held & (theirs >= 0)
        self.of_right[self.right[mine[slid]]] = swap[slid]
        self.of_left[self.left[theirs[pushed]]] = swap[pushed]
        self.of_left[left] = self.of_right[right] = np.where(held, -1, links)

    def _meet_no_earlier(self, left: Long, right: Long, mine: Long, theirs: Long) -> Mask:
        """Which proposals (B,) touch no slot that one before them touches: their ends, and those of the links that
        hold these."""
        lefts = np.stack([left, np.where(theirs >= 0, self.left[theirs], left)])
        rights = np.stack([right, np.where(mine >= 0, self.right[mine], right)])
        turn, free = np.arange(len(left)), np.ones(len(left), bool)
        for slots, size in ((lefts, len(self.of_left)), (rights, len(self.of_right))):
            first = np.empty(size, np.int64)
            first[slots[:, ::-1].T.ravel()] = np.repeat(turn[::-1], 2)  # of equal slots the last written stays
            free &= (first[slots] == turn).all(axis=0)
        return free

    def _between(self, theirs: Long, mine: Long) -> Long:
        """The link (B,) from the left end of ``theirs`` to the right end of ``mine``, -1 where either is none."""
        found = np.full(len(mine), -1, np.int64)
        both = np.flatnonzero((theirs >= 0) & (mine >= 0) & (theirs != mine))
        wanted = self.left[theirs[both]] * len(self.of_right) + self.right[mine[both]]
        place = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        found[both] = np.where(self.key[place] == wanted, self.by_key[place], -1)
        return found
