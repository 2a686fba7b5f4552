"""What a linker is given and what it hands back.

Shape shorthand: T tracklets (rows of the table), M sampled crops, D feature size, C cameras, E links.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mtmc.link.model.camera_network import CameraNetwork
from mtmc.structures import Columns, Double, Float, GlobalTrack, Long, Mask, Tracklet, TrackletTable


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Sampled crops of all tracklets: vectors (M, D) float32 unit rows; row (M,) int64 index into the tracklet table,
    sorted."""

    vectors: Float
    row: Long


def _no_pairs() -> Long:
    return np.zeros((0, 2), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Wishes:
    """What somebody who looked knows: pairs of rows of the table that are one vehicle (``same``, (S, 2)) and that are
    not (``different``, (D, 2))."""

    same: Long = field(default_factory=_no_pairs)
    different: Long = field(default_factory=_no_pairs)

    def __len__(self) -> int:
        return len(self.same) + len(self.different)

    def renamed(self, row: Long) -> Wishes:
        """The same wishes where row k is called row[k]."""
        return Wishes(row[self.same], row[self.different])


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One linking problem: the table, its crops, whether each camera's clock (C,) is on the common time,
    ``trajectories`` (T, K, 2): places on the ground in metres at K evenly spaced times from start to end, NaN without
    calibration, K = 0 where nobody knows any; and ``wishes`` that a solution must meet."""

    table: TrackletTable
    crops: Crops
    clock_known: Mask
    trajectories: Double
    wishes: Wishes = field(default_factory=Wishes)

    def __len__(self) -> int:
        return len(self.table)

    @staticmethod
    def of(table: TrackletTable, clock_known: bool | Sequence[bool] | Mask = True) -> Problem:
        """A problem of tracklets alone: each tracklet's feature is its one crop."""
        known = np.broadcast_to(np.asarray(clock_known, bool), (len(table.cameras),)).copy()
        crops = Crops(table.features, np.arange(len(table), dtype=np.int64))
        return Problem(table, crops, known, np.zeros((len(table), 0, 2)))


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Chosen links, one row each, with their evidence: ``source`` and ``target`` (E,) rows of the table,
    ``probability`` (E,) in [0, 1], and the other ``columns`` of the reasons table by name, each (E,)."""

    source: Long
    target: Long
    probability: Double
    columns: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def take(self, rows: Long) -> Links:
        """The chosen links."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Links(self.source[rows], self.target[rows], self.probability[rows], columns)

    def of_rows(self, rows: Long) -> Links:
        """The same links in a table of which this one's tracklets are the ``rows``."""
        return Links(rows[self.source], rows[self.target], self.probability, self.columns)

    @staticmethod
    def concatenated(parts: Iterable[Links]) -> Links:
        """All links of at least one part, one after the other."""
        found = list(parts)
        source, target = (np.concatenate([getattr(p, end) for p in found]) for end in ("source", "target"))
        columns = {name: np.concatenate([p.columns[name] for p in found]) for name in found[0].columns}
        return Links(source, target, np.concatenate([p.probability for p in found]), columns)


@dataclass(frozen=True, slots=True, eq=False)
class Possible(Columns):
    """Links that could be, made or not: rows ``source`` and ``target`` (E,) of the table, ``log_odds`` (E,) against
    both ends staying free, and the slots ``after`` and ``before`` (E,) that each takes: two links that want the same
    slot exclude each other. Solutions have probabilities proportional to the product of their links' odds."""

    source: Long
    target: Long
    log_odds: Double
    after: Long
    before: Long

    def of_rows(self, rows: Long) -> Possible:
        """The same links in a table of which this one's tracklets are the ``rows``."""
        return replace(self, source=rows[self.source], target=rows[self.target])


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A linker's answer: ``labels`` (T,) int64, equal for one vehicle, -1 for a tracklet that the linker's rules
    remove; ``links`` where the linker can explain itself; ``network`` the camera network it learned; ``warnings`` in
    full sentences; ``possible`` links where the linker knows how sure it is."""

    labels: Long
    links: Links | None = None
    network: CameraNetwork | None = None
    warnings: tuple[str, ...] = ()
    possible: Possible | None = None


class Linker(Protocol):
    """Maps a problem to vehicles. Deterministic; never puts two tracklets of one camera that overlap in time
    together."""

    def __call__(self, problem: Problem, /) -> Solution:
        """Link the tracklets of ``problem``."""
        ...


def overlapping(table: TrackletTable, a: Long, b: Long) -> Mask:
    """Whether rows ``a`` and ``b`` (P,) are of one camera and overlap in time: no vehicle can be both."""
    apart = (table.end_s[a] < table.start_s[b]) | (table.end_s[b] < table.start_s[a])
    return np.asarray((table.camera[a] == table.camera[b]) & ~apart)


def canonical(problem: Problem) -> tuple[Long, Problem]:
    """The rows (T,) in an order of their own, and the problem in that order with its cameras sorted by name, so that
    the order given plays no role."""
    table, crops = problem.table, problem.crops
    by_name = np.argsort(np.array(table.cameras, dtype=np.str_), kind="stable")
    camera = np.argsort(by_name).astype(np.int32)[table.camera]
    order = np.lexsort((table.track_id, camera, table.end_s, table.start_s)).astype(np.int64)
    named = replace(table, cameras=tuple(table.cameras[i] for i in by_name), camera=camera)
    if bool((order[1:] > order[:-1]).all()):  # in order already: no copy of what may be gigabytes
        return order, replace(problem, table=named, clock_known=problem.clock_known[by_name])
    clocks, trajectories = problem.clock_known[by_name], problem.trajectories[order]
    wishes = problem.wishes.renamed(np.argsort(order))
    if crops.vectors is table.features:
        sorted_ = named.take(order)
        return order, Problem(sorted_, Crops(sorted_.features, crops.row), clocks, trajectories, wishes)
    row = np.argsort(order)[crops.row]
    rows = np.argsort(row, kind="stable")
    return order, Problem(named.take(order), Crops(crops.vectors[rows], row[rows]), clocks, trajectories, wishes)


def restored(solution: Solution, order: Long) -> Solution:
    """A canonical problem's solution for the rows as they were given."""
    labels = np.empty(len(order), np.int64)
    labels[order] = solution.labels
    links = solution.links
    if links is not None:
        links = Links(order[links.source], order[links.target], links.probability, links.columns)
    possible = None if solution.possible is None else solution.possible.of_rows(order)
    return Solution(labels, links, solution.network, solution.warnings, possible)


def same_partition(one: Long, other: Long) -> bool:
    """Whether two labellings (T,) put the same tracklets together."""
    both = np.unique(np.stack([one, other]), axis=1).shape[1]
    return bool(both == len(np.unique(one)) == len(np.unique(other)))


def canonical_labels(labels: Long, table: TrackletTable) -> Long:
    """Renumber labels 1, 2, … by first appearance (time, camera, track id); -1 stays -1."""
    order = np.lexsort((table.track_id, table.camera, table.start_s))
    kept = order[labels[order] >= 0]
    values, first = np.unique(labels[kept], return_index=True)
    number = np.empty(len(values), np.int64)
    number[np.argsort(first)] = np.arange(1, len(values) + 1)
    result = np.full(len(labels), -1, np.int64)
    result[kept] = number[np.searchsorted(values, labels[kept])]
    return result


def vehicles(tracklets: Sequence[Tracklet], labels: Long) -> list[GlobalTrack]:
    """Global tracks of labelled tracklets, by label; label -1 = left out."""
    members: dict[int, list[Tracklet]] = {}
    for tracklet, label in zip(tracklets, labels.tolist(), strict=True):
        if label >= 0:
            members.setdefault(label, []).append(tracklet)
    return [
        GlobalTrack(label, tuple(sorted(members[label], key=lambda t: (t.camera_id, t.frames[0], t.track_id))))
        for label in sorted(members)
    ]
