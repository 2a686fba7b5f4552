"""``reid train --dataset cityflow --validation 0.1`` as its help says it.

A folder of the challenge's form, a test without labels, the best checkpoint chosen by held-out vehicles.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reid.cli import main
from reid.model.checkpoint import read_header
from tests.reid.datasets.conftest import Folder

SMALL = [
    "sampler.identities=4", "sampler.images=2", "loop.epochs=1", "loop.evaluate_every=1", "network.backbone=resnet10",
    "network.attention_encoder=resnet10", "network.width=0.125", "network.attention_width=0.125",
    "network.image_size=[32,32]",
]  # fmt: skip


def cityflow(folder: Folder, vehicles: int = 20, views: int = 4) -> None:
    """Vehicles in two cameras, under gb2312's header; query and test without labels."""
    names = [f"{number:06d}.jpg" for number in range(1, vehicles * views + 1)]
    folder.images("image_train", names)
    folder.images("image_query", names[:3])
    folder.images("image_test", names[:9])
    folder.text("name_query.txt", names[:3])
    folder.text("name_test.txt", names[:9])
    items = [
        f'<Item imageName="{name}" vehicleID="{row // views + 1:04d}" cameraID="c{1 + row % 2:03d}" />'
        for row, name in enumerate(names)
    ]
    head = ['<?xml version="1.0" encoding="gb2312"?>', '<TrainingImages Version="1.0">', "<Items>"]
    folder.text("train_label.xml", [*head, *items, "</Items></TrainingImages>"])


def test_it_writes_the_best_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cityflow(Folder(tmp_path / "AIC20_track2"))
    out = tmp_path / "run"
    words = ["train", "--dataset", "cityflow", "--root", tmp_path / "AIC20_track2", "--validation", "0.1", "--out", out]
    knobs = [word for setting in SMALL for word in ("--set", setting)]
    with pytest.raises(SystemExit) as end:
        main([*map(str, words), "--pretrained", "none", "--device", "cpu", "--json", *knobs])
    told = capsys.readouterr()
    assert not end.value.code, told.err
    assert json.loads(told.out)["best_epoch"] == 1
    assert read_header(out / "best.safetensors").num_ids == 18  # of 20 vehicles two are held out
