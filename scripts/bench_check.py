"""Measures a few numbers of linking, tracking and scoring again and prints what slipped against
tests/golden/bench/*.json.

Accuracy may not fall by more than .002 anywhere. Processor seconds are compared only on the machine that the stored
ones came from; there the best of three runs may be a quarter slower. Exit code 1 if something slipped. --store keeps
the new numbers.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench_score
import bench_track
from track_scenes import scene

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.benchmark import agreement
from mtmc.score import ScoreParams, score
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from mtmc.track import to_tracklets

STORED = Path(__file__).resolve().parents[1] / "tests" / "golden" / "bench"
FALL, SLOWER, RUNS = 0.002, 1.25, 3

Numbers = dict[str, float]


def link() -> Numbers:
    """The default linker on one simulated world of each level."""
    found: Numbers = {}
    for level in LEVELS:
        world = simulate(LEVELS[level], 101)
        seconds, solution = best(lambda world=world: solve(Problem.of(world.table), LinkParams()))
        found[f"level {level}, idf1"] = agreement(world.vehicle_id, solution.labels, world.boxes).idf1
        found[f"level {level}, processor_s"] = seconds
    return found


def track() -> Numbers:
    """The default tracker, and with repair, on one of the bench's generated junctions of each kind."""
    found: Numbers = {}
    for traffic in bench_track.SCENES:
        truth, boxes = scene(traffic, 1)
        for name, way in (("jde", bench_track.ours()), ("jde + repair", bench_track.repaired)):
            seconds, tracks = best(lambda way=way, boxes=boxes, fps=traffic.fps: way(boxes, fps))
            rates = bench_track.judge(truth, to_tracklets("c001", boxes, tracks))
            found |= {f"{traffic.name}, {name}, {rate}": rates[rate] for rate in ("idf1", "hota")}
            found[f"{traffic.name}, {name}, processor_s"] = seconds
    return found


def scoring() -> Numbers:
    """All of ``mtmc score`` on a set of AI City's training size."""
    truth, predicted = bench_score.synthetic_set(184)
    seconds, scores = best(lambda: score(truth, predicted, ScoreParams(multi_camera=False)))
    return {"idf1": scores.idf1, "hota": scores.hota, "mota": scores.mota, "processor_s": seconds}


BENCHES: dict[str, Callable[[], Numbers]] = {"link": link, "track": track, "score": scoring}


def best(work: Callable[[], Any]) -> tuple[float, Any]:
    """Fewest processor seconds of some runs, and what the last gave."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return min(times), result


def slips(stored: dict[str, Any], found: Numbers, here: str) -> list[str]:
    """A sentence for every number that is worse than the stored one by more than its tolerance, or gone."""
    said = []
    for key, before in stored["numbers"].items():
        now = found.get(key)
        timed = key.endswith("processor_s")
        if now is None:
            said.append(f"{key}: {before:.4g} is not measured any more")
        elif timed and stored["machine"] == here and now > SLOWER * before:
            said.append(f"{key}: {before:.4g} -> {now:.4g} s")
        elif not timed and now < before - FALL:
            said.append(f"{key}: {before:.4f} -> {now:.4f}")
    return said


def machine() -> str:
    """Processor, Python and system, as far as they matter for speed."""
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return f"{(names or [platform.processor()])[0]}, Python {platform.python_version()}, {platform.system()}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def commit() -> str:
    """The short name of what is checked out."""
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    ).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES], help="benches to run; all by default")
    parser.add_argument("--store", action="store_true", help="keep the numbers instead of comparing them")
    arguments = parser.parse_args()
    slipped = 0
    for name in arguments.names or BENCHES:
        found, path = BENCHES[name](), STORED / f"{name}.json"
        numbers = {key: round(value, 4) for key, value in found.items()}
        if arguments.store:
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({"commit": commit(), "machine": machine(), "numbers": numbers}, indent=2) + "\n")
            continue
        said = slips(json.loads(path.read_text()), numbers, machine())
        print("\n".join(f"{name}: {line}" for line in said) or f"{name}: nothing slipped")
        slipped += len(said)
    return int(slipped > 0)


if __name__ == "__main__":
    sys.exit(main())
