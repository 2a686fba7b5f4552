"""The 2021 winner's kind of linker: zones and travel times drawn by hand for one scene (Liu et al., CVPR workshops
2021).

The file::

    [cameras.c041]
    north = [0.3, 0.0, 0.6, 0.2]        # zone: left, top, right, bottom as shares of the image

    [[links]]
    from = "c041.north"                 # leaving c041 through north ...
    to = "c042.south"                   # ... one enters c042 through south
    travel_s = [8, 45]                  # ... this many seconds later

Without a file every pair of cameras is a link with any travel time. Shape shorthand: T tracklets, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError

from mtmc.errors import ConfigError
from mtmc.files import first_mistake, parse_toml, read_text
from mtmc.link.baselines.rerank import rerank
from mtmc.link.problem import Problem, Solution
from mtmc.link.rules.constraints import join_in_order
from mtmc.params import Params
from mtmc.structures import Double, Float, Long, Mask, TrackletTable

Finite = Annotated[float, Field(allow_inf_nan=False)]


class ZoneLink(Params):
    """From one zone ("camera.zone") to another within a window of seconds."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    travel_s: tuple[Finite, Finite]


class ZoneMap(Params):
    """A scene's zones by camera and name, and the links between them."""

    cameras: dict[str, dict[str, tuple[Finite, Finite, Finite, Finite]]] = Field(default_factory=dict)
    links: tuple[ZoneLink, ...] = ()


def read_zones(path: Path) -> ZoneMap:
    """Read a zones file. Raises ConfigError for a file that is missing, is no TOML, or names an unknown zone."""
    expected = "a TOML file of zones and links"
    text = read_text(path, expected, error=ConfigError)
    try:
        zones = ZoneMap.model_validate(parse_toml(text, path, ConfigError))
    except ValidationError as mistake:
        raise ConfigError(path, expected, first_mistake(mistake), "Correct the file.") from mistake
    if not zones.cameras:
        raise ConfigError(path, expected, "one without any zone", "Draw zones, or choose another linker.")
    for link in zones.links:
        for end in (link.source, link.target):
            camera, _, zone = end.rpartition(".")
            if zone not in zones.cameras.get(camera, {}):
                raise ConfigError(path, "links between zones of [cameras.*]", repr(end), "Add the zone or correct it.")
    return zones


@dataclass(frozen=True, slots=True)
class DrawnZones:
    """Pairs allowed by zone and travel time, re-ranked, matched nearest first between neighbouring cameras and cut at
    ``max_distance``, then united under the camera rule."""

    zones: ZoneMap
    max_distance: float

    def __call__(self, problem: Problem) -> Solution:
        """Link by zones."""
        table = problem.table
        source, target = self._pairs(table)
        similarity = np.einsum("pd,pd->p", table.features[source], table.features[target], dtype=np.float64)
        distance = rerank(len(table), source, target, 1.0 - similarity)
        near = np.flatnonzero(distance <= self.max_distance)
        order = near[np.lexsort((target[near], source[near], distance[near]))]
        order = _one_to_one(table, source, target, order)
        return Solution(join_in_order(table, source, target, order))

    def _pairs(self, table: TrackletTable) -> tuple[Long, Long]:
        """Source and target rows (P,) of all pairs that some link allows, each once."""
        if not self.zones.links:
            source, target = np.nonzero(np.triu(table.camera[:, None] != table.camera[None, :]))
            return source.astype(np.int64), target.astype(np.int64)
        number = {name: index for index, name in enumerate(table.cameras)}
        parts = [np.zeros((2, 0), np.int64)]
        for link in self.zones.links:
            ends = [end.rpartition(".")[::2] for end in (link.source, link.target)]
            if all(camera in number for camera, _ in ends):
                parts.append(self._linked(table, number, ends, link.travel_s))
        pairs = np.unique(np.concatenate(parts, axis=1), axis=1)
        return pairs[0], pairs[1]

    def _linked(
        self, table: TrackletTable, number: dict[str, int], ends: list[tuple[str, str]], window: tuple[float, float]
    ) -> Long:
        """Pairs (2, P) of one link."""
        (leave, exit_zone), (arrive, entry_zone) = ends
        out = np.flatnonzero(table.camera == number[leave])
        out = out[_inside(self.zones.cameras[leave][exit_zone], table.exit_xy[out])]
        into = np.flatnonzero(table.camera == number[arrive])
        into = into[_inside(self.zones.cameras[arrive][entry_zone], table.entry_xy[into])]
        travel: Double = table.start_s[into][None, :] - table.end_s[out][:, None]
        first, second = np.nonzero((travel >= window[0]) & (travel <= window[1]))
        return np.stack([out[first], into[second]]).astype(np.int64)


def _inside(zone: tuple[float, float, float, float], places: Float) -> Mask:
    low, high = np.array(zone[:2], np.float32), np.array(zone[2:], np.float32)
    return np.asarray(((places >= low) & (places <= high)).all(axis=1))


def _one_to_one(table: TrackletTable, source: Long, target: Long, order: Long) -> Long:
    """Of links in ``order``, those whose source has no follower and whose target no predecessor in the other's camera
    yet."""
    taken: set[tuple[int, int, bool]] = set()
    kept = []
    for link in order.tolist():
        a, b = int(source[link]), int(target[link])
        keys = (a, int(table.camera[b]), True), (b, int(table.camera[a]), False)
        if not taken.intersection(keys):
            taken.update(keys)
            kept.append(link)
    return np.array(kept, np.int64)
