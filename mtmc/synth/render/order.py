"""Who hides whom: the painter's order of things that stand apart on the ground.

Two convex footprints that do not overlap have a line between them; the one on the eye's side of it hides the other,
never the reverse. Shape shorthand: N footprints.
"""

from __future__ import annotations

import numpy as np

from mtmc.structures import Double, Long, Mask

_CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])


def painters_order(places: Double, eye: Double, movers: int | None = None) -> list[int]:
    """Indices from the farthest to the nearest thing. places (N, 5): x, y, yaw, half length, half width; eye (2,)
    metres.

    The first ``movers`` things are ordered among themselves and against the others, whose order among themselves is
    free; all by default. Cycles, which three things can form, are cut at the farthest centre.
    """
    hidden_by = _hidden_by(places, eye, len(places) if movers is None else movers)
    blockers = hidden_by.sum(axis=0).tolist()  # how many must be drawn before each
    hiders = [np.flatnonzero(row).tolist() for row in hidden_by]
    distance = np.hypot(places[:, 0] - eye[0], places[:, 1] - eye[1])
    waiting = np.argsort(-distance, kind="stable").tolist()
    order: list[int] = []
    while waiting:
        chosen = next((k for k in waiting if blockers[k] == 0), waiting[0])
        waiting.remove(chosen)
        order.append(chosen)
        for hider in hiders[chosen]:
            blockers[hider] -= 1
    return order


def _hidden_by(places: Double, eye: Double, movers: int) -> Long:
    """(N, N): 1 where j can hide i, so that i must be drawn first; only for pairs with a mover."""
    nearer, farther = np.zeros((2, len(places), len(places)), bool)
    nearer[:movers], farther[:movers] = _sides(places[:movers], places, eye)
    nearer[movers:, :movers], farther[movers:, :movers] = _sides(places[movers:], places[:movers], eye)
    j_nearer, i_nearer = nearer | farther.T, farther | nearer.T
    return np.asarray(j_nearer & ~i_nearer, np.int64)


def _sides(base: Double, others: Double, eye: Double) -> tuple[Mask, Mask]:
    """For each pair (i of ``base``, j of ``others``): whether one side of i parts them with the eye on j's side, or on
    i's."""
    axes = _axes(base[:, 2])
    corners = others[:, None, :2] + np.einsum(
        "nkc,ncd->nkd", _CORNERS[None] * others[:, None, 3:5], _axes(others[:, 2])
    )
    seen = np.tensordot(corners, axes, axes=(2, 2)) - np.einsum(
        "id,icd->ic", base[:, :2], axes
    )  # (M, 4, N, 2): j in the frame of i
    eyes = np.einsum("id,icd->ic", eye - base[:, :2], axes)
    low, high, half = seen.min(axis=1).swapaxes(0, 1), seen.max(axis=1).swapaxes(0, 1), base[:, None, 3:5]
    beyond = np.concatenate([low > half - 1e-9, high < -half + 1e-9], axis=2)  # (N, M, 4 sides)
    eye_beyond = np.concatenate([eyes > base[:, 3:5], eyes < -base[:, 3:5]], axis=1)[:, None]
    return (beyond & eye_beyond).any(axis=2), (beyond & ~eye_beyond).any(axis=2)


def _axes(yaw: Double) -> Double:
    """Unit vectors along and across (N, 2, 2) of headings."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.stack([np.stack([c, s], axis=1), np.stack([-s, c], axis=1)], axis=1)
