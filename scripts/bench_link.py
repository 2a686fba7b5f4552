"""Measures linking: scripts/bench_link --levels | --real | --unrelated | --scale | --reliability PNG [--seeds 5]
[--sizes 1000,10000] [--json FILE]."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench_real import KINDS, real, unrelated

from mtmc.link import LINKERS, LinkParams, Problem, solve
from mtmc.link.benchmark import agreement, calibration
from mtmc.link.evidence.appearance import without_camera_bias
from mtmc.link.learning.em import learn
from mtmc.link.model.given_ways import GivenWays
from mtmc.link.model.topology_graph import direct_transitions
from mtmc.link.problem import canonical
from mtmc.memory import peak_mb, restart_peak
from mtmc.synth.tracklets.appearance import STRENGTHS
from mtmc.synth.tracklets.places import PLACES
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from mtmc.synth.tracklets.simulated import Simulated

MAX_OFFSET_S = 30.0
WORST = ("clock_max_s", "clock_max_errors")


def levels(seeds: list[int], chosen: list[int], out: dict) -> None:
    """IDF1 of every linker, and what the network linker loses and finds when the clocks are withheld; mean and sd over
    seeds."""
    for level in chosen:
        rows = [_one(simulate(LEVELS[level], seed), simulate(LEVELS[level], seed, MAX_OFFSET_S)) for seed in seeds]
        summary = {key: [float(np.mean(v)), float(np.std(v))] for key in rows[0] if (v := [row[key] for row in rows])}
        worst = {key: max(row[key] for row in rows) for key in WORST}
        out[f"level{level}"] = summary | {f"worst_{key}": value for key, value in worst.items()}
        cells = [f"{key} {mean:.4f}±{sd:.4f}" for key, (mean, sd) in summary.items()]
        cells += [f"worst {key} {value:.2f}" for key, value in worst.items()]
        print(f"level {level} ({len(seeds)} seeds): {'  '.join(cells)}", flush=True)


def _one(known: Simulated, withheld: Simulated) -> dict[str, float]:
    row = {}
    with tempfile.TemporaryDirectory() as folder:
        zones = Path(folder) / "zones.toml"
        zones.write_text(known.zones_toml)
        for name in LINKERS:
            solution = solve(
                Problem.of(known.table), LinkParams(linker=name, zones_file=zones if name == "zones" else None)
            )
            row[name] = agreement(known.vehicle_id, solution.labels, known.boxes).idf1
            if name == "network":
                row["graph_f1"] = graph_f1(known, solution.network)
    start = time.process_time()
    solution = solve(Problem.of(withheld.table, False), LinkParams())
    row["withheld"] = agreement(withheld.vehicle_id, solution.labels, withheld.boxes).idf1
    row["loss"] = row["network"] - row["withheld"]
    row |= clock_errors(withheld, solution.network)
    row["processor_s"] = time.process_time() - start
    return row


def graph_f1(truth: Simulated, network) -> float:
    """F1 of the directed camera pairs called streets."""
    found = {(s.source, s.target) for s in direct_transitions(network)}
    real = set(zip(truth.link_from.tolist(), truth.link_to.tolist(), strict=True))
    return 2 * len(found & real) / max(len(found) + len(real), 1)


def clock_errors(truth: Simulated, network) -> dict[str, float]:
    """Errors of the clocks that the network says it knows, about their common median (the time of day itself cannot be
    known), in seconds and in the standard errors that it states."""
    tied = np.isfinite(network.clock_error_s)
    error = (network.clock_offset_s - truth.offset_s)[tied]
    error = np.abs(error - np.median(error)) if len(error) else np.zeros(1)
    stated = network.clock_error_s[tied] if tied.any() else np.ones(1)
    return {
        "clock_median_s": float(np.median(error)),
        "clock_max_s": float(error.max()),
        "clock_max_errors": float((error / stated).max()),
        "tied": float(tied.mean()),
    }


def reliability(path: Path, seeds: list[int], chosen: list[int], out: dict) -> None:
    """Probabilities of candidate pairs against the truth, drawn. Pairs below 0.01 are left out: they are right by being
    many."""
    said, right = [], []
    for level in chosen:
        for seed in seeds:
            world = simulate(LEVELS[level], seed)
            order, problem = canonical(Problem.of(world.table))
            table = problem.table
            learned = learn(
                table,
                without_camera_bias(table),
                problem.trajectories,
                np.ones(len(table.cameras), bool),
                LinkParams().limits,
                GivenWays.none(),
            )
            follower = next_of_vehicle(table.start_s, world.vehicle_id[order])
            keep = learned.probability >= 0.01
            said.append(learned.probability[keep])
            right.append((follower[learned.pairs.source] == learned.pairs.target)[keep])
    probability, correct = np.concatenate(said), np.concatenate(right)
    count, mean, share, error = calibration(probability, correct)
    out["reliability"] = {
        "ece": error,
        "pairs": len(probability),
        "said": mean.tolist(),
        "right": share.tolist(),
        "count": count.tolist(),
    }
    print(f"ECE {error:.4f} over {len(probability)} pairs of probability >= 0.01, levels {chosen}, seeds {seeds}")
    draw(path, count, mean, share, error)


def next_of_vehicle(start_s: np.ndarray, vehicle: np.ndarray) -> np.ndarray:
    """Row of the same vehicle's next tracklet (T,), -1 without one."""
    order = np.lexsort((start_s, vehicle))
    follower = np.full(len(order), -1)
    same = vehicle[order][1:] == vehicle[order][:-1]
    follower[order[:-1][same]] = order[1:][same]
    return follower


def draw(path: Path, count: np.ndarray, mean: np.ndarray, share: np.ndarray, error: float) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, below) = plt.subplots(2, 1, figsize=(5, 6.4), height_ratios=(4, 1), sharex=True, layout="constrained")
    deviation = np.sqrt(np.maximum(share * (1 - share), 0.01) / np.maximum(count, 1))
    top.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    top.errorbar(mean, share, yerr=1.96 * deviation, marker="o", capsize=3, color="tab:blue")
    top.set(
        ylabel="share of pairs that are right",
        title=f"expected calibration error {error:.3f}",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    below.bar((np.arange(len(count)) + 0.5) / len(count), count, width=0.09, color="tab:blue")
    below.set(yscale="log", xlabel="probability said", ylabel="pairs")
    figure.savefig(path, dpi=110)


def scale(sizes: list[int], dimension: int, out: dict) -> None:
    """Seconds and peak memory of the network linker against the number of tracklets, and the exponent of time."""
    rows = []
    for size in sizes:
        command = [sys.executable, __file__, "--one", str(size), "--dimension", str(dimension)]
        rows.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
        line = "{tracklets:>9,} tracklets {seconds:8.1f} s ({processor_s:.1f} s of processor) {peak_mb:7.0f} MB  "
        line += "IDF1 {idf1:.4f}  {cameras} cameras"
        print(line.format(**rows[-1]), *rows[-1]["warnings"], sep="\n          ", flush=True)
    out["scale"] = rows
    if len(rows) > 1:
        sizes_, times = ([row[key] for row in rows] for key in ("tracklets", "processor_s"))
        out["exponent"] = float(np.polyfit(np.log(sizes_), np.log(times), 1)[0])
        print(f"processor seconds grow as tracklets ^ {out['exponent']:.2f}")


def one_size(size: int, dimension: int) -> None:
    """Measure one size in this process, the tracklets themselves not counted, and print it as JSON."""
    world = large_world(size, dimension)
    before = restart_peak()
    start, worked = time.perf_counter(), time.process_time()
    solution = solve(Problem.of(world.table), LinkParams())
    row = {
        "tracklets": len(world.table),
        "seconds": time.perf_counter() - start, "processor_s": time.process_time() - worked,
        "peak_mb": peak_mb() - before, "input_mb": world.table.features.nbytes / 2**20,
        "idf1": agreement(world.vehicle_id, solution.labels, world.boxes).idf1, "cameras": len(world.table.cameras),
        "warnings": [sentence for sentence in solution.warnings if len(sentence) < 200],
    }  # fmt: skip
    print(json.dumps(row))


def large_world(size: int, dimension: int) -> Simulated:
    """Level 2 with 0.7 tracklets a minute and camera, as 1,000 cameras see 1e6 in a day: more tracklets are more
    cameras and hours."""
    cameras = int(np.clip(size / 1000, 12, 1000))
    duration = size / (0.7 * cameras) * 60
    level = LEVELS[2]
    streets_ = replace(level.streets, cameras=cameras, duration_s=duration, vehicles_per_min=0.7 * cameras / 4.6)
    return simulate(replace(level, streets=streets_, dimension=dimension, makes=500), seed=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", action="store_true", help="table over difficulty levels")
    parser.add_argument("--reliability", type=Path, help="draw the reliability diagram to this PNG")
    parser.add_argument("--real", action="store_true", help="table over worlds like the real ones, see bench_real.py")
    parser.add_argument("--unrelated", action="store_true", help="false links between cameras that share no vehicle")
    parser.add_argument("--scale", action="store_true", help="seconds and memory against the number of tracklets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="1,2,3,4,5", help="difficulty levels")
    parser.add_argument("--places", default=",".join(PLACES), help="with --real: presets")
    parser.add_argument("--kinds", default=",".join(KINDS), help="with --real: true tracklets, a tracker's, or both")
    parser.add_argument("--strengths", default=",".join(STRENGTHS), help="with --real: of appearance")
    parser.add_argument("--first-seed", type=int, default=1, help="with --real: count seeds from here")
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--dimension", type=int, default=256, help="of the features, for --scale")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one_size(options.one, options.dimension)
        return
    out: dict = {}
    seeds, chosen = list(range(1, options.seeds + 1)), [int(level) for level in options.only.split(",")]
    if options.levels:
        levels(seeds, chosen, out)
    if options.reliability:
        reliability(options.reliability, [1000 + seed for seed in seeds], chosen, out)
    counted = range(options.first_seed, options.first_seed + options.seeds)
    if options.unrelated:
        unrelated(counted, options.strengths.split(","), out)
    if options.real:
        real(counted, *(getattr(options, key).split(",") for key in ("places", "kinds", "strengths")), out)
    if options.scale:
        scale([int(float(size)) for size in options.sizes.split(",")], options.dimension, out)
    if options.json:
        options.json.write_text(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
