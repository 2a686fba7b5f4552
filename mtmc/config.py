"""The pipeline's configuration: one frozen model per stage, from TOML files with one ``base`` and ``--set``
overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from mtmc.detect import DetectParams
from mtmc.embed import EmbedParams
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


def build_config(settings: Mapping[str, Any], where: str) -> Config:
    """Check plain settings that come from ``where``. Raises ConfigError naming the key."""
    return merge(Config, [(where, dict(settings))])
