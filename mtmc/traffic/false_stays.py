"""Stays of nothing: a tracker's false tracks begin and end anywhere, and no other camera sees them again.

Vehicles seen by several cameras tell how often a true stay comes or goes elsewhere than by a known zone; of the lone
ones more do, and what is too much is false. Shape shorthand: V stays.
"""

from __future__ import annotations

import numpy as np

from mtmc.structures import Double, Mask
from mtmc.visits.stays import Stays

PRIOR = 0.5
"""Stays worth of doubt in each count."""


def chance_true(stays: Stays) -> Double:
    """Chance (V,) that each stay is of a vehicle: 1 for those seen by several cameras, or that come and go by known
    zones."""
    lone = stays.begins & stays.ends
    strange = (stays.entry == 0).astype(np.int64) + (stays.exit == 0)
    several, alone = (np.bincount(strange[rows], minlength=3) + PRIOR for rows in (~lone, lone))
    expected = alone[0] * several / several[0]
    return np.where(lone, np.minimum(expected / alone, 1.0)[strange], 1.0)


def draw_true(stays: Stays, rng: np.random.Generator) -> Mask:
    """Which stays (V,) are of vehicles, in one draw."""
    return np.asarray(rng.random(len(stays)) < chance_true(stays))
