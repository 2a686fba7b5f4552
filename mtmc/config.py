"""The pipeline's configuration: one frozen model per stage, TOML files with one ``base``, ``--set`` overrides."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from mtmc.detect import DetectParams
from mtmc.embed import EmbedParams
from mtmc.errors import ConfigError
from mtmc.link import LinkParams
from mtmc.params import Params
from mtmc.report import ReportParams
from mtmc.track import TrackParams


class Config(Params):
    """Every knob of ``mtmc run``, stage by stage."""

    detect: DetectParams = Field(default_factory=DetectParams)
    track: TrackParams = Field(default_factory=TrackParams)
    embed: EmbedParams = Field(default_factory=EmbedParams)
    link: LinkParams = Field(default_factory=LinkParams)
    report: ReportParams = Field(default_factory=ReportParams)


def load_config(path: Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """The configuration of a TOML file (defaults without one) with ``stage.key=value`` overrides on top.

    Raises ConfigError for a file that is no TOML, an unknown key (with the nearest known one) or a value out of range.
    """
    settings = {} if path is None else read_toml(path)
    for override in overrides:
        _merge(settings, _parse_override(override))
    return build_config(settings, str(path or "--set"))


def build_config(settings: Mapping[str, Any], where: str) -> Config:
    """Check plain settings. Raises ConfigError naming the key."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise _explain(error, where) from error


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file laid over the file that its ``base`` names, which may have no base itself."""
    settings = _parse(path)
    base = settings.pop("base", None)
    if base is None:
        return settings
    below = _parse(path.parent / str(base))
    if "base" in below:
        raise ConfigError(
            path, "a base without a base of its own", f"{base} with base {below['base']!r}", "Merge the two."
        )
    _merge(below, settings)
    return below


def known_keys(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[str]:
    """All keys, dotted: ``detect.detector``, ``track.max_lost_s``, ..."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from known_keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, "a readable TOML file", str(error.strerror), "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, "TOML", str(error), "Correct the file.") from error


def _parse_override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError("--set", "key=value, such as track.max_lost_s=2.0", repr(text), "Add the key or the value.")
    settings: Any = _parse_value(value.strip())
    for part in reversed(key.strip().split(".")):
        settings = {part: settings}
    return dict(settings)


def _parse_value(text: str) -> Any:
    """A TOML value; what is none (a bare word, a path) is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value


def _explain(error: ValidationError, where: str) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return ConfigError(where, f"{key}: {first['msg']}", repr(first["input"]), "Correct the value.")
    keys = list(known_keys())
    near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5) or [
        k for k in keys if k.split(".")[-1] == key.split(".")[-1]
    ]
    hint = f"Did you mean {near[0]!r}?" if near else "`configs/pipeline/default.toml` lists them all."
    return ConfigError(where, "a known key", repr(key), hint)
