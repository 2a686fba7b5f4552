"""Linking: which tracklets of all cameras are one vehicle.

A linker is any callable that maps a ``Problem`` (tracklet table, crops, clocks) to a ``Solution``; ``LINKERS`` is the
menu of those built in, and ``"module:callable"`` names one of your own (called with the ``LinkParams`` and the device,
it returns the linker).

What lives where, in the order of the flow; arrows point up this list, never down:

- ``model/``: what is known of the cameras (zones, transitions, routes, likelihoods), and how is it stored?
- ``problem``: what is a linker given, and what does it hand back?
- ``describe``: what does linking need to know of a tracklet? Boxes and crops in, one problem out
- ``rules/``: what does every answer keep to? What may never be one vehicle?
- ``evidence/``: which pairs may be linked at all, and what speaks for a pair?
- ``learning/``: how is the model learned from unlabelled tracklets?
- ``choice/``: which links are made, given their probabilities, and which could be?
- ``review/``: why was a link made, what could not be learned, which links are worth a look, what do edits change?
- ``network_linker``: the default linker, top down; its model in two pages is MODEL.md
- ``baselines/``: the linkers to compare with
- ``benchmark``: how good and how costly is each linker, and are its probabilities right?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mtmc.errors import ConfigError
from mtmc.link.baselines.electricity import Electricity
from mtmc.link.baselines.plain import Agglomerative, Hungarian
from mtmc.link.baselines.zones import DrawnZones
from mtmc.link.describe import describe, pose
from mtmc.link.model.camera_network import CameraNetwork, Limits
from mtmc.link.model.json_io import read_network
from mtmc.link.model.zones_file import ZoneMap, read_zones
from mtmc.link.network_linker import NetworkLinker
from mtmc.link.problem import (
    Crops,
    Linker,
    Links,
    Problem,
    Solution,
    Wishes,
    canonical,
    canonical_labels,
    restored,
    vehicles,
)
from mtmc.link.review.wishes import Contradiction, confined, stable_labels
from mtmc.link.rules.outside import CheckedLinker
from mtmc.params import OPTIONS, StageParams
from mtmc.plugin import Menu, check_part, make_part, source_file
from mtmc.scene import Scene
from mtmc.structures import Embeddings, GlobalTrack, Tracklet

__all__ = [
    "LINKERS",
    "Contradiction",
    "Crops",
    "LinkParams",
    "Linker",
    "Links",
    "Problem",
    "Solution",
    "Wishes",
    "describe",
    "find_linker",
    "learn_network",
    "link",
    "pose",
    "solve",
]


class LinkParams(StageParams):
    """Which linker, and the limits of each. Distances are 1 - cosine in [0, 2], but for ``electricity``'s, which are
    squared Euclidean between unit vectors, in [0, 4]."""

    linker: str = Field(
        default="network",
        description="network, electricity, hungarian, agglomerative, zones, "
        "or module:callable that takes (params, device)",
    )
    options: dict[str, Any] = OPTIONS
    least_probability: float = Field(default=0.4, gt=0, lt=1, description="network: less probable links are not made")
    max_travel_s: float = Field(default=300.0, gt=0, description="network: longest journey looked for")
    max_overlap_s: float = Field(default=15.0, ge=0, description="network: longest stay in two views at once")
    max_clock_error_s: float = Field(default=90.0, ge=0, description="network: between cameras without given offsets")
    window_h: float | None = Field(
        default=None, gt=0, description="hours of a run that are linked at once, for memory's sake; none: all"
    )
    parked: Literal["keep", "drop"] = Field(
        default="keep",
        description="vehicles that stand in all views, at the kerb beside others' lanes; for track.clean.parked=keep",
    )
    parked_beside: float = Field(
        default=0.25, ge=0.05, le=1, description="how far off, in sizes of a box, in the mean of all views"
    )
    network_file: Path | None = Field(default=None, description="network: a network.json to start from")
    zones_file: Path | None = Field(
        default=None, description="TOML of zones and travel times: all that zones goes by, a prior of network"
    )
    zones_max_distance: float = Field(default=0.9, ge=0, le=2, description="zones: re-ranked distance")
    hungarian_max_distance: float = Field(default=0.45, ge=0, le=2, description="hungarian: cosine distance")
    agglomerative_max_distance: float = Field(default=0.5, ge=0, le=2, description="agglomerative: cosine distance")
    electricity_max_distance: float = Field(default=1.0, ge=0, le=4, description="a track matches up to this")
    electricity_isolation_distance: float = Field(default=1.5, ge=0, le=4, description="beyond it: isolated")
    electricity_remove_isolated: bool = Field(default=False, description="drop isolated tracks, as published")

    @property
    def limits(self) -> Limits:
        """What the network linker takes for granted."""
        return Limits(self.max_travel_s, self.max_overlap_s, self.max_clock_error_s, self.least_probability)

    @property
    def learns(self) -> bool:
        """Whether a camera network is learned anew."""
        return self.linker == "network" and self.network_file is None

    def input_files(self, folder: Path, camera_id: str) -> dict[str, Path]:
        """The files of zones and of a learned network, the code of an outside linker."""
        files = {"linker": source_file(self.linker, LINKERS), "network": self.network_file, "zones": self.zones_file}
        return {key: path for key, path in files.items() if path is not None}

    def check(self) -> None:
        """Raises ConfigError for an unknown linker, a file of zones that cannot be used, a missing file of a
        network."""
        check_part("link.linker", self.linker, LINKERS)
        if self.zones_file is not None:
            read_zones(self.zones_file)
        if self.network_file is not None and not self.network_file.is_file():
            expected, fix = "a network.json written by `mtmc run`", "Give another file, or none to learn anew."
            raise ConfigError(self.network_file, expected, "no such file", fix)


def _electricity(params: LinkParams, device: str) -> Linker:
    return Electricity(
        params.electricity_max_distance, params.electricity_isolation_distance, params.electricity_remove_isolated
    )


def _zones(params: LinkParams, device: str) -> Linker:
    return DrawnZones(_zone_map(params), params.zones_max_distance)


def _zone_map(params: LinkParams) -> ZoneMap:
    return ZoneMap() if params.zones_file is None else read_zones(params.zones_file)


def _network(params: LinkParams, device: str) -> Linker:
    def linker(problem: Problem) -> Solution:
        file = params.network_file
        known = None if file is None else read_network(file, problem.table.cameras)
        return NetworkLinker(params.limits, known, _zone_map(params))(problem)

    return linker


LINKERS: Menu = {
    "network": _network,
    "electricity": _electricity,
    "hungarian": lambda params, device: Hungarian(params.hungarian_max_distance),
    "agglomerative": lambda params, device: Agglomerative(params.agglomerative_max_distance),
    "zones": _zones,
}


def find_linker(params: LinkParams, device: str = "auto") -> Linker:
    """The linker that ``params.linker`` names. Raises ConfigError for a name that is neither on the menu nor
    importable."""
    return make_part("link.linker", params.linker, LINKERS, params, device, "__call__", CheckedLinker)  # type: ignore[no-any-return]


def learn_network(problem: Problem, params: LinkParams) -> CameraNetwork:
    """The network that a sample of a run teaches, for ``solve`` to start from when the run's parts are linked one by
    one."""
    return NetworkLinker(params.limits, zones=_zone_map(params)).learned(canonical(problem)[1])


def solve(problem: Problem, params: LinkParams, device: str = "auto", known: CameraNetwork | None = None) -> Solution:
    """Link a problem's tracklets; labels are numbered 1, 2, … by first appearance, -1 for tracklets removed by the
    linker's rules. Vehicles that the wishes leave as they were keep the number that they had without them. ``known``:
    the network to start from (``learn_network``).

    Raises Contradiction for wishes that no solution meets.
    """
    order, sorted_problem = canonical(problem)
    linker = find_linker(params, device) if known is None else NetworkLinker(params.limits, known, _zone_map(params))
    solution = linker(sorted_problem)
    if len(problem.wishes):
        solution = confined(sorted_problem, solution)
    solution = restored(solution, order)
    labels = canonical_labels(solution.labels, problem.table)
    if len(problem.wishes):
        labels = stable_labels(labels, solve(replace(problem, wishes=Wishes()), params, device, known).labels)
    return replace(solution, labels=labels)


def link(
    scene: Scene, tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings], params: LinkParams | None = None
) -> list[GlobalTrack]:
    """Every tracklet in exactly one vehicle, no two tracklets of one camera that overlap in time inside one.

    The one exception to the first promise is asked for: ``electricity_remove_isolated``. Works for no tracklets at all.
    What ``params.parked`` asks for is done after it: ``mtmc.parked``.
    """
    problem = pose(scene, tracklets, embeddings)
    return vehicles(tracklets, solve(problem, params or LinkParams()).labels)
