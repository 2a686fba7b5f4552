"""Checkpoints: what goes in comes out, and everything that is no checkpoint is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mtmc.weights import EMBEDDER
from reid.config import NetworkParams
from reid.errors import UserError
from reid.model.checkpoint import load_model, load_weights, read_header, save_model
from reid.model.sgfd import SGFD
from tests.reid.recipes import TINY, tiny_network

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_model(tiny_network(8), tmp_path / "a.safetensors", {"epoch": 3})
    return tmp_path / "a.safetensors"


@pytest.mark.parametrize("variant", ["global", "plain", "geometric", "full"])
def test_features_survive(tmp_path: Path, variant: str) -> None:
    model = tiny_network(8, variant=variant, kernel_size=3, border=0.5).eval()
    save_model(model, tmp_path / "a.safetensors")
    loaded = load_model(tmp_path / "a.safetensors")
    assert not loaded.training
    assert loaded.num_ids is None
    with torch.inference_mode():
        assert torch.equal(loaded(IMAGES), model(IMAGES))
    whole = load_model(tmp_path / "a.safetensors", num_ids=8)
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in model.state_dict().items())
    frozen = [name for name, parameter in whole.named_parameters() if not parameter.requires_grad]
    assert frozen == [name for name in frozen if name.endswith("neck.bias")] != []


def test_half_storage(tmp_path: Path) -> None:
    model = tiny_network(None).eval()
    save_model(model, tmp_path / "a.safetensors")
    save_model(model, tmp_path / "b.safetensors", half=True)
    assert (tmp_path / "b.safetensors").stat().st_size < 0.6 * (tmp_path / "a.safetensors").stat().st_size
    loaded = load_model(tmp_path / "b.safetensors")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert float(torch.cosine_similarity(loaded(IMAGES), model(IMAGES)).min().detach()) > 0.9999


def test_header(path: Path) -> None:
    header = read_header(path)
    assert (header.network.image_size, header.num_ids, header.training) == (TINY["image_size"], 8, {"epoch": 3})


def test_weights_into_a_network_of_the_same_shape(path: Path) -> None:
    model = tiny_network(8)
    load_weights(model, path)
    assert torch.equal(model.eval()(IMAGES), load_model(path)(IMAGES))


@pytest.mark.parametrize(
    ("settings", "num_ids", "message"),
    [
        ({"variant": "geometric"}, 8, "expected variant geometric, found full"),
        ({"width": 0.25}, 8, "expected width 0.25, found 0.125"),
        ({}, 9, "expected num_ids 9, found 8"),
    ],
)
def test_weights_of_another_network(path: Path, settings: dict[str, object], num_ids: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_weights(tiny_network(num_ids, **settings), path)


def test_classifiers_of_other_identities(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected classifiers of 9 identities, found 8"):
        load_model(path, num_ids=9)
    save_model(tiny_network(None), tmp_path / "bare.safetensors")
    with pytest.raises(UserError, match="found no classifiers"):
        load_model(tmp_path / "bare.safetensors", num_ids=8)


def test_what_is_no_checkpoint(path: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "cut").write_bytes(path.read_bytes()[:-1000])
    save_file({"x": torch.zeros(1)}, tmp_path / "other")
    save_file({"x": torch.zeros(1)}, tmp_path / "empty", {"format": "sgfd-1"})
    for name, message in {
        "absent": "no such file",
        "text": "another or a truncated file",
        "cut": "another or a truncated file",
        "other": "expected a checkpoint of format sgfd-1, found no format",
        "empty": "expected parameters of an SGFD network",
    }.items():
        with pytest.raises(UserError, match=message):
            load_model(tmp_path / name)


def test_a_weight_is_missing_or_of_another_shape(path: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    first = tensors.pop("stem.conv1.weight")
    save_file(tensors, tmp_path / "missing", metadata)
    save_file({**tensors, "stem.conv1.weight": first[:, :1].contiguous()}, tmp_path / "shape", metadata)
    for name, message in {
        "missing": "the weight stem.conv1.weight, found none",
        "shape": "stem.conv1.weight of shape",
    }.items():
        with pytest.raises(UserError, match=message):
            load_model(tmp_path / name)


def test_the_packaged_checkpoint_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_model(Path("demo")).params == read_header(EMBEDDER).network
    (tmp_path / "demo").write_text("a file of one's own goes before")
    with pytest.raises(UserError, match="demo"):
        load_model(Path("demo"))


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    params = NetworkParams(variant="global", backbone="resnet10", image_size=(64, 64))
    model = SGFD(params, 4)
    written = set()
    for number in range(5):
        save_model(model, tmp_path / f"{number}.safetensors", {"b": 1, "a": [1.5, "x"]})
        written.add((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(written) == 1
    assert read_header(tmp_path / "0.safetensors").training == {"b": 1, "a": [1.5, "x"]}
    assert load_model(tmp_path / "0.safetensors").params == params
