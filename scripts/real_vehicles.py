"""What is an embedder worth on real vehicles? Two-camera crops; each vehicle of one camera asks for itself in the
other.

Rows that need no training: colour histogram, an untrained network, MobileNetV2 frozen as it comes from ImageNet, and
one for each --weights, by default the packaged ones; of several checkpoints, one a seed, the mean and its spread. Then
small networks learned from the table's train split, variant by variant (--variants; none where it is given none): GB,
GB+GFB and full SGFD from random weights, with the same images in the same order, and MobileNetV2 from ImageNet. Top-1
and mAP, mean and standard deviation over seeds, on the val split, both ways. Finished trainings are kept in --out and
not repeated; `reid attention` shows where two of them look.

    scripts/real_vehicles --variants --weights packaged demo.safetensors --weights tuned seed0.safetensors ...
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mtmc.weights import EMBEDDER
from reid.config import (
    AugmentParams,
    LoopParams,
    LossParams,
    NetworkParams,
    OptimizerParams,
    SamplerParams,
    TrainParams,
    Variant,
)
from reid.data.images import read_image
from reid.datasets import Dataset, ImageSet, load_dataset
from reid.evaluation.datasets import evaluate_dataset
from reid.evaluation.embed import embed_images
from reid.model.checkpoint import load_model, save_model
from reid.model.pretrained import start_from
from reid.model.sgfd import SGFD
from reid.training.trainer import Training

Features = NDArray[np.float32]
Embed = Callable[[Sequence[Path]], Features]
Result = dict[str, float]

FOUR_WHEELS = ("car", "truck", "bus")
VARIANTS: dict[str, Variant] = {"GB only": "global", "GB + GFB": "geometric", "SGFD (GB + GFB + SLB)": "full"}
TUNED = "MobileNetV2 from ImageNet"
SIZE, TUNED_SIZE = (96, 96), (128, 128)
COLOURS = (16, 8, 8)


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    data = load_dataset("csv", args.data)
    tests = directions(data, read_kinds(args.data))
    rows = {"colour histogram": [judge(histograms, tests)]}
    rows["untrained SGFD"] = [judge(network_embed(untrained(seed)), tests) for seed in args.seeds]
    rows["MobileNetV2, frozen"] = [judge(network_embed(frozen()), tests)]
    for name, *files in args.weights:
        rows[name] = [judge(network_embed(load_model(Path(file))), tests) for file in files]
    folders = []
    for seed in args.seeds:
        for name in args.variants:
            folders.append(args.out / f"{VARIANTS.get(name, 'tuned')}-{seed}")
            model = trained(folders[-1], recipe(name, seed, args.epochs), data)
            rows.setdefault(name, []).append(judge(network_embed(model), tests))
            print(table({name: rows[name]}, tests), flush=True)
    print(f"\n{describe(data, tests, args)}\n{table(rows, tests)}")
    if folders:
        seconds = sum(json.loads((folder / "cost.json").read_text())["cpu_s"] for folder in folders)
        print(f"CPU time of the trainings: {seconds / 60:.1f} core-minutes")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("MTMC_SHARED", "../shared"))
    parser.add_argument("--data", type=Path, default=shared / "data/vehicle-reid-hcmc")
    parser.add_argument("--out", type=Path, default=Path("runs/real_vehicles"))
    parser.add_argument(
        "--weights", nargs="+", action="append", help="a row: its name, then checkpoints to judge as they are"
    )
    parser.add_argument("--variants", nargs="*", default=[*VARIANTS, TUNED], choices=[*VARIANTS, TUNED])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    args.weights = args.weights or [["packaged", EMBEDDER]]
    if any(len(row) == 1 for row in args.weights):
        parser.error("--weights: a name, then one or more checkpoints")
    return args


def recipe(name: str, seed: int, epochs: int) -> TrainParams:
    """The same for all variants but the network and, from ImageNet, a lower rate."""
    tuned = name == TUNED
    return TrainParams(
        dataset="csv",
        pretrained="imagenet" if tuned else "none",
        network=mobilenet() if tuned else network(VARIANTS[name]),
        augment=AugmentParams(jitter=0.3, erase_area=(0.02, 0.2)),
        sampler=SamplerParams(identities=12, images=2),
        loss=LossParams(margin=0.3),
        optimizer=OptimizerParams(
            lr=5e-4 if tuned else 1e-3,
            schedule="cosine",
            warmup_epochs=2,
            tail_epochs=1,
            frozen="stem" if tuned else "nothing",
        ),
        loop=LoopParams(epochs=epochs, seed=seed, evaluate_every=0),
    )


def network(variant: Variant) -> NetworkParams:
    return NetworkParams(
        variant=variant,
        backbone="resnet10",
        attention_encoder="resnet10",
        width=0.5,
        attention_width=0.25,
        image_size=SIZE,
    )


def mobilenet() -> NetworkParams:
    return NetworkParams(variant="global", backbone="mobilenet_v2", image_size=TUNED_SIZE)


def untrained(seed: int) -> SGFD:
    torch.manual_seed(seed)
    return SGFD(network("full"))


def frozen() -> SGFD:
    """ImageNet's features with an untrained neck, which changes nothing."""
    model = SGFD(mobilenet())
    start_from(model, "imagenet")
    return model


def directions(data: Dataset, kinds: dict[str, str]) -> dict[str, Dataset]:
    """The test both ways, of all vehicles and of those on four wheels."""
    ways = {"1 -> 2": data, "2 -> 1": Dataset(data.name, data.train, data.gallery, data.query)}
    four = {f"{way}, four wheels": of_kinds(test, kinds) for way, test in ways.items()}
    return {f"{way}, all": test for way, test in ways.items()} | four


def trained(folder: Path, params: TrainParams, data: Dataset) -> SGFD:
    """The network of a folder, trained there first unless it is."""
    if not (folder / "cost.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        started = time.process_time()
        training = Training(params, data, folder, evaluate=no_evaluation)
        result = training.run()
        save_model(training.learner.eval_model, folder / "last.safetensors")
        cost = {"cpu_s": time.process_time() - started, **result.losses}
        (folder / "cost.json").write_text(json.dumps(cost))
    return load_model(folder / "last.safetensors")


def no_evaluation(model: SGFD, data: Dataset) -> dict[str, float]:
    raise AssertionError("nothing is judged while it learns: the val split must not choose an epoch")


def network_embed(model: SGFD) -> Embed:
    """Embeds each image once, however many tests ask for it."""
    known: dict[Path, NDArray[np.float32]] = {}

    def embed(paths: Sequence[Path]) -> Features:
        new = [path for path in paths if path not in known]
        if new:
            known.update(zip(new, embed_images(model, new, model.params.image_size), strict=True))
        return np.stack([known[path] for path in paths])

    return embed


def histograms(paths: Sequence[Path]) -> Features:
    """Square roots of HSV histograms of the middle of each crop, unit: their product is the Bhattacharyya
    coefficient."""
    return np.stack([histogram(path) for path in paths])


def histogram(path: Path) -> Features:
    image = np.asarray(read_image(path))
    height, width = image.shape[:2]
    middle = image[height // 8 : height - height // 8, width // 8 : width - width // 8]
    counts = cv2.calcHist([cv2.cvtColor(middle, cv2.COLOR_RGB2HSV)], [0, 1, 2], None, COLOURS, [0, 180, 0, 256, 0, 256])
    return np.asarray(np.sqrt(counts.ravel() / counts.sum()), dtype=np.float32)


def read_kinds(root: Path) -> dict[str, str]:
    with (root / "index.csv").open() as file:
        return {row["path"]: row["type"] for row in csv.DictReader(file)}


def of_kinds(data: Dataset, kinds: dict[str, str]) -> Dataset:
    """The same data set with four-wheeled query and gallery."""

    def chosen(images: ImageSet) -> ImageSet:
        names = [f"images/{path.parent.name}/{path.name}" for path in images.paths]
        return images.take(np.array([kinds[name] in FOUR_WHEELS for name in names]))

    return Dataset(data.name, data.train, chosen(data.query), chosen(data.gallery))


def judge(embed: Embed, tests: dict[str, Dataset]) -> Result:
    values: Result = {}
    for name, data in tests.items():
        (figure,) = evaluate_dataset(embed, data)
        values |= {f"{name}: Top-1": figure.values["Top-1"], f"{name}: mAP": figure.values["mAP"]}
    return values


def describe(data: Dataset, tests: dict[str, Dataset], args: argparse.Namespace) -> str:
    sizes = ", ".join(f"{name}: {len(test.query)} x {len(test.gallery)}" for name, test in tests.items())
    images = f"{len(data.train)} images of {data.train.vehicle_count} vehicles"
    trained = f"; trained on {images}, {args.epochs} epochs" if args.variants else ""
    return f"queries x answers {sizes}{trained}, {len(args.seeds)} seeds; Top-1 / mAP, percent"


def table(rows: dict[str, list[Result]], tests: dict[str, Dataset]) -> str:
    """Top-1 / mAP per test."""
    lines = [" " * 28 + "".join(f"{name:>26}" for name in tests)]
    for name, results in rows.items():
        cells = [
            " / ".join(spread([result[f"{test}: {figure}"] for result in results]) for figure in ("Top-1", "mAP"))
            for test in tests
        ]
        lines.append(f"{name:<28}" + "".join(f"{cell:>26}" for cell in cells))
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    mean = f"{100 * np.mean(values):.1f}"
    return f"{mean} ± {100 * np.std(values, ddof=1):.1f}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()
