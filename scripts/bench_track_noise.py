"""Trackers where detection is poor, others at their best: generated junctions with weak boxes, ghosts and bursts of
misses (track_scenes.py), and real clips with truth.

Peers get the thresholds with the highest mean IDF1 on the development seeds (--dev), scene by scene; ours keeps its
defaults. All are shown on other seeds (--seeds). With --clips every peer gets the thresholds that are best on the clips
named in --choose, and all are shown on the others; boxes are those of --weights (a YOLOX export) from score 0.05 on, at
the clips' own rate, with colour histograms; truth is gt/gt_all.txt, gt/gt.txt or gt.txt beside the video.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_track import ours
from threadpoolctl import threadpool_limits
from track_judge import judge, quick_idf1
from track_peers import PEERS, Peer, Way
from track_scenes import Traffic, scene

from mtmc.detect import DetectParams, detect, make_detector
from mtmc.scene_reader import read_scene
from mtmc.structures import Detections, Tracklet
from mtmc.track import to_tracklets
from mtmc.video import Video

POOR = {"noise": 0.05, "feature_noise": 1.0}
NOISY = (
    Traffic("ghosts", 60, 10, 4, True, ghosts=12, unsure=0.1, missed=0.1, **POOR),
    Traffic("unsure", 60, 10, 2.5, True, ghosts=4, unsure=0.3, missed=0.1, doubled=0.1, **POOR),
    Traffic("bursts", 60, 10, 4, True, ghosts=6, unsure=0.15, missed=0.2, lost_frames=4, invented=0.5, **POOR),
)

Clip = tuple[list[Tracklet], Detections, float]
"""Truth, boxes and frames per second."""
METRICS = ("idf1", "hota", "assa", "mota", "switches", "merged")


def clip_of(folder: Path, weights: Path) -> Clip:
    """A video with its truth beside it, and the boxes that the network finds in it."""
    truth = next(p for n in ("gt/gt_all.txt", "gt/gt.txt", "gt.txt") if (p := folder / n).is_file())
    with tempfile.TemporaryDirectory() as temporary:
        video = next(p for p in sorted(folder.iterdir()) if p.stem == "vdo")
        (Path(temporary) / "c001").mkdir()
        (Path(temporary) / "c001" / video.name).symlink_to(video.resolve())
        camera = read_scene(Path(temporary)).cameras["c001"]
        params = DetectParams(detector="onnx", weights=weights, min_score=0.05)
        found = detect(camera, Video(camera), make_detector(params, "cpu"), params)
    rows = np.loadtxt(truth, delimiter=",", ndmin=2)
    rows = rows[np.lexsort((rows[:, 0], rows[:, 1]))]
    corners = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    tracks = [
        Tracklet("c001", int(n), rows[own, 0] - 1, corners[own], np.ones(own.sum()), 0)
        for n in np.unique(rows[:, 1])
        for own in [rows[:, 1] == n]
    ]
    return tracks, found, camera.fps


def figures(way: Way, clips: Sequence[Clip]) -> dict[str, float]:
    """Mean of each rate, sum of each count."""
    found = [judge(truth, to_tracklets("c001", boxes, way(boxes, fps))) for truth, boxes, fps in clips]
    return {name: (np.sum if name in ("switches", "merged") else np.mean)([f[name] for f in found]) for name in METRICS}


def best(peer: Peer, clips: Sequence[Clip]) -> dict[str, float]:
    """The thresholds with the highest mean IDF1."""
    settings = [dict(zip(peer.grid, values, strict=True)) for values in itertools.product(*peer.grid.values())]
    return max(settings, key=lambda how: _mean_idf1(peer.make(**how), clips))


def _mean_idf1(way: Way, clips: Sequence[Clip]) -> float:
    return float(np.mean([quick_idf1(t, to_tracklets("c001", boxes, way(boxes, fps))) for t, boxes, fps in clips]))


def compared(name: str, chosen_on: Sequence[Clip], shown_on: Sequence[Clip]) -> list[dict[str, Any]]:
    """One row for ours and each peer that is installed."""
    rows = [{"scene": name, "tracker": "jde", "thresholds": {}} | figures(ours(), shown_on)]
    for peer_name, peer in PEERS.items():
        if peer.installed:
            how = best(peer, chosen_on)
            rows.append({"scene": name, "tracker": peer_name, "thresholds": how} | figures(peer.make(**how), shown_on))
    return rows


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    print(f"{'scene':12}{'tracker':22}" + "".join(f"{name:>10}" for name in METRICS) + "  thresholds")
    for row in rows:
        numbers = "".join(f"{row[m]:10.0f}" if m in METRICS[-2:] else f"{row[m]:10.3f}" for m in METRICS)
        print(f"{row['scene']:12}{row['tracker']:22}{numbers}  {row['thresholds'] or 'defaults'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dev", type=int, nargs="+", default=[0, 1], help="seeds that thresholds are chosen on")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12], help="seeds that are shown")
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="folders of real clips instead")
    parser.add_argument("--choose", type=Path, nargs="*", default=[], help="clips that thresholds are chosen on")
    parser.add_argument("--weights", type=Path, help="a YOLOX export for the clips")
    parser.add_argument("--json", action="store_true", help="print all rows as JSON")
    options = parser.parse_args()
    with threadpool_limits(1):
        if options.clips:
            chosen_on = [clip_of(folder, options.weights) for folder in options.choose]
            rows = [r for c in options.clips for r in compared(c.name, chosen_on, [clip_of(c, options.weights)])]
        else:
            rows = []
            for traffic in NOISY:
                chosen_on, shown_on = (
                    [(*scene(traffic, seed), traffic.fps) for seed in seeds] for seeds in (options.dev, options.seeds)
                )
                rows += compared(traffic.name, chosen_on, shown_on)
    if options.json:
        print(json.dumps(rows, indent=1, default=float))
    else:
        show(rows)


if __name__ == "__main__":
    main()
