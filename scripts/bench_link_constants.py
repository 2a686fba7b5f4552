"""How much the default linker's constants matter: each halved and doubled, on dev seeds. What changes mean IDF1 by less
than a hundredth either way counts as insensitive within a factor of two."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType

import loky
import numpy as np
from bench_link import MAX_OFFSET_S, graph_f1
from bench_real import KINDS

from mtmc.link import LinkParams, Problem, solve
from mtmc.synth.scene import SynthParams
from mtmc.synth.tracklets.places import Place
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from mtmc.synth.tracklets.simulated import Simulated

TUNED = {
    "model.entry_exit_zones": ("RADIUS", "REACH", "LEAST_FRACTION", "LEAST_COUNT", "HEADING_WEIGHT", "LEAST_DEVIATION"),
    "model.camera_network": (
        "OUTLIER_FRACTION", "PRIOR_COUNT", "SHRINKAGE", "LEAST_COUNT", "ENTRY_PSEUDOCOUNT", "GONE_PRIOR",
    ),
    "model.densities": ("MOST_EVIDENCE", "GAUSSIAN_WEIGHT", "GAUSSIAN_FRACTION"),
    "model.topology_graph": ("LEAST_COUNT", "MISSED_FRACTION"),
    "evidence.candidates": ("GAP_S", "REACH"),
    "evidence.appearance": ("BIAS_WEIGHT", "LEAST_LINKS"),
    "evidence.log_odds": ("MOST_APART", "MOST_PLACE_EVIDENCE", "LEAST_LOG_DENSITY"),
    "evidence.sizes": ("FLATNESS", "WAY_WEIGHT"),
    "evidence.views": ("STANDS_S", "STANDS", "STANDS_PER_S", "SAME_STAY", "LEAST_RELATED"),
    "learning.view_delays": (
        "EARLY_S", "LATE_S", "WAITING", "LONGEST_WAIT_S", "DELAY_WEIGHT", "LEAST_PAIRS", "LEAST_DEVIATION_S",
        "LEAST_WIDTH_S", "WAY_S",
    ),
    "learning.view_model": (
        "OTHER_CAMERAS", "MOST_SHARED_PRIOR", "SHARED_WEIGHT", "ZONE_WEIGHT", "ZONE_EVIDENCE", "LEAST_SHARED",
        "ROUNDS", "LIKELY", "LEAST_OVERLAPS", "LEAST_OVERLAP_FRACTION", "AT_ONCE", "TOUCHING_S", "FEW_VIEWS",
        "LEAST_EARNED",
    ),
    "choice.cliques": ("PASSES", "LONGEST_GAP_S"),
    "choice.selection": ("FEW_IN_ALL", "RETURNS", "AGAIN_S"),
    "network_linker": ("ALIKE",),
    "learning.transitions": (
        "LEAST_SIGNIFICANCE", "LEAST_SIGNIFICANCE_OF_FEW", "LEAST_VOTES", "MANY_PAIRS", "LEAST_EXPECTED", "MOST_MODES",
        "TWO_WAY", "NEAR", "SMOOTH_BINS",
    ),
    "learning.m_step": (
        "CLASS_WEIGHT", "FRAGMENT_WEIGHT", "USUAL_GAP_S", "USUAL_DEVIATION", "LEAST_COUNT", "GATE_MARGINS",
        "CORE", "LIKELY", "BANDWIDTH", "LEAST_BANDWIDTH",
    ),
    "learning.first_network": ("FIRST_GATE_WIDTHS", "FIRST_GATE_S", "FIRST_OUTLIER_FRACTION"),
    "learning.em": ("ROUNDS", "ROUGH_ROUNDS", "GOOD_CLOCK_S"),
    "learning.clock_offsets": ("LEAST_COUNT", "ASYMMETRY_S", "GROSS", "GROSS_WEIGHT", "LEAST_SCALE_S"),
}  # fmt: skip
"""Constants of mtmc.link that were chosen, not derived; those of calibrated ground, of clock steps and of ways that
somebody drew have no part in these worlds."""
PRESETS = (
    ("hamlet6", None, "noisy", "hard", 0.0), ("hamlet6", None, "true", "mid", MAX_OFFSET_S),
    ("junction5", 60.0, "noisy", "mid", 0.0), ("corridor4", 60.0, "noisy", "mid", MAX_OFFSET_S),
    ("residential25", 60.0, "true", "mid", 0.0), ("residential25", 60.0, "noisy", "mid", 0.0),
)  # fmt: skip
"""Preset, seconds (None: its own), kind of tracklets, strength of appearance, clocks off by up to so many seconds."""


def _worlds(seeds: list[int]) -> list[Simulated]:
    """Level 2 with clocks withheld, and the presets, of each seed."""
    worlds = [simulate(LEVELS[2], seed, MAX_OFFSET_S) for seed in seeds]
    for preset, seconds, kind, strength, offset_s in PRESETS:
        params = SynthParams(preset=preset) if seconds is None else SynthParams(preset=preset, seconds=seconds)
        worlds += [Place(params, seed).tracklets(strength, KINDS[kind], offset_s) for seed in seeds]
    return worlds


def _quality(worlds: list[Simulated]) -> tuple[float, float]:
    """Mean IDF1, and the F1 of the first world's graph."""
    found = [solve(Problem.of(world.table, world.clock_known), LinkParams()) for world in worlds]
    idf1 = [world.identity_f1(solution.labels) for world, solution in zip(worlds, found, strict=True)]
    return float(np.mean(idf1)), graph_f1(worlds[0], found[0].network)


def _changed(worlds: list[Simulated], module: str, name: str, by: float) -> tuple[float, float]:
    """The quality with one constant multiplied, wherever it is imported."""
    home = sys.modules[f"mtmc.link.{module}"]
    value = getattr(home, name)
    times = tuple(v * by for v in value) if isinstance(value, tuple) else type(value)(round(value * by, 9))
    users = [m for key, m in sys.modules.items() if key.startswith("mtmc.link") and _uses(m, home, name)]
    for user in users:
        setattr(user, name, times)
    try:
        return _quality(worlds)
    finally:
        for user in users:
            setattr(user, name, value)


def _uses(module: ModuleType, home: ModuleType, name: str) -> bool:
    """Whether a module defines the constant or imports it from its home."""
    if module is home:
        return True
    imports = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.ImportFrom)]
    return any(node.module == home.__name__ and name in (one.name for one in node.names) for node in imports)


def main() -> None:
    """How IDF1, mean over the worlds, and the graph's F1 change when a constant is halved or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101])
    parser.add_argument("--only", nargs="+", help="constants, as module.NAME")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    options = parser.parse_args()
    names = options.only or [f"{module}.{name}" for module, names in TUNED.items() for name in names]
    worlds, out = _worlds(options.seeds), {}
    base = _quality(worlds)
    print(f"as it is: IDF1 {base[0]:.4f}, graph F1 {base[1]:.4f}", flush=True)
    with loky.ProcessPoolExecutor(options.workers) as pool:
        found = [[pool.submit(_changed, worlds, *name.rsplit(".", 1), by) for by in (0.5, 2.0)] for name in names]
        for name, both in zip(names, found, strict=True):
            changes = out[name] = [list(np.subtract(one.result(), base)) for one in both]
            (half, half_graph), (double, double_graph) = changes
            numbers = f"halved {half:+.4f}, doubled {double:+.4f}  graph {half_graph:+.3f}, {double_graph:+.3f}"
            print(f"{name}: {numbers}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
