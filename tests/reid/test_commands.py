"""The commands as users type them: results on stdout, one sentence for a mistake."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from reid.cli import main
from reid.model.checkpoint import save_model
from tests.reid.recipes import TINY, tiny_network


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["reid", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    size, *_ = TINY["image_size"]
    text = f"""
        dataset = "toy"
        pretrained = "none"
        sampler = {{ identities = 4, images = 2 }}
        loop = {{ epochs = 2, evaluate_every = 2 }}
        [network]
        backbone = "resnet10"
        attention_encoder = "resnet10"
        width = 0.125
        attention_width = 0.125
        image_size = [{size}, {size}]
    """
    (tmp_path / "recipe.toml").write_text(text)
    return tmp_path / "recipe.toml"


def test_train_resume_look_export(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(monkeypatch, "train", "--config", recipe, "--out", out, "--json", "--device", "cpu") == 0
    result, told = capsys.readouterr()
    assert json.loads(result)["scores"]["mAP"] > 0
    assert "72 images of 8 vehicles" in told
    assert run(monkeypatch, "train", "--resume", "--out", out, "--set", "loop.epochs=3", "--device", "cpu") == 0
    assert "epoch 3/3" in capsys.readouterr().err
    assert run(monkeypatch, "train", "--resume", "--out", out, "--device", "cpu") == 0
    assert "last.safetensors: nothing was left to learn" in capsys.readouterr().out
    assert (
        run(monkeypatch, "attention", out / "toy", "--weights", out / "last.safetensors", "--out", out / "look.png")
        == 0
    )
    assert "half of the attention on" in capsys.readouterr().out
    assert (out / "look.png").stat().st_size > 1000
    lines = [f"{path.name},{path.name[:4]},{path.name[6:9]},val" for path in sorted((out / "toy").glob("*.png"))]
    (out / "toy/index.csv").write_text("\n".join(["path,vehicle_id,camera_id,split", *lines]))
    views = ("--dataset", "csv", "--root", out / "toy", "--points", "--out", out / "views.png")
    assert run(monkeypatch, "attention", "--weights", out / "last.safetensors", *views) == 0
    assert "views.png: 32 images" in capsys.readouterr().out
    assert run(monkeypatch, "export", "--weights", out / "best.safetensors", "--out", out / "a.pt") == 0
    assert "cosine to PyTorch at least 1.0000" in capsys.readouterr().out


def test_mistakes_are_one_sentence(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = tmp_path / "plain.safetensors"
    save_model(tiny_network(None, variant="plain"), plain)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("no checkpoint")
    for arguments, message in [
        (["train", "--dataset", "veri776"], "--root: expected the folder of veri776"),
        (["train", "--dataset", "veri776", "--root", tmp_path / "no"], "expected the folder of veri776, found nothing"),
        (["train", "--dataset", "veri775", "--root", tmp_path], "found 'veri775'"),
        (["train", "--config", recipe, "--set", "loss.margin=-1"], "loss.margin"),
        (["train", "--config", recipe, "--set", "sampler.identities=9"], "the data set has 8"),
        (["train", "--resume", "--config", recipe], "the state of a training, found no such file"),
        (["attention", tmp_path / "empty", "--weights", plain], "expected images"),
        (["attention", "--weights", plain], "expected images or --dataset, found neither"),
        (["attention", "--dataset", "csv", "--weights", plain], "--root: expected the folder of csv"),
        (["export", "--weights", tmp_path / "a.txt", "--out", "a.pt"], "a.txt: expected a safetensors checkpoint"),
    ]:
        out = ["--out", tmp_path / "run"] if arguments[0] == "train" else []
        assert run(monkeypatch, *arguments, *out) == 2
        told = capsys.readouterr().err
        assert told.splitlines()[-1].startswith("error: ")
        assert message in told


def test_attention_wants_a_network_that_has_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from reid.datasets.toy import make_toy

    make_toy(tmp_path / "toy", vehicles=1, images=1)
    save_model(tiny_network(None, variant="plain"), tmp_path / "plain.safetensors")
    assert run(monkeypatch, "attention", tmp_path / "toy", "--weights", tmp_path / "plain.safetensors") == 2
    assert "expected a network with attention, found variant plain" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("bench", ""), ("train", "--out", ""), ("train", "--out=")])
def test_a_variable_that_is_not_set_is_no_folder(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words) == 2
    assert "expected a value, found an empty word" in capsys.readouterr().err


def test_a_name_that_is_no_text(
    recipe: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(b"\xff\xfe")
    assert run(monkeypatch, "train", "--config", recipe, "--out", recipe.parent / name, "--device", "cpu") == 2
    assert "expected a name that is text in UTF-8" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
@pytest.mark.parametrize("what", ["train", "export"])
def test_a_full_disk_is_one_sentence(
    what: str, recipe: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource

    save_model(tiny_network(), recipe.parent / "w.safetensors")
    words = {
        "train": ("--config", recipe, "--out", recipe.parent / "out", "--device", "cpu"),
        "export": ("--weights", recipe.parent / "w.safetensors", "--out", recipe.parent / "o.onnx"),
    }
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        assert run(monkeypatch, what, *words[what]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = capsys.readouterr().err
    assert re.search(r"error: .+: expected .+, found .+\. \S", said), said
    assert not (recipe.parent / "o.onnx").exists()
