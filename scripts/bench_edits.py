"""Measures what corrections are worth: IDF1 against clicks of a simulated annotator who looks at one link after the
other and says same or different, in the order of the review queue or at random.

scripts/bench_edits [--level 3] [--seeds 5] [--seconds 900] [--clicks 0,10,20,40,80]
scripts/bench_edits RUN...              on finished runs of rendered scenes instead
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from mtmc.link import Contradiction, Solution, Wishes, solve
from mtmc.link.review.proposals import worth_a_look
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from scripts.linked_worlds import World, spoken_for

ORDERS = ("queue", "random")
Pair = tuple[int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=900.0)
    parser.add_argument("--clicks", default="0,10,20,40,80")
    arguments = parser.parse_args()
    clicks = [int(word) for word in arguments.clicks.split(",")]
    found: dict[str, list[list[float]]] = {order: [] for order in ORDERS}
    for number, (name, world) in enumerate(worlds(arguments)):
        for order in ORDERS:
            found[order].append(annotate(world, clicks, order, number))
            print(f"{name} {order}: {' '.join(f'{value:.4f}' for value in found[order][-1])}", flush=True)
    means = {order: np.mean(rows, axis=0).round(4).tolist() for order, rows in found.items()}
    print(json.dumps({"clicks": clicks, "idf1": means}))


def worlds(arguments: argparse.Namespace) -> Iterator[tuple[str, World]]:
    """By name: the runs that were named, else simulated tracklets."""
    for folder in arguments.runs:
        yield folder.name, World.of_run(folder)
    level = LEVELS[arguments.level]
    level = replace(level, streets=replace(level.streets, duration_s=arguments.seconds))
    for seed in range(0 if arguments.runs else arguments.seeds):
        yield f"seed {seed}", World.simulated(simulate(level, 1001 + seed))


def annotate(world: World, clicks: list[int], order: str, seed: int) -> list[float]:
    """IDF1 after each number of clicks; the run is linked again at each."""
    random = np.random.default_rng(seed)
    judged: dict[Pair, bool | None] = {}
    scores = []
    for wanted, following in zip(clicks, [*clicks[1:], clicks[-1]], strict=True):
        solution = solved(world, judged)
        scores.append(world.idf1(solution.labels))
        for pair in looked_at(solution, world, judged, order, random)[: following - wanted]:
            judged[pair] = bool(world.owner[pair[0]] == world.owner[pair[1]])
    return scores


def solved(world: World, judged: dict[Pair, bool | None]) -> Solution:
    """Linked with all that was said; what no answer can meet is taken back, as the command refuses it."""
    while True:
        said = wishes(judged)
        try:
            return solve(replace(world.problem, wishes=said), world.params)
        except Contradiction as error:
            judged[int(said.same[error.index, 0]), int(said.same[error.index, 1])] = None


def wishes(judged: dict[Pair, bool | None]) -> Wishes:
    pairs = {word: [pair for pair, same in judged.items() if same is word] for word in (True, False)}
    same, different = (np.array(pairs[word], np.int64).reshape(-1, 2) for word in (True, False))
    return Wishes(same, different)


def looked_at(
    solution: Solution, world: World, judged: dict[Pair, bool | None], order: str, random: np.random.Generator
) -> list[Pair]:
    """The links, made and proposed, that nobody judged yet, in the order of the queue or shuffled."""
    looks = worth_a_look(world.problem.table, solution.labels, world.boxes, spoken_for(solution))
    rank = np.arange(len(looks.source)) if order == "queue" else random.permutation(len(looks.source))
    pairs = [(int(looks.source[k]), int(looks.target[k])) for k in rank]
    return [pair for pair in pairs if pair not in judged]


if __name__ == "__main__":
    main()
