"""Measures the health that a run tells without truth: rank correlation of its estimate with true IDF1 over simulated
runs of all levels, on seeds that its weights were not fitted to.

scripts/bench_health [--first 2006] [--seeds 12] [--seconds 500]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np
from scipy.stats import spearmanr

from mtmc.link import LinkParams, Problem, Solution, solve
from mtmc.link.benchmark import agreement
from mtmc.link.problem import Links
from mtmc.link.review.consistency import contradictions
from mtmc.link.review.explain import own_evidence
from mtmc.link.review.proposals import worth_a_look
from mtmc.results_page.health import linked_right
from mtmc.synth.tracklets.sampling import LEVELS, simulate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=2006)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=500.0)
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        for number, level in LEVELS.items():
            world = simulate(replace(level, streets=replace(level.streets, duration_s=arguments.seconds)), seed)
            solution = solve(Problem.of(world.table), LinkParams())
            solved = world.table, solution.labels, world.boxes, spoken_for(solution)
            told = linked_right(worth_a_look(*solved), contradictions(*solved), int(world.boxes.sum()))
            true = float(agreement(world.vehicle_id, solution.labels, world.boxes).idf1)
            rows.append((number, true, told))
            print(f"level {number} seed {seed}: IDF1 {true:.4f} told {told:.4f}", flush=True)
    levels, true, told = np.array(rows).T
    within = {int(k): round(float(spearmanr(true[levels == k], told[levels == k])[0]), 3) for k in np.unique(levels)}
    error = round(float(np.abs(true - told).mean()), 4)
    print(
        json.dumps(
            {
                "runs": len(rows),
                "spearman": round(float(spearmanr(true, told)[0]), 3),
                "mean_error": error,
                "by_level": within,
            }
        )
    )


def spoken_for(solution: Solution) -> Links:
    """The links that evidence speaks for, as the page counts them."""
    links = solution.links
    assert links is not None
    return links.take(np.flatnonzero(own_evidence(links.columns)))


if __name__ == "__main__":
    main()
