"""Measures what corrections are worth: IDF1 against clicks of a simulated annotator who looks at one link after the
other and says same or different, in the order of the review queue or at random.

scripts/bench_edits [--level 3] [--seeds 5] [--seconds 900] [--clicks 0,10,20,40,80]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np

from mtmc.link import LinkParams, Problem, Solution, Wishes, solve
from mtmc.link.benchmark import agreement
from mtmc.link.review.explain import own_evidence
from mtmc.link.review.proposals import worth_a_look
from mtmc.synth.tracklets.sampling import LEVELS, Simulated, simulate

ORDERS = ("queue", "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=900.0)
    parser.add_argument("--clicks", default="0,10,20,40,80")
    arguments = parser.parse_args()
    clicks = [int(word) for word in arguments.clicks.split(",")]
    level = LEVELS[arguments.level]
    level = replace(level, streets=replace(level.streets, duration_s=arguments.seconds))
    found: dict[str, list[list[float]]] = {order: [] for order in ORDERS}
    for seed in range(arguments.seeds):
        world = simulate(level, 1001 + seed)
        for order in ORDERS:
            found[order].append(annotate(world, clicks, order, seed))
            print(f"seed {seed} {order}: {' '.join(f'{value:.4f}' for value in found[order][-1])}", flush=True)
    means = {order: np.mean(rows, axis=0).round(4).tolist() for order, rows in found.items()}
    print(json.dumps({"clicks": clicks, "idf1": means}))


def annotate(world: Simulated, clicks: list[int], order: str, seed: int) -> list[float]:
    """IDF1 after each number of clicks; the run is linked again at each."""
    random = np.random.default_rng(seed)
    judged: dict[tuple[int, int], bool] = {}
    scores = []
    for wanted, following in zip(clicks, [*clicks[1:], clicks[-1]], strict=True):
        solution = solve(replace(Problem.of(world.table), wishes=wishes(judged)), LinkParams())
        scores.append(float(agreement(world.vehicle_id, solution.labels, world.boxes).idf1))
        for pair in looked_at(solution, world, judged, order, random)[: following - wanted]:
            judged[pair] = bool(world.vehicle_id[pair[0]] == world.vehicle_id[pair[1]])
    return scores


def wishes(judged: dict[tuple[int, int], bool]) -> Wishes:
    pairs = {word: [pair for pair, same in judged.items() if same is word] for word in (True, False)}
    same, different = (np.array(pairs[word], np.int64).reshape(-1, 2) for word in (True, False))
    return Wishes(same, different)


def looked_at(
    solution: Solution, world: Simulated, judged: dict[tuple[int, int], bool], order: str, random: np.random.Generator
) -> list[tuple[int, int]]:
    """The links, made and proposed, that nobody judged yet, in the order of the queue or shuffled."""
    links = solution.links
    assert links is not None
    spoken = links.take(np.flatnonzero(own_evidence(links.columns)))
    looks = worth_a_look(world.table, solution.labels, world.boxes, spoken)
    rank = np.arange(len(looks.source)) if order == "queue" else random.permutation(len(looks.source))
    pairs = [(int(looks.source[k]), int(looks.target[k])) for k in rank]
    return [pair for pair in pairs if pair not in judged]


if __name__ == "__main__":
    main()
