"""How far traffic's tables are from the truth, and how often their intervals hold it: simulated tracklets, linked as
learned, levels 1 to 4.

Truth is what drove by, missed passages too; movements are by the learned zones, to each of which the arm belongs that
most of its tracklets came by. Kinds are taken together. Parameters were chosen on seeds 101 to 116; seeds count from 1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.model.entry_exit_zones import assign_zones
from mtmc.link.model.json_io import to_json
from mtmc.link.problem import Possible, Solution
from mtmc.memory import peak_mb, restart_peak
from mtmc.structures import LABELS, Double, Long
from mtmc.synth.tracklets.journeys import Passages, drive, lay_roads
from mtmc.synth.tracklets.sampling import LEVELS, Difficulty, simulate
from mtmc.synth.tracklets.simulated import Simulated
from mtmc.traffic import Observed, Question, Traffic
from mtmc.traffic.classes import Classes
from mtmc.traffic.queues import Stops
from mtmc.traffic.solutions import Solutions
from mtmc.visits.pieces import pieces_of_table

BIN_S = 300.0
LEAST = 5
"""Legs of fewer vehicles have no median worth a test."""
MEASURES = (
    "count",
    "count_seen",
    "od",
    "od_seen",
    "geh",
    "leg_s",
    "recall",
    "recall_true",
    "in_count",
    "in_od",
    "in_leg",
)


Cells = Mapping[tuple[object, ...], Mapping[str, float]]
Truth = Mapping[tuple[object, ...], float]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A simulated world as linked, and what truly drove through it: passages by vehicle and start."""

    difficulty: Difficulty
    simulated: Simulated
    traffic: Traffic
    passages: Passages
    recall: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", type=lambda text: [int(w) for w in text.split(",")], default=[1, 2, 3, 4])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--day", action="store_true", help="instead: 50 cameras, 24 hours, seconds and memory")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.day:
        print(json.dumps(day(args.first_seed, args.samples)))
        return
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    found = {level: [judge(world(LEVELS[level], seed, args.samples)) for seed in seeds] for level in args.levels}
    rows = [{"level": level, "seeds": len(worlds), **mean(worlds)} for level, worlds in found.items()]
    print(json.dumps(rows, indent=1) if args.json else table(rows))


def world(difficulty: Difficulty, seed: int, samples: int) -> World:
    """Simulate, link, and ask for traffic in bins of five minutes."""
    simulated = simulate(difficulty, seed)
    solution = solve(Problem.of(simulated.table), LinkParams())
    random = np.random.default_rng([seed, 20_211])  # as ``simulate`` draws
    passages = drive(lay_roads(difficulty.streets, random), difficulty.streets, random)
    seen = random.random(len(passages)) >= difficulty.miss
    end = difficulty.streets.duration_s
    network = {} if solution.network is None else to_json(solution.network)
    traffic = Traffic(
        observed(simulated, solution, network, end), Question(bins=f"{BIN_S:g}s", end_s=end, samples=samples)
    )
    traffic.frame = replace(traffic.frame, classes=Classes(("all",), np.zeros(len(LABELS), np.int64)))
    return World(difficulty, simulated, traffic, by_vehicle(passages), float(seen.mean()))


def observed(simulated: Simulated, solution: Solution, network: Mapping[str, Any], end_s: float) -> Observed:
    pieces = pieces_of_table(simulated.table, simulated.boxes, network)
    cameras = len(pieces.cameras)
    solutions = Solutions(pieces, solution.labels, solution.possible)
    stops = Stops(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros((0, 2)))
    return Observed(solutions, ((0.0, end_s),) * cameras, np.zeros(cameras), stops)


def by_vehicle(passages: Passages) -> Passages:
    return passages.take(np.lexsort((passages.start_s, passages.vehicle)))


# --- truth ----------------------------------------------------------------------------------------------------------


def zones_of_arms(world: World) -> tuple[Long, Long]:
    """The zone number (C, 4) that most tracklets of each camera and arm have: entries, exits."""
    pieces, truth = world.traffic.observed.pieces, world.passages
    rows = {
        (v, c, round(t, 6)): k
        for k, (v, c, t) in enumerate(zip(truth.vehicle, truth.camera, truth.start_s, strict=True))
    }
    keys = zip(world.simulated.vehicle_id, pieces.camera, pieces.start_s, strict=True)
    at = np.array([rows.get((v, c, round(t, 6)), -1) for v, c, t in keys])
    whole = np.flatnonzero(at >= 0)
    tables = []
    for arms, zones in ((truth.arm_in, pieces.entry), (truth.arm_out, pieces.exit)):
        votes = np.zeros((len(pieces.cameras), 4, int(zones.max(initial=0)) + 1))
        np.add.at(votes, (pieces.camera[whole], arms[at[whole]], zones[whole]), 1)
        votes[:, :, 0] *= 0.5  # elsewhere only where nothing else is
        tables.append(votes.argmax(axis=2))
    return tables[0], tables[1]


def true_counts(world: World) -> dict[tuple[object, ...], float]:
    pieces, p = world.traffic.observed.pieces, world.passages
    entry, exit_ = zones_of_arms(world)
    found: dict[tuple[object, ...], float] = {}
    for camera, a, b, start in zip(p.camera, p.arm_in, p.arm_out, p.start_s, strict=True):
        names = pieces.entry_names[camera][entry[camera, a]], pieces.exit_names[camera][exit_[camera, b]]
        key = (start // BIN_S * BIN_S, pieces.cameras[camera], *names)
        found[key] = found.get(key, 0) + 1
    return found


def true_trips(world: World) -> dict[tuple[object, ...], float]:
    names, p = world.traffic.observed.pieces.cameras, world.passages
    head = np.flatnonzero(np.diff(p.vehicle, prepend=-1))
    tail = np.append(head[1:], len(p.vehicle)) - 1
    found: dict[tuple[object, ...], float] = {}
    for a, b in zip(p.camera[head], p.camera[tail], strict=True):
        found[names[a], names[b]] = found.get((names[a], names[b]), 0) + 1
    return found


def true_legs(world: World) -> dict[tuple[object, ...], Double]:
    names, p = world.traffic.observed.pieces.cameras, world.passages
    next_ = np.flatnonzero((np.diff(p.vehicle) == 0) & (np.diff(p.camera) != 0))
    seconds = p.start_s[next_ + 1] - p.end_s[next_]
    found: dict[tuple[object, ...], list[float]] = {}
    for a, b, s in zip(p.camera[next_], p.camera[next_ + 1], seconds.tolist(), strict=True):
        found.setdefault((names[a], names[b]), []).append(s)
    return {key: np.array(times) for key, times in found.items()}


# --- judgement ------------------------------------------------------------------------------------------------------


def judge(world: World) -> dict[str, float]:
    tables = world.traffic.tables
    counts = dict(cells(tables["counts_by_bin"], ("from_s", "camera_id", "entry", "exit")))
    known = {key: cell for key, cell in counts.items() if "elsewhere" not in key}
    truth = true_counts(world)
    trips, true_od = dict(cells(tables["od"], ("from", "to"))), true_trips(world)
    recall = world.traffic.estimates.recall
    seen, missed = recall.seen.sum(), recall.missed.sum()
    hours = world.difficulty.streets.duration_s / 3600
    return {
        "count": error(known, truth, "estimate"),
        "count_seen": error(known, truth, "vehicles"),
        "od": error(trips, true_od, "estimate"),
        "od_seen": error(trips, true_od, "vehicles"),
        "geh": geh(tables["counts"], truth, hours),
        **legs(tables["legs"], true_legs(world)),
        "recall": seen / (seen + missed) if seen else float("nan"),
        "recall_true": world.recall,
        "in_count": inside(known, truth),
        "in_od": inside(trips, true_od),
    }


def cells(table: pa.Table, keys: tuple[str, ...]) -> Iterator[tuple[tuple[object, ...], Mapping[str, float]]]:
    for row in table.to_pylist():
        yield tuple(row[key] for key in keys), row


def error(found: Mapping[tuple[object, ...], Mapping[str, float]], truth: Truth, name: str) -> float:
    """Sum of absolute errors over the true total."""
    keys = found.keys() | truth.keys()
    off = sum(abs((found[k][name] if k in found else 0.0) - truth.get(k, 0.0)) for k in keys)
    return off / sum(truth.values())


def inside(found: Cells, truth: Truth) -> float:
    """Fraction of the cells, but for those that are empty on both sides, whose interval holds the truth."""
    keys = truth.keys() | {k for k, row in found.items() if row["high"] > 0}
    held = [k in found and found[k]["low"] <= truth.get(k, 0.0) <= found[k]["high"] for k in keys]
    return float(np.mean(held))


def geh(counts: pa.Table, truth: Truth, hours: float) -> float:
    """Fraction of the movements whose hourly flow has a GEH statistic below 5."""
    total: dict[tuple[object, ...], float] = {}
    for (_, *movement), n in truth.items():
        total[tuple(movement)] = total.get(tuple(movement), 0) + n
    found = {key: row["estimate"] for key, row in cells(counts, ("camera_id", "entry", "exit"))}
    values = []
    for key, n in total.items():
        model, count = found.get(key, 0.0) / hours, n / hours
        values.append(np.sqrt(2 * (model - count) ** 2 / (model + count)))
    return float(np.mean(np.array(values) < 5))


def legs(table: pa.Table, truth: Mapping[tuple[object, ...], Double]) -> dict[str, float]:
    """Mean error of the median travel times in seconds, and how often their interval holds the truth, for legs of
    LEAST vehicles."""
    found = dict(cells(table, ("from", "to")))
    name = "exit_to_entry_p50"
    off, held = [], []
    for key, seconds in truth.items():
        if len(seconds) >= LEAST and key in found:
            median, row = float(np.median(seconds)), found[key]
            off.append(abs(row[f"{name}_s"] - median))
            held.append(row[f"{name}_low_s"] - 1e-9 <= median <= row[f"{name}_high_s"] + 1e-9)
    return {"leg_s": float(np.mean(off)), "in_leg": float(np.mean(held))}


def mean(worlds: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.nanmean([w[name] for w in worlds])) for name in MEASURES}


def table(rows: list[dict[str, float]]) -> str:
    heads = {
        "level": "level", "seeds": "seeds", "count": "counts", "count_seen": "as seen", "od": "OD",
        "od_seen": "as seen", "geh": "GEH < 5", "leg_s": "median time, s", "recall": "recall", "recall_true": "true",
        "in_count": "counts in 90 %", "in_od": "OD in 90 %", "in_leg": "times in 90 %",
    }  # fmt: skip
    lines = ["| " + " | ".join(heads.values()) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        values = [f"{row[k]:.0f}" if k in ("level", "seeds") else f"{row[k]:.3f}" for k in heads]
        lines.append("| " + " | ".join(values) + " |")
    return "\n".join(lines)


# --- a day ----------------------------------------------------------------------------------------------------------


def day(seed: int, samples: int) -> dict[str, float]:
    """Fifty cameras for 24 hours, tracklets under true links with as many rivals: seconds and memory of the tables."""
    streets = replace(LEVELS[2].streets, cameras=50, duration_s=86_400.0, vehicles_per_min=24.0)
    simulated = simulate(replace(LEVELS[2], streets=streets, dimension=1), seed)
    solution, network = true_solution(simulated, seed), true_network(simulated)
    worked, started, _ = time.process_time(), time.perf_counter(), restart_peak()
    found = Traffic(observed(simulated, solution, network, 86_400.0), Question(samples=samples))
    rows = {name: table.num_rows for name, table in found.tables.items()}
    return {
        "tracklets": len(simulated.table), "samples": samples, "seconds": round(time.perf_counter() - started, 1),
        "processor_s": round(time.process_time() - worked, 1),
        "peak_mb": round(peak_mb()), **{f"{name}_rows": count for name, count in rows.items()},
    }  # fmt: skip


def true_network(simulated: Simulated) -> dict[str, Any]:
    """What traffic reads of a ``network.json``: zones as the linker finds them, and the ways that there are."""
    table = simulated.table
    zones = assign_zones(table)
    ends = zip(table.cameras, zones.entries, zones.exits, strict=True)
    cameras = {
        name: {end: [{"centre": c} for c in z.centre.tolist()] for end, z in (("entries", a), ("exits", b))}
        for name, a, b in ends
    }
    links = zip(simulated.link_from.tolist(), simulated.link_to.tolist(), strict=True)
    return {"cameras": cameras, "links": [{"from": table.cameras[a], "to": table.cameras[b]} for a, b in links]}


def true_solution(simulated: Simulated, seed: int) -> Solution:
    """The true vehicles, their links, and for every fifth of them a rival that is nearly as likely: two exchanged."""
    table, vehicle = simulated.table, simulated.vehicle_id
    order = np.lexsort((table.start_s, vehicle))
    next_ = np.flatnonzero(np.diff(vehicle[order]) == 0)
    source, target = order[next_], order[next_ + 1]
    random = np.random.default_rng(seed)
    rivalled = random.permutation(len(source))[: len(source) // 10 * 2]
    other = target[rivalled].reshape(-1, 2)[:, ::-1].ravel()
    ends = np.concatenate([source, source[rivalled]]), np.concatenate([target, other])
    odds = np.concatenate([np.full(len(source), 4.0), np.full(len(rivalled), 2.0)])
    return Solution(vehicle, possible=Possible(*ends, odds, *ends))


if __name__ == "__main__":
    main()
