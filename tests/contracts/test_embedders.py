"""What every embedder promises, whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mtmc.embed import Embedder, EmbedParams, make_embedder
from reid.cli import main as reid
from reid.config import NetworkParams
from reid.model.checkpoint import save_model
from reid.model.sgfd import SGFD

Made = Callable[[Path], EmbedParams]


def _histogram(folder: Path) -> EmbedParams:
    return EmbedParams(embedder="histogram")


def _sgfd(folder: Path) -> EmbedParams:
    torch.manual_seed(0)
    network = NetworkParams(backbone="resnet18", width=0.25, attention_width=0.25, image_size=(64, 64))
    save_model(SGFD(network), folder / "tiny.safetensors")
    return EmbedParams(embedder="sgfd", weights=folder / "tiny.safetensors", batch=2, precision="float32")


def _onnx(folder: Path) -> EmbedParams:
    """What `reid export` writes."""
    weights = _sgfd(folder).weights
    with pytest.raises(SystemExit) as end:
        reid(["export", "--weights", str(weights), "--out", str(folder / "tiny.onnx")])
    assert not end.value.code
    return EmbedParams(embedder="onnx", weights=folder / "tiny.onnx", batch=2)


@pytest.fixture(scope="module", params=[_histogram, _sgfd, _onnx], ids=lambda make: make.__name__.strip("_"))
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    make: Made = request.param
    return make_embedder(make(tmp_path_factory.mktemp("weights")), "cpu")


def crops() -> list[np.ndarray]:
    """Five pictures of different sizes, one a single pixel, one all black."""
    random = np.random.default_rng(0)
    sizes = [(40, 60), (200, 33), (1, 1), (64, 64), (30, 30)]
    made = [random.integers(0, 255, (*size, 3), np.uint8) for size in sizes]
    return [*made[:4], np.zeros_like(made[4])]


def test_one_unit_row_per_crop(embedder: Embedder) -> None:
    vectors = embedder.vectors(crops())
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == 5
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-3)


def test_a_crop_does_not_know_its_neighbours(embedder: Embedder) -> None:
    together = embedder.vectors(crops())
    alone = np.concatenate([embedder.vectors([crop]) for crop in crops()])
    assert together == pytest.approx(alone, abs=1e-4)


def test_colours_are_not_mixed_up(embedder: Embedder) -> None:
    blue = np.full((32, 32, 3), (220, 30, 20), np.uint8)
    vectors = embedder.vectors([blue, blue, blue[..., ::-1].copy()])
    assert (vectors[0] == vectors[1]).all()
    assert np.abs(vectors[0] - vectors[2]).max() > 1e-3


def test_an_export_gives_the_vectors_of_its_checkpoint(tmp_path: Path) -> None:
    exported = make_embedder(_onnx(tmp_path), "cpu").vectors(crops())
    network = make_embedder(_sgfd(tmp_path), "cpu").vectors(crops())
    assert (exported * network).sum(axis=1).min() > 1 - 1e-5
