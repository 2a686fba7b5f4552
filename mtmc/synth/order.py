"""Who hides whom: the painter's order of things that stand apart on the ground.

Two convex footprints that do not overlap have a line between them; the one on the eye's side of it hides the other, never the
reverse. Shape shorthand: N footprints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])


def painters_order(places: Array, eye: Array) -> list[int]:
    """Indices from the farthest to the nearest thing. places (N, 5): x, y, yaw, half length, half width; eye (2,) metres.

    Cycles, which three things can form, are cut at the farthest centre.
    """
    hidden_by = _hidden_by(places, eye)
    blockers = hidden_by.sum(axis=0)  # how many must be drawn before each
    distance = np.hypot(places[:, 0] - eye[0], places[:, 1] - eye[1])
    waiting = np.ones(len(places), bool)
    order: list[int] = []
    for _ in range(len(places)):
        free = waiting & (blockers == 0)
        chosen = int(np.argmax(np.where(free if free.any() else waiting, distance, -1.0)))
        order.append(chosen)
        waiting[chosen] = False
        blockers -= hidden_by[chosen]
    return order


def _hidden_by(places: Array, eye: Array) -> NDArray[np.int64]:
    """(N, N): 1 where j can hide i, so that i must be drawn first."""
    centre, half = places[:, :2], places[:, 3:5]
    c, s = np.cos(places[:, 2]), np.sin(places[:, 2])
    axes = np.stack([np.stack([c, s], axis=1), np.stack([-s, c], axis=1)], axis=1)  # (N, 2 axes, 2)
    corners = centre[:, None] + np.einsum("nkc,ncd->nkd", _CORNERS[None] * half[:, None], axes)
    seen = np.einsum("ijkd,icd->ijkc", corners[None] - centre[:, None, None], axes)  # corners of j in the frame of i
    eyes = np.einsum("id,icd->ic", eye - centre, axes)
    low, high = seen.min(axis=2), seen.max(axis=2)
    beyond = np.concatenate([low > half[:, None] - 1e-9, high < -half[:, None] + 1e-9], axis=2)  # (N, N, 4 sides)
    eye_beyond = np.concatenate([eyes > half, eyes < -half], axis=1)[:, None]
    nearer = (beyond & eye_beyond).any(axis=2)  # j is on the eye's side of one of i's sides
    farther = (beyond & ~eye_beyond).any(axis=2)
    j_nearer, i_nearer = nearer | farther.T, farther | nearer.T
    return np.asarray(j_nearer & ~i_nearer, np.int64)
