"""The packaged street detector: what it finds, and how it is taught."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from mtmc.detect import DetectParams, make_detector
from mtmc.scene_reader import read_scene
from mtmc.structures import COCO_VEHICLES, LABELS
from mtmc.synth.streets import random_streets
from mtmc.video import Clip, Video
from mtmc.weights import STREET_DETECTOR
from tests.builders import make_video

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from scripts import street_network, street_pictures  # noqa: E402 - need torch

CELLS = street_network.cells(128, 128, torch.device("cpu"))


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return street_network.iou(torch.tensor(a)[:, None], torch.tensor(b)[None]).numpy()


def test_it_finds_vehicles_of_streets_it_never_saw(tmp_path: Path) -> None:
    make_video(tmp_path / "cam.avi")
    camera = next(iter(read_scene(tmp_path).cameras.values()))
    params = DetectParams.model_validate({"weights": "street"})
    step = make_detector(params, "cpu").begin(camera, Video(camera))
    told = found = false = 0
    for view in range(6):
        image, seen = next(random_streets(424_242 + view, (768, 432)))
        boxes = step(Clip(0, image[None]))
        sure = boxes.xyxy[boxes.scores >= 0.4]
        plain = np.array([s.box for s in seen if s.visible > 0.6 and s.mask.shape[1] > 24], np.float32).reshape(-1, 4)
        every = np.array([s.box for s in seen], np.float32).reshape(-1, 4)
        told += len(plain)
        found += int((overlaps(plain, sure) > 0.5).any(axis=1).sum()) if len(sure) else 0
        false += int((overlaps(sure, every) < 0.3).all(axis=1).sum()) if len(every) else len(sure)
    assert told > 15
    assert found > 0.85 * told
    assert false < 0.2 * told


def test_its_name_is_its_file_and_its_classes_are_our_labels() -> None:
    assert DetectParams.model_validate({"weights": "street"}).weights == STREET_DETECTOR
    assert set(street_network.CLASSES) < set(LABELS)
    assert set(street_network.CLASSES) & set(COCO_VEHICLES.values())


def test_the_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    network = street_network.StreetNetwork().from_imagenet()
    for parameter in network.parameters():
        parameter.data = parameter.data.half().float()
    street_network.export(network, tmp_path / "a.onnx", {"steps": "3"}, (128, 128))
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    picture = torch.rand(1, 3, 128, 128)
    (rows,) = session.run(None, {"images": picture.numpy()})
    with torch.inference_mode():
        logits, boxes = network.eval()(picture)
    np.testing.assert_allclose(rows[0, 4:].T, logits[0].sigmoid().numpy(), atol=2e-3)
    middle = (boxes[0, :, :2] + boxes[0, :, 2:]) / 2
    np.testing.assert_allclose(rows[0, :2].T, middle.numpy(), atol=0.5)
    assert session.get_modelmeta().custom_metadata_map["steps"] == "3"


def test_each_box_is_taught_to_cells_inside_it_that_fit_and_what_is_left_aside_to_none() -> None:
    truth = torch.tensor([[[10, 10, 60, 50, 1, 1], [70, 70, 120, 120, 3, -1], [0, 0, 0, 0, 0, 0]]], dtype=torch.float32)
    scores = torch.full((1, len(CELLS), 5), 0.5)
    boxes = torch.cat([CELLS[:, :2] - 20, CELLS[:, :2] + 20], dim=1)[None]
    target, chosen, wanted, aside = street_network.assign(scores, boxes, truth, CELLS)
    places = CELLS[chosen[0], :2]
    assert 0 < len(places) <= street_network.MOST_CELLS
    assert ((places > torch.tensor([10, 10])) & (places < torch.tensor([60, 50]))).all()
    assert (wanted[chosen] == truth[0, 0, :4]).all()
    assert (target[chosen][:, [0, 2, 3, 4]] == 0).all()
    assert float(target[..., 1].max()) == pytest.approx(float(street_network.iou(boxes[chosen], wanted[chosen]).max()))
    outside = CELLS[aside[0], :2]
    assert ((outside > 70) & (outside < 120)).all()
    assert len(outside) > 20
    assert not (aside & chosen).any()


def test_the_loss_falls_to_nothing_as_boxes_and_scores_come_right() -> None:
    truth = torch.tensor([[[16, 16, 80, 64, 2, 1]]], dtype=torch.float32)
    right = truth[:, :, :4].expand(1, len(CELLS), 4)
    inside = (CELLS[:, 0] > 16) & (CELLS[:, 0] < 80) & (CELLS[:, 1] > 16) & (CELLS[:, 1] < 64)
    logits = torch.full((1, len(CELLS), 5), -12.0)
    good = street_network.loss(logits + 24 * inside[:, None] * torch.eye(5)[2], right, truth, CELLS)
    silent = street_network.loss(logits, right, truth, CELLS)
    beside = street_network.loss(logits + 24 * inside[:, None] * torch.eye(5)[2], right + 9, truth, CELLS)
    assert float(good["places"]) == pytest.approx(0, abs=1e-5)
    assert float(silent["kinds"]) > 5
    assert float(beside["places"]) > 0.2


def test_pieces_carry_their_boxes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(street_pictures, "disturbed", lambda images: images)
    torch.manual_seed(1)
    images, truth = torch.zeros(24, 3, 144, 256), torch.zeros(24, 4, 6)
    images[:, :, 40:100, 60:160] = 1.0
    truth[:, 0] = torch.tensor([60, 40, 160, 100, 3, 1.0])
    cut, moved = street_pictures.pieces(images, truth, (128, 64))
    assert (moved[:, 1:, 5] == 0).all()
    for piece, (x0, y0, x1, y1, kind, state) in zip(cut, moved[:, 0].tolist(), strict=True):
        rows, columns = np.nonzero(piece[0].numpy() > 0.5)
        if state != 0:
            assert kind == 3
            assert np.allclose([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], [x0, y0, x1, y1], atol=2)
        share = (x1 - x0) * (y1 - y0)
        assert (state == 0) == (share == 0) or share < 64
    assert (moved[:, 0, 5] == 1).sum() > 12


def test_disturbed_pictures_stay_pictures_and_differ() -> None:
    torch.manual_seed(2)
    image, _ = next(random_streets(3, (256, 128)))
    images = torch.from_numpy(image).permute(2, 0, 1)[None].float().expand(16, -1, -1, -1) / 255
    made = street_pictures.disturbed(images)
    assert made.shape == images.shape
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1
    assert all(float((a - b).abs().mean()) > 0.005 for a, b in itertools.pairwise(made))
