"""Train the packaged detector on random streets (mtmc/synth/streets), drawn by worker processes while it learns.

    python -m scripts.train_street_detector --minutes 18 --stop-after 9 --pool 40000   the packaged one, on a GPU
    python -m scripts.train_street_detector --steps 4000 --batch 16 --pool 3000        on processors: half a day

Pictures wait in a pool on the device, where crops, scale, light, blur, noise and compression are drawn anew each time.
AdamW with a cosine, the body's statistics as ImageNet left them, a running mean of the weights; a checkpoint in --work
from which a second call resumes.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import logging
import math
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mtmc.synth.streets import random_streets
from mtmc.weights import STREET_DETECTOR
from scripts.street_network import BACKBONE, CLASSES, INPUT_PX, StreetNetwork, cells, export, loss
from scripts.street_pictures import pieces
from scripts.training_loop import follow, half_precision, rate, resume, save_checkpoint

FRAME_PX = (768, 432)
CHUNK = 16
"""Frames that a worker hands over at once: those of one view."""
MOST_BOXES = 64
EMA_DECAY, CLIP_NORM = 0.9995, 10.0
LEAST_VISIBLE = 0.2
"""A vehicle of which less shows is left aside."""


def main() -> None:
    args = parse_arguments()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    pool = Pool(args.pool, device)
    workers = multiprocessing.get_context("spawn").Pool(args.workers)
    threading.Thread(target=pool.follow, args=(workers, args.seed), daemon=True).start()
    network = StreetNetwork().from_imagenet()
    mean, facts = fit(network.to(device, memory_format=torch.channels_last), pool, args)
    workers.terminate()
    export(mean, args.out, facts)
    logging.info("wrote %s: %s", args.out, facts)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=STREET_DETECTOR, help="the ONNX file to write")
    parser.add_argument("--work", type=Path, default=Path("out/street_detector"), help="folder of the checkpoint")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, help="end after so long, the cosine in time instead of steps")
    parser.add_argument("--stop-after", type=float, default=math.inf, help="minutes of this call; the rest by resuming")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--body-rate", type=float, default=0.3, help="rate of the body as a share of the head's")
    parser.add_argument("--frozen", type=int, default=1, help="first parts of the body that stay as they are")
    parser.add_argument("--pool", type=int, default=20_000, help="pictures that wait on the device")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


# --- pictures ---------------------------------------------------------------------------------------------------------


class Pool:
    """Pictures (N, 3, height, width) uint8 RGB on the device and their boxes (N, `MOST_BOXES`, 6), the newest in place
    of the oldest."""

    def __init__(self, room: int, device: torch.device) -> None:
        wide, high = FRAME_PX
        self.images = torch.zeros(room, 3, high, wide, dtype=torch.uint8, device=device)
        self.truth = torch.zeros(room, MOST_BOXES, 6, device=device)
        self.made = 0

    def follow(self, workers: Any, seed: int) -> None:
        """Take in what the workers draw, for ever."""
        for images, truth in workers.imap_unordered(draw, itertools.count(seed * 1_000_000)):
            at = (self.made + torch.arange(len(images))) % len(self.images)
            self.images[at] = torch.from_numpy(images).to(self.images.device).flip(-1).permute(0, 3, 1, 2)
            self.truth[at] = torch.from_numpy(truth).to(self.truth.device)
            self.made += len(images)

    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """Pictures in [0, 1] and boxes, at random."""
        which = torch.randint(min(self.made, len(self.images)), (count,), device=self.images.device)
        return self.images[which].float() / 255, self.truth[which]


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A view's frames (`CHUNK`, height, width, 3) BGR and their boxes (`CHUNK`, `MOST_BOXES`, 6) as the loss wants
    them."""
    import cv2

    cv2.setNumThreads(1)
    images, truth = [], np.zeros((CHUNK, MOST_BOXES, 6), np.float32)
    for row, (image, seen) in enumerate(itertools.islice(random_streets(seed, FRAME_PX), CHUNK)):
        images.append(image)
        seen.sort(key=lambda one: -one.mask.size)
        for column, one in enumerate(seen[:MOST_BOXES]):
            state = 1 if one.visible >= LEAST_VISIBLE else -1
            truth[row, column] = *one.box, CLASSES.index(one.vehicle.label), state
    return np.stack(images), truth


def batches(pool: Pool, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pieces of the pool's pictures at all scales; for ever."""
    while True:
        yield pieces(*pool.sample(count), INPUT_PX)


# --- training ---------------------------------------------------------------------------------------------------------


def fit(network: StreetNetwork, pool: Pool, args: argparse.Namespace) -> tuple[StreetNetwork, dict[str, str]]:
    """Train, or go on from the checkpoint. Returns the running mean and what is to be known of it."""
    mean = copy.deepcopy(network).requires_grad_(False).eval()
    freeze(network, args.frozen)
    optimizer = torch.optim.AdamW(groups(network, args.lr * args.body_rate), lr=args.lr, weight_decay=0.02)
    tops = [group["lr"] for group in optimizer.param_groups]
    path = args.work / "checkpoint.pt"
    step, earlier = resume(path, network, mean, optimizer)
    centres = cells(INPUT_PX[1], INPUT_PX[0], torch.device(args.device))
    while pool.made < min(1000, len(pool.images)):
        time.sleep(1)
    started = time.monotonic()
    for images, truth in batches(pool, args.batch):
        spent = earlier + time.monotonic() - started
        share = step / args.steps if args.minutes is None else spent / 60 / args.minutes
        if share >= 1 or spent - earlier > 60 * args.stop_after:
            break
        for group, top in zip(optimizer.param_groups, tops, strict=True):
            group["lr"] = top * rate(step, share)
        losses = train_step(network, images, truth, centres, optimizer)
        follow(mean, network, min(EMA_DECAY, (1 + step) / (10 + step)))
        if step % 100 == 0:
            parts = " ".join(f"{k} {float(v):.3f}" for k, v in losses.items())
            logging.info("step %d, %.0f s, %d pictures drawn: %s", step, spent, pool.made, parts)
        step += 1
    seconds = earlier + time.monotonic() - started
    save_checkpoint(path, network, mean, optimizer, step, seconds)
    return mean, {"start": BACKBONE, "steps": str(step), "batch": str(args.batch), "seconds": f"{seconds:.0f}"}


def freeze(network: StreetNetwork, parts: int) -> None:
    """The first ``parts`` of the body learn nothing; the statistics of all of it stay ImageNet's."""
    network.train()
    network.body.eval()
    for part in list(network.body)[:parts]:
        part.requires_grad_(False)


def groups(network: StreetNetwork, body_rate: float) -> list[dict[str, Any]]:
    """Parameters by rate and decay: none for biases and norms."""
    made: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            made.setdefault((name.startswith("body."), parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, **({"lr": body_rate} if body else {}), **({} if decays else {"weight_decay": 0.0})}
        for (body, decays), parameters in made.items()
    ]


def train_step(
    network: nn.Module, images: Tensor, truth: Tensor, centres: Tensor, optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    with half_precision(str(images.device)):
        logits, boxes = network(images.contiguous(memory_format=torch.channels_last))
    losses = loss(logits, boxes, truth, centres)
    optimizer.zero_grad(set_to_none=True)
    sum(losses.values()).backward()  # type: ignore[union-attr]
    nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
    optimizer.step()
    return {name: value.detach() for name, value in losses.items()}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    main()
