from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mtmc.video.ahead import DEPTH, ahead


def test_the_same_items_in_their_order_by_another_thread() -> None:
    makers = set()

    def numbers() -> Iterator[int]:
        for number in range(1, 20):
            makers.add(threading.current_thread().name)
            yield number

    assert list(ahead(numbers())) == list(range(1, 20))
    assert [name.startswith("ahead") for name in makers] == [True]


def test_no_more_than_asked_is_made_ready() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1, 20):
            made.append(number)
            yield number

    found = ahead(numbers())
    assert next(found) == 1
    found.close()  # type: ignore[attr-defined]
    assert len(made) <= 1 + DEPTH


def test_what_goes_wrong_is_said_where_it_is_asked_for() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise KeyError("damaged")

    found = ahead(numbers())
    assert next(found) == 1
    with pytest.raises(KeyError, match="damaged"):
        next(found)
