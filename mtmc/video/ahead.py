"""Pictures made ready while those before are looked at: FFmpeg decodes without Python's lock, and so do networks
compute."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")

DEPTH = 2
"""Items that are made ready: one that is, and one at work."""


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items in the same order, made by a thread of their own, DEPTH at most before they are asked for."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as maker:
        waiting = deque(maker.submit(next, items, None) for _ in range(DEPTH))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(maker.submit(next, items, None))
            yield item
