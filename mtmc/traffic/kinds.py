"""What kind of vehicle: every camera has a vote, and votes are wrong now and then.

Shape shorthand: V stays, N vehicles, L labels.
"""

from __future__ import annotations

import numpy as np

from mtmc.structures import LABELS, Double, Long
from mtmc.visits.stays import Stays

LEAST_STAYS = 3
"""Vehicles seen so often tell how often a vote is wrong."""
DOUBTED, PRIOR_VOTES = 0.03, 20.0
"""Fraction of wrong votes before any is seen, and how many votes that is worth."""


def by_most_boxes(stays: Stays) -> Long:
    """Label (V,) of each stay's vehicle: that of most boxes in all cameras."""
    whose, votes = _votes(stays, stays.boxes.astype(np.float64))
    return np.asarray(votes.argmax(axis=1)[whose], np.int64)


def drawn(stays: Stays, rng: np.random.Generator) -> Long:
    """Label (V,) of each stay's vehicle, drawn from what its stays' votes leave open: a stay's label is wrong as often
    as stays of vehicles seen in several cameras disagree with the others."""
    whose, votes = _votes(stays, np.ones(len(stays)))
    total = votes.sum(axis=1)
    several = total >= LEAST_STAYS
    against = (total - votes.max(axis=1, initial=0.0))[several].sum()
    wrong = (against + DOUBTED * PRIOR_VOTES) / (total[several].sum() + PRIOR_VOTES)
    share = (votes.sum(axis=0) + 1e-3) / (votes.sum() + 1e-3 * len(LABELS))
    others = np.log(np.clip(wrong * share / (1 - share), 1e-12, 1.0))  # a wrong vote goes by what is common
    odds = np.log(share) + votes @ np.diag(np.log(1 - wrong) - others)
    label = (odds + rng.gumbel(size=odds.shape)).argmax(axis=1)
    return np.asarray(label[whose], np.int64)


def _votes(stays: Stays, weight: Double) -> tuple[Long, Double]:
    """The vehicle (V,) of each stay, counted from 0, and the weight of its votes for each label (N, L)."""
    whose, count = stays.whose, int(stays.begins.sum())
    votes = np.bincount(whose * len(LABELS) + stays.label, weight, count * len(LABELS))
    return whose, votes.reshape(count, len(LABELS)).astype(np.float64)
