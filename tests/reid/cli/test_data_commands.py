"""reid eval, rank, embed and crops as a user types them: a tiny network, real files, the printed result."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from reid.cli import app
from reid.errors import UserError
from reid.model.checkpoint import save_model
from tests.reid.recipes import tiny_network

runner = CliRunner()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_model(tiny_network(None), path)
    return path


@pytest.fixture(scope="module")
def crops_folder(tmp_path_factory):
    """Four vehicles in two cameras, each one flat colour: even random weights tell them apart."""
    root = tmp_path_factory.mktemp("crops")
    colours = [(250, 10, 10), (10, 250, 10), (10, 10, 250), (240, 240, 240)]
    lines = ["path,vehicle_id,camera_id,split"]
    for vehicle, colour in enumerate(colours):
        for camera in (1, 2):
            pixels = np.clip(np.array(colour) + 5 * camera, 0, 255).astype(np.uint8)
            Image.fromarray(np.broadcast_to(pixels, (40, 50, 3)).copy()).save(root / f"{vehicle}_{camera}.png")
            lines.append(f"{vehicle}_{camera}.png,{vehicle},{camera},val")
    (root / "index.csv").write_text("\n".join(lines) + "\n")
    return root


def run(*words):
    """Standard output of a command; a user's mistake is raised, as `reid.cli.main` would print it."""
    result = runner.invoke(app, [str(word) for word in words], catch_exceptions=False, standalone_mode=False)
    return result.stdout


def test_eval_prints_a_table_with_its_protocol(weights, crops_folder):
    text = run("eval", "--weights", weights, "--dataset", "csv", "--root", crops_folder)
    assert "image to image" in text
    assert "100.00%" in text


def test_eval_for_machines_names_reranking(weights, crops_folder):
    words = ("eval", "--weights", weights, "--dataset", "csv", "--root", crops_folder, "--json", "--rerank", "--flip")
    report = json.loads(run(*words))
    (figure,) = report["figures"]
    assert figure["values"]["Top-1"] == 1.0
    assert "re-ranked" in figure["protocol"]
    assert report["flip"] is True


def test_eval_writes_a_submission(weights, tmp_path):
    from tests.reid.datasets.conftest import Folder

    folder = Folder(tmp_path / "cityflow")
    names = [f"{number:06d}.jpg" for number in range(1, 4)]
    for part in ("train", "query", "test"):
        folder.images(f"image_{part}", names)
        folder.text(f"name_{part}.txt", names)
    items = [f'<Item imageName="{name}" vehicleID="0001" cameraID="c001"/>' for name in names]
    folder.text("train_label.xml", ['<?xml version="1.0" encoding="gb2312"?>', "<T><Items>", *items, "</Items></T>"])
    words = ("eval", "--weights", weights, "--dataset", "cityflow", "--root", folder.root)
    with pytest.raises(UserError, match="--submission"):
        run(*words)
    run(*words, "--submission", tmp_path / "track2.txt")
    lines = (tmp_path / "track2.txt").read_text().splitlines()
    assert [sorted(line.split()) for line in lines] == [["1", "2", "3"]] * 3


def test_submission_obeys_reranking_and_json(weights, tmp_path, monkeypatch):
    from tests.reid.datasets.conftest import Folder

    folder = Folder(tmp_path / "cityflow")
    names = [f"{number:06d}.jpg" for number in range(1, 31)]
    for part in ("train", "query", "test"):
        folder.images(f"image_{part}", names[: 3 if part == "query" else 30])
        folder.text(f"name_{part}.txt", names[: 3 if part == "query" else 30])
    items = [f'<Item imageName="{name}" vehicleID="0001" cameraID="c001"/>' for name in names]
    folder.text("train_label.xml", ["<T><Items>", *items, "</Items></T>"])
    words = ("eval", "--weights", weights, "--dataset", "cityflow", "--root", folder.root, "--json", "--submission")
    plain = json.loads(run(*words, tmp_path / "plain.txt"))
    again = json.loads(run(*words, tmp_path / "again.txt", "--rerank"))
    assert (plain["queries"], plain["protocol"]) == (3, "cosine")
    assert "k-reciprocal re-ranked" in again["protocol"]
    one, other = ((tmp_path / name).read_text().split() for name in ("plain.txt", "again.txt"))
    assert sorted(one) == sorted(other)
    assert one != other


def test_rank_draws(weights, crops_folder, tmp_path):
    words = ("rank", "--weights", weights, "--dataset", "csv", "--root", crops_folder, "--queries", 2)
    assert "2 queries" in run(*words, "--out", tmp_path / "sheet.png")
    assert Image.open(tmp_path / "sheet.png").width > 300


def test_embed_writes_parquet(weights, crops_folder, tmp_path):
    run("embed", crops_folder, crops_folder / "0_1.png", "--weights", weights, "--out", tmp_path / "x.parquet")
    table = pq.read_table(tmp_path / "x.parquet")
    vectors = np.stack(table["vector"].to_numpy())
    assert table.column_names == ["path", "vector"]
    assert len(table) == 9
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[8], atol=1e-6)


def test_embed_then_eval_of_the_vectors_is_eval_of_the_weights(weights, crops_folder, tmp_path):
    run("embed", crops_folder, "--weights", weights, "--out", tmp_path / "x.parquet")
    same = ("eval", "--dataset", "csv", "--root", crops_folder, "--json")
    by_vectors = json.loads(run(*same, "--vectors", tmp_path / "x.parquet"))
    by_weights = json.loads(run(*same, "--weights", weights))
    assert by_vectors["figures"] == by_weights["figures"]
    with pytest.raises(UserError, match="either --weights or --vectors, found neither"):
        run(*same)


def test_commands_embed_with_the_fused_network_in_the_fast_type(weights, crops_folder, monkeypatch):
    """`eval`, `embed` and `rank` share it; parity with the plain float32 network stands in `fused`."""
    from reid.cli.options import embedding
    from reid.evaluation.embed import embed_images
    from reid.model.checkpoint import load_model

    paths = sorted(crops_folder.glob("*.png"))
    plain = embed_images(load_model(weights), paths, (32, 32))
    for precision, least in (("float32", 1 - 1e-6), ("bfloat16", 1 - 1e-3)):
        seen = []
        monkeypatch.setattr("reid.model.fuse._fuse", seen.append)
        embedding(weights, "cpu", 4, precision)
        assert len(seen) > 2
        monkeypatch.undo()
        quick = embedding(weights, "cpu", 4, precision)(paths)
        assert (quick * plain).sum(axis=1).min() > least


@pytest.mark.slow
def test_an_exported_network_embeds_as_its_checkpoint(weights, crops_folder, tmp_path):
    pytest.importorskip("onnxscript", reason="wants the extra train")
    run("export", "--weights", weights, "--out", tmp_path / "x.onnx", "--samples", crops_folder)
    for flip in ((), ("--flip",)):
        vectors = []
        for number, source in enumerate((weights, tmp_path / "x.onnx")):
            out = tmp_path / f"{number}.parquet"
            run("embed", crops_folder, "--weights", source, "--out", out, "--precision", "float32", *flip)
            vectors.append(np.stack(pq.read_table(out)["vector"].to_numpy()))
        np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)
    with pytest.raises(UserError, match="cpu for an exported network, found cuda"):
        run("embed", crops_folder, "--weights", tmp_path / "x.onnx", "--out", out, "--device", "cuda")


def test_crops_then_eval(weights, tmp_path):
    from tests.reid.crops.test_crops import truth_rows, write_video

    for camera in ("c001", "c002"):
        write_video(tmp_path / "S01" / camera / "vdo.avi")
        (tmp_path / "S01" / camera / "gt").mkdir()
        (tmp_path / "S01" / camera / "gt/gt.txt").write_text("\n".join(truth_rows(7)))
    text = run("crops", tmp_path / "S01", "--out", tmp_path / "crops", "--per-track", 3, "--validation", 1)
    assert "6 crops of 1 vehicles" in text
    evaluated = json.loads(
        run("eval", "--weights", weights, "--dataset", "csv", "--root", tmp_path / "crops", "--json")
    )
    assert evaluated["figures"][0]["queries"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("eval", "--weights", "none.safetensors", "--dataset", "csv", "--root", "{crops}"), "none.safetensors"),
        (("eval", "--weights", "{weights}", "--dataset", "veri776", "--root", "{crops}"), "image_train"),
        (("eval", "--weights", "{weights}", "--dataset", "csv", "--root", "{crops}/no"), "--root"),
        (("embed", "{crops}/no.png", "--weights", "{weights}", "--out", "x.parquet"), "no.png"),
        (("embed", "{crops}", "--weights", "{weights}", "--out", "{crops}/no/x.parquet"), "--out"),
        (("eval", "--weights", "{weights}", "--dataset", "csv", "--root", "{crops}", "--device", "abacus"), "--device"),
    ],
)
def test_mistakes_are_one_sentence(words, message, weights, crops_folder):
    with pytest.raises(UserError, match=message) as caught:
        run(*(word.format(weights=weights, crops=crops_folder) for word in words))
    assert "\n" not in str(caught.value)
