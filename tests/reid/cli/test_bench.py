"""Models side by side: a checkpoint, its ONNX form and the eight-bit one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from reid.cli import app
from reid.datasets.toy import draw_vehicle
from reid.errors import UserError
from reid.model.checkpoint import save_model
from tests.reid.recipes import tiny_network

runner = CliRunner()


def run(*words: object) -> str:
    return runner.invoke(app, [str(word) for word in words], catch_exceptions=False, standalone_mode=False).stdout


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(tiny_network(None, variant="global"), tmp_path / "a.safetensors")
    return tmp_path / "a.safetensors"


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    for row in range(12):
        draw_vehicle(row // 2, row % 2, (row,)).save(folder / f"{row}.png")
    rows = [f"{row}.png,{row // 2},{row % 2},val" for row in range(12)]
    (folder / "index.csv").write_text("\n".join(["path,vehicle_id,camera_id,split", *rows]) + "\n")
    return folder


@pytest.mark.slow
def test_float_and_int8_beside_the_checkpoint(weights: Path, crops: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="wants the extra onnx")
    run("export", "--weights", weights, "--out", tmp_path / "a.onnx")
    text = run("export", "--weights", weights, "--out", tmp_path / "b.onnx", "--samples", crops, "--int8")
    assert "cosine to float32" in text
    files = (weights, tmp_path / "a.onnx", tmp_path / "b.onnx")
    rows = json.loads(run("bench", *files, "--images", 4, "--dataset", "csv", "--root", crops, "--json"))
    assert [row["cosine"] > limit for row, limit in zip(rows, (0.9999, 0.99, 0.9), strict=True)] == [True] * 3
    assert files[2].stat().st_size < 0.5 * files[1].stat().st_size
    assert all(0 < row["map"] <= 1 and row["images_per_s"] > 0 for row in rows)


def test_table_without_a_data_set(weights: Path) -> None:
    text = run("bench", weights, weights, "--images", 2, "--device", "cpu")
    assert text.count("a.safetensors") == 2
    assert "1.0000" in text


def test_int8_wants_crops(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--samples to calibrate on"):
        run("export", "--weights", weights, "--out", tmp_path / "a.onnx", "--int8")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(UserError, match=r"found a\.pt"):
        run("export", "--weights", weights, "--out", tmp_path / "a.pt", "--samples", tmp_path, "--int8")
