"""Scorers side by side on one synthetic set: AI City's training size (36 cameras, 184 vehicles, about 70 000 boxes) and
ten times that.

All start from the same flat arrays in one process. The time of each includes what it needs to get from there to its
numbers, but for motrics, which gets its frames ready made. motmetrics gets IoU matrices from numpy, as its own helper
fails on numpy 2. motrics is no dependency: it takes part where it can be imported (pip install --target DIR motrics,
PYTHONPATH=DIR).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import motmetrics
import numpy as np
import trackeval
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mtmc.box_table import Boxes
from mtmc.score import ScoreParams, score
from mtmc.score.clear import count_clear, match_frames
from mtmc.score.evaluate import filtered_comparison
from mtmc.score.identity import match_identities
from mtmc.score.measure import measure_scene

PARAMS = ScoreParams(multi_camera=False)
Numbers = dict[str, float]
Frame = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]


def synthetic_set(vehicles: int, cameras: int = 36, minutes: float = 1.6, seed: int = 7) -> tuple[Boxes, Boxes]:
    """Vehicles that pass two to eight cameras for about 76 frames each, and what an imperfect tracker makes of them."""
    rng = np.random.default_rng(seed)
    frames_of_camera = int(minutes * 600)
    rows = []
    for vehicle in range(1, vehicles + 1):
        for camera in rng.choice(cameras, rng.integers(2, 9), replace=False):
            length = int(rng.integers(40, 113))
            start = int(rng.integers(0, frames_of_camera - length))
            step = np.arange(length)
            size = rng.uniform(60, 200) * (1 + step * rng.uniform(-0.004, 0.01))
            left = rng.uniform(0, 1700) + step * rng.uniform(-12, 12)
            top = rng.uniform(100, 900) + step * rng.uniform(-3, 5)
            one = np.full(length, camera), np.full(length, vehicle), start + step
            rows.append(np.column_stack([*one, left, top, size, 0.7 * size]))
    truth = np.concatenate(rows)
    truth[:, 3:] = np.rint(truth[:, 3:])
    return _boxes(truth), _boxes(_tracked(truth, rng))


def _tracked(truth: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Jitter, lost boxes, tracks that break, links missed and wrong, false tracks, doubled boxes."""
    rows = truth[rng.random(len(truth)) < 0.9].copy()
    rows[:, 3:] += np.rint(rng.normal(0, 0.05, (len(rows), 4)) * rows[:, 5:6])
    visit = np.unique(rows[:, :2], axis=0, return_inverse=True)[1]
    fate = rng.random(visit.max() + 1)[visit]
    fresh = 1_000_000 + visit
    middle = rows[:, 2] > np.array([np.median(rows[visit == v, 2]) for v in range(visit.max() + 1)])[visit]
    rows[:, 1] = np.where((fate < 0.15) | ((fate < 0.25) & middle), fresh, rows[:, 1])
    wrong = (fate >= 0.25) & (fate < 0.3)
    rows[wrong, 1] = rng.permutation(np.unique(rows[:, 1]))[rng.integers(0, 50, wrong.sum())]
    extra = truth[rng.random(len(truth)) < 0.06].copy()
    extra[:, 1] = 5_000_000 + rng.integers(0, 400, len(extra))
    extra[:, 3:5] += np.rint(rng.normal(0, 15, (len(extra), 2)))
    rows = np.concatenate([rows, extra])
    _, first = np.unique(rows[:, :3], axis=0, return_index=True)
    rows[:, 5:] = np.maximum(rows[:, 5:], 1)
    return np.asarray(rows[np.sort(first)])


def _boxes(rows: NDArray[np.float64]) -> Boxes:
    numbers, camera = np.unique(rows[:, 0], return_inverse=True)
    names = [f"c{int(number) + 1:03d}" for number in numbers]
    return Boxes.build(names, camera, rows[:, 1].astype(np.int64), rows[:, 2].astype(np.int64), rows[:, 3:])


def frames(truth: Boxes, predicted: Boxes) -> list[Frame]:
    """Ids and boxes xywh of both sides in each frame of the joined cameras, empty frames left out."""
    span = int(max(truth.frames.max(), predicted.frames.max())) + 1
    sides = []
    moments = np.unique(np.concatenate([s.camera * span + s.frames for s in (truth, predicted)]))
    for side in (truth, predicted):
        moment = side.camera * span + side.frames
        order = np.argsort(moment, kind="stable")
        cuts = np.searchsorted(moment[order], moments[1:])
        sides += [np.split(side.ids[order], cuts), np.split(side.xywh[order], cuts)]
    return list(zip(*sides, strict=True))


def iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """IoU (n, m) of boxes xywh."""
    a, b = a[:, None], b[None]
    sides = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.prod(np.maximum(sides, 0), axis=-1)
    return np.asarray(shared / (a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared))


# --- the scorers -----------------------------------------------------------------------------------------------------


def everything(truth: Boxes, predicted: Boxes) -> Numbers:
    """All of `mtmc score`: scene, cameras, pairs, links, loss."""
    scores = score(truth, predicted, PARAMS)
    return {name: getattr(scores, name) for name in ("idf1", "mota", "switches", "hota")}


def idf1_and_clear(truth: Boxes, predicted: Boxes) -> Numbers:
    """Of ours what motmetrics computes."""
    comparison = filtered_comparison(truth, predicted, PARAMS, {})
    identities, matches = match_identities(comparison), match_frames(comparison)
    clear = count_clear(comparison, matches, np.zeros(len(comparison.truth.names), np.int64), 1)
    wrong = len(truth) + len(predicted) - 2 * len(matches) + int(clear.switches[0])
    return {"idf1": identities.idf1, "mota": 1 - wrong / len(truth), "switches": int(clear.switches[0])}


def with_hota(truth: Boxes, predicted: Boxes) -> Numbers:
    """Of ours what TrackEval and motrics compute."""
    comparison = filtered_comparison(truth, predicted, PARAMS, {})
    metrics = measure_scene(comparison, match_identities(comparison), match_frames(comparison))
    return {name: getattr(metrics, name) for name in ("idf1", "mota", "switches", "hota")}


def by_motmetrics(truth: Boxes, predicted: Boxes) -> Numbers:
    """IDF1 and CLEAR, the challenge's list of metrics."""
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for ids, boxes, tracks, found in frames(truth, predicted):
        similarity = iou(boxes, found)
        accumulator.update(ids, tracks, np.where(similarity >= 0.5, 1 - similarity, np.nan))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = motmetrics.metrics.motchallenge_metrics
        row = motmetrics.metrics.create().compute(accumulator, metrics=names, return_dataframe=False)
    return {"idf1": row["idf1"], "mota": row["mota"], "switches": row["num_switches"]}


def by_trackeval(truth: Boxes, predicted: Boxes) -> Numbers:
    """Identity, CLEAR and HOTA. Its CLEAR follows another rule of carrying on, so its switches differ."""
    parts = frames(truth, predicted)
    names, track_names = np.unique(truth.ids), np.unique(predicted.ids)
    data = {
        "num_timesteps": len(parts),
        "num_gt_ids": len(names),
        "num_tracker_ids": len(track_names),
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(predicted),
        "gt_ids": [np.searchsorted(names, part[0]) for part in parts],
        "tracker_ids": [np.searchsorted(track_names, part[2]) for part in parts],
        "similarity_scores": [iou(part[1], part[3]) for part in parts],
    }
    quiet = {"PRINT_CONFIG": False}
    hota = trackeval.metrics.HOTA().eval_sequence(data)
    clear = trackeval.metrics.CLEAR(quiet).eval_sequence(data)
    identity = trackeval.metrics.Identity(quiet).eval_sequence(data)
    return {
        "idf1": identity["IDF1"],
        "mota": clear["MOTA"],
        "switches": clear["IDSW"],
        "hota": float(np.mean(hota["HOTA"])),
    }


def motrics_scorer(truth: Boxes, predicted: Boxes) -> Callable[[Boxes, Boxes], Numbers]:
    """Identity, CLEAR and HOTA in Rust, with the frames ready made."""
    import motrics

    def corners(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ascontiguousarray(np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1))

    parts = frames(truth, predicted)
    one = motrics.Frames(ids=[p[0].tolist() for p in parts], boxes=[corners(p[1]) for p in parts])
    other = motrics.Frames(ids=[p[2].tolist() for p in parts], boxes=[corners(p[3]) for p in parts])

    def compute(_truth: Boxes, _predicted: Boxes) -> Numbers:
        found = motrics.evaluate(one, other)
        clear = found.clear
        return {
            "idf1": found.identity.idf1,
            "mota": clear.mota,
            "switches": clear.num_switches,
            "hota": found.hota.hota,
        }

    return compute


# --- measuring -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """One scorer on one set."""

    name: str
    seconds: float
    cpu_seconds: float
    megabytes: float
    numbers: Numbers


def measure(name: str, scorer: Callable[[Boxes, Boxes], Numbers], sides: tuple[Boxes, Boxes], repeats: int) -> Result:
    """The fastest of some runs, and the most memory above what the process held before."""
    times, cpu_times, peaks = [], [], []
    for _ in range(repeats):
        before = _reset_peak()
        start, cpu_start = time.perf_counter(), time.process_time()
        numbers = scorer(*sides)
        times.append(time.perf_counter() - start)
        cpu_times.append(time.process_time() - cpu_start)
        peaks.append(_status("VmHWM") - before)
    return Result(name, min(times), min(cpu_times), max(peaks), numbers)


def _reset_peak() -> float:
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")
    return _status("VmRSS")


def _status(field: str) -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def run(scale: int, without: list[str]) -> Table:
    """Measure all scorers on the set of 184 x ``scale`` vehicles."""
    sides = synthetic_set(184 * scale)
    scorers: list[tuple[str, Callable[[Boxes, Boxes], Numbers], int]] = [
        ("mtmc: all scores, cameras, pairs, loss", everything, 3),
        ("mtmc: Identity, CLEAR, HOTA", with_hota, 3),
        ("mtmc: IDF1 and CLEAR", idf1_and_clear, 3),
        ("TrackEval: Identity, CLEAR, HOTA", by_trackeval, 1),
        ("motmetrics: IDF1 and CLEAR", by_motmetrics, 1),
    ]
    if importlib.util.find_spec("motrics"):
        scorers.insert(3, ("motrics: Identity, CLEAR, HOTA", motrics_scorer(*sides), 3))
    results = [measure(*scorer[:2], sides, scorer[2]) for scorer in scorers if scorer[0].split(":")[0] not in without]
    size = f"{len(sides[0])} true and {len(sides[1])} predicted boxes"
    return show(results, f"{len(sides[0].cameras)} cameras, {184 * scale} vehicles, {size}")


def show(results: list[Result], title: str) -> Table:
    """One row per scorer."""
    table = Table(title=title)
    for heading in ("scorer", "seconds", "cpu s", "x mtmc", "MB more", "IDF1", "MOTA", "switches", "HOTA"):
        table.add_column(heading, justify="left" if heading == "scorer" else "right")
    base = {True: results[1].cpu_seconds, False: results[2].cpu_seconds}
    for r in results:
        times = r.cpu_seconds / base["hota" in r.numbers]
        found = [f"{r.numbers[key]:.6f}" if key in r.numbers else "" for key in ("idf1", "mota")]
        hota = f"{r.numbers['hota']:.6f}" if "hota" in r.numbers else ""
        table.add_row(
            r.name,
            f"{r.seconds:.3f}",
            f"{r.cpu_seconds:.3f}",
            f"{times:.1f}",
            f"{r.megabytes:.0f}",
            *found,
            f"{r.numbers['switches']:.0f}",
            hota,
        )
    return table


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scales", type=int, nargs="+", default=[1, 10], help="sizes, in AI City training sets")
    parser.add_argument("--without", nargs="*", default=[], help="scorers to leave out: motmetrics TrackEval motrics")
    options = parser.parse_args()
    console = Console(width=140)
    cores = len(os.sched_getaffinity(0))
    console.print(
        f"{platform.machine()}, {cores} cores, one used; numpy {np.__version__}, Python {platform.python_version()}"
    )
    for scale in options.scales:
        console.print(run(scale, options.without))
    console.print("x mtmc: CPU time against the mtmc row that computes the same, with HOTA or without")


if __name__ == "__main__":
    main()
