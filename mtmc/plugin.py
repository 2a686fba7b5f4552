"""Parts by name: from a stage's menu, or ``module:callable`` for one of your own. Both are made in the same way.

A part is made by a factory, ``factory(params, device)``: the parameters of its stage and the device (``auto``, ``cpu``,
``cuda``, ...). What only your own part understands stands in the stage's free table, ``[detect.options]`` for a
detector, and arrives as the mapping ``params.options``.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from mtmc.errors import ConfigError, InstallError, Stopped, UserError, what_is_missing

logger = logging.getLogger(__name__)

FILE_ONLY = {"file_only": True}
"""Marks what is logged for ``log.txt`` and not for the terminal."""

Factory = Callable[[Any, str], Any]
"""Makes a part of (params, device)."""
Menu = Mapping[str, Factory | str]
"""Built-in parts by name: a factory, or ``module:callable`` where importing it costs time."""


def find_part(key: str, name: str, menu: Menu) -> Factory:
    """The factory that ``name`` stands for; modules of the current folder can be named too.

    Raises ConfigError, naming the parameter ``key`` and the ``menu``, for a name that is neither on it nor importable.
    """
    entry = menu.get(name, name)
    if not isinstance(entry, str):
        return entry
    module, colon, attribute = entry.partition(":")
    if not (module and colon and attribute):
        raise ConfigError(key, f"one of {', '.join(menu)}, or module:callable", repr(name), "Choose one.")
    if name in menu:
        return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]
    return _outside(key, name, module, attribute)


def check_part(key: str, name: str, menu: Menu) -> None:
    """Raises ConfigError for a name that is neither on the menu nor importable; loads nothing for those on it."""
    if name not in menu:
        find_part(key, name, menu)


@dataclass(frozen=True, slots=True)
class Outside:
    """Code that is not ours, named by the parameter ``key``: what it raises becomes a ConfigError, and whoever calls it
    looks at what it returns."""

    key: str
    name: str

    def call(self, work: Callable[..., Any], *given: object) -> Any:
        """``work(*given)``. Raises ConfigError for whatever goes wrong in it, even an exit; its traceback goes to
        ``log.txt``."""
        try:
            return work(*given)
        except (UserError, Stopped):
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                raise  # the user's own; where signals are ours, none comes from the keyboard
            logger.info("%s", "".join(traceback.format_exception(error)), extra=FILE_ONLY)
            fix = "Correct its code; the traceback is in log.txt."
            raise ConfigError(self.key, f"{self.name} to do its work", _with_place(error), fix) from error

    def wrong(self, expected: str, found: object) -> ConfigError:
        """For an answer that is not what the protocol promises; ``found``: it, or what is wrong with it."""
        text = found if isinstance(found, str) else f"one of type {type(found).__name__}"
        return ConfigError(f"{self.key} {self.name}", expected, text, "Correct what it returns.")


def make_part(
    key: str,
    name: str,
    menu: Menu,
    params: Any,
    device: str,
    method: str,
    checked: Callable[[Outside, Any], Any],
) -> Any:
    """The part that ``name`` stands for, an object with ``method``; one from outside is ``checked`` whenever it
    answers.

    Raises ConfigError for a name that is not found and for an outside factory that cannot be called with (params,
    device), fails, or makes something else.
    """
    if name in menu:
        return _from_menu(key, name, menu, params, device)
    factory = find_part(key, name, menu)
    _check_signature(key, name, factory)
    outside = Outside(key, name)
    part = outside.call(factory, params, device)
    if not callable(getattr(part, method, None)):
        expected = f"an object with the method {method} from {name}"
        raise ConfigError(key, expected, f"one of type {type(part).__name__}", "Return one from the callable.")
    return checked(outside, part)


def source_file(name: str, menu: Menu) -> Path | None:
    """The file with the code of an outside part, found without running any of it; None for parts on the menu."""
    if name in menu or ":" not in name:
        return None
    folders, file = [*sys.path, os.getcwd()], None
    for part in name.partition(":")[0].split("."):
        found = PathFinder.find_spec(part, folders)
        if found is None:
            return None
        folders, file = list(found.submodule_search_locations or ()), found.origin
    return Path(file) if file else None


def _from_menu(key: str, name: str, menu: Menu, params: Any, device: str) -> Any:
    """A built-in part; its packages may be missing, which is one sentence with the extra that brings them."""
    try:
        return find_part(key, name, menu)(params, device)
    except ImportError as error:
        missing = what_is_missing(error)
        if missing is None:
            raise
        raise InstallError(f"{key} {name}", missing.expected, missing.found, missing.fix) from error


def _outside(key: str, name: str, module: str, attribute: str) -> Factory:
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        factory = Outside(key, name).call(lambda: getattr(importlib.import_module(module), attribute))
    except ConfigError as error:
        expected, found = "module:callable that can be imported", f"{name!r} ({error.found})"
        raise ConfigError(key, expected, found, "Check the name and PYTHONPATH.") from error
    if not callable(factory):
        raise ConfigError(
            key, "module:callable", f"{name!r}, of type {type(factory).__name__}", "Name a function or a class."
        )
    return factory  # type: ignore[no-any-return]


def _check_signature(key: str, name: str, factory: Factory) -> None:
    try:
        signature = inspect.signature(factory)
    except ValueError:  # some compiled callables do not tell
        return
    try:
        signature.bind(object(), "cpu")
    except TypeError as error:
        expected = "a callable that takes (params, device)"
        raise ConfigError(key, expected, f"{name}{signature}", "Give it these two parameters.") from error


def _with_place(error: BaseException) -> str:
    """What went wrong, and where in the part's own file."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if frame.filename.endswith(".py") and Path(frame.filename) != Path(__file__)]
    place = f" at {inside[-1].filename}:{inside[-1].lineno}" if inside else ""
    return f"{type(error).__name__}{place}: {' '.join(str(error).split())[:300] or 'no word'}"
