"""Entry and exit zones of a camera: as drawn in ``scene.toml``, else as the linker learned them.

Zones are numbered from 1; 0 is "elsewhere". Places are fractions of the image. Shape shorthand: N boxes of a tracklet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from mtmc.link.model.entry_exit_zones import HEADING_WEIGHT, RADIUS, REACH
from mtmc.scene import Camera
from mtmc.structures import Double, Mask

ELSEWHERE = "elsewhere"
HEADING_S = 0.5
"""A heading at an end is measured over this time."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraZones:
    """Zones of one camera: ``entries`` and ``exits`` (K, 4) as learned (place and weighted heading), or those ``drawn``
    in its stead, name and points (P, 2): two points are a line that is crossed, more a polygon that is entered."""

    entries: Double
    exits: Double
    drawn: tuple[tuple[str, Double], ...] = ()

    @staticmethod
    def of(camera: Camera, network: Mapping[str, Any] | None) -> CameraZones:
        """The camera's zones: drawn ones if there are any, else those of a learned ``network.json``."""
        learned = CameraZones.learned({} if network is None else network["cameras"].get(camera.id, {}))
        return replace(learned, drawn=camera.zones)

    @staticmethod
    def learned(camera: Mapping[str, Any]) -> CameraZones:
        """The zones of a camera's entry in ``network.json``."""
        entries, exits = (_centres(camera.get(end, ())) for end in ("entries", "exits"))
        return CameraZones(entries, exits)

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the entry and of the exit zones by number; a drawn zone is both."""
        if self.drawn:
            drawn = (ELSEWHERE, *(name for name, _ in self.drawn))
            return drawn, drawn
        numbers = (range(1, len(zones) + 1) for zones in (self.entries, self.exits))
        entries, exits = numbers
        return (ELSEWHERE, *(f"in{k}" for k in entries)), (ELSEWHERE, *(f"out{k}" for k in exits))

    def ends(self, times: Double, places: Double) -> tuple[int, int]:
        """Numbers of the zones by which a path ``places`` (N, 2) at ``times`` (N,) comes and goes."""
        if self.drawn:
            return self._touched(places)
        begin, end = headings(times, places)
        return nearest(self.entries, places[0], begin), nearest(self.exits, places[-1], end)

    def _touched(self, places: Double) -> tuple[int, int]:
        """The drawn zones that a path touches first and last. One touch alone is an entry in the path's first half, an
        exit in its second."""
        touches = sorted(
            (row, k) for k, (_, points) in enumerate(self.drawn, start=1) for row in _touches(places, points)
        )
        if not touches:
            return 0, 0
        (first, entry), (_, exit_) = touches[0], touches[-1]
        if len(touches) > 1:
            return entry, exit_
        return (entry, 0) if first < len(places) / 2 else (0, exit_)


def nearest(centres: Double, place: Double, heading: Double) -> int:
    """Number of the nearest learned zone (K, 4) within reach, from 1; 0 for none. Distances as the learner's."""
    if len(centres) == 0:
        return 0
    distance = np.linalg.norm(centres - np.concatenate([place, HEADING_WEIGHT * heading]), axis=1)
    return int(distance.argmin()) + 1 if distance.min() <= REACH * RADIUS else 0


def headings(times: Double, places: Double) -> tuple[Double, Double]:
    """Unit headings (2,) over the first and the last half second; zero for a vehicle that stands or is seen once."""
    begin = places[np.searchsorted(times, times[0] + HEADING_S, side="right") - 1] - places[0]
    end = places[-1] - places[np.searchsorted(times, times[-1] - HEADING_S)]
    first, last = (v / max(float(np.linalg.norm(v)), 1e-9) for v in (begin, end))
    return first, last


def _centres(zones: Iterable[Mapping[str, Any]]) -> Double:
    return np.array([zone["centre"] for zone in zones], np.float64).reshape(-1, 4)


def _touches(places: Double, points: Double) -> list[int]:
    """Rows at which a path (N, 2) comes upon a zone: crosses its line, or gets into its polygon (or out of it, for one
    that began inside)."""
    if len(points) == 2:
        return np.flatnonzero(_crosses(places[:-1], places[1:], points)).tolist()
    outline = points.astype(np.float32)[:, None]
    inside = np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in places])
    return np.flatnonzero(np.diff(inside.astype(np.int8), prepend=0) == 1).tolist()


def _crosses(a: Double, b: Double, line: Double) -> Mask:
    """Whether each step from ``a`` to ``b`` (N, 2) crosses the line (2, 2)."""

    def left(p: Double, q: Double, r: Double) -> Mask:
        """Whether r lies to the left of the way from p to q, or on it: so that what ends on a line crosses it once."""
        turn = (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])
        return np.asarray(turn >= 0)

    c, d = line
    return np.asarray((left(c, d, a) != left(c, d, b)) & (left(a, b, c) != left(a, b, d)))
