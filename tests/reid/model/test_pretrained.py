"""Start weights: what each source fills, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import ResNet18_Weights, resnet18

from reid.config import NetworkParams
from reid.errors import UserError
from reid.model.checkpoint import save_model
from reid.model.pretrained import start_from
from reid.model.sgfd import SGFD
from tests.reid.model.test_weight_files import Bomb
from tests.reid.recipes import tiny_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    torch.save(resnet18().state_dict(), folder / "resnet18-0000.pth")
    return folder


def network(**settings: object) -> SGFD:
    return SGFD(NetworkParams(backbone="resnet18", attention_encoder="resnet18", **settings), 3)


def test_folder_fills_all_three_parts(folder: Path) -> None:
    model, weights = network(), torch.load(folder / "resnet18-0000.pth", weights_only=True)
    start_from(model, str(folder))
    for part in (model.stem, model.global_tail, model.geometric_tail, model.attention_encoder):
        assert part is not None
        assert all(torch.equal(value, weights[name]) for name, value in part.state_dict().items())


def test_features_are_those_of_torchvision(folder: Path) -> None:
    model, images = network(variant="plain").eval(), torch.randn(1, 3, 64, 64)
    start_from(model, str(folder))
    original = resnet18().eval()
    original.load_state_dict(torch.load(folder / "resnet18-0000.pth", weights_only=True))
    with torch.inference_mode():
        expected = original.layer2(
            original.layer1(original.maxpool(original.relu(original.bn1(original.conv1(images)))))
        )
        torch.testing.assert_close(model.stem(images), expected)


def test_a_folder_must_have_one_file_of_each_network(tmp_path: Path) -> None:
    """resnet10 is not resnet101, and two editions of one network are no choice of ours."""
    torch.save({}, tmp_path / "resnet101-0000.pth")
    with pytest.raises(UserError, match=r"one file resnet10-\*\.pth, found none"):
        start_from(tiny_network(5, variant="global"), str(tmp_path))
    for edition in ("f37072fd", "0676ba61"):
        torch.save({}, tmp_path / f"resnet18-{edition}.pth")
    with pytest.raises(UserError, match=r"found resnet18-0676ba61\.pth, resnet18-f37072fd\.pth"):
        start_from(network(), str(tmp_path))


def test_one_file_is_the_backbone(folder: Path) -> None:
    model = SGFD(NetworkParams(backbone="resnet18", attention_encoder="resnet10", attention_width=0.125), 3)
    encoder = model.attention_encoder
    assert encoder is not None
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    start_from(model, str(folder / "resnet18-0000.pth"))
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


def test_a_checkpoint_of_other_identities(tmp_path: Path) -> None:
    trained, model = tiny_network(20), tiny_network(5)
    save_model(trained, tmp_path / "a.safetensors")
    start_from(model, str(tmp_path / "a.safetensors"))
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(model.eval()(images), trained.eval()(images))


def test_mistakes(folder: Path, tmp_path: Path) -> None:
    save_model(tiny_network(5, kernel_size=3), tmp_path / "a.safetensors")
    (tmp_path / "bad.pth").write_text("no weights")
    for model, source, message in [
        (tiny_network(5), str(tmp_path / "a.safetensors"), "kernel_size 7, found 3"),
        (network(width=0.5), str(folder), "of shape"),
        (network(), str(tmp_path), "one file resnet18-\\*.pth, found none"),
        (network(), str(tmp_path / "absent.pth"), "no such file"),
        (network(), str(tmp_path / "bad.pth"), "a state dict"),
        (tiny_network(5), "imagenet", "a network that torchvision has weights for, found resnet10"),
    ]:
        with pytest.raises(UserError, match=message):
            start_from(model, source)


def test_a_file_in_torchs_cache_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / Path(ResNet18_Weights.IMAGENET1K_V1.url).name
    cached.parent.mkdir(parents=True)
    torch.save({"best": Bomb(tmp_path / "it ran")}, cached)
    with pytest.raises(UserError, match=r"ImageNet weights of resnet18, found .+Delete it from torch's cache"):
        start_from(network(), "imagenet")
    assert not (tmp_path / "it ran").exists()
