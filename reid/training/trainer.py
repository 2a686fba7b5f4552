"""`reid train`: epochs of learning, evaluations between them, and a folder that any of them can go on from.

The folder: config.json, log.jsonl, tensorboard/, last.safetensors, best.safetensors, state.pt (to resume: read with
weights_only).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from reid.atomic import replacing
from reid.config import TrainParams, restore_config
from reid.data.loader import TrainingBatches, TrainingImages, decoded_within, relabelled
from reid.data.sampler import IdentitySampler
from reid.datasets import Dataset
from reid.errors import UserError
from reid.model.checkpoint import save_model
from reid.model.pretrained import start_from
from reid.model.sgfd import SGFD
from reid.training.distributed import Process
from reid.training.resume import read_state, require_same_recipe, write_state
from reid.training.run_log import EpochLosses, NullLogger, RunLog, diverged
from reid.training.schedule import learning_rate
from reid.training.step import Learner

CONFIG, STATE, LAST, BEST = "config.json", "state.pt", "last.safetensors", "best.safetensors"
Evaluate = Callable[[SGFD, Dataset], dict[str, float]]
"""Scores by name, in 0..1, of a network on a data set; the one named mAP decides which is best."""


@dataclass(frozen=True)
class Trained:
    """What came out: folder, last epoch's mean losses by name, last scores, best mAP and its epoch (counted from 1; 0
    for none)."""

    folder: Path
    losses: dict[str, float]
    scores: dict[str, float]
    best_map: float
    best_epoch: int


@dataclass
class Progress:
    """Where a training stands: epochs done, batches done of the next, steps done in all, and the best evaluation so
    far."""

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
        evaluate: how to score the network.
        device: where to compute.
        process: which process this is, of how many.
        log: where to report to; needed only in the first process.

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
        log: RunLog | None = None,
    ) -> None:
        self.params, self.data, self.folder, self.evaluate = params, data, folder, evaluate
        self.process, self.log = process or Process(), log or NullLogger()
        self.progress = Progress()
        self.batches = self._make_batches(torch.device(device))
        torch.manual_seed(params.loop.seed)
        model = SGFD(params.network, data.train.vehicle_count)
        self._origins = start_from(model, params.pretrained)
        self.learner = Learner(model.to(device), params, self.process.world)
        self._last_losses: dict[str, float] = {}
        self._last_scores: dict[str, float] = {}

    def run(self, epochs: int | None = None) -> Trained:
        """Learn until ``epochs`` are done (all of them by default), saving after each.

        Raises UserError where the loss is not a number any more or the GPU's memory is too small.
        """
        if self.process.is_main:
            with replacing(self.folder / CONFIG) as temporary:
                temporary.write_text(self.params.model_dump_json(indent=2), encoding="utf-8")
        while self.progress.epoch < (epochs or self.params.loop.epochs):
            self._train_epoch()
            if self._evaluates():
                self._evaluate()
            self._save()
        best = self.progress.best_map, self.progress.best_epoch
        return Trained(self.folder, self._last_losses, self._last_scores, *best)

    def resume(self) -> None:
        """Go on from the folder's state.

        Raises UserError where there is none, or it is of another recipe.
        """
        state = read_state(self.folder / STATE)
        before = restore_config(state["params"], self.folder / STATE)
        require_same_recipe(before, self.params, self.folder / STATE)
        try:
            self.progress = Progress(**state["progress"])
            self.learner.restore(state["learner"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            fix = "Start without --resume, or give --out the folder of the training to go on with."
            found = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(self.folder / STATE, "the state of this training", found, fix) from error

    def _train_epoch(self) -> None:
        epoch, started = self.progress.epoch, time.perf_counter()
        rate = learning_rate(epoch, self.params.loop.epochs, self.params.optimizer)
        self.learner.start_epoch(epoch, rate)
        count = self.batches.count(epoch) - self.progress.batch
        record = EpochLosses(self.log, self._batch_size, self.progress.step, self.folder / LAST)
        with self.log.epoch(epoch, count), self._enough_memory():
            for batch in self.batches.epoch(epoch, self.progress.batch):
                losses = self.learner.losses(batch)  # forward and loss
                self.learner.update(losses.total)  # backward and step
                record.add(losses)  # log
                self.progress.batch, self.progress.step = self.progress.batch + 1, self.progress.step + 1
                if self._saves_within(epoch):
                    record.flush()
                    self._save()
            means = record.means()
        self.progress.epoch, self.progress.batch = epoch + 1, 0
        speed = count * self._batch_size * self.process.world / (time.perf_counter() - started)
        self._last_losses = means | {"rate": rate, "images_per_s": speed}
        self._report_epoch()

    def _report_epoch(self) -> None:
        epoch, values = self.progress.epoch, self._last_losses
        self.log.write("epoch", self.progress.step, {"epoch": epoch, **values})
        self.log.info(
            f"epoch {epoch}/{self.params.loop.epochs}: loss {values['total']:.4f} = identity {values['identity']:.4f}, "
            f"triplet {values['triplet']:.4f}, rotation {values['rotation']:.4f}; accuracy {values['accuracy']:.3f}, "
            f"rate {values['rate']:.2g}, {values['images_per_s']:.0f} images/s"
        )

    def _evaluate(self) -> None:
        """Evaluate in the first process, keep the best; the others wait."""
        if self.process.is_main:
            self._last_scores = self.evaluate(self.learner.eval_model, self.data)
            self.log.write("evaluation", self.progress.step, {"epoch": self.progress.epoch, **self._last_scores})
            self.log.info("  " + ", ".join(f"{name} {value:.4f}" for name, value in self._last_scores.items()))
            if self._last_scores.get("mAP", -1.0) > self.progress.best_map:
                self.progress.best_map, self.progress.best_epoch = self._last_scores["mAP"], self.progress.epoch
                save_model(self.learner.eval_model, self.folder / BEST, self._facts())
        self.process.wait()

    def _save(self) -> None:
        self._require_finite_weights()
        if self.process.is_main:
            save_model(self.learner.eval_model, self.folder / LAST, self._facts())
            state = {
                "params": self.params.model_dump_json(),
                "progress": asdict(self.progress),
                "learner": self.learner.state(),
            }
            write_state(self.folder / STATE, state)
        self.process.wait()

    def _make_batches(self, device: torch.device) -> TrainingBatches:
        train, loop, sampler = self.data.train, self.params.loop, self.params.sampler
        if not len(train):
            raise UserError(
                self.data.name, "training images", "none", "Unpack the training part, or choose another set."
            )
        labels = relabelled(train.vehicle_ids)
        process = self.process
        drawn = IdentitySampler(labels, sampler.identities, sampler.images, loop.seed, process.rank, process.world)
        if drawn.short_identities:
            self.log.info(
                f"{drawn.short_identities} of {train.vehicle_count} identities have fewer than {sampler.images} "
                "images: theirs are drawn with replacement"
            )
        workers = loop.workers if loop.workers >= 0 else _workers_beside(device)
        cache = decoded_within(train, loop.cache_mb)
        images = TrainingImages(train, labels, self.params.network.image_size, self.params.augment, loop.seed, cache)
        return TrainingBatches(images, drawn, workers, pin=device.type == "cuda")

    def _saves_within(self, epoch: int) -> bool:
        """Whether to save now, within an epoch; its end is saved anyway."""
        every, done = self.params.loop.save_every, self.progress.batch
        return every > 0 and done % every == 0 and done < self.batches.count(epoch)

    def _evaluates(self) -> bool:
        every = self.params.loop.evaluate_every
        last = self.progress.epoch == self.params.loop.epochs
        return every > 0 and testable(self.data) and (self.progress.epoch % every == 0 or last)

    @property
    def _batch_size(self) -> int:
        return self.params.sampler.identities * self.params.sampler.images

    @contextlib.contextmanager
    def _enough_memory(self) -> Iterator[None]:
        try:
            yield
        except torch.cuda.OutOfMemoryError:
            half = max(2, self.params.sampler.identities // 2)
            fix = f"Try --set sampler.identities={half}, or a smaller network.image_size."
            expected = f"memory for a batch of {self._batch_size}"
            raise UserError(self.learner.device, expected, "out of memory", fix) from None

    def _require_finite_weights(self) -> None:
        """The loss of the last step was finite, but its update may have broken the weights: these must not replace good
        ones."""
        norms = torch.stack(torch._foreach_norm(list(self.learner.model.parameters())))
        if not bool(torch.isfinite(norms).all()):
            raise diverged(self.progress.step, self.folder / LAST)

    def _facts(self) -> dict[str, object]:
        """What the checkpoint says of its training."""
        config = self.params.model_dump(mode="json", exclude={"root"})
        start = [origin._asdict() for origin in self._origins]
        return {"epoch": self.progress.epoch, "scores": self._last_scores, "config": config, "start": start}


def testable(data: Dataset) -> bool:
    """Whether the data set has a test with public labels."""
    return len(data.query) > 0 and data.query.labelled and data.gallery.labelled


def _workers_beside(device: torch.device) -> int:
    """Reading processes: beside a GPU as many as there are cores, up to 8; a CPU has better things to do."""
    return min(8, os.cpu_count() or 1) if device.type == "cuda" else 0
