"""SGFD's speed: images/s of inference by each path of this machine, and of a training step; the attention module's
share of both.

Each path is checked against plain float32 on drawn vehicles: a cosine below 1 - 1e-3 is exit code 1. Times are the best
of
--repeat: by the clock, and of the processor, which a busy machine disturbs less (exact with --threads 1). The networks
are random, with the batch statistics of the pictures; --weights measures a trained one.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from reid.config import load_config
from reid.data.images import normalise, resize
from reid.data.loader import Batch
from reid.datasets.toy import draw_vehicle
from reid.devices import multiplies_bfloat16
from reid.errors import UserError
from reid.model.checkpoint import load_model
from reid.model.export import export, open_onnx
from reid.model.fuse import fused
from reid.model.sgfd import SGFD
from reid.training.step import Learner

LEAST_COSINE = 1 - 1e-3
RECIPES = {"paper": "veri776", "small": "small"}
IDENTITIES = 576
CONFIGS = Path(__file__).resolve().parents[1] / "configs" / "reid"
Row = dict[str, Any]
Vectors = Callable[[Tensor], np.ndarray]


class Seconds(NamedTuple):
    """By the clock, and of the processor (all cores together), which a busy machine disturbs less."""

    clock: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=[*RECIPES, "both"], default="both")
    parser.add_argument("--weights", type=Path, help="a trained network instead")
    parser.add_argument("--batch", type=int, help="images at once (8 for the paper's network, 32 for the small one)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    names = ["weights"] if args.weights else list(RECIPES) if args.network == "both" else [args.network]
    rows = [row for name in names for row in measure(name, args)]
    print(json.dumps({"network": rows}) if args.json else table(rows, args))
    if any(row.get("cosine", 1) < LEAST_COSINE for row in rows):
        sys.exit("a path differs from plain float32")


def measure(name: str, args: argparse.Namespace) -> list[Row]:
    """All rows of one network."""
    params = load_config(CONFIGS / f"{RECIPES.get(name, 'small')}.toml").network
    model = load_model(args.weights) if args.weights else SGFD(params)
    size = model.params.image_size
    batch = args.batch or (8 if size[0] > 128 else 32)
    pixels = torch.from_numpy(np.stack([resize(draw_vehicle(row % 40, row % 3, (row,)), size) for row in range(batch)]))
    if not args.weights:
        settle(model, pixels)
    model.eval().to(args.device)
    inference = inference_rows(name, model, pixels, args)
    training = training_rows(name, model, pixels, args)
    return [*inference, attention_row(name, model, pixels, inference[-1], args), *training]


def settle(model: SGFD, pixels: Tensor) -> None:
    """Batch statistics as after training: those of the pictures. Necks stay plain: a random network tells its pictures
    hardly apart, and to stretch that little to unit variance would show rounding errors ten times as large as in a
    trained one."""
    model.train()
    with torch.no_grad():
        for _ in range(3):
            for module in model.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.momentum = None  # plain average
                    module.reset_running_stats()
            model._branch_maps(normalise(pixels))


def inference_rows(name: str, model: SGFD, pixels: Tensor, args: argparse.Namespace) -> list[Row]:
    """Plain float32 first; the fastest last."""
    wanted: np.ndarray | None = None
    rows = []
    for label, path in inference_paths(model, pixels, args):
        vectors = path(pixels)
        wanted = vectors if wanted is None else wanted
        cosine = float((vectors * wanted).sum(axis=1).min())
        seconds = best(lambda path=path: path(pixels), args.repeat)
        rows.append({"network": name, "what": f"inference, {label}", **rates(len(pixels), seconds), "cosine": cosine})
    return [rows[0], *sorted(rows[1:], key=lambda row: float(row["images_per_core_s"]))]


def inference_paths(model: SGFD, pixels: Tensor, args: argparse.Namespace) -> list[tuple[str, Vectors]]:
    """Ways to turn pixels into unit vectors on this machine."""
    device = torch.device(args.device)

    def torch_path(network: SGFD, layout: torch.memory_format, autocast: bool = False) -> Vectors:
        def run(pixels: Tensor) -> np.ndarray:
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=autocast):
                images = normalise(pixels.to(device)).contiguous(memory_format=layout)
                return np.asarray(torch.nn.functional.normalize(network(images), dim=1).cpu())

        return run

    last, plain = torch.channels_last, torch.contiguous_format
    paths = [
        ("float32", torch_path(model, plain)),
        ("float32, channels_last and fused", torch_path(fused(model), last)),
    ]
    if device.type == "cpu":
        paths += onnx_path(model, pixels, args.threads)
    if multiplies_bfloat16(device):
        paths.append(("bfloat16 autocast", torch_path(model, last, autocast=True)))
        paths.append(("bfloat16, channels_last and fused", torch_path(fused(model, torch.bfloat16), last)))
    return paths


def onnx_path(model: SGFD, pixels: Tensor, threads: int) -> list[tuple[str, Vectors]]:
    """ONNX Runtime, where it is installed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            export(model, Path(folder) / "a.onnx", pixels[:2].numpy(), "onnx")
        except UserError as missing:
            print(missing, file=sys.stderr)
            return []
        run = open_onnx(Path(folder) / "a.onnx", threads)
    return [("ONNX Runtime", lambda pixels: run(pixels.permute(0, 3, 1, 2).contiguous().float().numpy()))]


def training_rows(name: str, model: SGFD, pixels: Tensor, args: argparse.Namespace) -> list[Row]:
    """One step of the full recipe: rotated and upright pass, losses, backward, Adam."""
    paths = [
        ("float32", "fp32", False),
        ("float32, channels_last", "fp32", True),
        ("bfloat16, channels_last", "bf16", True),
    ]
    bf16 = multiplies_bfloat16(torch.device(args.device))
    rows = []
    for label, precision, layout in paths if bf16 else paths[:2]:
        config = load_config(
            CONFIGS / f"{RECIPES.get(name, 'small')}.toml",
            [f"loop.precision={precision}", f"loop.channels_last={str(layout).lower()}"],
        )
        learner = Learner(SGFD(model.params, IDENTITIES).to(args.device), config)
        count = len(pixels)
        labels, nothing = torch.arange(count) // 4, torch.zeros(count, 4, dtype=torch.long)
        batch = Batch(pixels, labels, nothing, torch.arange(count) % 4)
        seconds = best(lambda learner=learner, batch=batch: step(learner, batch), max(2, args.repeat // 2))
        rows.append({"network": name, "what": f"training step, {label}", **rates(count, seconds)})
    share = training_share(learner, pixels, seconds, args)
    return [
        *rows,
        {"network": name, "what": f"attention module in the last, share of time {share:.1%}", "share": share},
    ]


def step(learner: Learner, batch: Batch) -> float:
    """Forward, backward and Adam; returns the loss, for which a GPU must be waited for."""
    losses = learner.losses(batch)
    learner.update(losses.total)
    return float(losses.total)


def training_share(learner: Learner, pixels: Tensor, step: Seconds, args: argparse.Namespace) -> float:
    """Forward and backward of the attention module over a whole step."""
    encoder = learner.model.attention_encoder
    assert encoder is not None
    with torch.no_grad(), torch.autocast(args.device, learner.precision, enabled=learner.precision != torch.float32):
        local = encoder(normalise(pixels.to(args.device))).detach().requires_grad_()
    seconds = best(lambda: float(learner.model.attention(local).square().sum().backward() or 0), args.repeat)
    return seconds.processor / step.processor


def attention_row(name: str, model: SGFD, pixels: Tensor, fastest: Row, args: argparse.Namespace) -> Row:
    """Share of the attention module in the fastest path's time."""
    assert model.attention_encoder is not None
    dtype = torch.bfloat16 if "bfloat16" in fastest["what"] else torch.float32
    with torch.inference_mode():
        local = fused(model, dtype).attention_encoder(normalise(pixels.to(args.device)).to(dtype))  # type: ignore[misc]
        seconds = best(lambda: float(model.attention(local).sum()), args.repeat * 2)
    share = seconds.processor * float(fastest["images_per_core_s"]) / len(pixels)
    return {"network": name, "what": f"attention module in the fastest, share of time {share:.1%}", "share": share}


def rates(images: int, seconds: Seconds) -> Row:
    return {"images_per_s": images / seconds.clock, "images_per_core_s": images / seconds.processor}


def best(work: Callable[[], object], repeat: int) -> Seconds:
    """The quickest of several runs after one to warm up."""
    runs = []
    for _ in range(repeat + 1):
        started, busy = time.perf_counter(), time.process_time()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        runs.append((time.perf_counter() - started, time.process_time() - busy))
    return Seconds(*(min(times) for times in zip(*runs[1:], strict=True)))


def table(rows: list[Row], args: argparse.Namespace) -> str:
    lines = [
        f"SGFD on {args.device}, {args.threads} threads, best of {args.repeat} "
        "(paper: R50 256 px; small: half R18 128 px)"
    ]
    first: dict[str, float] = {}
    for row in rows:
        if "share" in row:
            lines.append(f"  {row['network']:<7} {row['what']}")
            continue
        kind = row["network"] + row["what"].split(",")[0]
        base = first.setdefault(kind, row["images_per_core_s"])
        cosine = f"   1 - cosine {max(0.0, 1 - row['cosine']):.1e}" if "cosine" in row else ""
        lines.append(
            f"  {row['network']:<7} {row['what']:<46} {row['images_per_s']:8.1f} images/s"
            f" {row['images_per_core_s']:8.1f} per core and s   {row['images_per_core_s'] / base:5.1f} x{cosine}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
