"""Typed columns for the results page: whole numbers as differences, bytes in planes, gzip, base64.

A block is one JSON head (its ``columns`` tell name, type, length and order of differences) and the columns' bytes one
after the other; ``page/columns.js`` reads it. Differences make paths small numbers, planes put the bytes that hardly
change side by side, so that gzip finds them: a box costs some five bytes.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Long

Column = NDArray[Any] | tuple[NDArray[Any], int]
"""An array, or an array of whole numbers with the order of differences (0, 1 or 2) that makes it small."""


def block(meta: Mapping[str, Any], columns: Mapping[str, Column]) -> str:
    """Base64 text of a block. Bytes are kept as they are; whole numbers must fit 32 bits; others become float32."""
    heads, parts = [], []
    for name, column in columns.items():
        values, order = column if isinstance(column, tuple) else (column, 0)
        head, data = _coded(np.asarray(values), order)
        heads.append({"name": name, "length": len(values), **head})
        parts.append(data)
    head_text = json.dumps({**meta, "columns": heads}, separators=(",", ":")).encode()
    raw = b"".join([len(head_text).to_bytes(4, "little"), head_text, *parts])
    return base64.b64encode(gzip.compress(raw, 9, mtime=0)).decode()


def _coded(values: NDArray[Any], order: int) -> tuple[dict[str, Any], bytes]:
    if values.dtype == np.uint8:
        return {"type": "b", "width": 1}, values.tobytes()
    if values.dtype.kind == "f":
        return {"type": "f", "width": 4}, _planes(values.astype("<f4"))
    numbers = values.astype(np.int64)
    for _ in range(order):
        numbers = np.diff(numbers, prepend=0)
    small = _zigzag(numbers)
    width = next(w for w in (1, 2, 4) if int(small.max(initial=0)) < 1 << (8 * w))
    return {"type": "i", "width": width, "order": order}, _planes(small.astype(f"<u{width}"))


def _zigzag(numbers: Long) -> Long:
    """0, -1, 1, -2, … as 0, 1, 2, 3, …"""
    return np.where(numbers < 0, -2 * numbers - 1, 2 * numbers)


def _planes(values: NDArray[Any]) -> bytes:
    """All first bytes, then all second bytes, …"""
    width = values.dtype.itemsize
    return np.ascontiguousarray(values.view(np.uint8).reshape(-1, width).T).tobytes()
