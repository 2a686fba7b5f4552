"""The weights in the package are the ones their card speaks of, small enough to carry, and fit the code."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from mtmc.config import load_config
from mtmc.detect import make_detector
from mtmc.embed import EmbedParams, make_embedder
from mtmc.weights import CARD, DETECTOR, EMBEDDER, EMBEDDER_ONNX, STREET_DETECTOR

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(
    r"^\| `(?P<file>\w+\.(?:safetensors|onnx))` \| (?P<bytes>[\d,]+) \| `(?P<sha256>[0-9a-f]{64})` \|", re.MULTILINE
)
LIMIT_BYTES = 60_000_000


def carded() -> dict[str, tuple[int, str]]:
    return {m["file"]: (int(m["bytes"].replace(",", "")), m["sha256"]) for m in ROW.finditer(CARD.read_text())}


@pytest.mark.parametrize("path", [DETECTOR, STREET_DETECTOR, EMBEDDER, EMBEDDER_ONNX], ids=lambda path: path.name)
def test_card_and_file_agree(path: Path) -> None:
    content = path.read_bytes()
    assert carded()[path.name] == (len(content), hashlib.sha256(content).hexdigest())


def test_card_names_all_weights_and_they_are_small() -> None:
    files = {
        path.name: path.stat().st_size for path in DETECTOR.parent.iterdir() if path.suffix in (".safetensors", ".onnx")
    }
    assert set(files) == set(carded())
    assert sum(files.values()) < LIMIT_BYTES


def test_the_demo_configuration_loads_them() -> None:
    config = load_config(ROOT / "configs" / "pipeline" / "demo.toml")
    assert (ROOT / str(config.detect.weights)).samefile(DETECTOR)
    assert (ROOT / str(config.embed.weights)).samefile(EMBEDDER)
    make_detector(config.detect.model_copy(update={"weights": DETECTOR}), "cpu")
    embedder = make_embedder(config.embed.model_copy(update={"weights": EMBEDDER}), "cpu")
    rng = np.random.default_rng(0)
    vectors = embedder.vectors([rng.integers(0, 256, (60, 90, 3)).astype(np.uint8) for _ in range(2)])
    assert vectors.shape[0] == 2
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3)


def test_both_files_of_the_embedder_are_one_network() -> None:
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (int(h), 90, 3)).astype(np.uint8) for h in rng.integers(30, 200, 6)]
    torch, onnx = (
        make_embedder(EmbedParams(weights=path, precision="float32"), "cpu").vectors(crops)
        for path in (EMBEDDER, EMBEDDER_ONNX)
    )
    assert (torch * onnx).sum(axis=1).min() > 0.9999
