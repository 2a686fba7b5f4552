"""imAP and CMC of a VeRi-776-sized test (1,678 queries x 11,579 gallery images, 4096-d): ours, a naive loop, torchreid.

Vectors are random clusters of 200 vehicles in 20 cameras. Times are from vectors to scores, the best of --repeat: by
the clock, and of the processor (all cores together), which a busy machine disturbs less. All three must agree on mAP
and Top-1 to 1e-6, or the exit code is 1. torchreid 0.2.5 is no dependency: `pip install torchreid` into another folder
and name that in PYTHONPATH to see it. Scratch memory is what evaluating allocates beside its inputs, at growing
galleries. --gallery 1000000 instead times 200 queries on a gallery of that size: scores, and the first 100 answers.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from reid.evaluation.ranking import Embedded, evaluate, first_answers

Scores = tuple[float, float]
"""mAP and Top-1."""
Ranking = Callable[[Embedded, Embedded], Scores]


class Measured(NamedTuple):
    """Seconds by the clock and of the processor, and what came out."""

    seconds: float
    processor_s: float
    scores: Scores


QUERIES, GALLERY, SIZE = 1_678, 11_579, 4_096
VEHICLES, CAMERAS = 200, 20
GROWING = (11_579, 50_000, 115_790)
SMALL_SIZE, FEW_QUERIES, IMAGES_EACH = 64, 200, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--gallery", type=int, help="time this many gallery images instead")
    parser.add_argument("--size", type=int, default=SMALL_SIZE, help="with --gallery: numbers of a vector")
    args = parser.parse_args()
    if args.gallery:
        print(json.dumps(large(args.gallery, args.size)))
        return
    query, gallery = make_test(QUERIES, GALLERY, SIZE)
    rows = {"reid.evaluation.ranking.evaluate": measure(ours, query, gallery, args.repeat)}
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows["naive loop"] = measure(naive, query, gallery, 1)
    rival = torchreid_ranking()
    if rival is not None:
        rows["torchreid 0.2.5"] = measure(rival, query, gallery, 1)
    scratch = {size: scratch_mb(size) for size in GROWING}
    report(rows, peak_gb, scratch, args.json)
    reference = rows["naive loop"].scores
    if any(not np.allclose(row.scores, reference, atol=1e-6) for row in rows.values()):
        sys.exit("the figures differ")


def make_test(queries: int, items: int, size: int) -> tuple[Embedded, Embedded]:
    """Unit vectors around one centre per vehicle, so noisy that the ranking is far from perfect."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(VEHICLES, size)).astype(np.float32)

    def some(count: int) -> Embedded:
        vehicles = rng.integers(0, VEHICLES, count)
        vectors = centres[vehicles] + 6 * rng.normal(size=(count, size)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Embedded(vectors, vehicles, rng.integers(0, CAMERAS, count))

    return some(queries), some(items)


def measure(ranking: Ranking, query: Embedded, gallery: Embedded, repeat: int) -> Measured:
    best, processor, scores = float("inf"), float("inf"), (0.0, 0.0)
    for _ in range(repeat):
        started, busy = time.perf_counter(), time.process_time()
        scores = ranking(query, gallery)
        best = min(best, time.perf_counter() - started)
        processor = min(processor, time.process_time() - busy)
    return Measured(best, processor, scores)


def ours(query: Embedded, gallery: Embedded) -> Scores:
    scores = evaluate(query, gallery)
    return scores.mean_ap, scores.rank(1)


def naive(query: Embedded, gallery: Embedded) -> Scores:
    """One query after another: sort the whole gallery, drop the junk, walk the hits."""
    scores = query.vectors @ gallery.vectors.T
    precisions, first = [], []
    for row in range(len(query)):
        order = np.argsort(-scores[row], kind="stable")
        same = gallery.vehicle_ids[order] == query.vehicle_ids[row]
        junk = same & (gallery.camera_ids[order] == query.camera_ids[row])
        hits = np.flatnonzero(same[~junk])
        if len(hits):
            precisions.append(np.mean(np.arange(1, len(hits) + 1) / (hits + 1)))
            first.append(hits[0] == 0)
    return float(np.mean(precisions)), float(np.mean(first))


def torchreid_ranking() -> Ranking | None:
    """torchreid's evaluate_rank (its plain Python form, which its wheel installs), or None where it is not
    installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchreid.reid.metrics.rank import evaluate_rank
    except ImportError:
        return None

    def rank(query: Embedded, gallery: Embedded) -> Scores:
        distances = 1 - query.vectors @ gallery.vectors.T
        labels = (query.vehicle_ids, gallery.vehicle_ids, query.camera_ids, gallery.camera_ids)
        cmc, mean_ap = evaluate_rank(distances, *labels, use_cython=False)
        return float(mean_ap), float(cmc[0])

    return rank


def scratch_mb(items: int) -> float:
    """Most memory that evaluating holds beside its inputs, MB, with 200 queries of 64-d."""
    query, gallery = make_test(200, items, SMALL_SIZE)
    tracemalloc.start()
    evaluate(query, gallery)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def large(items: int, size: int) -> dict[str, float]:
    """Processor seconds and scratch memory of scoring `FEW_QUERIES` queries of a large gallery, and of their first
    answers; vehicles of `IMAGES_EACH` images."""
    rng = np.random.default_rng(0)

    def some(count: int) -> Embedded:
        vectors = rng.normal(size=(count, size)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Embedded(vectors, rng.integers(0, max(1, items // IMAGES_EACH), count), rng.integers(0, CAMERAS, count))

    query, gallery = some(FEW_QUERIES), some(items)
    started = time.process_time()
    evaluate(query, gallery)
    scored = time.process_time()
    sum(1 for _ in first_answers(query, gallery, 100))
    answered = time.process_time()
    tracemalloc.start()
    evaluate(query.take(np.arange(20)), gallery)
    scratch = tracemalloc.get_traced_memory()[1] / 2**20
    return {
        "queries": FEW_QUERIES, "gallery": items, "size": size, "scored_s": scored - started,
        "first_100_s": answered - scored, "scratch_mb": scratch,
    }  # fmt: skip


def report(rows: dict[str, Measured], peak_gb: float, scratch: dict[int, float], as_json: bool) -> None:
    if as_json:
        figures = {
            name: {"seconds": row.seconds, "processor_s": row.processor_s, "mAP": row.scores[0], "Top-1": row.scores[1]}
            for name, row in rows.items()
        }
        print(json.dumps({"ranking": figures, "peak_gb": peak_gb, "scratch_mb": scratch}))
        return
    print(f"{QUERIES:,} queries x {GALLERY:,} gallery images, {SIZE}-d float32")
    for name, row in rows.items():
        mean_ap, top1 = row.scores
        times = f"{row.seconds:8.2f} s   processor {row.processor_s:6.2f} s"
        print(f"  {name:<20} {times}   mAP {mean_ap:.6f}   Top-1 {top1:.6f}")
    if "torchreid 0.2.5" not in rows:
        print("  torchreid 0.2.5      not installed")
    print(
        f"peak memory after ours, vectors ({(QUERIES + GALLERY) * SIZE * 4 / 2**30:.2f} GB) included: {peak_gb:.2f} GB"
    )
    print("scratch by gallery size: " + ", ".join(f"{size:,}: {mb:.0f} MB" for size, mb in scratch.items()))


if __name__ == "__main__":
    main()
