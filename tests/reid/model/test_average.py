"""The mean of checkpoints is that of each of their weights, and says what it is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from reid.cli import app
from reid.errors import UserError
from reid.model.average import average
from reid.model.checkpoint import load_model, read_header, save_model
from reid.model.pretrained import Origin
from tests.reid.recipes import tiny_network

START = Origin("resnet10", "a.pth", "MIT")._asdict()


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two checkpoints of one network, of other identities, one start in common."""
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        model = tiny_network(8 + seed)
        model.train()(torch.randn(4, 3, 32, 32))  # moves the batch norms' means and counters
        save_model(model, path, {"epoch": seed, "start": [START]})
    return paths


def test_each_weight_is_the_mean(two: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "new" / "c.safetensors"
    words = ["average", *map(str, two), "--out", str(out), "--share", "1", "--share", "3"]
    assert "the mean of 2" in CliRunner().invoke(app, words, catch_exceptions=False).stdout
    a, b, mean = (load_model(path).state_dict() for path in (*two, out))
    assert any("running_var" in name for name in mean)
    for name, value in mean.items():
        wanted = 0.25 * a[name] + 0.75 * b[name] if value.is_floating_point() else a[name]
        torch.testing.assert_close(value, wanted)


def test_it_says_what_it_is_made_of(two: list[Path], tmp_path: Path) -> None:
    save_model(*average(two)[:1], tmp_path / "c.safetensors", average(two)[1], half=True)
    training = read_header(tmp_path / "c.safetensors").training
    assert [(made["share"], made["epoch"]) for made in training["average"]] == [(0.5, 0), (0.5, 1)]
    assert training["start"] == [START]


def test_of_the_same_it_is_the_same(two: list[Path]) -> None:
    mean, _ = average([two[0]] * 3)
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(mean(images), load_model(two[0])(images))


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((1.0,), "one for each of 2 checkpoints, or none, found 1"),
        ((1.0, 0.0), "numbers above 0, of a finite sum, found"),
        ((2.0, -1.0), "numbers above 0, of a finite sum, found"),
        ((1.0, float("nan")), "numbers above 0, of a finite sum, found"),
        ((1e308, 1e308), "numbers above 0, of a finite sum, found"),
    ],
)
def test_unfit_shares(two: list[Path], shares: tuple[float, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        average(two, shares)


def test_another_network_or_none(two: list[Path], tmp_path: Path) -> None:
    save_model(tiny_network(None, width=0.25), tmp_path / "wide.safetensors")
    with pytest.raises(UserError, match=r"wide\.safetensors.*expected a network with width 0\.125, found 0\.25"):
        average([two[0], tmp_path / "wide.safetensors"])
    with pytest.raises(UserError, match="expected two or more, found 1"):
        average(two[:1])
