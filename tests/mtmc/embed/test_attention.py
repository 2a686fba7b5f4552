"""Where SGFD looks in crops, through the embedder's door."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtmc.embed import ATTENTION_CELLS, EmbedParams, attention_of
from mtmc.errors import WeightsError

torch = pytest.importorskip("torch")


def weights(path: Path, variant: str) -> Path:
    from reid.config import NetworkParams
    from reid.model.checkpoint import save_model
    from reid.model.sgfd import SGFD

    torch.manual_seed(0)
    network = {"backbone": "resnet10", "attention_encoder": "resnet10", "width": 0.125, "attention_width": 0.125}
    params = NetworkParams.model_validate({**network, "variant": variant, "image_size": (64, 64)})
    save_model(SGFD(params), path)
    return path


def test_attention_is_highest_somewhere_and_of_every_crop(tmp_path: Path) -> None:
    attend = attention_of(EmbedParams(embedder="sgfd", weights=weights(tmp_path / "a.safetensors", "full")))
    assert attend is not None
    crops = [np.random.default_rng(k).integers(0, 255, (40 + k, 60, 3), np.uint8) for k in range(3)]
    maps = attend(crops)
    assert maps is not None
    assert maps.shape == (3, ATTENTION_CELLS, ATTENTION_CELLS)
    assert maps.max(axis=(1, 2)).tolist() == [255] * 3
    assert maps.min(axis=(1, 2)).tolist() == [0] * 3
    assert attend(crops[:1])[0].tolist() == maps[0].tolist()  # type: ignore[index]


def test_weights_without_attention_tell_none(tmp_path: Path) -> None:
    attend = attention_of(EmbedParams(embedder="sgfd", weights=weights(tmp_path / "g.safetensors", "global")))
    assert attend is not None
    assert attend([np.zeros((40, 60, 3), np.uint8)]) is None


def test_other_embedders_and_weights_that_have_gone_have_no_attention(tmp_path: Path) -> None:
    assert attention_of(EmbedParams(embedder="histogram")) is None
    assert attention_of(EmbedParams(embedder="sgfd", weights=tmp_path / "gone.safetensors")) is None
    with pytest.raises(WeightsError):
        EmbedParams(embedder="sgfd", weights=tmp_path / "gone.safetensors").check()
