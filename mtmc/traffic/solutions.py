"""Solutions as likely as the linker's own: which pieces are one vehicle, drawn from what it holds possible.

Shape shorthand: T pieces, E links, S samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mtmc.link.choice.selection import join
from mtmc.link.problem import Possible
from mtmc.structures import Long
from mtmc.traffic.matchings import sample_matchings
from mtmc.visits.pieces import Pieces


@dataclass(frozen=True, slots=True, eq=False)
class Solutions:
    """The linker's ``vehicle`` (T,), and what it holds ``possible``, None where it told nothing."""

    pieces: Pieces
    vehicle: Long
    possible: Possible | None = None

    def drawn(self, count: int, seed: int) -> Iterator[Long]:
        """Vehicles (T,) of each of ``count`` sampled solutions, none where nothing is known of what is possible.

        Links are drawn as whole sets under their exclusions; where a vehicle would be in one camera twice at a time its
        links are joined surest first, as the linker does.
        """
        if self.possible is None or count == 0:
            return
        links = self.possible
        drawn = sample_matchings(links.after, links.before, links.log_odds, count, np.random.default_rng(seed))
        for made in drawn:
            chosen = links.take(made)
            yield join(self.pieces, chosen.source, chosen.target, chosen.log_odds)[0]


def read_possible(table: pa.Table, pieces: Pieces) -> Possible:
    """The stored table of links that could be, by rows of the pieces."""
    keys = pieces.keys()

    def rows(end: str) -> Long:
        ends = zip(table[f"{end}_camera"].to_pylist(), table[f"{end}_track"].to_pylist(), strict=True)
        return np.array([keys[key] for key in ends], np.int64)

    log_odds, after, before = (table[name].to_numpy() for name in ("log_odds", "after", "before"))
    return Possible(rows("from"), rows("to"), log_odds, after, before)
