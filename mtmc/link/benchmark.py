"""One folder's tracklets with their truth, ready for any linker to be judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mtmc.link import LinkParams, Problem
from mtmc.link.agreement import agreement
from mtmc.link.compare import Outcome, measure
from mtmc.link.describe import pose
from mtmc.link.learning.em import on_common_time
from mtmc.link.problem import vehicles
from mtmc.scene import Scene
from mtmc.structures import Embeddings, GlobalTrack, Long, Tracklet, TrackletTable

Rates = dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A problem, where it came from, and a judge of labels (T,) that returns idf1, link_precision, link_recall and link_f1."""

    folder: Path
    problem: Problem
    judge: Callable[[Long], Rates]

    def run(self, name: str, params: LinkParams, zones: Path | None) -> tuple[Rates, tuple[str, ...]]:
        """The named linker's rates, seconds and peak_mb, and its warnings. ``zones``: else the folder's own zones.toml, if any."""
        own = self.folder / "zones.toml"
        file = zones or params.zones_file or (own if own.exists() else None)
        outcome = measure(self.problem, params.model_copy(update={"linker": name, "zones_file": file}))
        warnings = outcome.solution.warnings
        if name == "zones" and file is None:
            warnings = (*warnings, "No zones file: every pair of cameras and any travel time is allowed.")
        return self._rates(outcome), warnings

    def _rates(self, outcome: Outcome) -> Rates:
        return {**self.judge(outcome.solution.labels), "seconds": outcome.seconds, "peak_mb": outcome.peak_mb}


def simulated_case(folder: Path, table: TrackletTable, vehicle_id: Long, boxes: Long, clock_known: bool) -> Case:
    """Simulated tracklets, judged tracklet by tracklet."""

    def judge(labels: Long) -> Rates:
        found = agreement(vehicle_id, labels, boxes)
        rates = {"link_precision": found.link_precision, "link_recall": found.link_recall, "link_f1": found.link_f1}
        return {"idf1": found.idf1, **rates}

    return Case(folder, Problem.of(table, clock_known), judge)


def run_case(
    folder: Path, scene: Scene, tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings],
    judge: Callable[[list[GlobalTrack]], Rates], forget_clocks: bool,
) -> Case:  # fmt: skip
    """A run's tracklets, judged as vehicles. ``forget_clocks``: every video starts at zero and nobody knows better."""
    problem = pose(scene, tracklets, embeddings)
    if forget_clocks:
        offsets = np.array([scene.cameras[name].offset_s for name in problem.table.cameras])
        table = on_common_time(problem.table, offsets)
        problem = replace(problem, table=table, clock_known=np.zeros(len(offsets), bool))
    return Case(folder, problem, lambda labels: judge(vehicles(tracklets, labels)))
