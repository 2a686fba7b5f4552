"""Linkers on worlds like the real ones: presets, true or tracker's tracklets, three strengths of appearance, clocks
known or withheld; called by scripts/bench_link --real.

IDF1 as ``mtmc score`` counts it (vehicles left in one camera dropped), mean over seeds. ``best`` columns are baselines
at the threshold that is best on that very scene, chosen with the truth: more than a user can have.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.baselines.electricity import nearest_tracks, relabel
from mtmc.link.baselines.plain import Hungarian, condensed_distances
from mtmc.link.baselines.zones import DrawnZones
from mtmc.link.benchmark import calibration
from mtmc.link.model.zones_file import read_zones
from mtmc.synth.scene import SynthParams
from mtmc.synth.tracklets.places import Place
from mtmc.synth.tracklets.simulated import Simulated
from mtmc.synth.tracklets.tracker_noise import TrackerNoise

MAX_OFFSET_S = 30.0
THRESHOLDS = np.arange(0.15, 0.9, 0.05)
ZONE_THRESHOLDS = (0.5, 0.7, 0.8, 1.0)
KINDS = {"true": None, "noisy": TrackerNoise()}


def real(seeds: Iterable[int], places: list[str], kinds: list[str], strengths: list[str], out: dict) -> None:
    """Print one line per place, kind of tracklets and strength as soon as its seeds are done; rows and means into
    ``out``."""
    for name, kind, strength in itertools.product(places, kinds, strengths):
        rows = [_row(place(name, seed), kind, strength) for seed in seeds]
        said, right = (np.concatenate([row.pop(key) for row in rows]) for key in ("said", "right"))
        means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        means["ece"] = float(calibration(said, right)[3])
        out[f"{name} {kind} {strength}"] = {"mean": means, "seeds": rows}
        print(f"{name:13} {kind:5} {strength:4} {'  '.join(f'{k} {v:.3f}' for k, v in means.items())}", flush=True)


_PLACES: dict[tuple[str, int], Place] = {}


def place(name: str, seed: int) -> Place:
    """A place, made once."""
    if (name, seed) not in _PLACES:
        _PLACES[name, seed] = Place(SynthParams(preset=name), seed)
    return _PLACES[name, seed]


def _row(where: Place, kind: str, strength: str) -> dict:
    """IDF1 of every linker on one scene, and probability and truth of the network linker's links of true vehicles:
    whether two tracklets of a parked car are one, the truth does not say."""
    known = where.tracklets(strength, KINDS[kind])
    withheld = where.tracklets(strength, KINDS[kind], MAX_OFFSET_S)
    row: dict = {"perfect": known.identity_f1(known.vehicle_id)}
    solution = solve(Problem.of(known.table), LinkParams())
    row["network"] = known.identity_f1(solution.labels)
    row["withheld"] = withheld.identity_f1(solve(Problem.of(withheld.table, False), LinkParams()).labels)
    row["zones"], row["zones_best"] = _zones(known)
    for linker, labels in _baselines(known).items():
        row[linker] = known.identity_f1(solve(Problem.of(known.table), LinkParams(linker=linker)).labels)
        row[f"{linker}_best"] = max(known.identity_f1(labels(threshold)) for threshold in THRESHOLDS)
    links = solution.links
    one, other = known.vehicle_id[links.source], known.vehicle_id[links.target]
    judged = (one >= 0) | (other >= 0)
    row["said"], row["right"] = links.probability[judged], (one == other)[judged]
    return row


def _zones(scene: Simulated) -> tuple[float, float]:
    """IDF1 of the linker that is told the true zones and travel times: as it comes, and at its best threshold."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zones.toml"
        path.write_text(scene.zones_toml)
        drawn = read_zones(path)
    problem, usual = Problem.of(scene.table), LinkParams().zones_max_distance
    found = {limit: scene.identity_f1(DrawnZones(drawn, limit)(problem).labels) for limit in (usual, *ZONE_THRESHOLDS)}
    return found[usual], max(found.values())


def unrelated(seeds: Iterable[int], strengths: list[str], out: dict) -> None:
    """Vehicles that linkers see in both of two cameras that share none, over all pairs of eleven, a tracker's
    tracklets."""
    for strength in strengths:
        false, total = dict.fromkeys(("network", "withheld", "hungarian", "agglomerative", "electricity"), 0), 0
        for seed in seeds:
            scene = place("unrelated11", seed).tracklets(strength, TrackerNoise(parked_alike=True))
            for pair in itertools.combinations(range(len(scene.table.cameras)), 2):
                table = scene.table.take(np.isin(scene.table.camera, pair))
                total += len(table)
                for name in false:
                    linker = "network" if name == "withheld" else name
                    labels = solve(Problem.of(table, name != "withheld"), LinkParams(linker=linker)).labels
                    false[name] += _in_two_cameras(labels, table.camera)
        out[f"unrelated {strength}"] = false | {"tracklets": total}
        print(f"unrelated {strength:4} of {total:,} tracklets, false vehicles: {false}", flush=True)


def _in_two_cameras(labels: np.ndarray, camera: np.ndarray) -> int:
    seen = np.unique(np.stack([labels, camera]), axis=1)[0]
    return int((np.unique(seen, return_counts=True)[1] > 1).sum())


def _baselines(scene: Simulated) -> dict[str, Callable[[float], np.ndarray]]:
    """Baselines as functions of their threshold; what does not depend on it is worked out once."""
    problem = Problem.of(scene.table)
    tree = linkage(condensed_distances(scene.table), method="complete")
    nearest, distance = nearest_tracks(problem)
    return {
        "hungarian": lambda limit: Hungarian(limit)(problem).labels,
        "agglomerative": lambda limit: fcluster(tree, limit, criterion="distance"),
        "electricity": lambda limit: relabel(nearest, np.where(distance <= 2 * limit, distance, np.inf)),
    }
