"""Synthetic scenes end to end, through the commands that a user types: with true boxes nothing may be lost at all.

Anything below exactly 1.0 is a fault: a frame off by one costs less than five percent here. The tracker is the default
one in all tests. The linker is the default one on scenes whose few seconds of traffic give all its links away, and one
that looks up the truth on the others, where tracking is what is tested. The last test runs the learned pipeline of the
package, no truth in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc, record_truth, run

City = Callable[[int], Path]


def score(scene: Path, out: Path, parts: Sequence[str], settings: tuple[str, ...]) -> dict[str, Any]:
    """Scores of a run with these parts and settings."""
    run(scene, out, ("--workers", 1, *parts), settings)
    return dict(json.loads(mtmc("score", out, "--json")))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """Tiny scenes by seed. Wider than the preset, so that no true vehicle is so small that its box comes and goes; no
    parked cars, which six seconds do not tell from waiting ones."""

    @cache
    def make(seed: int) -> Path:
        folder = tmp_path_factory.mktemp("city")
        mtmc("synth", folder, "--preset", "tiny", "--seed", seed, "--set", "width_px=640", "--set", "parked=0")
        record_truth(folder / "S01")
        return folder / "S01"

    return make


def assert_perfect(scores: dict[str, Any]) -> None:
    assert scores["idf1"] == 1.0
    assert scores["loss"]["total"] == 0.0
    assert scores["links"]["wrong"] == scores["links"]["missed"] == 0


@pytest.mark.parametrize("seed", [2, 3, 5, 6, 7, 8, 9])
def test_true_boxes_score_exactly_one(seed: int, city: City, tmp_path: Path) -> None:
    """Harder for the tracker: in scene 3 a vehicle comes out where another was hidden, in 7 one enters as another
    leaves."""
    assert_perfect(score(city(seed), tmp_path / "run", TRUE_BOXES, KEEP_ALL))


def test_true_boxes_and_links_score_exactly_one(city: City, tmp_path: Path) -> None:
    """In scene 0 a vehicle comes into view where an oncoming one has just left it, which the default linker takes for
    one."""
    parts = [*TRUE_BOXES, "--link", "tests.golden.true_links:make"]
    assert_perfect(score(city(0), tmp_path / "run", parts, (*KEEP_ALL, f"link.options.scene={city(0)}")))


@pytest.mark.slow
def test_learned_pipeline(city: City, tmp_path: Path) -> None:
    """The weights that come with the package, on a scene that no weight was trained on; smaller frames than the demo's,
    for speed."""
    config = Path(__file__).parents[2] / "configs" / "pipeline" / "demo.toml"
    scores = score(city(8), tmp_path / "run", ["--config", str(config)], ("detect.short_side_px=320",))
    assert scores["idf1"] > 0.9
    assert scores["links"]["wrong"] == 0
