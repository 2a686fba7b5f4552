"""Results that changed without a raised stage version would leave older tables counting as fresh."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.golden.digests import STAGES, STORED, compute

STORE = "python -m tests.golden.digests"


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    return dict(json.loads(STORED.read_text()))


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return compute()


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Places where two digests differ; sums by more than rounding."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key), new.get(key), f"{where}/{key}")
    elif isinstance(old, float) and isinstance(new, float):
        if new != pytest.approx(old, rel=1e-4, abs=1e-4):
            yield f"{where}: {old} -> {new}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        scale = max(abs(value) for value in old)
        if new != pytest.approx(old, rel=1e-4, abs=1e-6 * scale + 1e-6):
            yield f"{where}: {old} -> {new}"
    elif old != new:
        yield f"{where}: {old} -> {new}"


@pytest.mark.parametrize("stage", STAGES)
def test_results_change_only_with_the_stage_version(stage: str, stored: dict[str, Any], now: dict[str, Any]) -> None:
    before = {name: stages[stage] for name, stages in stored["runs"].items()}
    after = {name: stages[stage] for name, stages in now["runs"].items()}
    if stage == "vehicles":
        before, after = before | stored["worlds"], after | now["worlds"]
    raised = now["versions"][stage] != stored["versions"][stage]
    changed = list(differences(before, after))
    assert not raised, f"{stage} has a new version: run `{STORE}` to store the new digests"
    assert not changed, (
        f"results changed: bump VERSIONS[{stage!r}] (or that of an earlier stage) "
        f"and run `{STORE}` to store the new digests\n" + "\n".join(changed[:20])
    )


def test_a_changed_number_is_seen(stored: dict[str, Any]) -> None:
    """The guard itself: one label, one row or one box moved by a pixel does not pass."""
    other = json.loads(STORED.read_text())
    table = other["runs"]["true boxes"]["tracklets"]["c001"]
    table["sums"]["x1"][1] *= 1.001
    assert len(list(differences(stored, other))) == 1
