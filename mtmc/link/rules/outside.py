"""A linker from outside: does its answer keep what a ``Linker`` promises?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.link.model.camera_network import CameraNetwork
from mtmc.link.problem import Linker, Links, Problem, Solution
from mtmc.link.rules.constraints import clashing
from mtmc.plugin import Outside
from mtmc.store.schemas import LINKS
from mtmc.structures import Long

REASONS = LINKS.keys() - {"vehicle_id"}


@dataclass(frozen=True, slots=True)
class CheckedLinker:
    """Raises ConfigError where the linker does not keep the promise."""

    outside: Outside
    linker: Linker

    def __call__(self, problem: Problem, /) -> Solution:
        """The linker's solution."""
        solution = self.outside.call(self.linker, problem)
        if not isinstance(solution, Solution):
            raise self.outside.wrong("mtmc.link.Solution", solution)
        labels = np.asarray(solution.labels)
        if labels.shape != (len(problem),) or labels.dtype.kind not in "iu" or labels.min(initial=0) < -1:
            expected = f"labels ({len(problem)},), whole numbers from -1 on"
            raise self.outside.wrong(expected, f"an array of {labels.dtype} of shape {labels.shape}")
        apart = np.where(labels < 0, -1 - np.arange(len(labels)), labels)  # what is left out is alone
        if len(clashing(problem.table, apart.astype(np.int64))):
            raise self.outside.wrong(
                "vehicles in one place at a time", "two tracklets of one camera at one time in one"
            )
        if solution.links is not None:
            self._check(solution.links, len(problem))
        if solution.network is not None and not isinstance(solution.network, CameraNetwork):
            raise self.outside.wrong("a CameraNetwork or None", solution.network)
        return Solution(labels, solution.links, solution.network, tuple(map(str, solution.warnings)))

    def _check(self, links: Links, count: int) -> None:
        """Links with all that the table of reasons holds."""
        if not isinstance(links, Links):
            raise self.outside.wrong("mtmc.link.Links or None", links)
        lacking = sorted(REASONS - links.columns.keys())
        if lacking:
            raise self.outside.wrong(
                f"links with the columns {', '.join(sorted(REASONS))}, or none", f"no {lacking[0]}"
            )
        ends: list[Long] = [np.asarray(end) for end in (links.source, links.target)]
        lengths = {len(column) for column in (*ends, links.probability, *links.columns.values())}
        if len(lengths) > 1 or any(((end < 0) | (end >= count)).any() for end in ends):
            raise self.outside.wrong(f"links between rows 0 to {count - 1}, one value each", "others")
