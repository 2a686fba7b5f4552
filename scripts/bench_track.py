"""Trackers side by side on identical recorded boxes and embeddings of generated junctions, sparse and dense
(track_scenes.py).

Times are those of the processor (one thread), which a busy machine disturbs less than the clock: association alone,
from boxes and embeddings to numbers, best of --repeat runs or of one second's. Scores are of the tracker's own boxes
against the truth: no cleaning, no repair; the last rows show what repair adds. TrackEval judges. Roboflow's `trackers`
and `norfair` are no dependencies: install them elsewhere (pip install --target DIR trackers norfair) and name that
folder in PYTHONPATH to see them. They take no embeddings as used here.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from track_judge import judge
from track_peers import PEERS, Way, deep_sort_realtime
from track_scenes import SIZE, Traffic, scene

from mtmc.structures import Detections
from mtmc.track import JdeParams, RepairParams, TrackParams, Tracks, make_tracker, to_tracklets
from mtmc.track.repair import fill, repair

SCENES = (
    Traffic("sparse", 60, 10, 10, False),
    Traffic("dense", 60, 10, 2.5, True),
    Traffic("dense, 30 fps", 20, 30, 2.5, True),
)


def ours(**params: Any) -> Way:
    tracker = make_tracker(TrackParams(**params))
    return lambda found, fps: tracker.track(found, fps, SIZE)


def without_features(way: Way) -> Way:
    return lambda found, fps: way(
        Detections(found.frames, found.xyxy, found.scores, found.labels, found.features[:, :0]), fps
    )


def repaired(found: Detections, fps: float) -> Tracks:
    return repair(found, ours()(found, fps), fps, RepairParams())


def ways() -> dict[str, Way | None]:
    """Trackers by name, None where a package is absent; the peers with their own defaults but for ByteTrack's start."""
    given = {"trackers: ByteTrack": {"track_activation_threshold": 0.5}, "trackers: SORT": {}, "norfair": {}}
    peers = {name: PEERS[name].make(**how) if PEERS[name].installed else None for name, how in given.items()}
    return {
        "jde": ours(),
        "jde, no embeddings": without_features(ours()),
        "jde, as published": ours(jde=JdeParams.published()),
        "deep-sort-realtime, own defaults": deep_sort_realtime(),
        "deep-sort-realtime, our adapter": ours(tracker="deepsort"),
        **peers,
        "jde + repair": repaired,
    }


# --- measuring -------------------------------------------------------------------------------------------------------


def seconds(way: Way, found: Detections, fps: float, repeat: int) -> tuple[float, Tracks]:
    """Processor time of the best of ``repeat`` runs, or of as many as fit into a second where they are short, and its
    result."""
    spent: list[float] = []
    while len(spent) < repeat or sum(spent) < 1.0:
        start = time.process_time()
        tracks = way(found, fps)
        spent.append(time.process_time() - start)
    return min(spent), tracks


def rows_for(traffic: Traffic, seed: int, repeat: int) -> list[dict[str, Any]]:
    truth, found = scene(traffic, seed)
    frames = int(found.frames[-1] - found.frames[0]) + 1
    rows = []
    for name, way in ways().items():
        row: dict[str, Any] = {"scene": traffic.name, "boxes_per_frame": len(found) / frames, "tracker": name}
        if way is not None:
            spent, tracks = seconds(way, found, traffic.fps, repeat)
            tracklets = to_tracklets("c001", found, tracks)
            if name.endswith("repair"):
                tracklets = [fill(t, int(RepairParams().max_fill_s * traffic.fps)) for t in tracklets]
            row |= {"frames_s": frames / spent, "boxes_s": len(found) / spent} | judge(truth, tracklets)
        rows.append(row)
    return rows


def growth(counts: list[int], repeat: int) -> list[dict[str, Any]]:
    """jde on ever more copies of the dense scene side by side: boxes per frame and microseconds per box."""
    _, found = scene(Traffic("tile", 10, 10, 2.5, True), 0)
    rows = []
    for copies in counts:
        order = np.argsort(np.tile(found.frames, copies), kind="stable")
        shift = np.repeat(np.arange(copies), len(found))[:, None] * [SIZE[0] + 50, 0, SIZE[0] + 50, 0]
        tiled = Detections(
            *(np.concatenate([a] * copies)[order] if a is not found.xyxy else (np.tile(a, (copies, 1)) + shift)[order]
              for a in (found.frames, found.xyxy, found.scores, found.labels, found.features))
        )  # fmt: skip
        spent, _ = seconds(ours(), tiled, 10.0, repeat)
        rows.append(
            {
                "boxes_per_frame": len(tiled) / 100,
                "us_per_frame": spent / 100 * 1e6,
                "us_per_box": spent / len(tiled) * 1e6,
            }
        )
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    reference = {r["scene"]: r["frames_s"] for r in rows if r["tracker"] == "deep-sort-realtime, own defaults"}
    head = f"{'scene':15}{'boxes/frame':>12}  {'tracker':34}{'frames/s':>9}{'boxes/s':>9}{'times':>7}"
    print(head + "   MOTA   IDF1   HOTA   AssA  switches  merged")
    for row in rows:
        head = f"{row['scene']:15}{row['boxes_per_frame']:12.1f}  {row['tracker']:34}"
        if "frames_s" not in row:
            print(head + "not installed")
            continue
        times = row["frames_s"] / reference[row["scene"]]
        scores = "".join(f"{row[name]:7.3f}" for name in ("mota", "idf1", "hota", "assa"))
        scores += f"{row['switches']:10d}{row['merged']:8d}"
        print(f"{head}{row['frames_s']:9.0f}{row['boxes_s']:9.0f}{times:7.1f}{scores}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--repeat", type=int, default=3, help="each time is the best of so many runs or more (default 3)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the generated scenes")
    parser.add_argument("--json", action="store_true", help="print all rows as JSON")
    options = parser.parse_args()
    with threadpool_limits(1):
        rows = [row for traffic in SCENES for row in rows_for(traffic, options.seed, options.repeat)]
        grown = growth([1, 4, 16, 48], options.repeat)
    if options.json:
        print(json.dumps({"trackers": rows, "growth": grown}, indent=1))
        return
    machine = platform.processor() or platform.machine()
    print(f"{machine}, one thread, Python {platform.python_version()}, numpy {np.__version__}")
    show(rows)
    print("\njde on ever more road")
    for row in grown:
        times = f"{row['us_per_frame']:10.0f} us/frame{row['us_per_box']:8.1f} us/box"
        print(f"{row['boxes_per_frame']:8.0f} boxes/frame{times}")
    logs = np.log([[r["boxes_per_frame"], r["us_per_frame"]] for r in grown])
    growth_rate = np.polyfit(logs[-3:, 0], logs[-3:, 1], 1)[0]
    print(f"time ~ boxes^{growth_rate:.2f} from {grown[-3]['boxes_per_frame']:.0f} boxes per frame on")


if __name__ == "__main__":
    main()
