"""Vehicles that cross a line in ten clips of three London cameras, by day, dusk and night: counted by hand, and by
detection and tracking with their defaults.

A vehicle counts where its bottom centre crosses the row of the picture, up or down; motorcycles and bicycles do not.
Hand counts were made from the row's pictures over time (slit scans) and the frames around every crossing, before any
detector had run. --clips names the folder (the clips are TfL's and not part of the project).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from mtmc.detect import DetectParams, detect, make_detector
from mtmc.scene_reader import InputParams, read_scene
from mtmc.structures import Tracklet
from mtmc.track import TrackParams, make_tracker, track
from mtmc.video import Video

ROW = {"04254": 165, "09747": 125, "09800": 150}
"""The line of each camera: a row of its picture."""
BY_HAND = {
    "04254_00h": 4,
    "04254_08h": 6,
    "04254_12h": 1,
    "04254_18h": 1,
    "09747_00h": 4,
    "09747_06h": 2,
    "09747_12h": 4,
    "09800_00h": 0,
    "09800_12h": 1,
    "09800_18h": 8,
}


def crossings(tracklets: list[Tracklet], row: float) -> int:
    """Tracklets that begin on one side of the row and end on the other."""
    bottoms = [tracklet.xyxy[[0, -1], 3] for tracklet in tracklets]
    return sum(bool((first < row) != (last < row)) for first, last in bottoms)


def counted(clips: Path, names: list[str], params: DetectParams) -> Iterator[tuple[str, int, float]]:
    """Clip, vehicles that cross its line, and processor seconds of detection per frame."""
    detector, how = make_detector(params, "cpu"), TrackParams()
    for name in names:
        scene = read_scene(clips / f"{name}.mp4", params=InputParams(max_fps=10))
        camera = next(iter(scene.cameras.values()))
        start = time.process_time()
        found = detect(camera, Video(camera), detector, params)
        spent = (time.process_time() - start) / len(camera.frames)
        yield name, crossings(track(camera, found, make_tracker(how), how), ROW[name[:5]]), spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True, help="folder of 04254_00h.mp4 and so on")
    parser.add_argument("--weights", type=Path, default=Path("yolox_nano"), help="YOLOX export for onnx")
    parser.add_argument("--detectors", nargs="+", default=["onnx", "street", "motion", "demo"], help="to count with")
    options = parser.parse_args()
    ways = {
        "onnx": {"detector": "onnx", "weights": options.weights},
        "motion": {"detector": "motion"},
        "street": {"detector": "onnx", "weights": "street"},
        "demo": {"detector": "detectron2", "weights": "demo"},
    }
    names = list(BY_HAND)
    print(f"{'':10}" + "".join(f"{name:>11}" for name in names) + f"{'all':>6}{'error':>7}{'s/frame':>9}")
    print(f"{'by hand':10}" + "".join(f"{BY_HAND[name]:11d}" for name in names) + f"{sum(BY_HAND.values()):6d}")
    with threadpool_limits(1):
        for way in options.detectors:
            rows = list(counted(options.clips, names, DetectParams.model_validate(ways[way])))
            error = sum(abs(count - BY_HAND[name]) for name, count, _ in rows)
            counts = "".join(f"{count:11d}" for _, count, _ in rows)
            cost = float(np.mean([spent for *_, spent in rows]))
            print(f"{way:10}{counts}{sum(count for _, count, _ in rows):6d}{error:7d}{cost:9.3f}", flush=True)


if __name__ == "__main__":
    main()
