"""Writes that end whole or not at all (``reid.atomic``) as the pipeline takes them: what cannot be written is a
StoreError."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mtmc.errors import StoreError
from reid import atomic
from reid.atomic import LOCK, TEMPORARY, part_of, put_in_place

__all__ = ["LOCK", "TEMPORARY", "locked", "part_of", "put_in_place", "replacing", "write_json", "writing"]

locked = partial(atomic.locked, error=StoreError)
replacing = partial(atomic.replacing, error=StoreError)
writing = partial(atomic.writing, error=StoreError)


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write indented JSON, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
