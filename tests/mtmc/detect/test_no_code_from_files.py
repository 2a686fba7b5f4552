"""Model files from strangers: each of these would write a file if anything in it ran."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import ResNet18_Weights
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

from mtmc.detect import DetectParams
from mtmc.detect.detectron2 import make
from mtmc.detect.detectron2_files import read_pickle
from mtmc.detect.torchvision import published_weights
from mtmc.errors import ConfigError, UserError, WeightsError
from mtmc.weights import DETECTOR
from reid.config import NetworkParams
from reid.model.pretrained import start_from
from reid.model.sgfd import SGFD
from tests.mtmc.detect.models import write_tiny_mask_rcnn


class Bomb:
    """An object whose unpickling makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "it ran"


def refused(error: type[UserError], match: str, mark: Path, **params: object) -> None:
    with pytest.raises(error, match=match):
        make(DetectParams(**params), "cpu")  # type: ignore[arg-type]
    assert not mark.exists()


def test_yaml_beside_the_weights_runs_nothing(tmp_path: Path, mark: Path) -> None:
    weights = tmp_path / "x.safetensors"
    weights.write_bytes(DETECTOR.read_bytes()[:1000])
    weights.with_suffix(".yaml").write_text(f"MODEL: !!python/object/apply:os.mkdir ['{mark}']\n")
    refused(ConfigError, "names no Python objects", mark, weights=weights)


def test_a_base_in_the_network_is_not_fetched(tmp_path: Path, mark: Path) -> None:
    model = tmp_path / "x.yaml"
    model.write_text("_BASE_: http://127.0.0.1:9/base.yaml\n")
    refused(ConfigError, "a base on this machine", mark, model=str(model), weights=Path("random"))


@pytest.mark.parametrize("text", ["a: [1,", "_BASE_: x.yaml\n", "- 1\n", "MODEL: 3\n", "\x00", "NO: {SUCH: key}\n"])
def test_broken_yaml_is_one_sentence(text: str, tmp_path: Path, mark: Path) -> None:
    model = tmp_path / "x.yaml"
    model.write_text(text)
    refused(ConfigError, "x.yaml", mark, model=str(model), weights=Path("random"))


def test_a_pickle_runs_nothing(tmp_path: Path, mark: Path) -> None:
    model = str(write_tiny_mask_rcnn(tmp_path))
    for name in ("x.pkl", "x.pth"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps({"model": {"weight": Bomb(mark)}, "__author__": "me"}))
        refused(WeightsError, "a file of weights", mark, model=model, weights=path, model_classes=("car",) * 4)
    torch.save({"model": {"weight": Bomb(mark)}}, tmp_path / "y.pth")
    refused(
        WeightsError, "a file of weights", mark, model=model, weights=tmp_path / "y.pth", model_classes=("car",) * 4
    )


def test_a_cached_file_of_the_zoos_runs_nothing(tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    for weights in (MaskRCNN_ResNet50_FPN_Weights.COCO_V1, ResNet18_Weights.IMAGENET1K_V1):
        (cache / Path(weights.url).name).write_bytes(pickle.dumps({"weight": Bomb(mark)}))
    with pytest.raises(WeightsError, match="in the cache"):
        published_weights()
    with pytest.raises(UserError, match="torch's cache"):
        start_from(SGFD(NetworkParams(backbone="resnet18"), 3), "imagenet")
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_arrays_is_read(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "zoo.pkl"
    weights = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32(2.5), "c": np.zeros(0)}
    path.write_bytes(pickle.dumps({"model": weights, "__author__": "Detectron2 Model Zoo"}, protocol))
    read = read_pickle(path)["model"]
    assert {name: value.tolist() for name, value in read.items()} == {n: v.tolist() for n, v in weights.items()}
