"""`reid train`: epochs of learning, evaluations between them, and a folder that any of them can go on from.

The folder: config.json, log.jsonl, tensorboard/, last.safetensors, best.safetensors, state.pt (to resume: read with weights_only).
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch

from reid.config import TrainParams, restore_config
from reid.data.loader import Batch, TrainingBatches, TrainingImages, decoded_within, relabelled
from reid.data.sampler import IdentitySampler
from reid.datasets import Dataset
from reid.errors import UserError
from reid.evaluation.datasets import evaluate_dataset
from reid.evaluation.embed import Features, Precision, embed_images
from reid.model.checkpoint import save_model
from reid.model.pretrained import start_from
from reid.model.sgfd import SGFD
from reid.training.distributed import Process
from reid.training.losses import Losses
from reid.training.run_log import Journal, LossRecord, Silence, diverged
from reid.training.schedule import learning_rate
from reid.training.step import Learner, State, chosen_precision

CONFIG, STATE, LAST, BEST = "config.json", "state.pt", "last.safetensors", "best.safetensors"
NAMES: dict[torch.dtype, Precision] = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}
Evaluate = Callable[[SGFD, Dataset], dict[str, float]]
"""Scores by name, in 0..1, of a network on a data set; the one named mAP decides which is best."""


@dataclass(frozen=True)
class Trained:
    """What came out: folder, last epoch's mean losses by name, last scores, best mAP and its epoch (counted from 1; 0 for none)."""

    folder: Path
    losses: dict[str, float]
    scores: dict[str, float]
    best_map: float
    best_epoch: int


@dataclass
class Progress:
    """Where a training stands: epochs done, batches done of the next, steps done in all, and the best evaluation so far."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best_map: float = -1.0
    best_epoch: int = 0


class Training:
    """One training, from its first epoch or from where it stopped.

    Args:
        params: the recipe.
        data: images to learn from, and to evaluate on.
        folder: where results go; must exist.
        device: where to compute.
        process: which process this is, of how many.
        journal: where to report to; needed only in the first process.
        evaluate: how to score the network.

    Raises:
        UserError: too few identities, an unreadable image, unfit start weights.
    """

    def __init__(
        self,
        params: TrainParams,
        data: Dataset,
        folder: Path,
        *,
        evaluate: Evaluate,
        device: torch.device | str = "cpu",
        process: Process | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.params, self.data, self.folder, self.evaluate = params, data, folder, evaluate
        self.process, self.journal = process or Process(), journal or Silence()
        self.progress = Progress()
        self.batches = self._make_batches(torch.device(device))
        torch.manual_seed(params.loop.seed)
        model = SGFD(params.network, data.train.vehicle_count)
        start_from(model, params.pretrained)
        self.learner = Learner(model.to(device), params, self.process.world)
        self._last_losses: dict[str, float] = {}
        self._last_scores: dict[str, float] = {}

    def run(self, epochs: int | None = None) -> Trained:
        """Learn until ``epochs`` are done (all of them by default), saving after each.

        Raises UserError where the loss is not a number any more or the GPU's memory is too small.
        """
        if self.process.leads:
            (self.folder / CONFIG).write_text(self.params.model_dump_json(indent=2), encoding="utf-8")
        while self.progress.epoch < (epochs or self.params.loop.epochs):
            self._run_epoch()
            if self._evaluates():
                self._judge()
            self._save()
        return Trained(
            self.folder, self._last_losses, self._last_scores, self.progress.best_map, self.progress.best_epoch
        )

    def resume(self) -> None:
        """Go on from the folder's state.

        Raises UserError where there is none, or it is of another recipe.
        """
        state = read_state(self.folder / STATE)
        before = restore_config(state["params"], self.folder / STATE)
        _require_same_recipe(before, self.params, self.folder / STATE)
        self.progress = Progress(**state["progress"])
        self.learner.restore(state["learner"])

    def _make_batches(self, device: torch.device) -> TrainingBatches:
        train, loop, sampler = self.data.train, self.params.loop, self.params.sampler
        labels = relabelled(train.vehicle_ids)
        drawn = IdentitySampler(
            labels, sampler.identities, sampler.images, loop.seed, self.process.rank, self.process.world
        )
        if drawn.short_identities:
            self.journal.say(
                f"{drawn.short_identities} of {train.vehicle_count} identities have fewer than {sampler.images} images: "
                "theirs are drawn with replacement"
            )
        workers = loop.workers if loop.workers >= 0 else _workers_beside(device)
        cache = decoded_within(train, loop.cache_mb)
        images = TrainingImages(train, labels, self.params.network.image_size, self.params.augment, loop.seed, cache)
        return TrainingBatches(images, drawn, workers, pin=device.type == "cuda")

    def _run_epoch(self) -> None:
        epoch, started = self.progress.epoch, time.perf_counter()
        rate = learning_rate(epoch, self.params.loop.epochs, self.params.optimizer)
        self.learner.set_rate(rate)
        count = self.batches.count(epoch) - self.progress.batch
        losses = LossRecord(self.journal, self._batch_size, self.progress.step, self.folder / LAST)
        with self.journal.epoch(epoch, count):
            for batch in self.batches.epoch(epoch, self.progress.batch):
                losses.add(self._step(batch))
                self.progress.batch, self.progress.step = self.progress.batch + 1, self.progress.step + 1
                if self._saves_within(epoch):
                    losses.look()
                    self._save()
            means = losses.finish()
        self.progress.epoch, self.progress.batch = epoch + 1, 0
        speed = count * self._batch_size * self.process.world / (time.perf_counter() - started)
        self._last_losses = means | {"rate": rate, "images_per_s": speed}
        self.journal.write("epoch", self.progress.step, {"epoch": epoch + 1, **self._last_losses})
        self.journal.say(
            f"epoch {epoch + 1}/{self.params.loop.epochs}: loss {means['total']:.4f} = identity {means['identity']:.4f}, triplet "
            f"{means['triplet']:.4f}, rotation {means['rotation']:.4f}; accuracy {means['accuracy']:.3f}, rate {rate:.2g}, {speed:.0f} images/s"
        )

    def _saves_within(self, epoch: int) -> bool:
        """Whether to save now, within an epoch; its end is saved anyway."""
        every, done = self.params.loop.save_every, self.progress.batch
        return every > 0 and done % every == 0 and done < self.batches.count(epoch)

    def _step(self, batch: Batch) -> Losses:
        try:
            return self.learner.step(batch)
        except torch.cuda.OutOfMemoryError:
            half = max(2, self.params.sampler.identities // 2)
            raise UserError(
                self.learner.device,
                f"memory for a batch of {self._batch_size}",
                "out of memory",
                f"Try --set sampler.identities={half}, or a smaller network.image_size.",
            ) from None

    @property
    def _batch_size(self) -> int:
        return self.params.sampler.identities * self.params.sampler.images

    def _evaluates(self) -> bool:
        every = self.params.loop.evaluate_every
        last = self.progress.epoch == self.params.loop.epochs
        return every > 0 and testable(self.data) and (self.progress.epoch % every == 0 or last)

    def _judge(self) -> None:
        """Evaluate in the first process, keep the best; the others wait."""
        if self.process.leads:
            self._last_scores = self.evaluate(self.learner.judged, self.data)
            self.journal.write("evaluation", self.progress.step, {"epoch": self.progress.epoch, **self._last_scores})
            self.journal.say("  " + ", ".join(f"{name} {value:.4f}" for name, value in self._last_scores.items()))
            if self._last_scores.get("mAP", -1.0) > self.progress.best_map:
                self.progress.best_map, self.progress.best_epoch = self._last_scores["mAP"], self.progress.epoch
                save_model(self.learner.judged, self.folder / BEST, self._facts())
        self.process.wait()

    def _save(self) -> None:
        self._require_finite_weights()
        if self.process.leads:
            save_model(self.learner.judged, self.folder / LAST, self._facts())
            state = {
                "params": self.params.model_dump_json(),
                "progress": asdict(self.progress),
                "learner": self.learner.state(),
            }
            temporary = self.folder / (STATE + ".part")
            torch.save(state, temporary)
            temporary.replace(self.folder / STATE)
        self.process.wait()

    def _require_finite_weights(self) -> None:
        """The loss of the last step was finite, but its update may have broken the weights: these must not replace good ones."""
        norms = torch.stack(torch._foreach_norm(list(self.learner.model.parameters())))
        if not bool(torch.isfinite(norms).all()):
            raise diverged(self.progress.step, self.folder / LAST)

    def _facts(self) -> dict[str, object]:
        """What the checkpoint says of its training."""
        config = self.params.model_dump(mode="json", exclude={"root"})
        return {"epoch": self.progress.epoch, "scores": self._last_scores, "config": config}


def testable(data: Dataset) -> bool:
    """Whether the data set has a test with public labels."""
    return len(data.query) > 0 and data.query.labelled and data.gallery.labelled


def read_state(path: Path) -> State:
    """A training's state, without unpickling anything but tensors and plain values.

    Raises UserError where it is missing or broken.
    """
    fix = "Start without --resume, or give --out the folder of the training to go on with."
    try:
        return cast(State, torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError:
        raise UserError(path, "the state of a training", "no such file", fix) from None
    except (pickle.UnpicklingError, RuntimeError, EOFError) as broken:
        raise UserError(path, "the state of a training", str(broken).splitlines()[0], fix) from None


def _require_same_recipe(before: TrainParams, now: TrainParams, where: Path) -> None:
    """What a resumed training may change: where things are, how long and how fast it runs; nothing that it learns by."""
    old, new = _recipe(before), _recipe(now)
    for key, value in new.items():
        if value != old[key]:
            raise UserError(
                where, f"{key} {old[key]}, as before", f"{value}", "Resume with the same recipe, or start anew."
            )


def _recipe(params: TrainParams) -> dict[str, object]:
    """All that is learned by, as flat keys."""
    sections = params.model_dump()
    flat = {
        f"{name}.{key}": value
        for name, section in sections.items()
        if isinstance(section, dict)
        for key, value in section.items()
    }
    free = {f"loop.{key}" for key in ("epochs", "evaluate_every", "save_every", "compile", "workers", "cache_mb")}
    return {"dataset": params.dataset} | {key: value for key, value in flat.items() if key not in free}


def _workers_beside(device: torch.device) -> int:
    """Reading processes: beside a GPU as many as there are cores, up to 8; a CPU has better things to do."""
    return min(8, os.cpu_count() or 1) if device.type == "cuda" else 0


def evaluation_on(device: torch.device, params: TrainParams) -> Evaluate:
    """Scores by the data set's own protocol, embedding on a device in the training's precision."""
    precision = NAMES[chosen_precision(params.loop.precision, device)]

    def evaluate(model: SGFD, data: Dataset) -> dict[str, float]:
        def embed(paths: Sequence[Path]) -> Features:
            return embed_images(model, paths, params.network.image_size, device, precision=precision)

        first, *others = evaluate_dataset(embed, data)
        return first.values | {
            f"{each.protocol}: {name}": value for each in others for name, value in each.values.items()
        }

    return evaluate
