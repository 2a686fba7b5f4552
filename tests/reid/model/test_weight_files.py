"""Weights as trainings of the field store them, and what only looks like weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import resnet18

from reid.errors import UserError
from reid.model.weight_files import read_weights

STATE = {
    name: tensor for name, tensor in resnet18(weights=None).state_dict().items() if name.startswith(("conv1", "layer1"))
}


def named(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in STATE.items()}


@pytest.mark.parametrize(
    "stored",
    [
        STATE,
        named("module."),
        {"state_dict": STATE, "epoch": 60},
        {"state_dict": named("module.base."), "rank1": np.float64(0.9), "mAP": np.float32(0.7)},
        {"model": named("backbone."), "iteration": np.int64(3)},
        {"model_state_dict": named("module.model.")},
    ],
)
def test_wrappers_of_the_field_come_off(stored: object, tmp_path: Path) -> None:
    torch.save(stored, tmp_path / "x.pth")
    read = read_weights(tmp_path / "x.pth")
    assert read.keys() == STATE.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in STATE.items())


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "pointer of Git LFS"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"\x00" * 50, "another kind of file"),
    ],
)
def test_what_is_no_weights_is_named(content: bytes, found: str, tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(UserError, match=found) as refused:
        read_weights(tmp_path / "x.pth")
    assert "weights_only" not in str(refused.value)


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


def test_nothing_in_a_file_runs(tmp_path: Path) -> None:
    torch.save({"state_dict": STATE, "best": Bomb(tmp_path / "it ran")}, tmp_path / "x.pth")
    with pytest.raises(UserError, match="wants to run code"):
        read_weights(tmp_path / "x.pth")
    assert not (tmp_path / "it ran").exists()
