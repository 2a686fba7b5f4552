"""Linking: which tracklets of all cameras are one vehicle.

A linker is any callable that maps a ``Problem`` (tracklet table, crops, clocks) to a ``Solution``; ``LINKERS`` is the menu of
those built in, and ``"module:callable"`` names one of your own (called with the ``LinkParams``, it returns the linker).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mtmc.errors import ConfigError
from mtmc.link.describe import describe, pose
from mtmc.link.electricity import Electricity
from mtmc.link.problem import Crops, Linker, Links, Problem, Solution, canonical_labels, vehicles
from mtmc.params import Params
from mtmc.scene import Scene
from mtmc.structures import Embeddings, GlobalTrack, Tracklet

__all__ = [
    "LINKERS",
    "Crops",
    "LinkParams",
    "Linked",
    "Linker",
    "Links",
    "Problem",
    "Solution",
    "describe",
    "find_linker",
    "link",
    "link_with_reasons",
    "solve",
]


class LinkParams(Params):
    """Which linker, and the limits of each. Distances are squared Euclidean between unit vectors, in [0, 4]."""

    linker: str = Field(default="electricity", description="electricity, or module:callable")
    electricity_max_distance: float = Field(default=0.5, ge=0, le=4, description="a track matches up to this distance")
    electricity_isolation_distance: float = Field(
        default=1.5, ge=0, le=4, description="beyond it from all others: isolated"
    )
    electricity_remove_isolated: bool = Field(default=False, description="drop isolated tracks, as published")


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """Vehicles with what is known about how they came about: ``reasons`` are the columns of a table with one row per link (empty
    for linkers that cannot explain themselves), ``network`` the camera network learned (None without), ``warnings`` sentences."""

    vehicles: list[GlobalTrack]
    reasons: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    network: object | None = None
    warnings: tuple[str, ...] = ()


def _electricity(params: LinkParams) -> Linker:
    return Electricity(
        params.electricity_max_distance, params.electricity_isolation_distance, params.electricity_remove_isolated
    )


LINKERS: dict[str, Callable[[LinkParams], Linker]] = {"electricity": _electricity}


def find_linker(params: LinkParams) -> Linker:
    """The linker that ``params.linker`` names. Raises ConfigError for a name that is neither on the menu nor importable."""
    if params.linker in LINKERS:
        return LINKERS[params.linker](params)
    module, _, name = params.linker.partition(":")
    try:
        factory = getattr(import_module(module), name) if name else None
    except (ImportError, AttributeError):
        factory = None
    if factory is None:
        choices = ", ".join(LINKERS)
        raise ConfigError("link.linker", f"one of {choices}, or module:callable", repr(params.linker), "Correct it.")
    linker: Linker = factory(params)
    return linker


def solve(problem: Problem, params: LinkParams) -> Solution:
    """Link a problem's tracklets; labels are numbered 1, 2, … by first appearance, -1 for tracklets removed by the linker's rules."""
    solution = find_linker(params)(problem)
    labels = canonical_labels(solution.labels, problem.table)
    return Solution(labels, solution.links, solution.network, solution.warnings)


def link(
    scene: Scene, tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings], params: LinkParams | None = None
) -> list[GlobalTrack]:
    """Every tracklet in exactly one vehicle, no two tracklets of one camera that overlap in time inside one.

    The one exception to the first promise is asked for: ``electricity_remove_isolated``. Works for no tracklets at all.
    """
    return link_with_reasons(scene, tracklets, embeddings, params).vehicles


def link_with_reasons(
    scene: Scene, tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings], params: LinkParams | None = None
) -> Linked:
    """As ``link``, with the evidence of every link, the learned camera network and the warnings."""
    problem = pose(scene, tracklets, embeddings)
    solution = solve(problem, params or LinkParams())
    return Linked(vehicles(tracklets, solution.labels), {}, solution.network, solution.warnings)
