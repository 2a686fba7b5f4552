"""Probabilities of links when each tracklet has at most one follower and one predecessor, and of two tracklets one
comes first.

Sum-product belief propagation on the sparse bipartite graph of candidates; it converges to the unique fixed point
(Williams and Lau, "Approximate evaluation of marginal association probabilities with belief propagation", 2014). Where
clocks are unknown, a pair may be a candidate in both orders; then one more constraint ties the two. Shape shorthand: E
candidates.
"""

from __future__ import annotations

import numpy as np

from mtmc.structures import Double, Long

ITERATIONS = 60
TOLERANCE = 1e-4
"""Sweeps stop when no message changes by more than this; 60 are enough for chains of rivals as long as scenes have."""
LARGEST = 60.0
"""Log-odds beyond this change nothing in double precision and would overflow."""


def link_marginals(count: int, source: Long, target: Long, log_odds: Double) -> Double:
    """Marginal probability (E,) that target follows source, given the log-odds (E,) of each link against both of its
    ends staying free. ``count`` = number of tracklets; each (source, target) pair once."""
    weight = np.exp(np.clip(log_odds, -LARGEST, LARGEST))
    there, back = _both_orders(count, source, target)
    first, backward = np.ones(len(weight)), np.ones(len(weight))
    for _ in range(ITERATIONS):
        # Step 1: each source tells each of its targets how free it is, all its other targets considered
        offered = weight * first * backward
        alone = 1.0 / (1.0 + np.bincount(source, offered, count)[source] - offered)
        # Step 2: each target answers in the same way
        forward = weight * first * alone
        total = np.bincount(target, forward, count)[target] - forward
        update = 1.0 / (1.0 + np.maximum(total, 0.0))
        change = float(np.abs(update - backward).max(initial=0.0))
        backward = update
        # Step 3: of a pair in both orders each order yields to the other
        first[there] = 1.0 / (1.0 + (weight * alone * backward)[back])
        if change < TOLERANCE:
            break
    offered = weight * first * backward
    return np.asarray(offered / (1.0 + np.bincount(source, offered, count)[source]))


def _both_orders(count: int, source: Long, target: Long) -> tuple[Long, Long]:
    """Indices of the candidates that are there the other way round too, and the indices of those others."""
    key = source * count + target
    order = np.argsort(key, kind="stable")
    late = np.flatnonzero(source > target)
    reverse = target[late] * count + source[late]
    at = order[np.minimum(np.searchsorted(key[order], reverse), max(len(key) - 1, 0))]
    found = key[at] == reverse
    there, back = late[found], at[found]
    return np.concatenate([there, back]), np.concatenate([back, there])
