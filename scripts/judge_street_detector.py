"""AP50 of detectors on clips of real streets with complete truth (gt_all.txt or gt.txt in MOT's form beside the clip or
in gt/), classes left aside, and processor seconds of one thread for a frame.

python -m scripts.judge_street_detector road/full/vdo.mp4 --weights yolox_nano demo motion --stride 6
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from threadpoolctl import threadpool_limits

from mtmc.detect import DetectParams, detect, make_detector
from mtmc.scene_reader import InputParams, read_scene
from mtmc.structures import Detections
from mtmc.video import Video
from scripts.judge_demo_detector import mean_precision, precision


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--weights", nargs="+", default=["yolox_nano"], help="models, or motion")
    parser.add_argument("--stride", type=int, default=1, help="every so many frames")
    args = parser.parse_args()
    for clip in args.clips:
        for weights in args.weights:
            given = {"detector": "motion"} if weights == "motion" else {"detector": "auto", "weights": weights}
            with threadpool_limits(1):
                frames, found, spent = look(clip, args.stride, DetectParams.model_validate(given))
            score = average_precision(clip, frames, found)
            print(f"{clip}  {weights}  AP50 {score:.3f}  {spent:.3f} s/frame", flush=True)


def look(clip: Path, stride: int, params: DetectParams) -> tuple[list[int], Detections, float]:
    """Frames looked at, their boxes, and processor seconds for one."""
    camera = next(iter(read_scene(clip, params=InputParams(stride=stride)).cameras.values()))
    detector = make_detector(params, "cpu")
    start = time.process_time()
    found = detect(camera, Video(camera), detector, params)
    return camera.frames.tolist(), found, (time.process_time() - start) / len(camera.frames)


def average_precision(clip: Path, frames: list[int], found: Detections) -> float:
    """Of boxes of any class at an intersection over union of one half, by COCO's rules."""
    files = [*clip.parent.glob("**/gt_all.txt"), *clip.parent.glob("**/gt.txt")]
    truth = np.loadtxt(files[0], delimiter=",", ndmin=2)
    truth = truth[np.isin(truth[:, 0] - 1, frames)]
    annotations = [
        {"id": k, "image_id": int(row[0]) - 1, "category_id": 1, "bbox": row[2:6].tolist(), "iscrowd": 0}
        | {"area": float(row[4] * row[5])}
        for k, row in enumerate(truth, start=1)
    ]
    sizes = found.xyxy[:, 2:] - found.xyxy[:, :2]
    results = [
        {"image_id": int(frame), "category_id": 1, "bbox": [*corner, *size], "score": score}
        for frame, corner, size, score in zip(
            found.frames, found.xyxy[:, :2].tolist(), sizes.tolist(), found.scores.tolist(), strict=True
        )
    ]
    document = COCO()
    document.dataset = {
        "images": [{"id": frame} for frame in frames], "annotations": annotations, "categories": [{"id": 1}],
    }  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        document.createIndex()
        at_half = precision(document, document.loadRes(results), "bbox", use_classes=False)[0]
    return mean_precision(at_half[..., 0])


if __name__ == "__main__":
    main()
