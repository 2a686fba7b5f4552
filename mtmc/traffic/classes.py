"""Classes of vehicles: the detector's kinds, or what a scheme file makes of them.

A scheme is TOML, one class a line: ``heavy = ["bus", "truck"]``. Kinds that it does not name are ``other``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtmc.errors import ConfigError
from mtmc.files import parse_toml, read_text
from mtmc.structures import LABELS, Long

SCHEMES: dict[str, dict[str, list[str]]] = {
    "kinds": {label: [label] for label in LABELS},
    "one": {"vehicles": list(LABELS)},
    "three": {
        "light": ["car", "van", "vehicle"],
        "heavy": ["bus", "truck"],
        "two-wheeled": ["motorcycle", "bicycle"],
    },
}
"""Schemes by name; any other name is a file."""
OTHER = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Names of the classes, and the class (L,) of each label."""

    names: tuple[str, ...]
    of_label: Long


def read_classes(name: str) -> Classes:
    """A scheme by its name, or from a file. Raises ConfigError."""
    scheme = SCHEMES.get(name) or _read(Path(name))
    owner = {label: number for number, labels in enumerate(scheme.values()) for label in labels}
    names = tuple(scheme) if len(owner) == len(LABELS) else (*scheme, OTHER)
    return Classes(names, np.array([owner.get(label, len(scheme)) for label in LABELS], np.int64))


def _read(path: Path) -> dict[str, list[str]]:
    expected = f"one of {', '.join(SCHEMES)} or a TOML file of classes"
    if not path.is_file():
        raise ConfigError("--classes", expected, repr(str(path)), 'Write lines such as heavy = ["bus", "truck"].')
    scheme = parse_toml(read_text(path), path, ConfigError)
    seen: set[str] = set()
    for name, labels in scheme.items():
        good = isinstance(labels, list) and all(label in LABELS and label not in seen for label in labels)
        if not good:
            fix = f"Choose from {', '.join(LABELS)}."
            raise ConfigError(f"{path}: {name}", "a list of kinds, each in one class only", repr(labels), fix)
        seen.update(labels)
    return scheme
