"""Parameters from TOML files and ``--set``, checked by pydantic: the one loader, of both packages.

It lives here, with ``reid.errors``, because ``reid`` stands alone and ``mtmc`` stands on it: mtmc comes in by
``mtmc/params.py`` only.
"""

from __future__ import annotations

import difflib
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from reid.errors import ConfigError, UserError
from reid.files import parse_json, parse_toml, read_text

SHIPPED = (Path(__file__).with_name("configs"), Path(__file__).parents[1] / "configs")
"""Where configurations lie: in the wheel, in the repository."""

LARGEST_NUMBER = 2**53
"""Of those without a fraction; more is no setting, and few libraries take it."""
Layer = tuple[str, dict[str, Any]]
"""Where settings come from (a file, an option), and the nested settings."""


class Params(BaseModel):
    """Base of all parameters: frozen, checked, unknown keys refused; units stand in the names (``_s``, ``_px``,
    ``_m``).

    A field is explained by its ``description`` or by the docstring below it; ``mtmc config`` prints that beside the
    value.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_kind(cls, value: object, info: ValidationInfo) -> object:
        """Numbers are numbers and switches are switches: "1" is no 1, 1 is no true, true is no 1."""
        kinds = _kinds(cls.model_fields[info.field_name or ""].annotation)
        if bool in kinds and not isinstance(value, bool):
            raise ValueError("true or false")
        if kinds & {int, float} and not kinds & {bool, str} and isinstance(value, bool | str):
            raise ValueError("a valid number")
        if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            raise ValueError(f"a number within {LARGEST_NUMBER:,}")
        return value


def _kinds(annotation: Any) -> frozenset[Any]:
    """The plain types that an annotation allows: itself, or the members of its union."""
    return frozenset(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else frozenset([annotation])


Model = TypeVar("Model", bound=BaseModel)


def load(model: type[Model], path: Path | None = None, overrides: Sequence[str] = (), **given: object) -> Model:
    """Parameters from a TOML file, then ``given`` keys that are not None, then overrides such as
    ``"track.jde.max_lost_s=2"``.

    A file may name one other file to start from, which may have no base itself: ``base = "other.toml"``, beside itself.

    Raises ConfigError naming where the value came from, the key, what was expected and what was found.
    """
    layers = [] if path is None else read_file(path)
    layers.append(("options", {key: value for key, value in given.items() if value is not None}))
    return merge(model, [*layers, *(("--set", parse_override(text)) for text in overrides)])


def merge(model: type[Model], layers: Sequence[Layer]) -> Model:
    """The model of settings laid over each other, the last on top. Raises ConfigError that names the layer of the
    mistake."""
    settings: dict[str, Any] = {}
    for where, layer in layers:
        _lay_over(settings, layer, where)
    try:
        return model.model_validate(settings)
    except ValidationError as mistake:
        raise explain(mistake, model, layers) from mistake


def shipped_file(name: Path, kind: str) -> Path:
    """The file itself, or the one of that name that comes with the package (``paper``, ``smoke``, ...). Raises
    ConfigError."""
    if name.suffix or os.path.lexists(name):
        return name
    for folder in SHIPPED:
        path = folder / kind / f"{name}.toml"
        if path.is_file():
            return path
    known = sorted({str(p.relative_to(f / kind).with_suffix("")) for f in SHIPPED for p in (f / kind).rglob("*.toml")})
    raise ConfigError("--config", f"a TOML file or one of {', '.join(known)}", repr(str(name)), "Check the name.")


def read_file(path: Path) -> list[Layer]:
    """A TOML file (or the JSON that a training wrote) on top of its base. Raises ConfigError."""
    settings = _parse(path)
    base = settings.pop("base", None)
    if base is None:
        return [(str(path), settings)]
    if not isinstance(base, str) or not base:
        raise ConfigError(f"{path}, base", "the name of a file beside it", repr(base)[:80], "Correct the value.")
    below = path.parent / base
    lowest = _parse(below)
    if "base" in lowest:
        raise ConfigError(below, "a file without a base of its own", f"base {lowest['base']!r}", "Merge the two.")
    return [(str(below), lowest), (str(path), settings)]


def parse_override(text: str) -> dict[str, Any]:
    """``a.b=value`` as nested settings; the value is TOML, or a plain string where it is not. Raises ConfigError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError("--set", "key=value", repr(text), "Add the key or the value.")
    settings: Any = _parse_value(value.strip())
    for part in reversed(key.strip().split(".")):
        settings = {part: settings}
    return dict(settings)


def known_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """All keys, dotted: ``detect.detector``, ``track.jde.max_lost_s``, ..."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from known_keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def explain(mistake: ValidationError, model: type[BaseModel], layers: Sequence[Layer]) -> ConfigError:
    """One sentence about the first thing that pydantic refused."""
    first = mistake.errors()[0]
    loc = [str(part) for part in first["loc"]]
    key, known = ".".join(loc), list(known_keys(model))
    where = next((name for name, layer in reversed(layers) if _holds(layer, loc)), layers[-1][0] if layers else "")
    if first["type"] == "extra_forbidden":
        return ConfigError(where, "a known key", repr(key), _nearest(key, known))
    expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ").split(", unable")[0]
    if first["type"] in ("model_type", "model_attributes_type"):
        expected = "a section with keys such as " + next((name for name in known if name.startswith(f"{key}.")), key)
    return ConfigError(
        f"{where}, {key}" if key else where, expected, textwrap.shorten(repr(first["input"]), 100), "Correct the value."
    )


def _nearest(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    near += [name for name in known if name.split(".")[-1] == key.split(".")[-1]]
    section = key.rpartition(".")[0]
    beside = [name for name in known if name.startswith(f"{section}.")] if section else []
    return (
        f"Did you mean {near[0]}?"
        if near
        else f"Known are {', '.join(beside or sorted({k.split('.')[0] for k in known}))}."
    )


def _parse(path: Path) -> dict[str, Any]:
    text = read_text(path, "a TOML file", ConfigError)
    if path.suffix != ".json":
        return parse_toml(text, path, ConfigError)
    settings = parse_json(text, path, ConfigError)
    if not isinstance(settings, dict):
        raise ConfigError(path, "parameters in JSON", f"a {type(settings).__name__}", "Give another file.")
    return settings


def _parse_value(text: str) -> Any:
    """A TOML value; what is none (a bare word, a path) is a string."""
    try:
        return parse_toml(f"value = {text}", "--set")["value"]
    except UserError:
        return text


def _lay_over(below: dict[str, Any], above: Mapping[str, Any], where: str, prefix: str = "") -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and key in below:
            if not isinstance(below[key], dict):
                expected, found = f"a section {prefix}{key}", f"the value {below[key]!r} given before"
                raise ConfigError(
                    where, expected, found, f"Set {prefix}{key} or {prefix}{key}.{next(iter(value), '')}."
                )
            _lay_over(below[key], value, where, f"{prefix}{key}.")
        else:
            below[key] = _copied(value)


def _copied(value: Any) -> Any:
    return {key: _copied(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value


def _holds(layer: Any, loc: Sequence[str]) -> bool:
    """Whether a layer has the key; list positions and union branches at its end do not count."""
    for part in loc:
        if not isinstance(layer, Mapping):
            return True
        if part not in layer:
            return False
        layer = layer[part]
    return True
