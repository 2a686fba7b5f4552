"""AP50 of a run's detections on every frame of its synthetic scene, classes left aside: the demo's detector as the demo uses it.

mtmc synth out/held-out --preset demo --seed 31
mtmc run --videos out/held-out/S01 --out out/held-out/run --config configs/pipeline/demo.toml
python -m scripts.judge_demo_detector out/held-out/run out/held-out/S01
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SIZES = {"all": 0.0, "of 200 px² and more": 200.0, "of 400 px² and more": 400.0}
"""Least area of a vehicle's mask in the frame, square pixels; the tracker's default limit is 200."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("scene", type=Path, help="scene folder, with gt/coco.json in its cameras")
    args = parser.parse_args()
    truth, found = collect(args.run, args.scene)
    with contextlib.redirect_stdout(io.StringIO()):
        scores = ap50(truth, found)
    counts = {name: sum(a["area"] >= least for a in truth["annotations"]) for name, least in SIZES.items()}
    print(json.dumps({name: {"AP50": round(scores[name], 4), "boxes": counts[name]} for name in SIZES}, indent=2))


def collect(run: Path, scene: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """All cameras in one COCO document, and the detections in COCO's form; every box a "vehicle"."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for table_path in sorted((run / "detections").glob("*.parquet")):
        document = json.loads((scene / table_path.stem / "gt" / "coco.json").read_text())
        first = len(images)
        images += [image | {"id": first + image["id"]} for image in document["images"]]
        annotations += [
            {"id": len(annotations) + k, "image_id": first + a["image_id"], "category_id": 1, "iscrowd": 0}
            | {"bbox": a["bbox"], "area": a["area"]}
            for k, a in enumerate(document["annotations"], start=1)
        ]
        table = pq.read_table(table_path)
        frame, x1, y1, x2, y2, score = (table[name].to_numpy() for name in ("frame", "x1", "y1", "x2", "y2", "score"))
        boxes = np.stack([x1, y1, x2 - x1, y2 - y1], axis=1).astype(float).tolist()
        found += [
            {"image_id": first + int(f) + 1, "category_id": 1, "bbox": box, "score": float(s)}
            for f, box, s in zip(frame, boxes, score, strict=True)
        ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "vehicle"}]}, found


def ap50(truth: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, float]:
    """COCO's average precision at IoU 0.5 for each of SIZES."""
    coco = COCO()
    coco.dataset = truth
    coco.createIndex()
    judge = COCOeval(coco, coco.loadRes(found), "bbox")
    judge.params.iouThrs = np.array([0.5])
    judge.params.areaRng, judge.params.areaRngLbl = [[least, 1e10] for least in SIZES.values()], list(SIZES)
    judge.evaluate()
    judge.accumulate()
    precision = judge.eval["precision"][0, :, 0, :, -1]
    return {name: float(precision[:, k].mean()) for k, name in enumerate(SIZES)}


if __name__ == "__main__":
    main()
