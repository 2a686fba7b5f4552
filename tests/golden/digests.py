"""What each stage makes of fixed scenes, in short: the oracle of every rebuild, and the guard of ``pipeline.VERSIONS``.

Whole numbers and words are held exactly, by hash; other numbers by sums that a different processor may move in the last
places only. ``python -m tests.golden.digests`` stores what the code gives now in ``digests.json``: do so after raising
the version of a stage whose results were meant to change.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mtmc.link import LinkParams, Problem, solve
from mtmc.pipeline.planning import VERSIONS
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc, record_truth, run

STORED = Path(__file__).with_name("digests.json")
RECORDED = (*TRUE_BOXES, "--workers", 1)
RUNS: dict[str, tuple[tuple[object, ...], tuple[str, ...]]] = {
    "true boxes": (RECORDED, KEEP_ALL),
    "true boxes, repaired": (RECORDED, ("detect.recorded=det/true.txt",)),
    "true boxes, deepsort and electricity": (
        RECORDED,
        (*KEEP_ALL, "track.tracker=deepsort", "link.linker=electricity"),
    ),
    "motion": (("--detector", "motion", "--embedder", "histogram", "--workers", 1), ()),
}
"""Arguments and settings of the runs on one tiny scene."""
STAGES = ("detections", "tracklets", "embeddings", "vehicles")


def compute() -> dict[str, Any]:
    """Digests of all runs and linking worlds as the code gives them now."""
    with tempfile.TemporaryDirectory() as folder:
        city = Path(folder) / "city"
        mtmc("synth", city, "--preset", "tiny", "--seed", 2, "--set", "width_px=640", "--set", "parked=0")
        scene = city / "S01"
        record_truth(scene)
        runs = {name: dict(_run(scene, Path(folder) / name, *how)) for name, how in RUNS.items()}
    return {"versions": {stage: VERSIONS[stage] for stage in STAGES}, "runs": runs, "worlds": dict(_worlds())}


def _run(scene: Path, out: Path, arguments: tuple[object, ...], settings: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    run(scene, out, arguments, settings)
    for stage in STAGES[:-1]:
        parts = sorted((out / stage).glob("*.parquet"))
        yield stage, {part.stem: _table(pq.read_table(part)) for part in parts}
    network = out / "network.json"
    numbers = list(_numbers(json.loads(network.read_text()))) if network.is_file() else []
    yield (
        "vehicles",
        {
            "vehicles": _table(pq.read_table(out / "vehicles.parquet")),
            "links": _table(pq.read_table(out / "links.parquet")),
            "network.json": {
                "numbers": len(numbers),
                "sum": float(np.sum(numbers)),
                "absolute": float(np.abs(numbers).sum()),
            },
        },
    )


def _worlds() -> Iterator[tuple[str, Any]]:
    for level in (1, 3, 5):
        for name, offset in (("known", 0.0), ("withheld", 30.0)):
            world = simulate(LEVELS[level], 1, offset)
            solution = solve(Problem.of(world.table, world.clock_known), LinkParams())
            assert solution.links is not None
            columns = {"label": solution.labels}
            links = {"source": solution.links.source, "target": solution.links.target}
            links["probability"] = solution.links.probability
            yield (
                f"level {level}, clocks {name}",
                {"labels": _table(pa.table(columns)), "links": _table(pa.table(links))},
            )


def _table(table: pa.Table) -> dict[str, Any]:
    """Rows, one hash over all whole-number and word columns, and for each other column its sum, also of absolutes and
    weighted by row."""
    exact = hashlib.blake2b(digest_size=8)
    sums: dict[str, list[float]] = {}
    for name in table.column_names:
        kind = table.schema.field(name).type
        if pa.types.is_floating(kind) or pa.types.is_fixed_size_list(kind):
            column = table.column(name).combine_chunks()
            flat = column.flatten() if pa.types.is_fixed_size_list(kind) else column
            sums[name] = _sums(np.asarray(flat.to_numpy(zero_copy_only=False), np.float64))
        else:
            exact.update(json.dumps([name, table.column(name).to_pylist()], default=str).encode())
    return {"rows": len(table), "exact": exact.hexdigest(), "sums": sums}


def _sums(values: np.ndarray) -> list[float]:
    known = values[np.isfinite(values)]
    weight = np.linspace(1.0, 2.0, len(known))
    return [float(len(known)), float(known.sum()), float(np.abs(known).sum()), float((known * weight).sum())]


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _numbers(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


if __name__ == "__main__":
    STORED.write_text(json.dumps(compute(), indent=1) + "\n")
