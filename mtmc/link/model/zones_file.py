"""Zones and travel times drawn by hand, as a file::

[cameras.c041]
north = [0.3, 0.0, 0.6, 0.2]        # zone: left, top, right, bottom as shares of the image

[[links]]
from = "c041.north"                 # leaving c041 through north ...
to = "c042.south"                   # ... one enters c042 through south
travel_s = [8, 45]                  # ... this many seconds later
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError

from mtmc.errors import ConfigError
from mtmc.files import first_mistake, parse_toml, read_text
from mtmc.link.model.given_ways import GivenWays
from mtmc.params import Params

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

    def ways(self, cameras: tuple[str, ...]) -> GivenWays:
        """The links between ``cameras``, in their numbers; those of other cameras are left out."""
        number = {name: index for index, name in enumerate(cameras)}
        links = [link for link in self.links if all(_split(end)[0] in number for end in (link.source, link.target))]
        if not links:
            return GivenWays.none()
        out, into = [_split(link.source) for link in links], [_split(link.target) for link in links]
        source, target = (np.array([number[camera] for camera, _ in ends], np.int64) for ends in (out, into))
        left_by, entered_by = (
            np.array([self.cameras[camera][zone] for camera, zone in ends], np.float64) for ends in (out, into)
        )
        low_s, high_s = np.array([link.travel_s for link in links], np.float64).T
        return GivenWays(source, target, left_by, entered_by, low_s, high_s)


def _split(end: str) -> tuple[str, str]:
    """Camera and zone."""
    camera, _, zone = end.rpartition(".")
    return camera, zone


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
            camera, zone = _split(end)
            if zone not in zones.cameras.get(camera, {}):
                raise ConfigError(path, "links between zones of [cameras.*]", repr(end), "Add the zone or correct it.")
    return zones
