"""The pipeline's configuration: one frozen model per stage, from TOML files with one ``base`` and ``--set``
overrides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from mtmc.detect import DetectParams
from mtmc.embed import EmbedParams
from mtmc.errors import ConfigError
from mtmc.link import LinkParams
from mtmc.params import Params, load, merge, shipped_file
from mtmc.report import ReportParams
from mtmc.scene_reader import InputParams
from mtmc.track import TrackParams


class Config(Params):
    """Every knob of ``mtmc run``, stage by stage."""

    input: InputParams = Field(default_factory=InputParams)
    detect: DetectParams = Field(default_factory=DetectParams)
    track: TrackParams = Field(default_factory=TrackParams)
    embed: EmbedParams = Field(default_factory=EmbedParams)
    link: LinkParams = Field(default_factory=LinkParams)
    report: ReportParams = Field(default_factory=ReportParams)


def load_config(path: Path | None = None, overrides: Sequence[str] = (), **given: object) -> Config:
    """The configuration of a TOML file, or a shipped one by name (defaults without), ``given`` sections, then
    ``stage.key=value`` overrides.

    Raises ConfigError for a file that is no TOML, an unknown key (with the nearest known one) or a value out of range.
    """
    return load(Config, path and shipped_file(path, "pipeline"), overrides, **given)


PARTS = {"detect": "detector", "track": "tracker", "embed": "embedder", "link": "linker"}
"""The parameter of each stage that names its part."""


def refuse_strange_parts(config: Config, where: object, trusted: Collection[str], stages: Collection[str]) -> None:
    """A run folder may be a stranger's: outside parts (``module:callable``) that its ``run.json`` names for these
    stages are loaded only if ``trusted`` names them too. Raises ConfigError for others."""
    for stage in stages:
        part = str(getattr(getattr(config, stage), PARTS[stage]))
        if ":" in part and part not in trusted:
            expected = "a part of the menu, or one that you name too"
            raise ConfigError(where, expected, repr(part), f"If you trust that code: --part {part}")


def build_config(settings: Mapping[str, Any], where: str) -> Config:
    """Check plain settings that come from ``where``. Raises ConfigError naming the key."""
    return merge(Config, [(where, dict(settings))])
