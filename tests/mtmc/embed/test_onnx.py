"""Other people's networks from pictures to vectors: what files do not tell is said, what does not fit is refused."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from mtmc.embed import EmbedParams, OnnxParams, make_embedder
from mtmc.errors import ConfigError, WeightsError


class Small(nn.Module):
    """(B, 3, h, w) or (B, h, w, 3) to (B, 12): means over a grid, and over another one."""

    def __init__(self, last: bool = False) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.last, self.mixed = last, nn.Conv2d(3, 3, 3)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.mixed(pixels.permute(0, 3, 1, 2) if self.last else pixels)
        return nn.functional.adaptive_avg_pool2d(seen, 2).flatten(1), seen.mean((2, 3))[..., None, None]


def write(path: Path, shape: tuple[int, ...], free: bool = True, last: bool = False) -> Path:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = {name: {0: "batch"} for name in ("input", "features", "means")} if free else {}
        torch.onnx.export(Small(last).eval(), (torch.zeros(shape),), str(path), input_names=["input"], dynamo=False,
                          output_names=["features", "means"], dynamic_axes=axes)  # fmt: skip
    return path


def crops() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 255, (*size, 3), np.uint8) for size in ((40, 60), (20, 33), (64, 32))]


def plain(
    images: list[np.ndarray], bgr: bool, scale: float, mean: list[float], std: list[float], output: int
) -> np.ndarray:
    """The network in torch on pictures made by hand."""
    rows = []
    for image in images:
        sized = np.asarray(Image.fromarray(image[..., ::-1].copy()).resize((24, 32), Image.Resampling.BILINEAR))
        values = ((sized[..., ::-1] if bgr else sized) / scale - np.array(mean)) / np.array(std)
        made = Small().eval()(torch.from_numpy(values.transpose(2, 0, 1)[None]).float())[output].flatten()
        rows.append((made / made.norm()).detach().numpy())
    return np.array(rows)


@pytest.mark.parametrize("free", [True, False], ids=["any batch", "two at once"])
def test_the_usual_is_taken_and_said(free: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = write(tmp_path / "m.onnx", (2, 3, 32, 24), free)
    found = make_embedder(EmbedParams(weights=weights), "cpu").vectors(crops())  # auto: by the file's ending
    wanted = plain(crops(), False, 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225], 0)
    assert found == pytest.approx(wanted, abs=1e-5)
    assert "[embed.onnx] says it better" in caplog.text


def test_what_is_said_is_done(tmp_path: Path) -> None:
    said = OnnxParams(colour="BGR", scale=1, mean=(10, 20, 30), std=(2, 3, 4), output="means")
    params = EmbedParams(embedder="onnx", weights=write(tmp_path / "m.onnx", (1, 3, 32, 24)), onnx=said)
    wanted = plain(crops(), True, 1, [10, 20, 30], [2, 3, 4], 1)
    assert make_embedder(params, "cpu").vectors(crops()) == pytest.approx(wanted, abs=1e-5)


def test_channels_may_come_last(tmp_path: Path) -> None:
    first = EmbedParams(embedder="onnx", weights=write(tmp_path / "a.onnx", (1, 3, 32, 24)))
    last = EmbedParams(embedder="onnx", weights=write(tmp_path / "b.onnx", (1, 32, 24, 3), last=True))
    vectors = [make_embedder(params, "cpu").vectors(crops()) for params in (first, last)]
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-5)


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="--reid-weights"):
        EmbedParams(embedder="onnx").check()
    weights = write(tmp_path / "m.onnx", (1, 3, 32, 24))
    with pytest.raises(WeightsError, match="an output out of features, means"):
        make_embedder(EmbedParams(embedder="onnx", weights=weights, onnx=OnnxParams(output="x")), "cpu")
    with pytest.raises(ConfigError, match="--device"):
        make_embedder(EmbedParams(embedder="onnx", weights=weights), "mps")
    (tmp_path / "n.onnx").write_text("no model")
    with pytest.raises(WeightsError, match="an ONNX model"):
        make_embedder(EmbedParams(embedder="onnx", weights=tmp_path / "n.onnx"), "cpu")
