"""The demo's embedder beside what costs nothing: the same network untrained, and colour histograms. Rank-1 and mAP of
each test.

Tests: the held-out vehicles of the synthetic city (VeRi layout), and real ones where ../shared has them (any table for
`--dataset csv`).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mtmc.embed import EmbedParams, make_embedder
from mtmc.weights import EMBEDDER
from reid.datasets import Dataset, load_dataset
from reid.evaluation.datasets import evaluate_dataset
from reid.evaluation.embed import embed_images
from reid.model.checkpoint import load_model, read_header
from reid.model.sgfd import SGFD

Features = NDArray[np.float32]
Embed = Callable[[Sequence[Path]], Features]


def main() -> None:
    args = parse_arguments()
    real = both_ways(load_dataset("csv", args.real)) if args.real.exists() else {}
    tests = {"held-out synthetic vehicles": load_dataset("veri776", args.synthetic)} | real
    network = read_header(args.weights).network
    torch.manual_seed(0)
    ways: dict[str, Embed] = {
        "demo weights": by_network(load_model(args.weights), args.batch),
        "untrained": by_network(SGFD(network).eval(), args.batch),
        "colour histogram": by_colour,
    }
    rows = {test: {way: figures(embed, data) for way, embed in ways.items()} for test, data in tests.items()}
    print(json.dumps(rows, indent=2))


def both_ways(data: Dataset) -> dict[str, Dataset]:
    """Camera 1 asks camera 2, and the other way round."""
    return {"real, 1 -> 2": data, "real, 2 -> 1": Dataset(data.name, data.train, data.gallery, data.query)}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("MTMC_SHARED", "../shared"))
    parser.add_argument("synthetic", type=Path, help="folder that `mtmc synth --reid` made")
    parser.add_argument("--weights", type=Path, default=EMBEDDER)
    parser.add_argument("--real", type=Path, default=shared / "data" / "vehicle-reid-hcmc")
    parser.add_argument("--batch", type=int, default=64)
    return parser.parse_args()


def by_network(model: SGFD, batch: int) -> Embed:
    return lambda paths: embed_images(model, paths, model.params.image_size, batch_size=batch)


def by_colour(paths: Sequence[Path]) -> Features:
    return make_embedder(EmbedParams(embedder="histogram"), "cpu").vectors([cv2.imread(str(path)) for path in paths])


def figures(embed: Embed, data: Dataset) -> dict[str, float]:
    """Image-to-image ranking across cameras: mAP, Top-1, Top-5, Top-10, and the number of queries."""
    first = evaluate_dataset(embed, data)[0]
    return {"queries": first.queries} | {key: round(value, 4) for key, value in first.values.items()}


if __name__ == "__main__":
    main()
