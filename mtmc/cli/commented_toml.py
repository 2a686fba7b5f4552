"""Parameters as commented TOML: every knob once, with its meaning, unit and range."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

COMMENT_WIDTH = 116


def to_toml(params: BaseModel, path: str = "") -> str:
    """All values of ``params`` as TOML; what has none (None) stands as a comment."""
    return "\n".join(_lines(params, path)).strip() + "\n"


def _lines(params: BaseModel, path: str) -> Iterator[str]:
    fields = type(params).model_fields
    nested = {name: getattr(params, name) for name in fields if isinstance(getattr(params, name), BaseModel)}
    plain = {name: field for name, field in fields.items() if name not in nested}
    if path and plain:
        yield from ("", f"[{path}]")
    for name, field in plain.items():
        yield from textwrap.wrap(_comment(field), COMMENT_WIDTH, initial_indent="# ", subsequent_indent="# ")
        value = getattr(params, name)
        yield f"# {name} =" if value is None else f"{name} = {_value(value)}"
    for name, inner in nested.items():
        yield from _lines(inner, f"{path}.{name}" if path else name)


def _comment(field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split())
    extent = _range(field)
    return f"{meaning} ({extent})" if meaning and extent else meaning or extent


def _range(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(json.dumps(choice) for choice in get_args(field.annotation))
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    bounds = [
        f"{sign} {getattr(rule, key):g}" for rule in field.metadata for key, sign in signs.items() if hasattr(rule, key)
    ]
    return ", ".join(bounds)


def _value(value: Any) -> str:
    if isinstance(value, tuple | list | frozenset | set):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(key))} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, Enum):
        return _value(value.value)
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
