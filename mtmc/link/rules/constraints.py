"""Vehicles out of links: union of tracklets that never breaks the one hard rule, no two of one camera at one time.

Shape shorthand: T tracklets, E links.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from mtmc.structures import Double, Int, Long, TrackletTable


class Placed(Protocol):
    """Tracklets (T,) of which the hard rule needs to know: camera, and when each begins and ends."""

    @property
    def camera(self) -> Int:
        """Index of the camera."""
        ...

    @property
    def start_s(self) -> Double:
        """First box."""
        ...

    @property
    def end_s(self) -> Double:
        """Last box."""
        ...

    def __len__(self) -> int: ...

    def take(self, rows: Long) -> Placed:
        """The chosen rows."""
        ...


class Partition:
    """Disjoint sets of tracklets with the times that each occupies per camera; starts with every tracklet alone.

    ``apart``: pairs of rows that were seen in two places at one time and never come into one set.
    """

    def __init__(self, table: Placed, apart: Iterable[tuple[int, int]] = ()) -> None:
        self._members = [{row} for row in range(len(table))]
        self._apart: dict[int, set[int]] = {}
        for a, b in apart:
            self._apart.setdefault(a, set()).add(b)
            self._apart.setdefault(b, set()).add(a)
        self._parent = list(range(len(table)))
        spans = zip(table.camera.tolist(), table.start_s.tolist(), table.end_s.tolist(), strict=True)
        self._spans: list[list[tuple[int, float, float]]] = [[span] for span in spans]

    def find(self, row: int) -> int:
        """The set's representative row."""
        while self._parent[row] != row:
            self._parent[row] = self._parent[self._parent[row]]
            row = self._parent[row]
        return row

    def join(self, a: int, b: int) -> bool:
        """Unite the sets of two rows unless one camera would then see the vehicle twice at one time; whether they are
        united."""
        first, second = self.find(a), self.find(b)
        if first == second:
            return True
        if self._clash(first, second):
            return False
        small, large = sorted((first, second), key=lambda row: (len(self._spans[row]), row))
        self._parent[small] = large
        self._spans[large] += self._spans[small]
        self._spans[small] = []
        self._members[large] |= self._members[small]
        self._members[small] = set()
        return True

    def labels(self) -> Long:
        """Set numbers (T,): the representative's row."""
        return np.array([self.find(row) for row in range(len(self._parent))], np.int64)

    def _clash(self, a: int, b: int) -> bool:
        if self._apart and any(self._members[b] & self._apart.get(row, set()) for row in self._members[a]):
            return True
        return any(
            camera == other and start <= finish and begin <= end
            for camera, start, end in self._spans[a]
            for other, begin, finish in self._spans[b]
        )


def join_in_order(table: TrackletTable, source: Long, target: Long, order: Long) -> Long:
    """Labels (T,) after joining links (E,) one after the other in ``order``, skipping those that break the rule."""
    partition = Partition(table)
    for link in order.tolist():
        partition.join(int(source[link]), int(target[link]))
    return partition.labels()


def clashing(table: Placed, labels: Long) -> Long:
    """Rows that begin while an earlier one of the same vehicle and camera still lasts."""
    order = np.lexsort((table.start_s, table.camera, labels))
    label, camera = labels[order], table.camera[order]
    same = (np.diff(label) == 0) & (np.diff(camera) == 0)
    late = same & (table.start_s[order][1:] <= table.end_s[order][:-1])
    return np.asarray(order[1:][late], np.int64)
