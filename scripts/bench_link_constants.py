"""How much the default linker's constants matter: each halved and doubled, on dev seeds. scripts/bench_link_constants
[--json FILE]."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from bench_link import MAX_OFFSET_S, graph_f1

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.benchmark import agreement
from mtmc.synth.tracklets.sampling import LEVELS, Simulated, simulate

TUNED = {
    "model.entry_exit_zones": ("RADIUS", "REACH", "LEAST_FRACTION", "LEAST_COUNT", "HEADING_WEIGHT", "LEAST_DEVIATION"),
    "model.camera_network": (
        "OUTLIER_FRACTION", "PRIOR_COUNT", "SHRINKAGE", "LEAST_COUNT", "ENTRY_PSEUDOCOUNT", "GONE_PRIOR",
    ),
    "model.densities": ("MOST_EVIDENCE", "GAUSSIAN_WEIGHT", "GAUSSIAN_FRACTION"),
    "model.topology_graph": ("LEAST_COUNT", "MISSED_FRACTION"),
    "evidence.candidates": ("GAP_S", "REACH"),
    "evidence.appearance": ("BIAS_WEIGHT", "LEAST_LINKS"),
    "evidence.log_odds": ("LEAST_OF_A_WAY", "MOST_PLACE_EVIDENCE", "LEAST_LOG_DENSITY"),
    "learning.transitions": (
        "LEAST_SIGNIFICANCE", "LEAST_SIGNIFICANCE_OF_FEW", "LEAST_VOTES", "MANY_PAIRS", "LEAST_EXPECTED", "MOST_MODES",
        "TWO_WAY", "NEAR",
    ),
    "learning.m_step": (
        "CLASS_WEIGHT", "FRAGMENT_WEIGHT", "USUAL_GAP_S", "USUAL_DEVIATION", "FIRST_GATE_WIDTHS", "FIRST_GATE_S",
        "FIRST_OUTLIER_FRACTION", "LEAST_COUNT", "GATE_MARGINS", "CORE", "BANDWIDTH", "LEAST_BANDWIDTH",
    ),
    "learning.em": ("ROUNDS", "ROUGH_ROUNDS", "GOOD_CLOCK_S"),
    "learning.clock_offsets": ("LEAST_COUNT", "ASYMMETRY_S", "GROSS", "GROSS_WEIGHT", "LEAST_SCALE_S"),
}  # fmt: skip
"""Constants of mtmc.link that were chosen, not derived; those of calibrated ground and of clock steps have no part in
these worlds."""
SENSITIVITY_WORLDS = ((3, 101, 0.0), (3, 102, 0.0), (5, 101, 0.0), (3, 101, MAX_OFFSET_S), (5, 101, MAX_OFFSET_S))


def _quality(worlds: list[Simulated]) -> tuple[float, float]:
    rows = []
    for world in worlds:
        solution = solve(Problem.of(world.table, world.clock_known), LinkParams())
        idf1 = agreement(world.vehicle_id, solution.labels, world.boxes).idf1
        rows.append((idf1, graph_f1(world, solution.network)))
    idf1, graph = np.mean(rows, axis=0)
    return float(idf1), float(graph)


def _changed(worlds: list[Simulated], module: str, name: str, by: float) -> tuple[float, float]:
    """The quality with one constant multiplied, wherever it is imported."""
    home = sys.modules[f"mtmc.link.{module}"]
    value = getattr(home, name)
    times = tuple(v * by for v in value) if isinstance(value, tuple) else type(value)(round(value * by, 9))
    users = [m for key, m in sys.modules.items() if key.startswith("mtmc.link") and _uses(m, home, name)]
    for user in users:
        setattr(user, name, times)
    quality = _quality(worlds)
    for user in users:
        setattr(user, name, value)
    return quality


def _uses(module: object, home: object, name: str) -> bool:
    """Whether a module defines the constant or imports it from its home."""
    source = Path(module.__file__).read_text() if module is not home else ""
    imported = f"from {home.__name__} import" in source and name in source.split("\n\n\n")[0]
    return module is home or (imported and hasattr(module, name))


def main() -> None:
    """How IDF1 and the graph's F1, means over SENSITIVITY_WORLDS, change when a constant is halved or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    options = parser.parse_args()
    out: dict = {}
    worlds = [simulate(LEVELS[level], seed, offset) for level, seed, offset in SENSITIVITY_WORLDS]
    base = _quality(worlds)
    print(f"as it is: IDF1 {base[0]:.4f}, graph F1 {base[1]:.4f}", flush=True)
    for module, names in TUNED.items():
        for name in names:
            changes = [
                [a - b for a, b in zip(_changed(worlds, module, name, by), base, strict=True)] for by in (0.5, 2)
            ]
            out[f"{module}.{name}"] = changes
            (half, half_graph), (double, double_graph) = changes
            numbers = f"halved {half:+.4f}, doubled {double:+.4f}  graph {half_graph:+.3f}, {double_graph:+.3f}"
            print(f"{module}.{name}: {numbers}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
