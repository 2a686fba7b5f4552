"""Train the demo's Mask R-CNN, from random weights or on from a file, on frames of `mtmc synth --coco`: DATA/train*/
and DATA/val/.

A plain loop: AdamW, cosine rate after a warm-up, bfloat16 where the device computes it natively, a running mean of the
weights, a checkpoint from which a second call resumes. Writes the mean as float16 safetensors and prints COCO's box and
mask scores on val.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as mask_util
from pycocotools.coco import COCO
from safetensors.torch import load_file, save_file

from mtmc.detect import detectron2_compat
from scripts.judge_demo_detector import mean_precision, precision
from scripts.training_loop import follow, half_precision, rate, resume, save_checkpoint

detectron2_compat.apply()

from detectron2.config import CfgNode, get_cfg  # noqa: E402 - needs the compatibility names
from detectron2.data import DatasetCatalog, DatasetMapper, MetadataCatalog, build_detection_test_loader  # noqa: E402
from detectron2.data.datasets import register_coco_instances  # noqa: E402
from detectron2.evaluation import COCOEvaluator, inference_on_dataset  # noqa: E402
from detectron2.modeling import build_model  # noqa: E402
from detectron2.structures import BitMasks, Instances  # noqa: E402
from detectron2.utils.events import EventStorage  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "mtmc" / "weights" / "demo_detector.yaml"
SHORT_SIDES_PX = (260, 440)  # frames are scaled to a shorter side between these, then cut to CROP_PX around a vehicle
CROP_PX = (352, 256)
MIN_SHARE = 0.25  # of a box that a crop must keep, as the synthetic city's own rule for the image's border
EMA_DECAY, CLIP_NORM = 0.998, 10.0
CHECKPOINT_EVERY, LOG_EVERY = 250, 20


def main() -> None:
    args = parse_arguments()
    seed_everything(args.seed)
    config = model_config(args.device)
    train = [read_split(folder) for folder in sorted(args.data.glob("train*"))]
    val = read_split(args.data / "val")
    model = build_model(config).to(memory_format=torch.channels_last)
    if args.start is not None:
        model.load_state_dict(load_file(str(args.start)))
    if not args.only_evaluate:
        seconds = fit(model, train, args)
        store(
            model,
            args.out,
            {
                "classes": json.dumps(class_names(val)[: config.MODEL.ROI_HEADS.NUM_CLASSES]),
                "steps": str(args.steps),
                "seconds": f"{seconds:.0f}",
            },
        )
    scores = evaluate(model, args, config, val)
    print(json.dumps({name: {k: round(v, 4) for k, v in part.items()} for name, part in scores.items()}, indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with train*/ and val/")
    parser.add_argument("--out", type=Path, default=ROOT / "mtmc" / "weights" / "demo_detector.safetensors")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "demo_detector", help="folder of the checkpoint")
    parser.add_argument("--start", type=Path, help="weights to start from; random ones without")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--lr", type=float, default=6e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only-evaluate", action="store_true", help="score --out on val and train nothing")
    return parser.parse_args()


def seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - Detectron2's transforms draw from it
    torch.manual_seed(seed)


def model_config(device: str) -> CfgNode:
    config = get_cfg()
    config.merge_from_file(str(MODEL))
    config.MODEL.DEVICE = device
    return config


def read_split(folder: Path) -> str:
    """Register a split with Detectron2; returns its name."""
    name = f"demo-{folder.name}"
    register_coco_instances(name, {}, str(folder / "coco.json"), str(folder / "images"))
    return name


def class_names(split: str) -> list[str]:
    categories = COCO(MetadataCatalog.get(split).json_file).cats
    return [categories[number]["name"] for number in sorted(categories)]


# --- training -------------------------------------------------------------------------------------------------------


def fit(model: torch.nn.Module, splits: list[str], args: argparse.Namespace) -> float:
    """Train, or go on from the checkpoint; the model ends as the running mean. Returns seconds of training, all calls
    together."""
    mean = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(parameter_groups(model), lr=args.lr, fused=True)
    path = args.work / "checkpoint.pt"
    first, earlier = resume(path, model, mean, optimizer)
    started = time.monotonic()
    batches = sample(splits, args.batch, args.seed + first)
    model.train()
    with EventStorage(first) as storage:
        for step in range(first, args.steps):
            for group in optimizer.param_groups:
                group["lr"] = args.lr * rate(step, step / args.steps)
            losses = train_step(model, next(batches), optimizer, args.device)
            follow(mean, model, min(EMA_DECAY, (1 + step) / (10 + step)))
            if step % LOG_EVERY == 0:
                logging.info("%s", progress(step, args.steps, losses, time.monotonic() - started))
            if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == args.steps:
                save_checkpoint(path, model, mean, optimizer, step + 1, earlier + time.monotonic() - started)
            storage.step()
    model.load_state_dict(mean.state_dict())
    return earlier + time.monotonic() - started


def parameter_groups(model: torch.nn.Module) -> list[dict[str, Any]]:
    """Weight decay on matrices and filters only, not on biases and norms."""
    parts: dict[bool, list[torch.nn.Parameter]] = {True: [], False: []}
    for parameter in model.parameters():
        parts[parameter.ndim > 1].append(parameter)
    return [{"params": parts[True], "weight_decay": 0.05}, {"params": parts[False], "weight_decay": 0.0}]


def train_step(
    model: torch.nn.Module, batch: list[dict[str, Any]], optimizer: torch.optim.Optimizer, device: str
) -> dict[str, float]:
    with half_precision(device):
        losses = model(batch)
    total = sum(losses.values())
    if not torch.isfinite(total):
        raise RuntimeError(f"training diverged: {losses}")
    optimizer.zero_grad(set_to_none=True)
    total.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
    optimizer.step()
    return {name.removeprefix("loss_"): float(loss) for name, loss in losses.items()}


def sample(splits: list[str], batch: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Batches for ever: every frame once per round, in a new order, freshly cut and coloured."""
    frames = [frame for split in splits for frame in records(split) if frame["annotations"]]
    random = np.random.default_rng(seed)
    waiting: list[int] = []
    while True:
        while len(waiting) < batch:
            waiting.extend(random.permutation(len(frames)).tolist())
        yield [example(frames[waiting.pop()], random) for _ in range(batch)]


def example(frame: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
    """What Detectron2 trains on: a crop (3, h, w) uint8 BGR of CROP_PX around one of the frame's vehicles, mirrored
    half the time."""
    boxes = np.array([a["bbox"] for a in frame["annotations"]], np.float64)
    x0, y0, wide, high = crop_around(boxes[random.integers(len(boxes))], (frame["width"], frame["height"]), random)
    flip = -1 if random.random() < 0.5 else 1
    image = cv2.imread(frame["file_name"])[y0 : y0 + high, x0 : x0 + wide]
    image = coloured(cv2.resize(image, CROP_PX, interpolation=cv2.INTER_AREA), random)[:, ::flip]
    kept = [a for a in frame["annotations"] if share_inside(a["bbox"], x0, y0, wide, high) >= MIN_SHARE]
    whole = [mask_util.decode(a["segmentation"])[y0 : y0 + high, x0 : x0 + wide] for a in kept]
    masks = [cv2.resize(mask, CROP_PX, interpolation=cv2.INTER_AREA)[:, ::flip] for mask in whole]
    instances = Instances((CROP_PX[1], CROP_PX[0]))
    instances.gt_masks = BitMasks(np.stack(masks) if masks else np.zeros((0, CROP_PX[1], CROP_PX[0]), bool))
    instances.gt_boxes = instances.gt_masks.get_bounding_boxes()
    instances.gt_classes = torch.tensor([a["category_id"] for a in kept], dtype=torch.int64)
    picture = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    return {"image": picture, "instances": instances[instances.gt_boxes.nonempty(threshold=3.0)]}


def crop_around(box: Any, size: tuple[int, int], random: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, width and height, pixels of the frame, of a crop that holds (x, y, w, h) ``box``'s middle
    somewhere."""
    scale = random.uniform(*SHORT_SIDES_PX) / size[1]
    wide, high = (min(round(crop / scale), side) for crop, side in zip(CROP_PX, size, strict=True))
    middle = box[:2] + box[2:] / 2
    left, top = (middle - random.uniform(0.2, 0.8, 2) * (wide, high)).round().astype(int)
    return int(np.clip(left, 0, size[0] - wide)), int(np.clip(top, 0, size[1] - high)), wide, high


def share_inside(box: Any, x0: int, y0: int, wide: int, high: int) -> float:
    x, y, w, h = box
    across = min(x + w, x0 + wide) - max(x, x0)
    down = min(y + h, y0 + high) - max(y, y0)
    return float(max(across, 0) * max(down, 0) / (w * h))


def coloured(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure, contrast and white balance."""
    gains = random.uniform(0.8, 1.25) * random.uniform(0.92, 1.08, 3)
    tones = 255 * (np.arange(256)[:, None] / 255) ** random.uniform(0.75, 1.3) * gains
    return np.asarray(cv2.LUT(image, np.clip(tones, 0, 255).astype(np.uint8).reshape(1, 256, 3)))


def records(split: str) -> list[dict[str, Any]]:
    return list(DatasetCatalog.get(split))


def progress(step: int, steps: int, losses: dict[str, float], seconds: float) -> str:
    parts = " ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
    return f"step {step}/{steps} {seconds:.0f} s: loss {sum(losses.values()):.3f} ({parts})"


# --- files ----------------------------------------------------------------------------------------------------------


def store(model: torch.nn.Module, path: Path, facts: dict[str, str]) -> None:
    """Write the weights as float16 safetensors; the header names the classes in the order of the model's outputs."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in model.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(path), facts)
    logging.info("wrote %s, %.1f MB", path, path.stat().st_size / 1e6)


# --- scores ---------------------------------------------------------------------------------------------------------


def evaluate(
    model: torch.nn.Module, args: argparse.Namespace, config: CfgNode, split: str
) -> dict[str, dict[str, float]]:
    """COCO's scores (0 to 1) of boxes and masks of the weights file on a held-out split: see ``summary``."""
    model.load_state_dict(load_file(str(args.out)))
    model.float().eval()
    evaluator = COCOEvaluator(
        split, tasks=("bbox", "segm"), distributed=False, output_dir=str(args.work), use_fast_impl=False
    )
    loader = build_detection_test_loader(records(split), mapper=DatasetMapper(config, is_train=False), num_workers=0)
    with half_precision(config.MODEL.DEVICE):
        inference_on_dataset(model, loader, evaluator)
    truth = COCO(MetadataCatalog.get(split).json_file)
    found = truth.loadRes(str(args.work / "coco_instances_results.json"))
    return {kind: summary(truth, found, kind) for kind in ("bbox", "segm")}


def summary(truth: COCO, found: COCO, kind: str) -> dict[str, float]:
    """AP and AP50 as COCO has them (mean over the four classes), then of vehicles of any class; ``large_enough`` leaves
    out those below MIN_AREA_PX, as the tracker does."""
    by_class, as_one = (precision(truth, found, kind, use_classes) for use_classes in (True, False))
    return {
        "AP": mean_precision(by_class[..., 0]),
        "AP50": mean_precision(by_class[0, ..., 0]),
        "vehicle_AP50": mean_precision(as_one[0, ..., 0]),
        "vehicle_AP50_large_enough": mean_precision(as_one[0, ..., 1]),
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    main()
