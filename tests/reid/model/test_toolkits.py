"""Weights of other toolkits by name: the same features, or a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from reid.cli import app
from reid.config import NetworkParams
from reid.errors import UserError
from reid.model.checkpoint import load_model
from reid.model.pretrained import start_from
from reid.model.sgfd import SGFD
from reid.model.toolkits import HEADS, RELEASED

IMAGES = torch.rand(2, 3, 64, 64)
SMALL = {"backbone": "resnet18", "attention_encoder": "resnet10", "image_size": (64, 64)}


def trained(**settings: object) -> SGFD:
    """A network whose statistics are not those of a fresh one."""
    torch.manual_seed(1)
    model = SGFD(NetworkParams(**{**SMALL, **settings}), 5)
    for name, tensor in model.state_dict().items():
        if "running" in name or name.endswith("neck.weight"):
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return model.eval()


def stored(model: SGFD, theirs: dict[str, str], path: Path, wrapper: str = "") -> Path:
    """The model under a toolkit's names: ``theirs`` for each beginning of ours."""
    state = {}
    for name, tensor in model.state_dict().items():
        ours = next(beginning for beginning in theirs if name.startswith(beginning))
        state[wrapper + theirs[ours] + name.removeprefix(ours)] = tensor
    torch.save({"state_dict": state, "epoch": 80, "rank1": 0.9}, path)
    return path


def as_released(model: SGFD, path: Path) -> Path:
    classifiers = {"heads.gfb.classifier.": "classifier_kp.", "heads.gb.classifier.": "classifier_global."}
    rotation = {
        "rotation_tail.": "kp_branch.aux_classifier.layers.",
        "rotation_classifier.": "kp_branch.aux_classifier.layers.2.layers.",
    }
    return stored(model, {ours: each for each, ours in RELEASED.items()} | classifiers | rotation, path, "module.")


def as_fast_reid(model: SGFD, path: Path) -> Path:
    heads = {ours: each for each, ours in reversed(HEADS.items()) if each.startswith("heads.")}
    others = {"stem.": "backbone.", "global_tail.": "backbone.", "heads.gb.classifier.": "heads."}
    return stored(model, heads | others, path)


def test_released_sgfd_gives_its_features(tmp_path: Path) -> None:
    original = trained(variant="full")
    with torch.inference_mode():
        expected = original(IMAGES)
        path = as_released(original, tmp_path / "sgfd.pth.tar")
        config = [
            f"--set=network.{key}={list(value) if isinstance(value, tuple) else value}" for key, value in SMALL.items()
        ]
        told = CliRunner().invoke(app, ["convert", str(path), "--out", str(tmp_path / "a.safetensors"), *config])
        assert told.exit_code == 0, told.output
        assert "full resnet18, 1024 numbers an image" in told.stdout
        told = CliRunner().invoke(app, ["convert", "none", "--out", str(tmp_path / "b.safetensors")])
        assert isinstance(told.exception, UserError)
        torch.testing.assert_close(load_model(tmp_path / "a.safetensors")(IMAGES), expected)


@pytest.mark.parametrize("pooling", ["average", "gem"])
def test_fast_reid_gives_backbone_neck_and_power(pooling: str, tmp_path: Path) -> None:
    original = trained(variant="global", pooling=pooling)
    path, model = as_fast_reid(original, tmp_path / "bot.pth"), SGFD(original.params, 7).eval()
    start_from(model, str(path), whole=True)
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), original(IMAGES))
    other = SGFD(NetworkParams(**SMALL, variant="global", pooling="gem" if pooling == "average" else "average"))
    with pytest.raises(UserError, match=f"pooling {pooling}"):
        start_from(other, str(path))


def test_what_our_network_lacks_is_refused(tmp_path: Path) -> None:
    path = as_fast_reid(trained(variant="global"), tmp_path / "bot.pth")
    state = torch.load(path, weights_only=True)["state_dict"]
    for extra, backbone in (("backbone.NL_2.0.g.weight", "resnet18"), ("backbone.layer3.2.conv1.weight", "resnet18")):
        torch.save(state | {extra: torch.ones(1)}, tmp_path / "more.pth")
        with pytest.raises(
            UserError, match=f"no layers but those of {backbone}, found {extra.removeprefix('backbone.')}"
        ):
            start_from(SGFD(NetworkParams(**SMALL, variant="global")), str(tmp_path / "more.pth"))
    with pytest.raises(UserError, match="weights of the variant full, found those of a backbone"):
        start_from(SGFD(NetworkParams(**SMALL)), str(path), whole=True)


def test_a_released_network_of_other_layers_is_refused(tmp_path: Path) -> None:
    path = as_released(trained(variant="full"), tmp_path / "sgfd.pth")
    stored_state = torch.load(path, weights_only=True)["state_dict"] | {"module.abd_branch.weight": torch.ones(1)}
    torch.save(stored_state, path)
    with pytest.raises(UserError, match=r"layers of the published SGFD, found abd_branch\.weight"):
        start_from(SGFD(NetworkParams(**SMALL)), str(path))
