"""Training batches: images read (ahead of the network, by processes where asked), augmented and gathered.

Shape shorthand: B images of a batch, h x w pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from reid.config import AugmentParams
from reid.data.augment import Sample, augment
from reid.data.images import read_image
from reid.data.sampler import IdentitySampler
from reid.datasets.structures import ImageSet

PROBES = 32
"""Images whose size stands for that of all."""


class Place(NamedTuple):
    """Which image, and when: the randomness of its augmentation is drawn from seed, epoch and position (over all
    processes)."""

    epoch: int
    position: int
    row: int


class Batch(NamedTuple):
    """pixels (B, h, w, 3) uint8; labels (B,) int64 in 0..C-1; erased (B, 4) int64 top, left, height, width; rotations
    (B,) int64 in 0..3."""

    pixels: Tensor
    labels: Tensor
    erased: Tensor
    rotations: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device; from pinned memory without waiting."""
        return Batch(*(part.to(device, non_blocking=True) for part in self))


@dataclass(frozen=True)
class TrainingImages(Dataset[tuple[Sample, int]]):
    """The images of a training set, augmented anew at each `Place`.

    labels: (N,) identity of each image in 0..C-1. cache: decoded images, or None to read them from disk each time.
    """

    images: ImageSet
    labels: NDArray[np.int64]
    size: tuple[int, int]
    params: AugmentParams
    seed: int
    cache: Sequence[NDArray[np.uint8]] | None

    def __getitem__(self, place: Place) -> tuple[Sample, int]:
        """The augmented image and its label. Raises UserError where the file cannot be read."""
        row = place.row
        image = read_image(self.images.paths[row]) if self.cache is None else Image.fromarray(self.cache[row])
        rng = np.random.default_rng((self.seed, place.epoch, place.position))
        return augment(image, self.size, self.params, rng), int(self.labels[row])


class EpochBatches(Sampler[list[Place]]):
    """What a DataLoader reads in one epoch: this process's batches, as places; set ``epoch`` and ``skip`` before
    each."""

    def __init__(self, sampler: IdentitySampler) -> None:
        self._sampler, self.epoch, self.skip = sampler, 0, 0

    def __iter__(self) -> Iterator[list[Place]]:
        """Batches of the epoch set, but the first ``skip``."""
        size = self._sampler.identities * self._sampler.images
        for number, rows in list(enumerate(self._sampler.batches(self.epoch)))[self.skip :]:
            first = (number * self._sampler.world + self._sampler.rank) * size
            yield [Place(self.epoch, first + offset, int(row)) for offset, row in enumerate(rows)]


class TrainingBatches:
    """Batches of any epoch, always the same ones for the same epoch, seed, rank and world."""

    def __init__(self, images: TrainingImages, sampler: IdentitySampler, workers: int, pin: bool) -> None:
        self._sampler, self._places = sampler, EpochBatches(sampler)
        self._loader = DataLoader(
            images,
            batch_sampler=self._places,
            num_workers=workers,
            collate_fn=gather,
            pin_memory=pin,
            persistent_workers=workers > 0,
            generator=torch.Generator().manual_seed(
                images.seed
            ),  # not everybody's: a resumed epoch would draw once more
        )

    def count(self, epoch: int) -> int:
        """Number of batches of an epoch."""
        return len(self._sampler.batches(epoch))

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, counted from 0, but the first ``skip``."""
        self._places.epoch, self._places.skip = epoch, skip
        return iter(self._loader)


def gather(samples: Sequence[tuple[Sample, int]]) -> Batch:
    """One batch of samples and their labels."""
    return Batch(
        torch.from_numpy(np.stack([sample.pixels for sample, _ in samples])),
        torch.tensor([label for _, label in samples]),
        torch.tensor([sample.erased for sample, _ in samples]),
        torch.tensor([sample.rotation for sample, _ in samples]),
    )


def decoded_within(images: ImageSet, limit_mb: int) -> list[NDArray[np.uint8]] | None:
    """All images decoded (h, w, 3), or None where they need more than the limit, judged by a few; raises UserError for
    a bad image."""
    limit = limit_mb * 1_000_000
    few = images.paths[:: max(1, len(images) // PROBES)]
    if not few or np.mean([np.asarray(read_image(path)).nbytes for path in few]) * len(images) > limit:
        return None
    return [np.asarray(read_image(path)) for path in images.paths]


def relabelled(vehicle_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Vehicle ids as classes 0..C-1, in the order of the ids."""
    return np.unique(vehicle_ids, return_inverse=True)[1].astype(np.int64)
