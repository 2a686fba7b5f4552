"""The examples in the docstrings of the metrics."""

from __future__ import annotations

import doctest

import pytest

from mtmc.score import identity


@pytest.mark.parametrize("module", [identity], ids=lambda m: m.__name__)
def test_examples(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted
    assert not result.failed
