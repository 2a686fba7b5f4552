"""IDF1, HOTA and where the points went, for each level of the synthetic city and each linker: mean and deviation over
seeds.

Detection, tracking and embedding run once per scene, with the demo weights; each linker links the same tracklets. Seeds
count from FIRST_SEED: none of them was trained on.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtmc.config import load_config
from mtmc.pipeline import default_workers, run_pipeline
from mtmc.pipeline.planning import plan
from mtmc.score import Scores, score
from mtmc.score.loss import CAUSES
from mtmc.score.sources import load_sides
from mtmc.synth.scene import SynthParams, make_world
from mtmc.synth.writers.dataset import write_scene

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "configs" / "pipeline" / "demo.toml"
LINKERS = ("network", "hungarian", "agglomerative", "electricity", "zones")
FIRST_SEED = 1001

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What one linker reached on one scene."""

    level: int
    seed: int
    linker: str
    idf1: float
    hota: float
    loss: Mapping[str, float]


def main() -> None:
    args = parse_arguments()
    results: list[Result] = []
    for level in args.levels:
        for seed in range(FIRST_SEED, FIRST_SEED + args.seeds):
            results += measure(level, seed, args)
            write_json(args.work / "results.json", results)
    print(json.dumps(rows(results), indent=2) if args.json else table(results))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", type=numbers, default=[1, 2, 3, 4, 5], help="such as 1,2,5")
    parser.add_argument("--seeds", type=int, default=5, help="scenes per level")
    parser.add_argument("--linkers", type=lambda text: text.split(","), default=list(LINKERS))
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "ladder", help="folder for runs and results.json")
    parser.add_argument("--keep", action="store_true", help="keep the scenes' videos")
    parser.add_argument("--set", action="append", default=[], help="a change, such as embed.weights=FILE; repeatable")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def measure(level: int, seed: int, args: argparse.Namespace) -> list[Result]:
    """All linkers on one scene; a run that is there already is not made again."""
    scene, run = args.work / f"level{level}-{seed}", args.work / f"run{level}-{seed}"
    if not (scene / "S01").exists():
        knobs = SynthParams.model_validate(
            tomllib.loads((ROOT / "configs" / "synth" / f"level{level}.toml").read_text())
        )
        write_scene(make_world(knobs, seed), scene)
    results = [link(level, seed, name, scene / "S01", run, args) for name in args.linkers]
    if not args.keep:
        shutil.rmtree(scene)
        shutil.rmtree(run)
    return results


def link(level: int, seed: int, linker: str, scene: Path, run: Path, args: argparse.Namespace) -> Result:
    """Run the pipeline as far as it is stale: after the first linker that is linking alone."""
    config = load_config(CONFIG, [f"link.linker={linker}", "report.video=false", *args.set])
    todo = plan(scene, run, config, args.device)
    run_pipeline(todo, default_workers(todo.units, args.device), lambda camera, stage, done, total: None)
    sides = load_sides(run, None, None)
    scores: Scores = score(sides.truth, sides.predicted, masks=sides.masks)
    logger.info("level %d seed %d %s: IDF1 %.4f HOTA %.4f", level, seed, linker, scores.idf1, scores.hota)
    return Result(level, seed, linker, scores.idf1, scores.hota, scores.loss.shares)


# --- tables ---------------------------------------------------------------------------------------------------------


def write_json(path: Path, results: Sequence[Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [
        {"level": r.level, "seed": r.seed, "linker": r.linker, "idf1": r.idf1, "hota": r.hota, "loss": r.loss}
        for r in results
    ]
    path.write_text(json.dumps(entries, indent=1), encoding="utf-8")


def rows(results: Sequence[Result]) -> list[dict[str, object]]:
    """One row per level and linker: mean and sample deviation (None of a single seed) of the scores, mean of each
    loss."""
    keys = sorted(
        {(r.level, r.linker) for r in results}, key=lambda key: (key[0], [r.linker for r in results].index(key[1]))
    )
    found = []
    for level, linker in keys:
        group = [r for r in results if (r.level, r.linker) == (level, linker)]
        found.append({
            "level": level, "linker": linker, "seeds": len(group),
            "idf1": spread(r.idf1 for r in group), "hota": spread(r.hota for r in group),
            "loss": {cause: float(np.mean([r.loss[cause] for r in group])) for cause in CAUSES},
        })  # fmt: skip
    return found


def spread(values: Iterable[float]) -> dict[str, float | None]:
    array = np.array(list(values))
    return {"mean": float(array.mean()), "sd": float(array.std(ddof=1)) if len(array) > 1 else None}


def table(results: Sequence[Result]) -> str:
    """Markdown; the causes' shares add up to 1 - IDF1, in percent."""
    heads = ["level", "linker", "seeds", "IDF1", "HOTA", *(cause.replace("_", " ") for cause in CAUSES)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows(results):
        loss = row["loss"]
        assert isinstance(loss, dict)
        cells = [row["level"], row["linker"], row["seeds"], shown(row["idf1"]), shown(row["hota"])]
        cells += [f"{100 * loss[cause]:.1f}" for cause in CAUSES]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def shown(value: object) -> str:
    assert isinstance(value, dict)
    return f"{value['mean']:.3f}" + ("" if value["sd"] is None else f" ± {value['sd']:.3f}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    main()
