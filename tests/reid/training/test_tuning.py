"""``reid tune``: what is chosen by some vehicles is judged on others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reid.cli import main
from reid.datasets import Dataset
from reid.datasets.toy import make_toy
from reid.errors import UserError
from reid.model.sgfd import SGFD
from reid.training.tuning import tune
from tests.reid.recipes import tiny_recipe

TINY_SETTINGS = {
    "sampler": {"identities": 2, "images": 2},
    "loop": {"epochs": 1, "evaluate_every": 0},
    "validation": 0.3,
}


def test_no_vehicle_is_in_two_parts_and_the_best_trial_is_taken(tmp_path: Path) -> None:
    data, seen = make_toy(tmp_path / "toy"), []

    def evaluate(model: SGFD, held: Dataset) -> dict[str, float]:
        seen.append((set(held.train.vehicle_ids), set(held.query.vehicle_ids)))
        return {"mAP": {0: 0.3, 1: 0.9, 2: 0.5}.get(len(seen) - 1, 0.4)}

    drawn: list[dict[str, float]] = []

    def recipe(settings):
        drawn.append(dict(settings))
        return tiny_recipe(**TINY_SETTINGS, loss={"margin": settings.get("loss.margin", 0.5)})

    tuned = tune(recipe, {"loss.margin": (0.1, 0.9)}, data, tmp_path, 3, evaluate=evaluate)
    assert (tuned.chosen_before, tuned.chosen_after) == (0.3, 0.9)
    assert tuned.settings == drawn[2]  # the first call asks for the recipe itself, the second trains it
    (learned, chosen_by), (more, judged_by) = seen[0], seen[3]
    assert not learned & (chosen_by | judged_by)
    assert not chosen_by & judged_by
    assert learned | chosen_by == more
    assert sorted(path.name for path in tmp_path.glob("trial-*")) == ["trial-000", "trial-001", "trial-002"]


def test_a_key_without_a_number_in_the_range(tmp_path: Path) -> None:
    data = make_toy(tmp_path / "toy")
    for key, found in (("loss.margin", "0.5"), ("loss.soft_margin", "False"), ("loss.nothing", "None")):
        with pytest.raises(UserError, match=f"--vary {key}.*found {found}"):
            tune(lambda _: tiny_recipe(**TINY_SETTINGS), {key: (2.0, 3.0)}, data, tmp_path, 2, evaluate=None)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.toml").write_text(
        """
        dataset = "toy"
        pretrained = "none"
        sampler = { identities = 2, images = 2 }
        loop = { epochs = 1 }
        network = { backbone = "resnet10", variant = "global", width = 0.125, image_size = [32, 32] }
        """
    )
    words = ["tune", "--config", tmp_path / "recipe.toml", "--out", tmp_path / "out", "--trials", 2, "--device", "cpu"]
    with pytest.raises(SystemExit) as end:
        main([*map(str, words), "--vary", "optimizer.lr=1e-5:1e-2", "--validation", "0.3"])
    assert not end.value.code
    assert "mAP of other vehicles" in capsys.readouterr().out
    assert json.loads((tmp_path / "out/tuned.json").read_text())["chosen_after"] > 0
    with pytest.raises(SystemExit) as end:
        main([*map(str, words), "--vary", "optimizer.lr=3"])
    assert end.value.code == 2
    assert "key=lowest:highest" in capsys.readouterr().err
