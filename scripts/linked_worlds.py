"""Tracklets with their truth, simulated or of a finished run, as the benches of edits and health ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtmc.config import Config
from mtmc.geometry import iou
from mtmc.link import LinkParams, Problem, Solution
from mtmc.link.benchmark import agreement
from mtmc.link.describe import pose
from mtmc.link.problem import Links, vehicles
from mtmc.link.review.explain import own_evidence
from mtmc.score import ScoreParams, score
from mtmc.score.sources import load_sides
from mtmc.store import Run, open_run
from mtmc.structures import Long, Tracklet
from mtmc.synth.tracklets.sampling import Simulated

LEAST_IOU = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A linking problem with the parameters to solve it, the ``boxes`` (T,) of each tracklet, its true vehicle
    (``owner``, (T,), one of its own for false tracks), and what judges labels (T,): IDF1."""

    problem: Problem
    params: LinkParams
    boxes: Long
    owner: Long
    idf1: Callable[[Long], float]

    @staticmethod
    def simulated(world: Simulated) -> World:
        """Judged tracklet by tracklet: each is of one vehicle."""

        def judge(labels: Long) -> float:
            return float(agreement(world.vehicle_id, labels, world.boxes).idf1)

        return World(Problem.of(world.table), LinkParams(), world.boxes, world.vehicle_id, judge)

    @staticmethod
    def of_run(folder: Path) -> World:
        """A run of a rendered scene, for the network linker, judged as `mtmc score` does; an annotator sees the vehicle
        that most boxes of a tracklet lie on."""
        run, sides = open_run(folder), load_sides(folder, None, None)
        tracklets = run.tracklets()
        boxes = np.array([len(t) for t in tracklets], np.int64)

        def judge(labels: Long) -> float:
            return float(score(sides.truth, vehicles(tracklets, labels), ScoreParams(), sides.masks).idf1)

        params = Config.model_validate(run.settings["config"]).link.model_copy(update={"linker": "network"})
        return World(pose(run.scene, tracklets, run.embeddings()), params, boxes, owners(run, tracklets), judge)


def owners(run: Run, tracklets: Sequence[Tracklet]) -> Long:
    """The true vehicle (T,) that most boxes of each tracklet lie on, a number of its own for those on none."""
    truth = {}
    for camera_id in run.scene.cameras:
        file = Path(run.settings["videos"]) / camera_id / "gt" / "gt_all.txt"
        truth[camera_id] = np.loadtxt(file, delimiter=",", ndmin=2)
    return np.array([_owner(t, truth[t.camera_id]) or -1 - k for k, t in enumerate(tracklets)], np.int64)


def _owner(tracklet: Tracklet, rows: np.ndarray) -> int:
    """Of MOT rows (N, 6 and more) the number of the vehicle on most of the boxes, 0 for none."""
    found = []
    for frame, box in zip(tracklet.frames, tracklet.xyxy, strict=True):
        here = rows[rows[:, 0] == frame + 1]
        overlap = iou(box[None], np.hstack([here[:, 2:4], here[:, 2:4] + here[:, 4:6]]))[0]
        found.append(int(here[overlap.argmax(), 1]) if overlap.max(initial=0) >= LEAST_IOU else 0)
    numbers, counts = np.unique([number for number in found if number] or [0], return_counts=True)
    return int(numbers[counts.argmax()])


def spoken_for(solution: Solution) -> Links:
    """The links that evidence speaks for, as the page counts them."""
    links = solution.links
    assert links is not None
    return links.take(np.flatnonzero(own_evidence(links.columns)))
