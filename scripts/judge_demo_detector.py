"""AP50 of a run's detections on every frame of its synthetic scene, classes left aside: the demo's detector as the demo
uses it.

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
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

MIN_AREA_PX = 200.0
"""Of a vehicle's mask in the frame that is large enough: the tracker's default limit."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("scene", type=Path, help="scene folder, with gt/coco.json in its cameras")
    args = parser.parse_args()
    document, found = collect(args.run, args.scene)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = document
        truth.createIndex()
        at_half = precision(truth, truth.loadRes(found), "bbox", use_classes=False)[0]
    scores = {"all": mean_precision(at_half[..., 0]), "large_enough": mean_precision(at_half[..., 1])}
    print(json.dumps({"vehicle_AP50": scores, "boxes": len(document["annotations"])}, indent=2))


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


def precision(truth: COCO, found: COCO, kind: str, use_classes: bool) -> NDArray[np.float64]:
    """COCO's precision: (IoU thresholds from 0.5, recalls, classes, all sizes or large enough)."""
    judge = COCOeval(truth, found, kind)
    judge.params.useCats = int(use_classes)
    judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10], [MIN_AREA_PX, 1e10]], ["all", "large_enough"]
    judge.evaluate()
    judge.accumulate()
    return np.asarray(judge.eval["precision"][..., -1])


def mean_precision(values: NDArray[np.float64]) -> float:
    """Mean over what is defined: classes without truth have -1."""
    return float(values[values > -1].mean())


if __name__ == "__main__":
    main()
