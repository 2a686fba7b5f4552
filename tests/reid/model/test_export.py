"""Exported networks agree with PyTorch, or are not written."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import reid.model.export
from reid.errors import UserError
from reid.model.export import export, open_onnx, open_openvino, read_input_size
from tests.reid.recipes import tiny_network

CROPS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.mark.slow
def test_onnx_takes_pixels_and_gives_unit_vectors_for_any_batch(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="wants the extra onnx")
    made = export(tiny_network(None), tmp_path / "a.onnx", CROPS, "onnx")
    assert made.kept
    assert made.cosine > 0.99999
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    run = open_onnx(tmp_path / "a.onnx", threads=1)
    pixels = CROPS.transpose(0, 3, 1, 2).astype(np.float32)
    assert run(np.tile(pixels, (3, 1, 1, 1))).shape == (9, 128)
    np.testing.assert_allclose(np.linalg.norm(run(pixels), axis=1), 1, atol=1e-5)
    assert {entry.key for entry in onnx.load(tmp_path / "a.onnx").metadata_props} == {"network", "input", "output"}
    assert os.fsencode(Path(reid.model.export.__file__).parent) not in (tmp_path / "a.onnx").read_bytes()
    assert read_input_size(tmp_path / "a.onnx") == (32, 32)
    (tmp_path / "b.onnx").write_text("no network")
    with pytest.raises(UserError, match="an exported network"):
        read_input_size(tmp_path / "b.onnx")


@pytest.mark.slow
def test_openvino_agrees_and_says_what_it_takes(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="wants the extra openvino")
    made = export(tiny_network(None), tmp_path / "a.xml", CROPS, "openvino")
    assert made.kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "a.xml"]
    pixels = CROPS.transpose(0, 3, 1, 2).astype(np.float32)
    vectors = open_openvino(tmp_path / "a.xml", threads=1)(np.tile(pixels, (3, 1, 1, 1)))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert read_input_size(tmp_path / "a.xml") == (32, 32)
    (tmp_path / "b.xml").write_text("<net/>")
    with pytest.raises(UserError, match="an exported network"):
        read_input_size(tmp_path / "b.xml")


@pytest.mark.parametrize("variant", ["full", "plain", "global"])
def test_torchscript(tmp_path: Path, variant: str) -> None:
    model = tiny_network(None, variant=variant)
    assert export(model, tmp_path / "a.pt", CROPS, "torchscript").kept
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, as the form itself
        loaded = torch.jit.load(str(tmp_path / "a.pt"))
    vectors = loaded(torch.from_numpy(CROPS.transpose(0, 3, 1, 2).astype(np.float32)))
    assert vectors.shape == (3, model.feature_size)


def test_a_file_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sharper(reid.model.export.PixelsToVectors):
        """An export that went wrong: one branch lost."""

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            vectors = super().forward(pixels)
            return torch.cat([vectors[:, :64], torch.zeros_like(vectors[:, 64:])], dim=1)

    write = reid.model.export.FORMS["torchscript"]
    wrong: Any = lambda module, example, path: write(Sharper(module.model), example, path)  # noqa: E731
    monkeypatch.setitem(reid.model.export.FORMS, "torchscript", wrong)
    made = export(tiny_network(None), tmp_path / "a.pt", CROPS, "torchscript")
    assert not made.kept
    assert made.cosine < 0.9
    assert list(tmp_path.iterdir()) == []


def test_without_the_onnx_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"no onnxscript. Install the extra: pip install 'mtmc\[train\]'"):
        export(tiny_network(None), tmp_path / "a.onnx", CROPS, "onnx")


def test_a_file_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits as POSIX knows them")
    pytest.importorskip("onnx", reason="wants the extra onnx")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(UserError, match="limit on file sizes"):
            export(tiny_network(None), tmp_path / "a.onnx", CROPS, "onnx")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_is_made_and_a_device_is_spared(tmp_path: Path) -> None:
    model = tiny_network(None)
    export(model, tmp_path / "new" / "m.ts", CROPS, "torchscript")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["m.ts"]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="no file replaces"):
        export(model, tmp_path / "pipe", CROPS, "torchscript")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
