"""The open door for parts from outside: ``module:callable`` in place of a name from the menu."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from mtmc.errors import ConfigError


def find_outsider(key: str, name: str, menu: Iterable[str]) -> Any:
    """The callable that ``name`` (``module:callable``) stands for.

    Raises ConfigError, naming the parameter ``key`` and the ``menu``, for a name that is neither on it nor importable.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ConfigError(key, f"one of {', '.join(menu)}, or module:callable", repr(name), "Choose one.")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        found = f"{name!r} ({error})"
        raise ConfigError(
            key, "module:callable that can be imported", found, "Check the name and PYTHONPATH."
        ) from error
