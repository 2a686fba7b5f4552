"""Measures the health that a run tells without truth, on seeds that its weights were not fitted to: rank correlation
of its estimate with true IDF1 over simulated runs of all levels, and the light of its links' signs beside IDF1.

scripts/bench_health [--first 2006] [--seeds 12] [--seconds 500]
scripts/bench_health RUN...             finished runs of rendered scenes instead
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from mtmc.link import solve
from mtmc.link.review.consistency import contradictions
from mtmc.link.review.proposals import worth_a_look
from mtmc.results_page.health import STATES, link_signs, linked_right
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from scripts.linked_worlds import World, spoken_for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--first", type=int, default=2006)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=500.0)
    rows = []
    for group, name, world in worlds(parser.parse_args()):
        true, told, light = measured(world)
        rows.append((group, true, told, STATES.index(light)))
        print(f"{name}: IDF1 {true:.4f} told {told:.4f} light {light}", flush=True)
    groups, true, told, light = np.array(rows).T
    within = {int(k): round(float(spearmanr(true[groups == k], told[groups == k])[0]), 3) for k in np.unique(groups)}
    lights = {state: true[light == k] for k, state in enumerate(STATES)}
    summary = {
        "runs": len(rows),
        "spearman": round(float(spearmanr(true, told)[0]), 3),
        "mean_error": round(float(np.abs(true - told).mean()), 4),
        "by_level": within,
        "lights": {
            state: {"runs": len(of), "idf1": [round(float(f(of)), 4) for f in (np.min, np.mean, np.max)]}
            for state, of in lights.items()
            if len(of)
        },
    }
    print(json.dumps(summary))


def worlds(arguments: argparse.Namespace) -> Iterator[tuple[int, str, World]]:
    """Level (0 for runs), name and world."""
    for folder in arguments.runs:
        yield 0, folder.name, World.of_run(folder)
    for seed in range(arguments.first, arguments.first + (0 if arguments.runs else arguments.seeds)):
        for number, level in LEVELS.items():
            world = simulate(replace(level, streets=replace(level.streets, duration_s=arguments.seconds)), seed)
            yield number, f"level {number} seed {seed}", World.simulated(world)


def measured(world: World) -> tuple[float, float, str]:
    """True IDF1, what is told of it, and the worst light of the links' signs."""
    solution = solve(world.problem, world.params)
    solved = world.problem.table, solution.labels, world.boxes, spoken_for(solution)
    looks, against, boxes = worth_a_look(*solved), contradictions(*solved), int(world.boxes.sum())
    light = max((sign.state for sign in link_signs(looks, against, boxes)), key=STATES.index)
    return world.idf1(solution.labels), linked_right(looks, against, boxes), light


if __name__ == "__main__":
    main()
