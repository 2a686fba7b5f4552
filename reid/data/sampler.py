"""Batches of P identities with K images each, the same on every machine for a given seed, epoch and number of
processes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from reid.errors import UserError

Rows = NDArray[np.int64]


class IdentitySampler:
    """Draws batches of ``identities`` x ``images`` rows, as released: each identity's images are shuffled and cut into
    groups; each batch takes distinct identities at random and one group of each, until too few identities are left.

    With several processes, ``identities`` is per process: all draw the same large batches and each keeps its own share
    of the identities, so no two see one identity in the same step.

    Args:
        vehicle_ids: (N,) identity of each row.
        identities: P, per process.
        images: K. Identities with fewer images are drawn with replacement; a rest smaller than K waits for another
            epoch.
        seed: start of all randomness.
        rank: this process, 0 <= rank < world.
        world: number of processes.

    Raises:
        UserError: fewer identities than one batch of all processes needs.
    """

    def __init__(
        self, vehicle_ids: Rows, identities: int, images: int, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        self.identities, self.images, self.seed, self.rank, self.world = identities, images, seed, rank, world
        order = np.argsort(vehicle_ids, kind="stable")
        starts = np.unique(vehicle_ids[order], return_index=True)[1][1:]
        self._rows: list[Rows] = [rows.astype(np.int64) for rows in np.split(order, starts)]
        if len(self._rows) < identities * world:
            raise UserError(
                "sampler.identities",
                f"at most {len(self._rows) // world} per process, the data set has {len(self._rows)}",
                f"{identities} x {world} processes",
                "Lower sampler.identities, or train with more vehicles.",
            )

    @property
    def short_identities(self) -> int:
        """Identities with fewer than K images, which are drawn with replacement."""
        return sum(len(rows) < self.images for rows in self._rows)

    def batches(self, epoch: int) -> list[Rows]:
        """This process's batches of an epoch: each (P * K,) rows, the K of an identity beside each other."""
        rng = np.random.default_rng((self.seed, epoch))
        groups = self._shuffled_groups(rng)
        left = np.array([len(waiting) for waiting in groups])
        drawn: list[Rows] = []
        while np.count_nonzero(left) >= self.identities * self.world:
            chosen = rng.choice(np.flatnonzero(left), self.identities * self.world, replace=False)
            left[chosen] -= 1
            own = slice(self.rank * self.identities, (self.rank + 1) * self.identities)
            drawn.append(np.concatenate([groups[index][left[index]] for index in chosen[own]]))
        return drawn

    def _shuffled_groups(self, rng: np.random.Generator) -> list[list[Rows]]:
        """Each identity's images in random order, in groups of K."""
        groups: dict[int, list[Rows]] = defaultdict(list)
        for index, rows in enumerate(self._rows):
            if len(rows) < self.images:
                groups[index].append(rng.choice(rows, self.images, replace=True))
                continue
            shuffled = rng.permutation(rows)
            whole = len(rows) // self.images * self.images
            groups[index] = list(shuffled[:whole].reshape(-1, self.images))
        return [groups[index] for index in range(len(self._rows))]
