"""Where does the attention look? Share of the strongest tenth of Q inside the vehicle, for the published module and its
mends.

Trains small networks on crops of the synthetic city (a table for ``--dataset csv``), variant by variant and seed by
seed, and measures them on crops of other scenes whose silhouettes are known: `mtmc synth FOLDER --coco N --seed S`. The
strongest tenth are the map's positions of highest Q; a position counts as inside by the share of its pixels that the
silhouette covers. Beside it, the share of the crops' area that vehicles cover: what blind attention would get.

    python -m scripts.bench_attention TABLE COCO --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from reid.config import TrainParams
from reid.data.images import normalise
from reid.datasets import Dataset, load_dataset
from reid.model.checkpoint import load_model
from reid.model.sgfd import SGFD
from reid.training.trainer import Training

SIDE = 96
LEAST_PX = 40
VARIANTS: dict[str, dict[str, dict[str, object]]] = {
    "GB + GFB": {"network": {"variant": "geometric"}},
    "full, as published": {},
    "full, mended": {
        "network": {"kernel_share": 0.22, "border_inside": True},
        "augment": {"rotation_disc": 0.4},
    },
    "GB + GFB, mended": {"network": {"variant": "geometric", "kernel_share": 0.22, "border_inside": True}},
    "full, disc only": {"augment": {"rotation_disc": 0.4}},
    "full, K and border only": {"network": {"kernel_share": 0.22, "border_inside": True}},
}


class Silhouettes(NamedTuple):
    """Crops (N, SIDE, SIDE, 3) uint8 RGB, and which of their pixels are the vehicle's, (N, SIDE, SIDE) in [0, 1]."""

    crops: NDArray[np.uint8]
    inside: NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="crops to learn from, as `reid train --dataset csv` reads them")
    parser.add_argument("coco", type=Path, help="frames with masks to measure on, of another seed")
    parser.add_argument("--out", type=Path, default=Path("runs/attention"))
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    test, data = silhouettes(args.coco), load_dataset("csv", args.table)
    print(f"{len(test.crops)} crops, vehicles cover {test.inside.mean():.1%}; trained on {len(data.train)} crops")
    rows: dict[str, list[float]] = {}
    for seed in args.seeds:
        for name in args.variants:
            model = trained(args.out / f"{name.replace(' ', '_')}-{seed}", name, seed, args.epochs, data)
            rows.setdefault(name, []).append(share_inside(model, test))
            print(f"seed {seed}  {name:<26} {rows[name][-1]:.1%}", flush=True)
    summary = {name: {"mean": float(np.mean(row)), "seeds": row} for name, row in rows.items()}
    print(json.dumps({"covered": float(test.inside.mean()), "strongest tenth inside": summary}))


def silhouettes(folder: Path) -> Silhouettes:
    """The vehicles of a COCO set that are whole and large enough, cut out with a margin as the pipeline does."""
    notes = json.loads((folder / "coco.json").read_text())
    names = {image["id"]: image["file_name"] for image in notes["images"]}
    crops, inside = [], []
    for note in notes["annotations"]:
        left, top, width, height = note["bbox"]
        if min(width, height) < LEAST_PX or note["visible"] < 0.9:
            continue
        image = cv2.imread(str(folder / "images" / names[note["image_id"]]))
        mask = coco_mask.decode(note["segmentation"]).astype(np.float32)
        grow_x, grow_y = round(0.05 * width), round(0.05 * height)
        rows = slice(max(0, top - grow_y), top + height + grow_y)
        columns = slice(max(0, left - grow_x), left + width + grow_x)
        crops.append(cv2.resize(image[rows, columns, ::-1], (SIDE, SIDE), interpolation=cv2.INTER_AREA))
        inside.append(cv2.resize(mask[rows, columns], (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return Silhouettes(np.stack(crops), np.stack(inside))


def trained(folder: Path, name: str, seed: int, epochs: int, data: Dataset) -> SGFD:
    """The network of a folder, trained there first unless it is, or to its end where it was stopped."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        training = Training(recipe(name, seed, epochs), data, folder, evaluate=no_evaluation)
        if (folder / "state.pt").exists():
            training.resume()
        training.run()
        (folder / "done").touch()
    return load_model(folder / "last.safetensors")


def recipe(name: str, seed: int, epochs: int) -> TrainParams:
    """The same for all variants but what the variant names."""
    network = {"backbone": "resnet10", "attention_encoder": "resnet10", "width": 0.5, "attention_width": 0.25}
    changes = VARIANTS[name]
    return TrainParams.model_validate(
        {
            "dataset": "csv",
            "pretrained": "none",
            "network": network | {"image_size": (SIDE, SIDE)} | changes.get("network", {}),
            "augment": {"jitter": 0.3, "erase_area": (0.02, 0.2)} | changes.get("augment", {}),
            "sampler": {"identities": 8, "images": 4},
            "loss": {"margin": 0.3},
            "optimizer": {"lr": 1e-3, "schedule": "cosine", "warmup_epochs": 1, "tail_epochs": 1},
            "loop": {"epochs": epochs, "seed": seed, "evaluate_every": 0},
        }
    )


def no_evaluation(model: SGFD, data: Dataset) -> dict[str, float]:
    raise AssertionError("nothing is evaluated while it learns")


def share_inside(model: SGFD, test: Silhouettes) -> float:
    """How much of the strongest tenth of each map's positions the silhouettes cover, mean over crops, in [0, 1]."""
    shares = []
    for start in range(0, len(test.crops), 64):
        pixels = torch.from_numpy(test.crops[start : start + 64])
        with torch.inference_mode():
            maps = model.attention_map(normalise(pixels))  # (B, 1, H, W)
        covered = torch.from_numpy(test.inside[start : start + 64])[:, None]
        covered = torch.nn.functional.adaptive_avg_pool2d(covered, maps.shape[2:]).flatten(1)  # (B, H * W)
        strongest = maps.flatten(1).topk(round(0.1 * covered.shape[1]), dim=1).indices
        shares += covered.gather(1, strongest).mean(dim=1).tolist()
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
