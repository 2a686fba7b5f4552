"""Training: it learns, it goes on where it stopped to the bit, and it stops in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reid.config import TrainParams
from reid.data.loader import Batch, Place, TrainingBatches, TrainingImages, decoded_within, gather, relabelled
from reid.data.sampler import IdentitySampler
from reid.datasets import Dataset, ImageSet
from reid.datasets.combine import hold_out
from reid.datasets.toy import make_toy
from reid.errors import UserError
from reid.evaluation.datasets import evaluator
from reid.model.checkpoint import load_model, read_header
from reid.training.losses import Losses
from reid.training.resume import read_state
from reid.training.run_log import FolderLog
from reid.training.step import Learner
from reid.training.trainer import Training
from tests.reid.recipes import tiny_network, tiny_recipe


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_toy(tmp_path_factory.mktemp("toy"), vehicles=6, images=9)


def training(params: TrainParams, toy: Dataset, folder: Path, **options: Any) -> Training:
    folder.mkdir(exist_ok=True)
    return Training(
        params, toy, folder, evaluate=evaluator(params.network.image_size, torch.device("cpu"), "float32"), **options
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state = read_state(folder / "state.pt")["learner"]
    flat = {f"model.{name}": value for name, value in state["model"].items()}
    for number, moments in state["optimizer"]["state"].items():
        flat |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
    return flat | {f"average.{name}": value for name, value in (state["average"] or {}).items()}


@pytest.mark.parametrize("loop", [{}, {"ema_decay": 0.9}, {"precision": "bf16", "channels_last": False}])
def test_stopped_and_resumed_equals_uninterrupted_to_the_bit(
    toy: Dataset, tmp_path: Path, loop: dict[str, Any]
) -> None:
    params = tiny_recipe(
        loop=loop, optimizer={"schedule": "cosine", "warmup_epochs": 1, "tail_epochs": 1, "clip_norm": 1.0}
    )
    training(params, toy, tmp_path / "whole").run()
    training(params, toy, tmp_path / "parts").run(epochs=1)
    torch.manual_seed(999)
    second = training(params, toy, tmp_path / "parts")
    second.resume()
    second.run()
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    one, other = (load_model(tmp_path / name / "last.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def test_killed_within_an_epoch_and_resumed_equals_uninterrupted_to_the_bit(toy: Dataset, tmp_path: Path) -> None:
    params = tiny_recipe(loop={"epochs": 2, "save_every": 2})
    training(params, toy, tmp_path / "whole").run()
    killed = training(params, toy, tmp_path / "parts")
    steps = killed.batches.count(0) + 3
    assert killed.batches.count(1) > 3
    with pytest.raises(KeyboardInterrupt):
        interrupt_after(killed, steps)
    second = training(params, toy, tmp_path / "parts")
    second.resume()
    assert (second.progress.epoch, second.progress.batch) == (1, 2)
    second.run()
    for name in ("state.pt", "last.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def interrupt_after(run: Training, steps: int) -> None:
    """Learn, and be killed at the step after ``steps``."""
    losses = run.learner.losses

    def until_killed(batch: Batch) -> Losses:
        if run.progress.step == steps:
            raise KeyboardInterrupt
        return losses(batch)

    run.learner.losses = until_killed  # type: ignore[method-assign]
    run.run()


def test_reading_processes_change_nothing(toy: Dataset) -> None:
    labels = relabelled(toy.train.vehicle_ids)
    images = TrainingImages(toy.train, labels, (32, 32), tiny_recipe().augment, 3, decoded_within(toy.train, 100))
    from_disk = TrainingImages(toy.train, labels, (32, 32), tiny_recipe().augment, 3, None)
    sampler = IdentitySampler(labels, 3, 2, seed=3)
    here = list(TrainingBatches(images, sampler, workers=0, pin=False).epoch(1))
    there = list(TrainingBatches(from_disk, sampler, workers=2, pin=False).epoch(1))
    assert len(here) == len(there) > 0
    for one, other in zip(here, there, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_processes_vary_their_images_differently(toy: Dataset) -> None:
    labels = relabelled(toy.train.vehicle_ids)
    places = [
        place
        for rank in range(2)
        for batch in _places(IdentitySampler(labels, 2, 2, seed=3, rank=rank, world=2))
        for place in batch
    ]
    assert len({place.position for place in places}) == len(places)


def _places(sampler: IdentitySampler) -> list[list[Place]]:
    from reid.data.loader import EpochBatches

    return list(EpochBatches(sampler))


def test_loss_falls_logs_are_kept_and_checkpoints_say_what_they_are(toy: Dataset, tmp_path: Path) -> None:
    params = tiny_recipe(loop={"epochs": 6, "evaluate_every": 3}, optimizer={"lr": 3e-3})
    log = FolderLog(tmp_path, 6)
    trained = training(params, toy, tmp_path, log=log).run()
    log.close()
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    epochs = [row for row in rows if row["kind"] == "epoch"]
    assert [row["epoch"] for row in epochs] == [1, 2, 3, 4, 5, 6]
    assert epochs[-1]["total"] < 0.8 * epochs[0]["total"]
    steps = [row for row in rows if row["kind"] == "step"]
    assert [row["step"] for row in steps] == list(range(1, len(steps) + 1))
    assert [row["epoch"] for row in rows if row["kind"] == "evaluation"] == [3, 6]
    assert list((tmp_path / "tensorboard").glob("events*"))
    header = read_header(tmp_path / "best.safetensors")
    assert header.num_ids == 6
    assert header.training["epoch"] == trained.best_epoch
    assert header.training["scores"]["mAP"] == trained.best_map  # type: ignore[index]
    assert TrainParams.model_validate_json((tmp_path / "config.json").read_text()) == params


def test_two_identities_are_learned_by_heart(tmp_path: Path) -> None:
    toy = make_toy(tmp_path / "toy", vehicles=2, images=9)
    params = tiny_recipe(
        network={"image_size": (64, 64), "width": 0.25},
        sampler={"identities": 2, "images": 6},
        augment={"erase_probability": 0},
        loop={"epochs": 40, "evaluate_every": 40},
        optimizer={"lr": 3e-3, "milestones": [30]},
    )
    trained = training(params, toy, tmp_path).run()
    assert trained.losses["accuracy"] == 1
    assert trained.losses["triplet"] < 0.1
    assert trained.scores["mAP"] == 1


def test_running_average_is_what_is_saved(toy: Dataset, tmp_path: Path) -> None:
    run = training(tiny_recipe(loop={"epochs": 1, "ema_decay": 0.99}), toy, tmp_path)
    run.run()
    saved = load_model(tmp_path / "last.safetensors").state_dict()["stem.conv1.weight"]
    assert torch.equal(saved, run.learner.eval_model.state_dict()["stem.conv1.weight"])
    assert not torch.equal(saved, run.learner.model.state_dict()["stem.conv1.weight"])


def test_all_rotations_are_four_times_the_images() -> None:
    learner = Learner(tiny_network(6), tiny_recipe(augment={"rotations": "all"}))
    images = torch.randn(3, 3, 32, 32)
    rotated, rotations = learner._rotated(images, torch.zeros(3, dtype=torch.long))
    assert rotated is not None
    assert rotated.shape[0] == 12
    assert rotations.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert torch.equal(rotated[3:6], torch.rot90(images, 1, (2, 3)))


def test_clipping_bounds_the_gradient() -> None:
    learner = Learner(tiny_network(6), tiny_recipe(optimizer={"clip_norm": 0.01}))
    learner.update(learner.losses(batch()).total)
    norms = [parameter.grad.norm() for parameter in learner.model.parameters() if parameter.grad is not None]
    assert float(torch.stack(norms).norm()) <= 0.0101


def batch() -> Batch:
    images = torch.randint(0, 255, (8, 32, 32, 3), dtype=torch.uint8)
    return Batch(images, torch.arange(8) // 2 % 4, torch.zeros(8, 4, dtype=torch.long), torch.arange(8) % 4)


class TestStopsInWords:
    def test_loss_that_is_no_number(self, toy: Dataset, tmp_path: Path) -> None:
        params = tiny_recipe(loop={"epochs": 2})
        run = training(params, toy, tmp_path)
        run.run(epochs=1)
        good = (tmp_path / "last.safetensors").read_bytes()
        first = run.progress.step + 1
        with torch.no_grad():
            run.learner.model.stem[0].weight.fill_(torch.nan)  # type: ignore[operator]
        with pytest.raises(UserError, match=rf"step {first}: expected a finite loss, found NaN.*last\.safetensors"):
            run.run()
        assert (tmp_path / "last.safetensors").read_bytes() == good

    def test_weights_broken_by_the_last_update(self, toy: Dataset, tmp_path: Path) -> None:
        run = training(
            tiny_recipe(optimizer={"lr": 1e38}, loop={"epochs": 1}, sampler={"identities": 6, "images": 6}),
            toy,
            tmp_path,
        )
        with pytest.raises(
            UserError, match="step 1: expected a finite loss, found NaN or infinity; no epoch was finished"
        ):
            run.run()
        assert not (tmp_path / "last.safetensors").exists()

    def test_out_of_memory_suggests_a_batch(
        self, toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = training(tiny_recipe(), toy, tmp_path)

        def full(_: object) -> None:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

        monkeypatch.setattr(run.learner, "losses", full)
        with pytest.raises(UserError, match=r"batch of 8, found out of memory. Try --set sampler.identities=2"):
            run.run()

    def test_resume_of_nothing_and_of_another_recipe(self, toy: Dataset, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="expected the state of a training, found no such file"):
            training(tiny_recipe(), toy, tmp_path).resume()
        training(tiny_recipe(), toy, tmp_path).run(epochs=1)
        with pytest.raises(UserError, match=r"expected loss\.margin 0\.5, as before, found 0\.6"):
            training(tiny_recipe(loss={"margin": 0.6}), toy, tmp_path).resume()
        (tmp_path / "state.pt").write_bytes(b"nothing")
        with pytest.raises(UserError, match="the state of a training"):
            training(tiny_recipe(), toy, tmp_path).resume()

    def test_truncated_image(self, tmp_path: Path) -> None:
        toy = make_toy(tmp_path / "toy", vehicles=4, images=3)
        bad = toy.train.paths[0]
        bad.write_bytes(bad.read_bytes()[:200])
        with pytest.raises(UserError, match=str(bad)):
            training(tiny_recipe(), toy, tmp_path)


def test_identity_with_one_image_is_drawn_with_replacement_and_said(toy: Dataset, tmp_path: Path) -> None:
    keep = np.ones(len(toy.train), bool)
    keep[np.flatnonzero(toy.train.vehicle_ids == 2)[1:]] = False
    few = Dataset("toy", toy.train.take(keep), toy.query, toy.gallery)
    log = FolderLog(tmp_path, 1)
    said: list[str] = []
    log.info = said.append  # type: ignore[method-assign]
    training(tiny_recipe(loop={"epochs": 1}, sampler={"identities": 6}), few, tmp_path, log=log).run()
    log.close()
    assert "1 of 6 identities have fewer than 2 images" in said[0]


def test_unlabelled_test_is_not_evaluated(toy: Dataset, tmp_path: Path) -> None:
    unknown = ImageSet(toy.query.paths, toy.query.vehicle_ids * 0 - 1, toy.query.camera_ids)
    data = Dataset("toy", toy.train, unknown, toy.gallery)
    trained = training(tiny_recipe(loop={"epochs": 1, "evaluate_every": 1}), data, tmp_path).run()
    assert trained.scores == {}
    assert not (tmp_path / "best.safetensors").exists()


def test_held_out_vehicles_choose_the_best_where_the_test_has_no_labels(toy: Dataset, tmp_path: Path) -> None:
    unknown = ImageSet(toy.query.paths, toy.query.vehicle_ids * 0 - 1, toy.query.camera_ids)
    data = hold_out(Dataset("cityflow", toy.train, unknown, unknown), 0.4, seed=3)
    trained = training(tiny_recipe(loop={"epochs": 1, "evaluate_every": 1}), data, tmp_path).run()
    assert trained.best_epoch == 1
    assert (tmp_path / "best.safetensors").exists()


@pytest.mark.parametrize("frozen", ["stem", "backbone"])
def test_what_is_frozen_keeps_its_weights_and_statistics_until_it_may_learn(frozen: str) -> None:
    learner = Learner(tiny_network(6), tiny_recipe(optimizer={"frozen": frozen, "frozen_epochs": 1}))
    before = {name: value.clone() for name, value in learner.model.state_dict().items()}

    def changed() -> set[str]:
        now = learner.model.state_dict()
        return {name.split(".")[0] for name, value in now.items() if not torch.equal(value, before[name])}

    learner.start_epoch(0, 1e-3)
    learner.update(learner.losses(batch()).total)
    assert "heads" in changed()
    assert "stem" not in changed()
    assert ("global_tail" in changed()) == (frozen == "stem")
    learner.start_epoch(1, 1e-3)
    learner.update(learner.losses(batch()).total)
    assert {"stem", "global_tail"} <= changed()


def test_pretrained_layers_learn_at_their_share_of_the_rate() -> None:
    learner = Learner(tiny_network(6), tiny_recipe(optimizer={"pretrained_rate": 0.1}))
    learner.start_epoch(0, 1e-2)
    assert [group["lr"] for group in learner.optimizer.param_groups] == pytest.approx([1e-3, 1e-2])
    counts = [len(group["params"]) for group in learner.optimizer.param_groups]
    assert sum(counts) == sum(parameter.requires_grad for parameter in learner.model.parameters())
    heads = {id(parameter) for parameter in learner.model.heads.parameters() if parameter.requires_grad}
    assert heads <= {id(parameter) for parameter in learner.optimizer.param_groups[1]["params"]}


def test_layers_learn_the_less_the_deeper_they_lie() -> None:
    learner = Learner(tiny_network(6), tiny_recipe(optimizer={"pretrained_rate": 0.5, "layer_rate": 0.8}))
    rates = {id(one): group["share"] for group in learner.optimizer.param_groups for one in group["params"]}
    tails = [rates[id(one)] for one in learner.model.global_tail.parameters()]
    stem = [rates[id(one)] for one in learner.model.stem.parameters()]
    assert tails[-1] == 0.5
    assert stem[-1] == pytest.approx(0.5 * 0.8**2)  # under layer4 and layer3
    assert stem + tails == sorted(stem + tails)
    assert all(rates[id(one)] == 1 for one in learner.model.heads.parameters() if one.requires_grad)


def test_gather(toy: Dataset) -> None:
    images = TrainingImages(toy.train, relabelled(toy.train.vehicle_ids), (32, 64), tiny_recipe().augment, 0, None)
    made = gather([images[Place(0, index, index)] for index in range(3)])
    assert made.pixels.shape == (3, 32, 64, 3)
    assert made.pixels.dtype == torch.uint8
    assert made.erased.shape == (3, 4)
    assert decoded_within(toy.train, 0) is None
